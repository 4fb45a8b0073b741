//! The benchmarks still run, and count what they should. Nothing here depends on how long anything takes.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use loom_bench::{
    Bench, Programs, Samples, Scale, bead_sync, footprint, requests, start, step, tick, webhooks,
    workflows,
};

#[tokio::test(flavor = "multi_thread")]
async fn every_benchmark_runs_and_counts() {
    let scale = Scale::tiny();
    let bench = Bench::new(programs(), scale.clone()).unwrap();

    let started = start::measure(&bench).await.unwrap();
    assert_eq!(started.cached.len(), scale.starts);

    let requested = requests::measure(&bench).await.unwrap();
    assert_eq!(requested.rows.len(), 2 * scale.concurrency.len());
    for row in &requested.rows {
        for side in [&row.components, &row.native] {
            let answered = (u64::try_from(side.times.len()).unwrap(), &side.refusal);
            assert_eq!(answered, (scale.turn_requests, &None), "{}", row.what);
        }
    }

    let ticked = tick::measure(&bench).await.unwrap();
    for (row, beads) in ticked.rows.iter().zip(&scale.tick_beads) {
        assert_eq!(row.beads, *beads);
        assert_eq!(
            (row.dispatching.len(), row.idle.len()),
            (scale.ticks, scale.ticks)
        );
        let share = row.blocked * 100 / row.beads;
        assert!((20..40).contains(&share), "{share} % are blocked");
    }

    let stepped = step::measure(&bench).await.unwrap();
    for (side, runs) in [
        (&stepped.native, scale.runs.0),
        (&stepped.components, scale.runs.1),
    ] {
        assert_eq!(side.all.len(), runs * step::STEPS);
        assert_eq!(
            side.thirds.iter().map(Samples::len).sum::<usize>(),
            side.all.len()
        );
    }

    let synced = bead_sync::measure(&bench).await.unwrap();
    for row in &synced.rows {
        assert_eq!(row.imported, scale.synced_beads, "{}", row.what);
    }

    let flowed = workflows::measure(&bench).await.unwrap();
    let transitions = &flowed.transitions.rows;
    assert_eq!(transitions.len(), 2 * scale.concurrency.len());
    for row in transitions {
        for side in [&row.components, &row.native] {
            let answered = (u64::try_from(side.times.len()).unwrap(), &side.refusal);
            assert_eq!(answered, (scale.turn_requests, &None), "{}", row.what);
        }
    }
    assert_eq!(flowed.histories.kinds.len(), 3);
    for kind in &flowed.histories.kinds {
        let samples: Vec<(i64, usize)> = kind
            .lengths
            .iter()
            .map(|(length, times)| (*length, times.len()))
            .collect();
        let expected = scale
            .histories
            .iter()
            .map(|&length| (length, scale.transitions));
        assert_eq!(samples, expected.collect::<Vec<_>>());
    }
    assert_eq!(
        flowed.histories.updates.each_ref().map(Samples::len),
        [scale.transitions; 2]
    );
    let approvals = &flowed.approvals;
    for times in [&approvals.approved, &approvals.answered, &approvals.filed] {
        assert_eq!(times.len(), scale.approvals);
    }

    let delivered = webhooks::measure(&bench).await.unwrap();
    let steady = [&delivered.steady.components, &delivered.steady.native];
    for side in steady {
        let answered = (u64::try_from(side.times.len()).unwrap(), &side.refusal);
        assert_eq!(answered, (scale.deliveries, &None));
    }
    assert_eq!(delivered.rows.len(), 2 * scale.concurrency.len() + 1);
    for row in &delivered.rows {
        for side in [&row.components, &row.native] {
            let answered = (u64::try_from(side.times.len()).unwrap(), &side.refusal);
            assert_eq!(answered, (scale.turn_requests, &None), "{}", row.what);
        }
    }

    let footprint = footprint::measure(&bench).await.unwrap();
    assert_eq!(footprint.readings(), 3);
    assert!(
        footprint
            .components
            .iter()
            .any(|(name, bytes)| name == "loom_beads.wasm" && *bytes > 0)
    );

    let tables = format!("{started}{requested}{ticked}{stepped}{flowed}{delivered}{footprint}");
    assert_eq!(tables.matches("goal: ").count(), 9, "{tables}");
}

/// The programs of the profile that this test was built with; `loom` is built when it isn't there yet.
fn programs() -> Programs {
    let bench = PathBuf::from(env!("CARGO_BIN_EXE_loom-bench"));
    let loom = bench.with_file_name("loom");
    if !loom.exists() {
        let profile: &[&str] = if cfg!(debug_assertions) {
            &[]
        } else {
            &["--release"]
        };
        let status = Command::new("cargo")
            .args(["build", "--package", "loom-host", "--bin", "loom"])
            .args(profile)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .status()
            .unwrap();
        assert!(status.success(), "the host can't be built");
    }
    Programs { loom, bench }
}
