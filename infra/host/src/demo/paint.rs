//! Text for people: colours where they are wanted, numbers, and words that others wrote.

use std::io::{IsTerminal, Write};

/// How wide the output is at most; paths and URLs are not cut.
pub(super) const WIDTH: usize = 100;
/// Where what belongs to a label begins.
const LABELLED: usize = 14;

/// Colours, or none.
#[derive(Clone, Copy)]
pub(super) struct Paint {
    colours: bool,
}

impl Paint {
    /// Colours if standard output is a terminal and nobody asked for none (<https://no-color.org>).
    pub(super) fn of_stdout() -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            colours: std::io::stdout().is_terminal() && !is_set("NO_COLOR") && !dumb,
        }
    }

    fn wrap(self, code: &str, text: &str) -> String {
        if self.colours {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    pub(super) fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    pub(super) fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    pub(super) fn good(self, text: &str) -> String {
        self.wrap("32", text)
    }

    pub(super) fn bad(self, text: &str) -> String {
        self.wrap("31", text)
    }

    pub(super) fn name(self, text: &str) -> String {
        self.wrap("36", text)
    }
}

/// Prints a line. A reader that went away is no reason to stop.
pub(super) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// Prints a label and what belongs to it, over as many lines as it takes.
pub(super) fn row(label: &str, text: &str) {
    let mut label = label;
    for line in wrapped(text, WIDTH - LABELLED) {
        say(&format!("  {label:<11} {line}"));
        label = "";
    }
}

/// `text` in lines of at most `width` characters, broken between words. A longer word has a line of its own.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !line.is_empty() && visible(&line) + 1 + visible(word) > width {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// How many columns `text` takes: colours take none.
fn visible(text: &str) -> usize {
    let mut columns = 0;
    let mut is_code = false;
    for c in text.chars() {
        match c {
            '\x1b' => is_code = true,
            'm' if is_code => is_code = false,
            _ if is_code => {}
            _ => columns += 1,
        }
    }
    columns
}

/// `text` as one line of at most `most` characters, without anything that would move a terminal's cursor.
pub(super) fn line(text: &str, most: usize) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let clean = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    if clean.chars().count() <= most {
        return clean;
    }
    let cut: String = clean.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", cut.trim_end())
}

/// `1234567` as `1,234,567`.
pub(super) fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{}{grouped}", if number < 0 { "-" } else { "" })
}

/// Millionths of a US dollar as dollars, to a hundredth of a cent.
pub(super) fn dollars(micro_usd: i64) -> String {
    let hundredths = (micro_usd + 50) / 100;
    format!("${}.{:04}", hundredths / 10_000, hundredths % 10_000)
}

/// The beginning of a commit's id, by which people name it.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_and_money_is_rounded() {
        assert_eq!(
            [0, 999, 1_000, 1_234_567].map(thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0, 49, 50, 13_549, 12_000_000].map(dollars),
            ["$0.0000", "$0.0000", "$0.0001", "$0.0135", "$12.0000"]
        );
    }

    #[test]
    fn foreign_text_is_one_harmless_line() {
        assert_eq!(line("a\n\x1b[2Jb\tc", 20), "a [2Jb c");
        assert_eq!(line("äöü äöü", 4), "äöü…");
    }

    #[test]
    fn long_text_is_broken_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("a /a/long/path b", 4), ["a", "/a/long/path", "b"]);
        let coloured = format!("{} two", Paint { colours: true }.good("one"));
        assert_eq!(wrapped(&coloured, 7), [coloured]);
        assert_eq!(wrapped("", 7), [""]);
    }

    #[test]
    fn colours_are_only_added_where_wanted() {
        assert_eq!(Paint { colours: false }.good("x"), "x");
        assert_eq!(Paint { colours: true }.good("x"), "\x1b[32mx\x1b[0m");
    }
}
