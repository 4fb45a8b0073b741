use std::time::{Duration, Instant};

use loom_test_support::tokenhub::{Answer, ChatRequestSeen, Gate};
use loom_test_support::{Filed, Loom, Options, Project, Random, Repository};
use serde_json::json;

use crate::evidence;
use crate::moments::{self, Progress};

/// Kills while every bead is in flight.
const KILLS: u32 = 50;
/// The most kills after that, while beads are merged and closed.
const KILLS_AT_THE_END: u32 = 15;
const BEADS: usize = 20;
/// How many commits each bead takes.
pub(crate) const COMMITS: usize = 5;
/// So that nothing waits long for the lease of a holder that was killed.
const LEASE_SECONDS: u32 = 2;
/// The most that is seen to happen between two kills.
const MOST_EVENTS: u64 = 9;
/// Kill it even when nothing happens for so long: it may be killed while it waits, too.
const LONGEST_LIFE: Duration = Duration::from_secs(2);
/// How long the beads may take after the last kill.
const LONGEST_END: Duration = Duration::from_secs(120);

/// A file, then its commit, again and again; half of the beads do both in one step. Then `done`, which the
/// model does not say before the gate opens.
fn answer(bead: usize, seen: &ChatRequestSeen, gate: &Gate) -> Answer {
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
        _ => {
            let summary = json!({"summary": format!("Bead {bead} is done.")});
            return Answer::call("done", summary).gated(gate);
        }
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
    progress: Progress,
}

impl Watch {
    /// One tick, and how many events that count have come since the last look.
    fn turn(&mut self) -> u64 {
        self.loom.tick();
        self.progress.look(&self.loom)
    }

    fn live_for(&mut self, events: u64) {
        let born = Instant::now();
        let mut seen = 0;
        while seen < events && born.elapsed() < LONGEST_LIFE {
            seen += self.turn();
        }
    }

    /// How many beads have this status.
    fn count(&self, project: &Project, status: &str) -> usize {
        let path = format!("/api/v1/projects/{}/state", project.id);
        let count = self.loom.admin.get(&path).ok()["beads"][status].as_u64();
        usize::try_from(count.unwrap()).unwrap()
    }
}

#[test]
fn i7_a_host_killed_fifty_times_pays_no_reply_and_makes_no_commit_twice() {
    let mut random = moments::random();
    let options = Options::default()
        .variable("run_lease_seconds", LEASE_SECONDS)
        .variable("max_concurrent", BEADS);
    let Some(loom) = Loom::own(options) else {
        return;
    };
    let repository = Repository::new(&[("README.md", "ready\n")]);
    let team = ["engineering-manager"; BEADS];
    let settings = json!({"test_command": "grep -q ready README.md", "max_concurrent": BEADS});
    let project = loom.project(&repository, &team, settings);
    let gate = Gate::new();
    for bead in 0..BEADS {
        let gate = gate.clone();
        loom.model
            .script(&title(bead), move |seen| answer(bead, seen, &gate));
    }
    let beads: Vec<Filed> = (0..BEADS)
        .map(|bead| loom.file(&project, &title(bead), json!({})))
        .collect();

    let mut watch = Watch {
        loom,
        progress: Progress::default(),
    };
    while watch.count(&project, "in_progress") < BEADS {
        watch.turn();
    }
    let mut kills = 0;
    let mut kill = |watch: &mut Watch, random: &mut Random| {
        moments::at_any_moment(random);
        watch.loom.kill_and_restart();
        kills += 1;
    };
    for _ in 0..KILLS {
        watch.live_for(random.within(1..=MOST_EVENTS));
        let in_flight = watch.count(&project, "in_progress");
        assert_eq!(
            in_flight,
            BEADS,
            "{:#}",
            evidence::unfinished(&watch.loom, &beads)
        );
        kill(&mut watch, &mut random);
    }
    gate.open();
    for _ in 0..KILLS_AT_THE_END {
        watch.live_for(random.within(1..=2 * MOST_EVENTS));
        if watch.count(&project, "closed") < BEADS {
            kill(&mut watch, &mut random);
        }
    }
    let deadline = Instant::now() + LONGEST_END;
    while watch.count(&project, "closed") < BEADS {
        watch.turn();
        assert!(
            Instant::now() < deadline,
            "{:#}",
            evidence::unfinished(&watch.loom, &beads)
        );
    }

    eprintln!("killed {kills} times");
    evidence::print(&watch.loom);
    evidence::of_work(&watch.loom, &beads);
    evidence::of_money(&watch.loom, &project, &beads);
    evidence::of_commits(&repository, &beads);
    evidence::of_events(&watch.loom);
}
