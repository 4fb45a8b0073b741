use std::path::Path;

use grep_regex::RegexMatcherBuilder;
use grep_searcher::sinks::Lossy;
use grep_searcher::{BinaryDetection, SearcherBuilder};
use ignore::{DirEntry, WalkBuilder};
use loom_workspace::{
    EntryKind, Outcome, SearchMatch, TreeEntry, WorkspaceError, path, search as rules,
};

use crate::journal::Answer;
use crate::space::Space;

/// Larger files are data, not text that an agent could do anything with.
const MAX_SEARCHED: u64 = 10 * 1024 * 1024;

pub(super) fn tree(space: &Space, path: &str, depth: u32, limit: u32) -> Answer {
    let path = path::normalize(path)?;
    let depth = rules::depth(depth);
    let limit = rules::entries(limit);
    let above = if path.is_empty() {
        0
    } else {
        path.split('/').count()
    };
    let mut entries = Vec::new();
    let mut seen = false;
    for entry in walk(&space.places.tree, &path, Some(above + depth)) {
        let Some(name) = relative(&entry, &space.places.tree) else {
            continue;
        };
        seen |= name == path;
        if name == path || !is_below(&name, &path) {
            continue;
        }
        if entries.len() > limit {
            break;
        }
        entries.push(described(&entry, name));
    }
    if !seen && !path.is_empty() {
        return Err(not_there(&path));
    }
    let truncated = entries.len() > limit;
    entries.truncate(limit);
    Ok(Outcome::Tree { entries, truncated })
}

pub(super) fn search(space: &Space, pattern: &str, path: &str, limit: u32, regex: bool) -> Answer {
    let path = path::normalize(path)?;
    let limit = rules::matches(limit);
    rules::check_pattern(pattern)?;
    let matcher = RegexMatcherBuilder::new()
        .fixed_strings(!regex)
        .line_terminator(Some(b'\n'))
        .build(pattern)
        .map_err(rules::invalid_pattern)?;
    let mut searcher = SearcherBuilder::new()
        .line_number(true)
        .binary_detection(BinaryDetection::quit(0))
        .build();
    let files = space.files()?;
    let mut matches: Vec<SearchMatch> = Vec::new();
    let mut seen = path.is_empty();
    for entry in walk(&space.places.tree, &path, None) {
        let Some(name) = relative(&entry, &space.places.tree).filter(|name| is_below(name, &path))
        else {
            continue;
        };
        seen = true;
        let small = || {
            entry
                .metadata()
                .is_ok_and(|about| about.len() <= MAX_SEARCHED)
        };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) || !small() {
            continue;
        }
        // A file that vanishes or can't be read meanwhile has no matches.
        let Ok(file) = files.file(&name) else {
            continue;
        };
        let sink = Lossy(|line, text| {
            let text = rules::shown(text.trim_end_matches(['\n', '\r']));
            matches.push(SearchMatch {
                path: name.clone(),
                line,
                text,
            });
            Ok(matches.len() <= limit)
        });
        let _ = searcher.search_file(&matcher, &file, sink);
        if matches.len() > limit {
            break;
        }
    }
    if !seen {
        return Err(not_there(&path));
    }
    let truncated = matches.len() > limit;
    matches.truncate(limit);
    Ok(Outcome::Matches {
        matches,
        truncated,
        unsearched: 0,
    })
}

/// Everything at and below `path` that git does not ignore, sorted. It begins at the worktree's root, so that the
/// ignore files on the way count and none above it do.
fn walk(root: &Path, path: &str, depth: Option<usize>) -> impl Iterator<Item = DirEntry> {
    let (top, wanted) = (root.to_owned(), path.to_owned());
    WalkBuilder::new(root)
        .hidden(false)
        .parents(false)
        .git_global(false)
        .git_exclude(false)
        .require_git(false)
        .follow_links(false)
        .max_depth(depth)
        .sort_by_file_path(|a, b| a.cmp(b))
        .filter_entry(move |entry| {
            let Some(name) = relative(entry, &top) else {
                return false;
            };
            let is_git = entry.file_name().eq_ignore_ascii_case(".git");
            !is_git && (is_below(&name, &wanted) || is_below(&wanted, &name))
        })
        .build()
        .filter_map(Result::ok)
}

fn relative(entry: &DirEntry, root: &Path) -> Option<String> {
    entry
        .path()
        .strip_prefix(root)
        .ok()?
        .to_str()
        .map(str::to_owned)
}

/// Whether `path` is `top` or something in it.
fn is_below(path: &str, top: &str) -> bool {
    top.is_empty()
        || path
            .strip_prefix(top)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn described(entry: &DirEntry, path: String) -> TreeEntry {
    let kind = match entry.file_type() {
        Some(kind) if kind.is_dir() => EntryKind::Directory,
        Some(kind) if kind.is_symlink() => EntryKind::Symlink,
        _ => EntryKind::File,
    };
    let bytes = if kind == EntryKind::File {
        entry.metadata().map_or(0, |about| about.len())
    } else {
        0
    };
    TreeEntry { path, kind, bytes }
}

fn not_there(path: &str) -> WorkspaceError {
    WorkspaceError::refused(
        "file_not_found",
        format!("there is no {path} here, or git ignores it; list the root to see what there is"),
    )
    .with("path", path)
}
