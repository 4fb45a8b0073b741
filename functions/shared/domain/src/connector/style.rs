//! Text that others wrote, made harmless for where it is shown.

/// Stands between two characters that together would mean something, and is not seen.
const GAP: char = '\u{200b}';

/// Where a text is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As it is: JSON for programs, messengers that show plain text.
    Plain,
    /// Slack's `mrkdwn` <https://docs.slack.dev/messaging/formatting-message-text>, which Mattermost and others take too.
    Slack,
    /// Discord's Markdown <https://docs.discord.com/developers/reference#message-formatting>.
    Discord,
}

impl Style {
    /// The longest message, in UTF-16 units. Discord refuses more than 2,000; Slack cuts at 40,000 and advises 4,000;
    /// messengers differ, and nobody reads more.
    pub fn limit(self) -> usize {
        match self {
            Self::Plain => 1_500,
            Self::Slack => 3_000,
            Self::Discord => 2_000,
        }
    }

    /// A text of Loom's own. Only what the style reads as its syntax is written out.
    pub fn ours(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Slack => text.chars().fold(String::new(), |mut out, c| {
                escape_slack(&mut out, c);
                out
            }),
            Self::Discord => text.chars().fold(String::new(), |mut out, c| {
                if matches!(c, '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '[') {
                    out.push('\\');
                }
                out.push(c);
                out
            }),
        }
    }

    /// A text that somebody else wrote, on one line and at most `longest` characters of it: it mentions nobody, formats
    /// nothing and becomes no link. Everything visible stays readable.
    pub fn theirs(self, text: &str, longest: usize) -> String {
        let text = cleaned(text, longest);
        let mut out = String::with_capacity(text.len() + 8);
        let mut before = ' ';
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            let next = rest.peek().copied().unwrap_or(' ');
            match (self, c) {
                (Self::Slack, '<' | '>' | '&') => escape_slack(&mut out, c),
                (Self::Discord, '\\' | '*' | '_' | '~' | '`' | '|' | '<' | '[') => {
                    out.push('\\');
                    out.push(c);
                }
                _ => out.push(c),
            }
            let joins = match c {
                '@' | '\u{ff20}' | '\u{fe6b}' => true,
                // Schemes: also those with a backslash, which some clients take for a slash.
                ':' => matches!(next, '/' | '\\'),
                // Names of hosts without a scheme: Slack and messengers link them.
                '.' => before.is_alphanumeric() && next.is_alphabetic(),
                // Fences of code would swallow what follows.
                '`' => self != Self::Discord,
                _ => false,
            };
            if joins {
                out.push(GAP);
            }
            before = c;
        }
        out
    }

    /// A link that Loom made.
    pub fn link(self, url: &str) -> String {
        match self {
            Self::Plain => url.to_owned(),
            Self::Slack => format!("<{url}|Open in Loom>"),
            // The angle brackets keep Discord from fetching a preview.
            Self::Discord => format!("<{url}>"),
        }
    }
}

fn escape_slack(out: &mut String, c: char) {
    match c {
        '&' => out.push_str("&amp;"),
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        other => out.push(other),
    }
}

/// One line without control characters, and without what is not seen: that could hide a mention from us, or turn the
/// text around for readers.
fn cleaned(text: &str, longest: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    let visible = text.chars().filter(|c| !is_invisible(*c));
    for c in visible {
        let c = if c.is_whitespace() || c.is_control() {
            ' '
        } else {
            c
        };
        if c == ' ' && (out.is_empty() || out.ends_with(' ')) {
            continue;
        }
        if length >= longest {
            out.truncate(out.trim_end().len());
            out.push('…');
            return out;
        }
        out.push(c);
        length += 1;
    }
    out.truncate(out.trim_end().len());
    out
}

fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_others_wrote_is_harmless_and_readable() {
        for (style, text, expected) in [
            (
                Style::Slack,
                "hi <!channel> & <@U1>",
                "hi &lt;!channel&gt; &amp; &lt;@\u{200b}U1&gt;",
            ),
            (
                Style::Slack,
                "<http://evil.example|Loom>",
                "&lt;http:\u{200b}//evil.\u{200b}example|Loom&gt;",
            ),
            (
                Style::Slack,
                "@here a@b.com",
                "@\u{200b}here a@\u{200b}b.\u{200b}com",
            ),
            (Style::Slack, "v1.2.3 ends.", "v1.2.3 ends."),
            (Style::Slack, "```x", "`\u{200b}`\u{200b}`\u{200b}x"),
            (
                Style::Discord,
                "@everyone <@1> <#2>",
                "@\u{200b}everyone \\<@\u{200b}1> \\<#2>",
            ),
            (
                Style::Discord,
                "[Loom](https://evil.example)",
                "\\[Loom](https:\u{200b}//evil.\u{200b}example)",
            ),
            (
                Style::Discord,
                "**a** `b` \\<@1>",
                "\\*\\*a\\*\\* \\`b\\` \\\\\\<@\u{200b}1>",
            ),
            (Style::Plain, "a\nTo do: nothing\r\u{0}", "a To do: nothing"),
            (Style::Plain, "\u{202e}abc\u{2066}", "abc"),
            (Style::Plain, "@\u{200b}\u{2060}all", "@\u{200b}all"),
        ] {
            assert_eq!(style.theirs(text, 200), expected, "{text:?}");
        }
        assert_eq!(Style::Plain.theirs("abc def", 4), "abc…");
        assert_eq!(Style::Slack.ours("a < b & c"), "a &lt; b &amp; c");
        assert_eq!(
            Style::Discord.ours("needs_more_info"),
            "needs\\_more\\_info"
        );
    }

    /// Texts of the pieces that attacks are made of.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("<!channel>".to_owned()),
            Just("<!subteam^S1>".to_owned()),
            Just("<@U1>".to_owned()),
            Just("@everyone".to_owned()),
            Just("@here".to_owned()),
            Just("<@&1>".to_owned()),
            Just("<#C1>".to_owned()),
            Just("https://evil.example/x".to_owned()),
            Just("www.evil.example".to_owned()),
            Just("[a](http://b.c)".to_owned()),
            Just("<http://b.c|d>".to_owned()),
            Just("\\".to_owned()),
            Just("`".to_owned()),
            Just("\n".to_owned()),
            Just("\u{200b}".to_owned()),
            Just("&lt;".to_owned()),
            Just("<".to_owned()),
            Just(":".to_owned()),
            Just("/".to_owned()),
            Just("@".to_owned()),
            ".{0,6}",
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn no_mention_and_no_link_survives(text in hostile(), longest in 0usize..200) {
            for style in [Style::Plain, Style::Slack, Style::Discord] {
                let out = style.theirs(&text, longest);
                prop_assert!(!out.contains("://"), "{out}");
                prop_assert!(!out.contains(['\n', '\r', '\u{2028}', '\u{202e}']), "{out}");
                let chars: Vec<char> = out.chars().collect();
                for (place, c) in chars.iter().enumerate() {
                    if *c == '@' {
                        prop_assert_eq!(chars.get(place + 1), Some(&GAP), "{}", out);
                    }
                    if *c == '<' {
                        prop_assert!(style != Style::Slack, "{out}");
                        if style == Style::Discord {
                            let slashes = chars[..place].iter().rev().take_while(|c| **c == '\\').count();
                            prop_assert_eq!(slashes % 2, 1, "{}", out);
                        }
                    }
                }
                if style == Style::Slack {
                    prop_assert!(!out.contains('>'), "{out}");
                }
            }
        }

        #[test]
        fn it_grows_within_bounds(text in ".{0,300}", longest in 0usize..100) {
            prop_assert!(Style::Discord.theirs(&text, longest).chars().count() <= 2 * longest + 1);
            prop_assert!(Style::Slack.theirs(&text, longest).chars().count() <= 5 * longest + 1);
        }
    }
}
