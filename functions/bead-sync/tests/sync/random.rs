use loom_workspace::memory::MemoryWorkspace;

use crate::model::{Dice, check, edit};
use crate::support::{BRANCH, Loom, REPOSITORY};

const ROUNDS: usize = 1000;

/// Criterion: two Looms that share a repository, edited on both sides at random. `LOOM_SEED` repeats a run.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_looms_edited_at_random_end_equal_and_lose_nothing() {
    let given = std::env::var("LOOM_SEED").ok();
    let seed = given.and_then(|seed| seed.parse().ok()).unwrap_or(4);
    println!("LOOM_SEED={seed}");
    let mut dice = Dice(seed);
    let workspace = MemoryWorkspace::new();
    let (one, two) = (Loom::new("aa").await, Loom::new("bb").await);
    for round in 0..ROUNDS {
        let base = one.beads().await;
        for loom in [&one, &two] {
            for _ in 0..dice.below(4) {
                edit(loom, &mut dice, round).await;
            }
        }
        let (mine, theirs) = (one.beads().await, two.beads().await);
        for loom in [&one, &two] {
            loom.set("DELETE FROM bead_sync_conflict").await;
        }
        let (first, second) = match dice.below(2) {
            0 => (&one, &two),
            _ => (&two, &one),
        };
        for loom in [first, second, first] {
            loom.sync(&workspace).await;
        }
        let end = one.beads().await;
        assert_eq!(end, two.beads().await, "seed {seed}, round {round}");
        let conflicts = [one.conflicts().await, two.conflicts().await].concat();
        check(&base, &mine, &theirs, &end, &conflicts);
        // It is over: nothing is left to commit.
        for loom in [&one, &two] {
            let counts = loom.sync(&workspace).await.counts;
            assert_eq!(
                (counts.committed, counts.updated),
                (0, 0),
                "seed {seed}, round {round}"
            );
        }
    }
    // A third one finds the same.
    let three = Loom::new("cc").await;
    three.sync(&workspace).await;
    assert_eq!(three.beads().await, one.beads().await);
    let files = workspace.branch_files(REPOSITORY, "main", BRANCH);
    assert!(files.len() > one.beads().await.len());
}
