use serde::{Serialize, Serializer};

use crate::Refusal;

/// An answer in the one vocabulary that all decisions share.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Yes.
    Approve,
    /// No.
    Deny,
    /// Not yet: something must be found out first.
    NeedsMoreInfo,
    /// One of the decision's own options, as it is written there.
    Option(String),
}

const APPROVE: &str = "approve";
const DENY: &str = "deny";
const NEEDS_MORE_INFO: &str = "needs_more_info";

/// What else people and models say, lower case, words separated by one space.
const SYNONYMS: [(&str, Answer); 24] = [
    ("approve", Answer::Approve),
    ("approved", Answer::Approve),
    ("accept", Answer::Approve),
    ("accepted", Answer::Approve),
    ("agree", Answer::Approve),
    ("yes", Answer::Approve),
    ("y", Answer::Approve),
    ("ok", Answer::Approve),
    ("okay", Answer::Approve),
    ("lgtm", Answer::Approve),
    ("deny", Answer::Deny),
    ("denied", Answer::Deny),
    ("reject", Answer::Deny),
    ("rejected", Answer::Deny),
    ("decline", Answer::Deny),
    ("declined", Answer::Deny),
    ("no", Answer::Deny),
    ("n", Answer::Deny),
    ("needs more info", Answer::NeedsMoreInfo),
    ("need more info", Answer::NeedsMoreInfo),
    ("needs more information", Answer::NeedsMoreInfo),
    ("need more information", Answer::NeedsMoreInfo),
    ("more info", Answer::NeedsMoreInfo),
    ("info", Answer::NeedsMoreInfo),
];

impl Answer {
    /// The answers that every decision takes.
    pub const STANDARD: [Self; 3] = [Self::Approve, Self::Deny, Self::NeedsMoreInfo];

    /// The canonical word: `approve`, `deny`, `needs_more_info`, or the option.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Approve => APPROVE,
            Self::Deny => DENY,
            Self::NeedsMoreInfo => NEEDS_MORE_INFO,
            Self::Option(option) => option,
        }
    }
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The options of a question that offers none of its own.
pub fn standard_options() -> Vec<String> {
    Answer::STANDARD
        .iter()
        .map(|answer| answer.as_str().to_owned())
        .collect()
}

/// Every answer that a decision with these options takes, in the order in which they are offered: the standard ones,
/// then its own.
pub fn possible(options: &[String]) -> Vec<Answer> {
    let mut answers = Answer::STANDARD.to_vec();
    answers.extend(
        options
            .iter()
            .filter(|option| canonical(option).is_none())
            .cloned()
            .map(Answer::Option),
    );
    answers
}

/// Reads an answer. An option of the decision's own wins over a synonym of a standard answer: to a question that
/// offers `yes` and `no`, "yes" is that option and not an approval.
///
/// Refuses anything else with `unknown_answer`, which names what is possible.
pub fn normalise(text: &str, options: &[String]) -> Result<Answer, Refusal> {
    find(text, options).ok_or_else(|| {
        let possible: Vec<String> = possible(options)
            .iter()
            .map(|answer| answer.as_str().to_owned())
            .collect();
        let shown: String = text.chars().take(80).collect();
        let message = format!(
            "{shown:?} is no answer to this decision. Answer with one of: {}.",
            possible.join(", ")
        );
        Refusal::invalid("unknown_answer", message)
            .field(
                "decision",
                format!("must be one of: {}", possible.join(", ")),
            )
            .detail("possible", possible)
    })
}

/// What a requester's recommendation, which is free text, recommends, as far as it begins with an answer: "deny",
/// "deny: it is too early", "keep, until the readers are gone".
pub fn recommended(recommendation: &str, options: &[String]) -> Option<Answer> {
    if let Some(whole) = find(recommendation, options) {
        return Some(whole);
    }
    let lower = recommendation.trim().to_lowercase();
    let begins = |option: &&String| {
        let option = option.trim().to_lowercase();
        lower
            .strip_prefix(option.as_str())
            .is_some_and(|rest| !option.is_empty() && !rest.starts_with(char::is_alphanumeric))
    };
    if let Some(option) = options
        .iter()
        .filter(begins)
        .max_by_key(|option| option.len())
    {
        return find(option, options);
    }
    let head = lower
        .split([',', ':', ';', '.', '—', '–', '\n', '!', '('])
        .next()?;
    find(head, options)
}

