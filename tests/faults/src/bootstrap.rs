use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use loom_test_support::{Loom, Options, Product, Random, Repository};

use crate::evidence;

/// How often the host is killed.
const KILLS: usize = 5;
/// After how many events, of the about 380 that there are, it may be killed: at the beginning, near the end, or between.
const WHEN: std::ops::RangeInclusive<u64> = 1..=320;
/// How long everything may take.
const LONGEST: Duration = Duration::from_secs(600);

/// One tick, the owner's answer where one is asked for, and how many events have been seen since the last look.
fn turn(loom: &Loom, product: &Product, last: &mut i64) -> u64 {
    loom.tick();
    product.answer(loom);
    let path = format!("/api/v1/events?limit=1000&after={last}");
    let page = loom.admin.get(&path).ok();
    let events = page["events"].as_array().unwrap();
    if let Some(newest) = events.last() {
        *last = newest["sequence"].as_i64().unwrap();
    }
    // After every kill runs are taken over; that is no progress.
    let counted = events
        .iter()
        .filter(|event| !event["type"].as_str().unwrap().starts_with("run."))
        .count();
    counted as u64
}

#[test]
fn a_bootstrap_whose_host_is_killed_five_times_ends_the_same() {
    let seed = Random::seed_from("LOOM_FAULT_SEED");
    eprintln!("LOOM_FAULT_SEED={seed} repeats these moments, as far as the machine does");
    let mut random = Random::new(seed);
    let options = Options::default().variable("run_lease_seconds", 2);
    let Some(mut loom) = Loom::own(options) else {
        return;
    };
    let repository = Repository::new(&[("README.md", "Larder\n")]);
    let product = Product::begin(&loom, &repository);
    product.gate.open();
    let (mut last, deadline) = (0, Instant::now() + LONGEST);
    let unfinished = |loom: &Loom| format!("{:#?}", product.beads(loom));
    let mut moments = BTreeSet::new();
    while moments.len() < KILLS {
        moments.insert(random.within(WHEN));
    }
    let mut seen = 0;
    for moment in moments {
        while seen < moment {
            seen += turn(&loom, &product, &mut last);
            assert!(Instant::now() < deadline, "{}", unfinished(&loom));
        }
        assert!(
            !product.is_finished(&loom),
            "it was done after {seen} events"
        );
        // Not between two looks, but at any moment.
        std::thread::sleep(Duration::from_micros(random.within(0..=20_000)));
        loom.kill_and_restart();
        eprintln!("killed after {seen} events");
    }
    while !product.is_finished(&loom) {
        seen += turn(&loom, &product, &mut last);
        assert!(Instant::now() < deadline, "{}", unfinished(&loom));
    }
    eprintln!("done after {seen} events");
    product.check(&loom, &repository);
    evidence::of_events(&loom);
}
