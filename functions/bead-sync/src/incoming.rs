//! What the repository has, compared with what it had.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use loom_domain::bead_file::{BeadFile, DIRECTORY, LineError, MAX_BYTES, is_named_after, read};
use loom_store::bead_sync::{FileRow, Found, Incoming, Problem};
use loom_workspace::{BranchFile, FileContent};

/// What was found on a branch.
#[derive(Default)]
pub(crate) struct Seen {
    /// Beads whose files differ from what is known of them.
    pub(crate) incoming: BTreeMap<String, Incoming>,
    /// Files that are there and could not be read.
    pub(crate) unreadable: BTreeSet<String>,
    /// Beads that are left alone, because their files are unreadable.
    left_alone: HashSet<String>,
    pub(crate) problems: Vec<Problem>,
}

/// The files of beads among those of a branch.
pub(crate) fn bead_files(files: &[BranchFile]) -> Vec<&BranchFile> {
    let is_one = |file: &&BranchFile| {
        let name = file.path.strip_prefix(DIRECTORY);
        name.is_some_and(|name| {
            !name.contains('/') && (name.ends_with(".yaml") || name.ends_with(".yml"))
        })
    };
    files.iter().filter(is_one).collect()
}

/// The files that must be read: their content is not known.
pub(crate) fn to_read<'f>(files: &[&'f BranchFile], rows: &[FileRow]) -> Vec<&'f BranchFile> {
    let known: HashMap<&str, &str> = rows
        .iter()
        .filter_map(|row| Some((row.path.as_str(), row.blob.as_deref()?)))
        .collect();
    files
        .iter()
        .filter(|file| known.get(file.path.as_str()) != Some(&file.blob.as_str()))
        .copied()
        .collect()
}

/// Compares the files that were read with what is known.
pub(crate) fn compare(
    files: &[&BranchFile],
    read: &[&BranchFile],
    contents: Vec<FileContent>,
    rows: &[FileRow],
) -> Seen {
    let mut seen = Seen::default();
    let mut found: HashMap<String, String> = HashMap::new();
    let again: HashSet<&str> = read.iter().map(|file| file.path.as_str()).collect();
    let listed: HashSet<&str> = files.iter().map(|file| file.path.as_str()).collect();
    for row in rows {
        if listed.contains(row.path.as_str()) && !again.contains(row.path.as_str()) {
            found.insert(row.bead_id.clone(), row.path.clone());
        }
    }
    for (file, content) in read.iter().zip(contents) {
        match parse(file, content.content) {
            Ok(bead) => match found.insert(bead.id.clone(), file.path.clone()) {
                Some(first) => {
                    let message = format!(
                        "{} has the file {first} already. Remove one of the two.",
                        bead.id
                    );
                    seen.tell(file, "duplicate_bead", vec![whole(message)], Some(&bead.id));
                    found.insert(bead.id, first);
                }
                None => {
                    let incoming = Incoming {
                        bead_id: bead.id.clone(),
                        found: Found::File {
                            path: Some(file.path.clone()),
                            blob: Some(file.blob.clone()),
                            bead: Box::new(bead),
                        },
                    };
                    seen.incoming.insert(incoming.bead_id.clone(), incoming);
                }
            },
            Err(errors) => {
                let owner = rows.iter().find(|row| row.path == file.path);
                let bead_id = owner.map(|row| row.bead_id.clone());
                seen.unreadable.insert(file.path.clone());
                seen.tell(file, "malformed", errors, bead_id.as_deref());
                seen.left_alone.extend(bead_id);
            }
        }
    }
    for row in rows.iter().filter(|row| row.has_base) {
        let is_there = found.contains_key(&row.bead_id) || seen.unreadable.contains(&row.path);
        if !is_there {
            let gone = Incoming {
                bead_id: row.bead_id.clone(),
                found: Found::Gone,
            };
            seen.incoming.insert(row.bead_id.clone(), gone);
        }
    }
    seen
}

impl Seen {
    /// Whether a bead stays as it is, here and there, because its file cannot be read.
    pub(crate) fn is_left_alone(&self, bead_id: &str) -> bool {
        let has_its_name = |path: &String| is_named_after(path, bead_id);
        self.left_alone.contains(bead_id) || self.unreadable.iter().any(has_its_name)
    }

    fn tell(
        &mut self,
        file: &BranchFile,
        code: &str,
        errors: Vec<LineError>,
        bead_id: Option<&str>,
    ) {
        for error in errors {
            let message = match &error.field {
                Some(field) => format!("{field}: {}", error.message),
                None => error.message,
            };
            self.problems.push(Problem {
                path: file.path.clone(),
                line: i64::try_from(error.line).unwrap_or(0),
                code: code.to_owned(),
                bead_id: bead_id.map(str::to_owned),
                message,
                blob: Some(file.blob.clone()),
            });
        }
    }
}

fn parse(file: &BranchFile, content: Option<String>) -> Result<BeadFile, Vec<LineError>> {
    if file.bytes > MAX_BYTES as u64 {
        let message = format!(
            "the file has {} bytes; at most {MAX_BYTES} are read.",
            file.bytes
        );
        return Err(vec![whole(message)]);
    }
    match content {
        Some(text) => read(&text),
        None => Err(vec![whole("the file is not UTF-8.".to_owned())]),
    }
}

fn whole(message: String) -> LineError {
    LineError {
        line: 0,
        field: None,
        message,
    }
}

/// All that differs, parents before their children, so that a child always finds its parent.
pub(crate) fn in_order(incoming: BTreeMap<String, Incoming>) -> Vec<Incoming> {
    let parents: HashMap<String, String> = incoming
        .values()
        .filter_map(|one| match &one.found {
            Found::File { bead, .. } => Some((bead.id.clone(), bead.parent.clone()?)),
            _ => None,
        })
        .collect();
    let depth = |id: &str| {
        let mut depth = 0;
        let mut at = id;
        while let Some(parent) = parents.get(at) {
            depth += 1;
            at = parent;
            if depth > parents.len() {
                break;
            }
        }
        depth
    };
    let mut ordered: Vec<(usize, Incoming)> = incoming
        .into_values()
        .map(|one| (depth(&one.bead_id), one))
        .collect();
    ordered.sort_by_key(|(depth, _)| *depth);
    ordered.into_iter().map(|(_, one)| one).collect()
}
