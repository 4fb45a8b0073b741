use std::time::{Duration, Instant};

use loom_test_support::{Loom, Options, Product, Repository};

use crate::evidence;
use crate::moments::{self, Progress};

/// How often the host is killed.
const KILLS: usize = 5;
/// After how many events, of the about 380 that there are, it may be killed: at the beginning, near the end, or between.
const WHEN: std::ops::RangeInclusive<u64> = 1..=320;
/// How long everything may take.
const LONGEST: Duration = Duration::from_secs(600);

/// One tick, the owner's answer where one is asked for, and a look at how far it has come.
fn turn(loom: &Loom, product: &Product, progress: &mut Progress) {
    loom.tick();
    product.answer(loom);
    progress.look(loom);
}

#[test]
fn a_bootstrap_whose_host_is_killed_five_times_ends_the_same() {
    let mut random = moments::random();
    let options = Options::default().variable("run_lease_seconds", 2);
    let Some(mut loom) = Loom::own(options) else {
        return;
    };
    let repository = Repository::new(&[("README.md", "Larder\n")]);
    let product = Product::begin(&loom, &repository);
    product.gate.open();
    let (mut progress, deadline) = (Progress::default(), Instant::now() + LONGEST);
    let unfinished = |loom: &Loom| format!("{:#?}", product.beads(loom));
    for moment in moments::after_events(&mut random, KILLS, &WHEN) {
        while progress.seen < moment {
            turn(&loom, &product, &mut progress);
            assert!(Instant::now() < deadline, "{}", unfinished(&loom));
        }
        assert!(
            !product.is_finished(&loom),
            "it was done after {} events",
            progress.seen
        );
        moments::at_any_moment(&mut random);
        loom.kill_and_restart();
        eprintln!("killed after {} events", progress.seen);
    }
    while !product.is_finished(&loom) {
        turn(&loom, &product, &mut progress);
        assert!(Instant::now() < deadline, "{}", unfinished(&loom));
    }
    eprintln!("done after {} events", progress.seen);
    product.check(&loom, &repository);
    evidence::of_events(&loom);
}