fn find(text: &str, options: &[String]) -> Option<Answer> {
    if let Some(standard) = canonical(text) {
        return Some(standard);
    }
    let whole = folded(text);
    if let Some(option) = options.iter().find(|option| folded(option) == whole) {
        return Some(Answer::Option(option.clone()));
    }
    let words = words(text);
    SYNONYMS
        .into_iter()
        .find(|(synonym, _)| *synonym == words)
        .map(|(_, answer)| answer)
}

/// The standard answer whose own name this is.
fn canonical(text: &str) -> Option<Answer> {
    let folded = folded(text);
    Answer::STANDARD
        .into_iter()
        .find(|answer| answer.as_str() == folded)
}

fn folded(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

/// Lower case without punctuation, one space between words.
fn words(text: &str) -> String {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn options(options: &[&str]) -> Vec<String> {
        options.iter().map(|option| (*option).to_owned()).collect()
    }

    #[test]
    fn what_people_say() {
        for (text, expected) in [
            ("approve", Answer::Approve),
            ("Approved!", Answer::Approve),
            (" YES. ", Answer::Approve),
            ("OK", Answer::Approve),
            ("lgtm 👍", Answer::Approve),
            ("accept", Answer::Approve),
            ("Rejected", Answer::Deny),
            ("reject", Answer::Deny),
            ("No!", Answer::Deny),
            ("denied", Answer::Deny),
            ("needs-more-info", Answer::NeedsMoreInfo),
            ("Needs more info?", Answer::NeedsMoreInfo),
            ("more_info", Answer::NeedsMoreInfo),
            ("info", Answer::NeedsMoreInfo),
        ] {
            assert_eq!(normalise(text, &[]).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn own_options_match_as_a_whole_and_win_over_synonyms() {
        let own = options(&["Use C", "Use C++", "yes", "approve"]);
        let is = |text: &str, option: &str| {
            assert_eq!(
                normalise(text, &own).unwrap(),
                Answer::Option(option.into()),
                "{text}"
            );
        };
        is("use c", "Use C");
        is("USE  c++", "Use C++");
        is("Yes", "yes");
        assert_eq!(normalise("approve", &own).unwrap(), Answer::Approve);
        assert_eq!(normalise("ok", &own).unwrap(), Answer::Approve);
        let refusal = normalise("use", &own).unwrap_err();
        assert_eq!(refusal.code, "unknown_answer");
        for possible in ["approve", "deny", "needs_more_info", "Use C++", "yes"] {
            assert!(refusal.message.contains(possible), "{}", refusal.message);
        }
    }

    #[test]
    fn a_recommendation_is_read_from_its_beginning() {
        let own = options(&["keep", "keep the copy", "drop"]);
        for (text, expected) in [
            ("keep, until the readers are gone", Some("keep")),
            ("Keep the copy because it is cheap", Some("keep the copy")),
            ("Deny: too early", Some("deny")),
            ("Approve.", Some("approve")),
            ("keepers differ", None),
            ("I'd rather wait", None),
            ("", None),
        ] {
            let found = recommended(text, &own);
            assert_eq!(found.as_ref().map(Answer::as_str), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn case_and_punctuation_change_nothing(
            index in 0..SYNONYMS.len(),
            upper in any::<bool>(),
            before in "[ .,!?*_-]{0,3}",
            after in "[ .,!?*_-]{0,3}",
        ) {
            let (word, answer) = SYNONYMS[index].clone();
            let word = if upper { word.to_uppercase() } else { word.to_owned() };
            prop_assert_eq!(normalise(&format!("{before}{word}{after}"), &[]).unwrap(), answer);
        }

        #[test]
        fn a_normal_form_is_its_own_normal_form(text in ".{0,30}", own in prop::collection::vec("[a-zA-Z +]{1,12}", 0..4)) {
            if let Ok(answer) = normalise(&text, &own) {
                prop_assert_eq!(normalise(answer.as_str(), &own).unwrap().as_str().to_lowercase(), answer.as_str().to_lowercase());
            }
        }

        #[test]
        fn whatever_is_possible_is_understood(own in prop::collection::vec("[a-zA-Z+ ]{1,12}", 0..5)) {
            for answer in possible(&own) {
                prop_assert!(normalise(answer.as_str(), &own).is_ok());
            }
        }
    }
}
