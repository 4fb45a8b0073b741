use std::ops::Range;

use super::indent::Reindent;
use super::lines::{self, Line};
use super::{EditProblem, MAX_CANDIDATES, number};
use crate::MatchedBy;

/// Where an edit goes.
pub(super) struct Place {
    /// In bytes.
    pub(super) range: Range<usize>,
    pub(super) matched_by: MatchedBy,
}

pub(super) fn find(content: &str, old: &str) -> Result<Place, EditProblem> {
    if let Some(place) = exact(content, old)? {
        return Ok(place);
    }
    let file = lines::split(content);
    let wanted = lines::split(old);
    // From strict to lenient: only line ends differ; the indentation differs by the same amount everywhere; only the
    // trimmed lines agree.
    for alike in [same_but_end, same_but_shifted, same_trimmed] {
        let starts = windows(&file, &wanted, alike);
        if let Some(place) = only_one(&file, &starts, MatchedBy::Whitespace)? {
            return Ok(place);
        }
    }
    let starts = anchored(&file, &wanted);
    if let Some(place) = only_one(&file, &starts, MatchedBy::Anchors)? {
        return Ok(place);
    }
    Err(EditProblem::NotFound {
        closest: closest(&file, &wanted),
    })
}

impl Place {
    /// The new text as it goes into the file here.
    pub(super) fn fitted(&self, content: &str, old: &str, new: &str) -> String {
        if self.matched_by == MatchedBy::Exact {
            return new.to_owned();
        }
        let here = content.get(self.range.clone()).unwrap_or_default();
        let (here, wanted) = (lines::split(here), lines::split(old));
        let reindent = match self.matched_by {
            MatchedBy::Anchors => Reindent::learn(ends(&wanted).into_iter().zip(ends(&here))),
            _ => Reindent::learn(wanted.iter().zip(&here)),
        };
        let line_break = if content
            .get(self.range.clone())
            .unwrap_or_default()
            .contains("\r\n")
        {
            "\r\n"
        } else {
            "\n"
        };
        let fitted: Vec<String> = new.lines().map(|line| reindent.fit(line)).collect();
        let mut text = fitted.join(line_break);
        let ends_in_break = content
            .get(..self.range.end)
            .unwrap_or_default()
            .ends_with('\n');
        if ends_in_break && !fitted.is_empty() {
            text.push_str(line_break);
        }
        text
    }
}

fn ends<'l>(lines: &'l [Line<'l>]) -> Vec<&'l Line<'l>> {
    lines.first().into_iter().chain(lines.last()).collect()
}

fn exact(content: &str, old: &str) -> Result<Option<Place>, EditProblem> {
    let step = old.chars().next().map_or(1, char::len_utf8);
    let mut starts = Vec::new();
    let mut from = 0;
    // Overlapping places count too: `aa` fits twice in `aaa`.
    while let Some(at) = content.get(from..).and_then(|rest| rest.find(old)) {
        starts.push(from + at);
        if starts.len() == MAX_CANDIDATES {
            break;
        }
        from += at + step;
    }
    match starts.as_slice() {
        [] => Ok(None),
        [start] => Ok(Some(Place {
            range: *start..start + old.len(),
            matched_by: MatchedBy::Exact,
        })),
        many => {
            let line = |start: &usize| {
                number(
                    content
                        .get(..*start)
                        .unwrap_or_default()
                        .matches('\n')
                        .count()
                        + 1,
                )
            };
            Err(EditProblem::Ambiguous {
                matched_by: MatchedBy::Exact,
                lines: many.iter().map(line).collect(),
            })
        }
    }
}

