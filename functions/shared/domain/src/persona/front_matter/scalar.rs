use super::block::short;
use super::{Line, Problem};

/// Nothing there but white space or a comment.
pub(super) fn is_blank(text: &str) -> bool {
    let text = text.trim_start();
    text.is_empty() || text.starts_with('#')
}

/// Up to the first ` #`.
pub(super) fn without_comment(text: &str) -> &str {
    let end = if text.starts_with('#') {
        0
    } else {
        [" #", "\t#"]
            .iter()
            .filter_map(|mark| text.find(mark))
            .min()
            .unwrap_or(text.len())
    };
    text.get(..end).unwrap_or(text).trim()
}

/// One text on one line, plain or quoted, with a comment after it or not.
pub(super) fn single(line: usize, text: &str) -> Result<String, Problem> {
    if !text.starts_with(['"', '\'']) {
        return plain(line, text);
    }
    let (value, after) = quoted(line, text)?;
    let comment = after.trim_start();
    if comment.is_empty() || (comment.starts_with('#') && comment.len() < after.len()) {
        return Ok(value);
    }
    Err(Problem::new(
        line,
        format!(
            "there is text after the closing quote: {:?}",
            short(comment)
        ),
    ))
}

/// Text without quotes. What YAML would read as something else is refused, so that nobody is surprised.
pub(super) fn plain(line: usize, text: &str) -> Result<String, Problem> {
    let text = without_comment(text);
    let refuse = |why: &str| {
        let reason = format!("{:?} {why}; put the text in double quotes", short(text));
        Err(Problem::new(line, reason))
    };
    if text.starts_with(|c| "&*!|>%@`{}[],?\"'".contains(c))
        || text == "-"
        || text.starts_with("- ")
    {
        return refuse("starts with a sign that means something else in YAML");
    }
    if text.contains(": ") || text.ends_with(':') {
        return refuse("holds a colon that would start another mapping");
    }
    Ok(text.to_owned())
}

/// An item of `[…]` at the start of `text`, and what follows it.
pub(super) fn flow_item(line: usize, text: &str) -> Result<(String, &str), Problem> {
    if text.starts_with(['"', '\'']) {
        return quoted(line, text);
    }
    if text.starts_with(['[', '{']) {
        return Err(Problem::new(line, "lists do not nest here"));
    }
    let end = text.find([',', ']']).unwrap_or(text.len());
    let end = [" #", "\t#"]
        .iter()
        .filter_map(|mark| text.find(mark))
        .fold(end, usize::min);
    let (item, after) = text.split_at_checked(end).unwrap_or((text, ""));
    Ok((plain(line, item)?, after))
}

/// A quoted text at the start of `text`, and what follows its closing quote.
fn quoted(line: usize, text: &str) -> Result<(String, &str), Problem> {
    let mut rest = text.chars();
    let quote = rest.next().unwrap_or('"');
    let mut value = String::new();
    while let Some(character) = rest.next() {
        match character {
            '\'' if quote == '\'' => {
                let after = rest.as_str();
                let Some(more) = after.strip_prefix('\'') else {
                    return Ok((value, after));
                };
                value.push('\'');
                rest = more.chars();
            }
            '"' if quote == '"' => return Ok((value, rest.as_str())),
            '\\' if quote == '"' => value.push(escape(line, &mut rest)?),
            other => value.push(other),
        }
    }
    Err(Problem::new(
        line,
        "the closing quote is missing; quoted text must end on its line",
    ))
}

/// What follows a backslash in double quotes.
fn escape(line: usize, rest: &mut std::str::Chars<'_>) -> Result<char, Problem> {
    let name = rest.next();
    let digits = match name {
        Some('"') => return Ok('"'),
        Some('\\') => return Ok('\\'),
        Some('/') => return Ok('/'),
        Some('n') => return Ok('\n'),
        Some('t') => return Ok('\t'),
        Some('r') => return Ok('\r'),
        Some('0') => return Ok('\0'),
        Some('x') => 2,
        Some('u') => 4,
        Some('U') => 8,
        _ => 0,
    };
    let written: String = rest.take(digits).collect();
    u32::from_str_radix(&written, 16)
        .ok()
        .filter(|_| written.len() == digits && digits > 0)
        .and_then(char::from_u32)
        .ok_or_else(|| {
            let shown = name.map(String::from).unwrap_or_default();
            let reason =
                format!("\\{shown}{written} is not an escape; for a backslash write two of them");
            Problem::new(line, reason)
        })
}

/// A block text: `|` keeps its line ends, `>` joins its lines; `-` drops the last line end, `+` keeps all.
pub(super) fn block(line: usize, header: &str, below: &[Line<'_>]) -> Result<String, Problem> {
    let header = without_comment(header);
    let fold = header.starts_with('>');
    let mut keep = None;
    for mark in header.chars().skip(1) {
        if keep.is_some() || !matches!(mark, '-' | '+') {
            let reason = format!("{header:?} cannot start a block text; use |, |-, > or >-");
            return Err(Problem::new(line, reason));
        }
        keep = Some(mark);
    }
    let level = below
        .iter()
        .find(|l| !l.trimmed().is_empty())
        .map_or(0, |l| l.indent());
    let mut value = String::new();
    // Line ends that are due before the next line, and whether the line before may be joined with the next.
    let mut due = 0;
    let mut joins = false;
    for &line in below {
        if line.trimmed().is_empty() {
            due += 1;
            continue;
        }
        if line.is_empty() && line.indent() < level {
            continue;
        }
        let Some(text) = line.text.get(level..).filter(|_| line.indent() >= level) else {
            let reason = "this line of a block text is indented less than its first";
            return Err(Problem::new(line.number, reason));
        };
        let deeper = text.starts_with([' ', '\t']);
        if !value.is_empty() || due > 0 {
            match (fold && joins && !deeper, due) {
                (true, 0) => value.push(' '),
                (true, lines) => (0..lines).for_each(|_| value.push('\n')),
                (false, lines) => {
                    let first = usize::from(!value.is_empty());
                    (0..lines + first).for_each(|_| value.push('\n'));
                }
            }
        }
        due = 0;
        joins = !deeper;
        value.push_str(text.trim_end_matches('\r'));
    }
    match keep {
        Some('-') => {}
        Some(_) => (0..=due).for_each(|_| value.push('\n')),
        None if value.is_empty() => {}
        None => value.push('\n'),
    }
    Ok(value)
}
