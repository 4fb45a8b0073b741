use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use loom_test_support::{Access, GitHub, Loom, Random, Widget};

use crate::evidence;

/// How often a host is killed.
const KILLS: usize = 20;
/// After how many events, of the about 150 that there are, one may be killed.
const WHEN: std::ops::RangeInclusive<u64> = 1..=120;
/// When nothing happens for so long, what a killed host has left behind is given time to expire.
const STILL: Duration = Duration::from_secs(5);
/// How long everything may take.
const LONGEST: Duration = Duration::from_secs(600);

/// How many events that matter have come since the last look. After every kill runs are taken over; that is no progress.
fn progress(loom: &Loom, last: &mut i64) -> u64 {
    let path = format!("/api/v1/events?limit=1000&after={last}");
    let page = loom.admin.get(&path).ok();
    let events = page["events"].as_array().unwrap();
    if let Some(newest) = events.last() {
        *last = newest["sequence"].as_i64().unwrap();
    }
    let counted = events
        .iter()
        .filter(|event| !event["type"].as_str().unwrap().starts_with("run."))
        .count();
    counted as u64
}

/// An issue becomes merged code by two hosts on one database, of which one after the other is killed at random moments:
/// there is one branch, one pull request, one status comment, and no commit, comment or paid reply twice.
#[test]
fn an_issue_becomes_merged_code_once_although_hosts_are_killed_twenty_times() {
    let seed = Random::seed_from("LOOM_FAULT_SEED");
    eprintln!("LOOM_FAULT_SEED={seed} repeats these moments, as far as the machine does");
    let mut random = Random::new(seed);
    let github = GitHub::start(Access::Token);
    let options = github.options().variable("run_lease_seconds", 2);
    let Some(mut loom) = Loom::own(options) else {
        return;
    };
    let Some(mut other) = loom.second_host() else {
        return;
    };
    github.tell(&loom, Some(&other));
    let mut moments = BTreeSet::new();
    while moments.len() < KILLS {
        moments.insert(random.within(WHEN));
    }
    let mut moments = moments.into_iter().peekable();
    let mut widget = Widget::begin(&loom, &github);
    let (mut seen, mut last, mut killed) = (0, 0, 0);
    let deadline = Instant::now() + LONGEST;
    let mut moved = Instant::now();
    while !widget.is_finished(&loom, &github) {
        loom.tick();
        other.tick();
        widget.turn(&loom, &github);
        let more = progress(&loom, &mut last);
        seen += more;
        if more > 0 {
            moved = Instant::now();
        } else if moved.elapsed() > STILL {
            loom.pass_all_time();
            moved = Instant::now();
        }
        if moments.next_if(|moment| *moment <= seen).is_some() {
            // Not between two looks, but at any moment.
            std::thread::sleep(Duration::from_micros(random.within(0..=20_000)));
            if random.within(0..=1) == 0 {
                loom.kill_and_restart();
            } else {
                other.kill_and_restart();
            }
            killed += 1;
            github.tell(&loom, Some(&other));
        }
        assert!(
            Instant::now() < deadline,
            "{:#}",
            widget.unfinished(&loom, &github)
        );
    }
    eprintln!("killed {killed} times within {seen} events");
    assert_eq!(killed, KILLS, "it was done after {seen} events");
    assert!(github.double().settle(LONGEST), "all webhooks are sent");
    widget.check(&loom, &github);
    evidence::of_events(&loom);
}
