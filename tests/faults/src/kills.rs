use std::time::{Duration, Instant};

use loom_test_support::tokenhub::{Answer, ChatRequestSeen};
use loom_test_support::{Filed, Loom, Options, Project, Random, Repository};
use serde_json::json;

use crate::evidence;

const KILLS: u32 = 50;
const BEADS: usize = 20;
const AGENTS: usize = 8;
/// How many commits each bead takes.
pub(crate) const COMMITS: usize = 3;
/// So that nothing waits long for the lease of a holder that was killed.
const LEASE_SECONDS: u32 = 2;
/// The most that is seen to happen between two kills.
const MOST_EVENTS: u64 = 9;
/// Kill it even when nothing happens for so long: it may be killed while it waits, too.
const LONGEST_LIFE: Duration = Duration::from_secs(5);
/// How long the beads may take after the last kill.
const LONGEST_END: Duration = Duration::from_secs(120);

/// A file, then its commit, again and again; half of the beads do both in one step. Then `done`.
fn answer(bead: usize, seen: &ChatRequestSeen) -> Answer {
    let write = |round: usize| {
        let path = format!("work/{bead:02}-{round}.txt");
        let content = format!("Bead {bead}, round {round}\n");
        (
            "write_file".to_owned(),
            json!({"path": path, "content": content}),
        )
    };
    let commit = |round: usize| {
        let message = format!("Round {round} of bead {bead}");
        ("git_commit".to_owned(), json!({"message": message}))
    };
    let turn = seen.turn;
    let calls = match (bead.is_multiple_of(2), turn) {
        (true, turn) if turn < COMMITS => vec![write(turn), commit(turn)],
        (false, turn) if turn < 2 * COMMITS && turn.is_multiple_of(2) => vec![write(turn / 2)],
        (false, turn) if turn < 2 * COMMITS => vec![commit(turn / 2)],
        _ => vec![(
            "done".to_owned(),
            json!({"summary": format!("Bead {bead} is done.")}),
        )],
    };
    // Long enough that some kills happen while the model thinks.
    let thinks = Duration::from_millis((bead as u64 * 7 + turn as u64 * 13) % 60);
    Answer::calls(calls).delayed(thinks)
}

fn title(bead: usize) -> String {
    format!("Work item {bead:02} of the kill test")
}

/// What the killer sees of the work, and the schedule that drives it.
struct Watch {
    loom: Loom,
    last: i64,
}

impl Watch {
    /// One tick, and how many events have been seen since the last look. A run that is put back in the queue is none:
    /// that happens after every kill, before anything else can.
    fn turn(&mut self) -> u64 {
        self.loom.tick();
        let path = format!("/api/v1/events?limit=1000&after={}", self.last);
        let page = self.loom.admin.get(&path).ok();
        let events = page["events"].as_array().unwrap();
        if let Some(newest) = events.last() {
            self.last = newest["sequence"].as_i64().unwrap();
        }
        let counted = events
            .iter()
            .filter(|event| event["type"] != "run.requeued")
            .count();
        counted as u64
    }

    fn live_for(&mut self, events: u64) {
        let born = Instant::now();
        let mut seen = 0;
        while seen < events && born.elapsed() < LONGEST_LIFE {
            seen += self.turn();
        }
    }

    fn all_closed(&self, project: &Project) -> bool {
        let path = format!("/api/v1/projects/{}/state", project.id);
        self.loom.admin.get(&path).ok()["beads"]["closed"] == json!(BEADS)
    }
}

#[test]
fn i7_a_host_that_is_killed_fifty_times_pays_no_reply_and_makes_no_commit_twice() {
    let seed = Random::seed_from("LOOM_FAULT_SEED");
    eprintln!("LOOM_FAULT_SEED={seed} repeats these moments, as far as the machine does");
    let mut random = Random::new(seed);
    let options = Options::default().variable("run_lease_seconds", LEASE_SECONDS);
    let Some(loom) = Loom::own(options) else {
        return;
    };
    let repository = Repository::new(&[("README.md", "ready\n")]);
    let team = ["engineering-manager"; AGENTS];
    let tests = json!({"test_command": "grep -q ready README.md"});
    let project = loom.project(&repository, &team, tests);
    for bead in 0..BEADS {
        loom.model
            .script(&title(bead), move |seen| answer(bead, seen));
    }
    let beads: Vec<Filed> = (0..BEADS)
        .map(|bead| loom.file(&project, &title(bead), json!({})))
        .collect();

    let mut watch = Watch { loom, last: 0 };
    let mut kills_at_work = 0;
    for _ in 0..KILLS {
        watch.live_for(random.within(1..=MOST_EVENTS));
        kills_at_work += u32::from(!watch.all_closed(&project));
        // Not between two looks, but at any moment.
        std::thread::sleep(Duration::from_micros(random.within(0..=20_000)));
        watch.loom.kill_and_restart();
    }
    let deadline = Instant::now() + LONGEST_END;
    while !watch.all_closed(&project) {
        watch.turn();
        assert!(
            Instant::now() < deadline,
            "{:#}",
            evidence::unfinished(&watch.loom, &beads)
        );
    }

    evidence::print(&watch.loom);
    assert_eq!(
        kills_at_work, KILLS,
        "every kill hits while beads are in flight"
    );
    evidence::of_work(&watch.loom, &beads);
    evidence::of_money(&watch.loom, &project, &beads);
    evidence::of_commits(&repository, &beads);
    evidence::of_events(&watch.loom);
}
