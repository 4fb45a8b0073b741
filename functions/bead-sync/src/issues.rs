//! `issues.jsonl`: read for beads that have no file, and written beside the files.

use std::collections::{HashMap, HashSet};

use loom_domain::bead_file::{
    BeadFile, ISSUES,
    jsonl::{self, Line},
};
use loom_platform::Platform;
use loom_store::{
    bead,
    bead_sync::{self, Found, Incoming, Problem},
};

use crate::{incoming::Seen, stop::Stop};

/// The largest that is written or read, in bytes.
pub(crate) const LARGEST: usize = 16 * 1024 * 1024;
/// How many beads are in memory at once.
const PAGE: i64 = 500;

/// Adds the beads that stand in the lines alone: nobody here knows them, and they have no file.
pub(crate) async fn take_in<P: Platform>(
    platform: &P,
    blob: &str,
    text: &str,
    seen: &mut Seen,
) -> Result<(), Stop> {
    let mut beads: HashMap<String, BeadFile> = HashMap::new();
    for (index, line) in text.lines().enumerate() {
        match jsonl::parse(index + 1, line) {
            Ok(Line::Bead(bead)) => {
                beads.insert(bead.id.clone(), *bead);
            }
            Ok(Line::Deleted(_) | Line::Empty) => {}
            Err(errors) => {
                for error in errors {
                    let message = match &error.field {
                        Some(field) => format!("{field}: {}", error.message),
                        None => error.message,
                    };
                    seen.problems.push(Problem {
                        path: ISSUES.to_owned(),
                        line: i64::try_from(error.line).unwrap_or(0),
                        code: "malformed".to_owned(),
                        bead_id: None,
                        message,
                        blob: Some(blob.to_owned()),
                    });
                }
            }
        }
    }
    beads.retain(|id, _| !seen.incoming.contains_key(id) && !seen.is_left_alone(id));
    let ids: Vec<&str> = beads.keys().map(String::as_str).collect();
    let known: HashSet<String> = bead_sync::existing(platform.database(), &ids).await?;
    for (id, bead) in beads {
        if !known.contains(&id) {
            let incoming = Incoming {
                bead_id: id.clone(),
                found: Found::File {
                    path: None,
                    blob: None,
                    bead: Box::new(bead),
                },
            };
            seen.incoming.insert(id, incoming);
        }
    }
    Ok(())
}

/// All beads of a project as lines, by id; none when they would be too large.
pub(crate) async fn text<P: Platform>(
    platform: &P,
    project_id: &str,
) -> Result<Option<String>, Stop> {
    let database = platform.database();
    let mut text = String::new();
    let mut after = String::new();
    loop {
        let beads = bead::export_files(database, project_id, &after, PAGE).await?;
        let Some(last) = beads.last() else {
            return Ok(Some(text));
        };
        after.clone_from(&last.id);
        text.extend(beads.iter().map(jsonl::line));
        if text.len() > LARGEST {
            return Ok(None);
        }
    }
}
