//! One crash of the only process, at each turn that a world takes.

use std::time::Duration;

use crate::{
    schedule::{Report, pass, verdict},
    world::World,
};

/// More polls than this are an endless loop.
pub(super) const MOST_POLLS: u64 = 200_000;
/// How much simulated time `until` may take.
const PATIENCE: Duration = Duration::from_secs(1_200);

/// Lets the world that `make` makes go on until `until` is content, once undisturbed and then once for each turn that it
/// took, after which its only process is killed; and gives what the rest of it came to to `check`, with words that say
/// when it was killed. Without optimisation only every `stride`-th turn has its time.
///
/// A turn ends where a port is called, so this is before every call and after every effect. The scheduler draws the same
/// turns up to the crash, so the n-th crash is at the n-th turn of the undisturbed world.
pub(super) fn at_every_turn(
    make: impl Fn() -> World,
    stride: usize,
    until: impl Fn(&mut World),
    mut check: impl FnMut(&World, &Report, &str),
) {
    let mut undisturbed = make();
    undisturbed.begin();
    until(&mut undisturbed);
    let turns = undisturbed.simulation.polls();
    drop(undisturbed);
    let stride = if cfg!(debug_assertions) { stride } else { 1 };
    for turn in (1..turns).step_by(stride) {
        let after = format!("after a crash at turn {turn} of {turns}");
        let mut world = make();
        world.begin();
        turns_pass(&mut world, turn);
        world.simulation.crash(world.replicas[0]);
        until(&mut world);
        let report = verdict(&mut world).unwrap_or_else(|violation| panic!("{after}: {violation}"));
        check(&world, &report, &after);
    }
}

/// Lets so many turns pass.
pub(super) fn turns_pass(world: &mut World, turns: u64) {
    let mut polls = 0;
    let passed = world.simulation.run_until(MOST_POLLS, || {
        polls += 1;
        polls == turns
    });
    passed.unwrap();
}

/// Lets time pass until so many beads are closed.
pub(super) fn until_closed(world: &mut World, beads: i64) {
    while world.count("SELECT COUNT(*) FROM bead WHERE status = 'closed'") < beads {
        pass(world, Duration::from_millis(500)).unwrap_or_else(|wrong| panic!("{wrong:?}"));
        assert!(world.simulation.elapsed() < PATIENCE, "{:#?}", world.log());
    }
}
