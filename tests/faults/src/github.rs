use std::time::{Duration, Instant};

use loom_test_support::{Access, GitHub, Loom, Widget};

use crate::evidence;
use crate::moments::{self, Progress};

/// How often a host is killed.
const KILLS: usize = 20;
/// After how many events, of the about 150 that there are, one may be killed.
const WHEN: std::ops::RangeInclusive<u64> = 1..=120;
/// When nothing happens for so long, what a killed host has left behind is given time to expire.
const STILL: Duration = Duration::from_secs(5);
/// How long everything may take.
const LONGEST: Duration = Duration::from_secs(600);

/// An issue becomes merged code by two hosts on one database, of which one after the other is killed at random moments:
/// there is one branch, one pull request, one status comment, and no commit, comment or paid reply twice.
#[test]
fn an_issue_becomes_merged_code_once_although_hosts_are_killed_twenty_times() {
    let mut random = moments::random();
    let github = GitHub::start(Access::Token);
    let options = github.options().variable("run_lease_seconds", 2);
    let Some(mut loom) = Loom::own(options) else {
        return;
    };
    let Some(mut other) = loom.second_host() else {
        return;
    };
    github.tell(&loom, Some(&other));
    let mut moments = moments::after_events(&mut random, KILLS, &WHEN)
        .into_iter()
        .peekable();
    let mut widget = Widget::begin(&loom, &github);
    let (mut progress, mut killed) = (Progress::default(), 0);
    let deadline = Instant::now() + LONGEST;
    let mut moved = Instant::now();
    while !widget.is_finished(&loom, &github) {
        loom.tick();
        other.tick();
        widget.turn(&loom, &github);
        if progress.look(&loom) > 0 {
            moved = Instant::now();
        } else if moved.elapsed() > STILL {
            loom.pass_all_time();
            moved = Instant::now();
        }
        if moments.next_if(|moment| *moment <= progress.seen).is_some() {
            moments::at_any_moment(&mut random);
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
    let seen = progress.seen;
    eprintln!("killed {killed} times within {seen} events");
    assert_eq!(killed, KILLS, "it was done after {seen} events");
    assert!(github.double().settle(LONGEST), "all webhooks are sent");
    widget.check(&loom, &github);
    evidence::of_events(&loom);
}