/// The windows of the file, as first and last line, whose lines are all `alike` the wanted ones.
fn windows(
    file: &[Line<'_>],
    wanted: &[Line<'_>],
    alike: fn(&[Line<'_>], &[Line<'_>]) -> bool,
) -> Vec<(usize, usize)> {
    if wanted.is_empty() {
        return Vec::new();
    }
    file.windows(wanted.len())
        .enumerate()
        .filter(|(_, window)| alike(window, wanted))
        .map(|(start, window)| (start, start + window.len() - 1))
        .take(MAX_CANDIDATES)
        .collect()
}

fn same_but_end(window: &[Line<'_>], wanted: &[Line<'_>]) -> bool {
    window
        .iter()
        .zip(wanted)
        .all(|(a, b)| a.text.trim_end() == b.text.trim_end())
}

fn same_trimmed(window: &[Line<'_>], wanted: &[Line<'_>]) -> bool {
    window
        .iter()
        .zip(wanted)
        .all(|(a, b)| a.trimmed() == b.trimmed())
}

/// The trimmed lines agree, and either side becomes the other when one and the same indentation is put before each
/// of its lines.
fn same_but_shifted(window: &[Line<'_>], wanted: &[Line<'_>]) -> bool {
    fn shifted(deeper: &[Line<'_>], flatter: &[Line<'_>]) -> bool {
        let mut shift = None;
        deeper
            .iter()
            .zip(flatter)
            .filter(|(a, _)| !a.is_blank())
            .all(|(a, b)| {
                let Some(this) = a.indent().strip_suffix(b.indent()) else {
                    return false;
                };
                *shift.get_or_insert(this) == this
            })
    }
    same_trimmed(window, wanted) && (shifted(window, wanted) || shifted(wanted, window))
}

/// The windows of about the same length that begin and end with the wanted first and last line, indented alike.
fn anchored(file: &[Line<'_>], wanted: &[Line<'_>]) -> Vec<(usize, usize)> {
    let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else {
        return Vec::new();
    };
    let says_something = |line: &Line<'_>| line.text.chars().any(char::is_alphanumeric);
    if wanted.len() < 3
        || first.is_blank()
        || last.is_blank()
        || !(says_something(first) || says_something(last))
    {
        return Vec::new();
    }
    let tolerance = (wanted.len() / 4).max(1);
    let lengths = wanted.len().saturating_sub(tolerance).max(2)..=wanted.len() + tolerance;
    let mut found = Vec::new();
    for (start, begin) in file
        .iter()
        .enumerate()
        .filter(|(_, line)| line.trimmed() == first.trimmed())
    {
        for length in lengths.clone() {
            let end = start + length - 1;
            if file.get(end).is_some_and(|line| {
                line.trimmed() == last.trimmed() && alike_deep(begin, line, first, last)
            }) {
                found.push((start, end));
            }
        }
    }
    found.truncate(MAX_CANDIDATES);
    found
}

/// Whether two lines are deeper, shallower or as deep as each other in the file as they are in the wanted text.
fn alike_deep(begin: &Line<'_>, end: &Line<'_>, first: &Line<'_>, last: &Line<'_>) -> bool {
    begin.indent().len().cmp(&end.indent().len()) == first.indent().len().cmp(&last.indent().len())
}

fn only_one(
    file: &[Line<'_>],
    found: &[(usize, usize)],
    matched_by: MatchedBy,
) -> Result<Option<Place>, EditProblem> {
    match found {
        [] => Ok(None),
        [(first, last)] => {
            let start = file.get(*first).map_or(0, |line| line.start);
            let end = file.get(*last).map_or(start, |line| line.end);
            Ok(Some(Place {
                range: start..end,
                matched_by,
            }))
        }
        many => {
            let lines = many.iter().map(|(first, _)| number(first + 1)).collect();
            Err(EditProblem::Ambiguous { matched_by, lines })
        }
    }
}

/// The lines most like the first wanted one that is not blank.
fn closest(file: &[Line<'_>], wanted: &[Line<'_>]) -> Vec<(u32, String)> {
    let Some(first) = wanted.iter().find(|line| !line.is_blank()) else {
        return Vec::new();
    };
    let target = pairs(first.trimmed());
    let mut scored: Vec<(usize, usize)> = file
        .iter()
        .enumerate()
        .filter(|(_, line)| !line.is_blank())
        .map(|(index, line)| (likeness(&target, &pairs(line.trimmed())), index))
        .filter(|(score, _)| *score >= 40)
        .collect();
    scored.sort_by_key(|(score, index)| (usize::MAX - score, *index));
    let shown = |index: usize| {
        file.get(index)
            .map(|line| line.text.chars().take(160).collect::<String>())
    };
    scored
        .into_iter()
        .take(3)
        .filter_map(|(_, index)| Some((number(index + 1), shown(index)?)))
        .collect()
}

/// The pairs of neighbouring characters of a line's beginning, sorted.
fn pairs(text: &str) -> Vec<(char, char)> {
    let text = || text.chars().filter(|c| !c.is_whitespace()).take(200);
    let mut pairs: Vec<(char, char)> = text().zip(text().skip(1)).collect();
    pairs.sort_unstable();
    pairs
}

/// How much two sorted lists have in common, 0 to 100 (Dice's coefficient).
fn likeness(left: &[(char, char)], right: &[(char, char)]) -> usize {
    let total = left.len() + right.len();
    let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
    let mut common = 0usize;
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        match a.cmp(b) {
            std::cmp::Ordering::Less => drop(left.next()),
            std::cmp::Ordering::Greater => drop(right.next()),
            std::cmp::Ordering::Equal => {
                common += 1;
                left.next();
                right.next();
            }
        }
    }
    (200 * common).checked_div(total).unwrap_or(0)
}
