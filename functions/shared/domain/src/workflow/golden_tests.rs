//! Histories that were recorded once replay to the states that were stored with them, in this and every later version.

use std::{fs, path::Path};

use serde::Deserialize;

use super::*;
use crate::time::Timestamp;

#[derive(Deserialize)]
struct Golden {
    execution: Execution,
    history: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    version: i64,
    created_at: Timestamp,
    #[serde(flatten)]
    record: Record,
}

#[test]
fn recorded_histories_replay_to_the_recorded_states() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/histories");
    let mut seen = 0;
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let golden: Golden = serde_json::from_str(&fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let expected = golden.execution;
        let workflow = (expected.workflow_id.as_str(), expected.workflow_version);
        let mut execution = Execution::new(
            &expected.id,
            workflow,
            &expected.bead_id,
            &expected.project_id,
        );
        for (entry, version) in golden.history.iter().zip(1..) {
            assert_eq!(entry.version, version, "{}", path.display());
            execution.apply(&entry.record, entry.created_at);
        }
        assert_eq!(execution, expected, "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 10, "only {seen} recorded histories were found");
}
