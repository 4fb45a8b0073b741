use super::text::{is_word, readable_lines, words_before};
use super::{HintPlace, RoutingReason, WantedRole};
use crate::role::Role;

/// No role's name has more words than this with `the` before and `agent only` after it.
const MOST_WORDS: usize = 8;

/// Words that make `ask the X to …` say the opposite.
const NEGATIONS: [&str; 8] = [
    "not",
    "don't",
    "dont",
    "never",
    "cannot",
    "can't",
    "won't",
    "shouldn't",
];

/// The hint in a title or description: what stands at its start, else the first `**FOR X**` or `ask X to` in it.
pub(super) fn in_text(text: &str, place: HintPlace, custom: &[Role]) -> Option<WantedRole> {
    let lines = readable_lines(text);
    let (role, words) = lines
        .first()
        .and_then(|first| at_start(first, custom))
        .or_else(|| lines.iter().find_map(|line| in_bold(line, custom)))
        .or_else(|| {
            lines
                .iter()
                .find_map(|line| in_request(line, place, custom))
        })?;
    let text = words.trim().chars().take(80).collect();
    Some(WantedRole {
        role,
        reason: RoutingReason::PersonaHint { place, text },
    })
}

/// The first tag `persona:X` or `role:X` that names a role.
pub(super) fn in_tags(tags: &[String], custom: &[Role]) -> Option<WantedRole> {
    tags.iter().find_map(|tag| {
        let (key, value) = tag.split_once([':', '='])?;
        let key = key.trim();
        if !key.eq_ignore_ascii_case("persona") && !key.eq_ignore_ascii_case("role") {
            return None;
        }
        let role = addressed(value, custom)?;
        let text = tag.trim().chars().take(80).collect();
        Some(WantedRole {
            role,
            reason: RoutingReason::PersonaHint {
                place: HintPlace::Tag,
                text,
            },
        })
    })
}

/// The role that the text names, if it can be asked for.
fn addressed(text: &str, custom: &[Role]) -> Option<Role> {
    if text.split_whitespace().count() > MOST_WORDS {
        return None;
    }
    let name = text.trim().trim_end_matches([',', '.', ';']);
    Role::parse_among(name, custom)
        .ok()
        .filter(|role| *role != "loom")
}

/// `[X] …`, `X: …`, `for X: …`, `for X agent …`, after other notes in brackets and a priority such as `P0 - `.
fn at_start<'a>(line: &'a str, custom: &[Role]) -> Option<(Role, &'a str)> {
    let mut rest = line;
    loop {
        rest =
            without_priority(rest.trim_start_matches(|c: char| {
                c.is_whitespace() || matches!(c, '*' | '_' | '#' | '`')
            }));
        let Some((inside, after)) = rest.strip_prefix('[').and_then(|r| r.split_once(']')) else {
            break;
        };
        if let Some(role) = addressed(inside, custom) {
            return Some((role, rest.get(..inside.len() + 2)?));
        }
        rest = after;
    }
    let for_whom = strip_word(rest, "for");
    if let Some((name, after)) = for_whom.unwrap_or(rest).split_once(':')
        && (after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || c == '*'))
        && let Some(role) = addressed(name.trim_end_matches(['*', '_', '`']), custom)
    {
        return Some((role, rest.get(..rest.len() - after.len())?));
    }
    let for_whom = for_whom?;
    let end = ends_of_words(for_whom).take(MOST_WORDS).find(|&end| {
        for_whom
            .get(..end)
            .is_some_and(|name| last_word_is(name, "agent"))
    })?;
    let role = addressed(for_whom.get(..end)?, custom)?;
    Some((role, rest.get(..rest.len() - for_whom.len() + end)?))
}

/// `**FOR X**` and `**FOR X AGENT ONLY**`, anywhere in the line.
fn in_bold<'a>(line: &'a str, custom: &[Role]) -> Option<(Role, &'a str)> {
    let mut rest = line;
    while let Some((_, after)) = rest.split_once("**") {
        if let Some(for_whom) = strip_word(after, "for")
            && let Some((inside, _)) = for_whom.split_once("**")
            && let Some(role) = addressed(inside.trim_end_matches([':', ' ']), custom)
        {
            return Some((
                role,
                after.get(..after.len() - for_whom.len() + inside.len())?,
            ));
        }
        rest = after;
    }
    None
}

/// `ask X to `, anywhere in the line. Outside of titles it cannot mean a person's seat: "if in doubt, ask the CEO to
/// decide" must not take the bead away from every agent.
fn in_request<'a>(line: &'a str, place: HintPlace, custom: &[Role]) -> Option<(Role, &'a str)> {
    let starts = line.char_indices().map(|(at, _)| at).filter(|&at| {
        line.get(at..)
            .is_some_and(|rest| strip_word(rest, "ask").is_some())
            && line
                .get(..at)
                .is_some_and(|before| !before.ends_with(is_word))
    });
    for at in starts {
        let (before, request) = line.split_at_checked(at)?;
        let whom = strip_word(request, "ask")?;
        if words_before(before, 2).any(|word| NEGATIONS.contains(&word.as_str())) {
            continue;
        }
        let end = ends_of_words(whom).take(MOST_WORDS).find(|&end| {
            whom.get(end..)
                .is_some_and(|rest| strip_word(rest, "to").is_some())
        });
        if let Some(end) = end
            && let Some(role) = addressed(whom.get(..end)?, custom)
            && (place == HintPlace::Title || !role.is_human_seat())
        {
            return Some((role, request.get(..request.len() - whom.len() + end)?));
        }
    }
    None
}

/// What follows the word and white space, if the text starts with them, in any case.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let text = text.trim_start();
    let (start, rest) = text.split_at_checked(word.len())?;
    (start.eq_ignore_ascii_case(word) && rest.starts_with(char::is_whitespace))
        .then(|| rest.trim_start())
}

/// After `P0 - `, `P1: ` and the like.
fn without_priority(text: &str) -> &str {
    let mut letters = text.chars();
    if matches!(letters.next(), Some('P' | 'p'))
        && letters.next().is_some_and(|c| c.is_ascii_digit())
    {
        let rest = letters.as_str().trim_start();
        if let Some(rest) = rest.strip_prefix([':', '-', '–', '—']) {
            return rest.trim_start();
        }
    }
    text
}

/// Where each word ends, in bytes.
fn ends_of_words(text: &str) -> impl Iterator<Item = usize> + '_ {
    let next = text.chars().skip(1).map(Some).chain(std::iter::once(None));
    text.char_indices()
        .zip(next)
        .filter_map(|((at, character), next)| {
            let ends = !character.is_whitespace() && next.is_none_or(char::is_whitespace);
            ends.then(|| at + character.len_utf8())
        })
}

fn last_word_is(text: &str, word: &str) -> bool {
    text.split_whitespace().next_back().is_some_and(|last| {
        last.trim_end_matches([',', '.', ':', ';'])
            .eq_ignore_ascii_case(word)
    })
}
