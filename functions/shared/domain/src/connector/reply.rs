//! Replies from a messenger: whose they are, what they answer, and what they say.

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    Refusal,
    decision::{Answer, normalise, possible},
    time::{MINUTE, Timestamp},
};

/// How far the time of a message may be from ours, in milliseconds, either way: 5 minutes. What is older is a replay.
pub const REPLAY_WINDOW: i64 = 5 * MINUTE;

/// The longest text of a reply, in bytes.
pub const LONGEST_TEXT: usize = 4096;

const DECISION: &str = "loom:decision:";

/// The key of the conversation about something; its replies carry it.
pub fn session_key(
    decision_id: Option<&str>,
    bead_id: Option<&str>,
    project_id: Option<&str>,
) -> String {
    match (decision_id, bead_id, project_id) {
        (Some(id), ..) => format!("{DECISION}{id}"),
        (None, Some(id), _) => format!("loom:bead:{id}"),
        (None, None, Some(id)) => format!("loom:project:{id}"),
        (None, None, None) => "loom:system".to_owned(),
    }
}

/// The decision that a conversation is about.
pub fn decision_of_session(session_key: &str) -> Option<&str> {
    session_key
        .strip_prefix(DECISION)
        .filter(|id| !id.is_empty())
}

/// A message as an OpenClaw gateway passes it on. Fields that are not here are ignored, because the gateway is not ours.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Message {
    /// What it answers: the key that our message had.
    #[serde(default)]
    pub session_key: String,
    /// Who wrote it, as the gateway names people.
    #[serde(default)]
    pub sender: String,
    /// By which messenger.
    #[serde(default)]
    pub channel: String,
    /// What was written.
    pub text: String,
    /// When: RFC 3339, or seconds or milliseconds since 1970.
    #[serde(deserialize_with = "moment")]
    pub timestamp: Timestamp,
    /// The messenger's own id of it.
    pub message_id: String,
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Input {
        Number(i64),
        Fraction(f64),
        Text(String),
    }
    // Seconds reach this number of milliseconds in the year 5138.
    const SECONDS: i64 = 100_000_000_000;
    let found = match Input::deserialize(deserializer) {
        Ok(Input::Number(number)) if (0..SECONDS).contains(&number) => {
            Some(Timestamp(number * 1000))
        }
        Ok(Input::Number(number)) if number >= 0 => Some(Timestamp(number)),
        Ok(Input::Fraction(seconds)) if (0.0..SECONDS as f64).contains(&seconds) => {
            Some(Timestamp((seconds * 1000.0) as i64))
        }
        Ok(Input::Text(text)) => Timestamp::parse(&text),
        _ => None,
    };
    found.ok_or_else(|| {
        D::Error::custom("a time must be RFC 3339, or seconds or milliseconds since 1970")
    })
}

impl Message {
    /// Refuses what can't be worked with: too long, empty or unprintable fields.
    pub fn check(&self) -> Result<(), Refusal> {
        let mut refusal = Refusal::invalid("invalid_fields", "The message cannot be read.");
        for (field, value, longest, may_be_empty) in [
            ("text", &self.text, LONGEST_TEXT, false),
            ("message_id", &self.message_id, 256, false),
            ("session_key", &self.session_key, 256, true),
            ("sender", &self.sender, 128, true),
            ("channel", &self.channel, 64, true),
        ] {
            if value.len() > longest {
                refusal = refusal.field(field, format!("is longer than {longest} bytes"));
            } else if value.trim().is_empty() && !may_be_empty {
                refusal = refusal.field(field, "is empty");
            } else if field != "text" && value.chars().any(char::is_control) {
                refusal = refusal.field(field, "holds control characters");
            }
        }
        match refusal.fields.is_empty() {
            true => Ok(()),
            false => Err(refusal),
        }
    }

    /// Whether it was written just now.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        (self.timestamp.0 - now.0).abs() <= REPLAY_WINDOW
    }
}

/// Who may answer: `sender` by any messenger, or `channel:sender` by one. Nobody, unless somebody is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Senders(Vec<String>);

impl Senders {
    /// Reads a list with commas.
    pub fn parse(text: &str) -> Self {
        let names = text
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        Self(names.map(str::to_owned).collect())
    }

    /// How many are named.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether the sender of the message may answer.
    pub fn allow(&self, message: &Message) -> bool {
        let Message {
            sender, channel, ..
        } = message;
        !sender.is_empty()
            && self
                .0
                .iter()
                .any(|named| named == sender || *named == format!("{channel}:{sender}"))
    }
}

/// What a reply answers to a decision with these options, and why.
///
/// The answer is the whole text, or what stands before the first colon, semicolon, spaced dash or line break; the rest
/// is the reason. Anything else is no answer, also when it begins like one ("yes, but"): where the decision offers
/// `needs_more_info`, it is that, with the text as what is to be found out, and else it is refused with
/// `unknown_answer`, which tells what would be one. So nothing is approved by accident.
pub fn read_answer(text: &str, options: &[String]) -> Result<(Answer, String), Refusal> {
    let text = text.trim();
    let normalised = normalise(text, options);
    let refusal = match normalised {
        Ok(answer) if is_said(text, &answer) => return Ok((answer, text.to_owned())),
        Ok(_) => unclear(text, options),
        Err(refusal) => refusal,
    };
    let end = [":", ";", "\n", " - ", " – ", " — "]
        .iter()
        .filter_map(|mark| text.find(mark).map(|place| (place, mark.len())))
        .min();
    if let Some((place, length)) = end {
        let (head, tail) = text.split_at(place);
        let reason = tail.get(length..).unwrap_or_default().trim();
        if let Ok(answer) = normalise(head, options)
            && is_said(head, &answer)
            && !reason.is_empty()
        {
            return Ok((answer, reason.to_owned()));
        }
    }
    let offers_more_info = options
        .iter()
        .any(|option| option == Answer::NeedsMoreInfo.as_str());
    match offers_more_info {
        true => Ok((Answer::NeedsMoreInfo, text.to_owned())),
        false => Err(refusal),
    }
}

/// Whether a text says its answer and does not ask it ("ok?"); an option may be a question itself.
fn is_said(text: &str, answer: &Answer) -> bool {
    !text.contains('?') || matches!(answer, Answer::Option(_))
}

fn unclear(text: &str, options: &[String]) -> Refusal {
    let possible: Vec<String> = possible(options)
        .iter()
        .map(|answer| answer.as_str().to_owned())
        .collect();
    let message = format!(
        "{text:?} asks and does not answer. Answer with one of: {}.",
        possible.join(", ")
    );
    Refusal::invalid("unknown_answer", message).detail("possible", possible)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::decision::standard_options;

    #[test]
    fn what_replies_say() {
        let own = vec!["Keep".to_owned(), "Drop: now".to_owned()];
        for (text, options, answer, reason) in [
            ("yes", standard_options(), "approve", "yes"),
            (" LGTM! ", standard_options(), "approve", "LGTM!"),
            ("deny: too early", standard_options(), "deny", "too early"),
            (
                "no - wait: for it",
                standard_options(),
                "deny",
                "wait: for it",
            ),
            (
                "approve\nlooks good",
                standard_options(),
                "approve",
                "looks good",
            ),
            (
                "yes, but only half",
                standard_options(),
                "needs_more_info",
                "yes, but only half",
            ),
            ("ok?", standard_options(), "needs_more_info", "ok?"),
            (
                "Ship it?",
                vec!["ship it?".to_owned()],
                "ship it?",
                "Ship it?",
            ),
            (
                "who are you",
                standard_options(),
                "needs_more_info",
                "who are you",
            ),
            ("keep", own.clone(), "Keep", "keep"),
            ("drop: now", own.clone(), "Drop: now", "drop: now"),
            ("more info", own.clone(), "needs_more_info", "more info"),
        ] {
            let (found, why) = read_answer(text, &options).unwrap();
            assert_eq!((found.as_str(), why.as_str()), (answer, reason), "{text:?}");
        }
        for text in ["perhaps", "ok?"] {
            let refusal = read_answer(text, &own).unwrap_err();
            assert_eq!(refusal.code, "unknown_answer");
            assert!(refusal.to_string().contains("Keep"), "{refusal}");
        }
    }

    #[test]
    fn sessions_are_read_back() {
        assert_eq!(
            decision_of_session(&session_key(Some("d"), Some("b"), None)),
            Some("d")
        );
        for key in ["loom:decision:", "loom:bead:bd-1", "other", ""] {
            assert_eq!(decision_of_session(key), None);
        }
    }

    fn message(change: serde_json::Value) -> Result<Message, serde_json::Error> {
        let mut message = json!({"session_key": "k", "sender": "ann", "channel": "signal", "text": "yes",
            "timestamp": "2026-11-24T08:00:00Z", "message_id": "m", "more": 1});
        for (name, value) in change.as_object().unwrap() {
            message[name] = value.clone();
        }
        serde_json::from_value(message)
    }

    #[test]
    fn times_come_in_three_forms() {
        for (form, expected) in [
            (json!("2026-11-24T08:00:00Z"), 1_795_507_200_000),
            (json!(1_795_507_200), 1_795_507_200_000),
            (json!(1_795_507_200_000_i64), 1_795_507_200_000),
            (json!(1_795_507_200.5), 1_795_507_200_500),
        ] {
            let read = message(json!({"timestamp": form})).unwrap();
            assert_eq!(read.timestamp.0, expected);
            assert!(read.is_fresh(Timestamp(expected + REPLAY_WINDOW)));
            assert!(!read.is_fresh(Timestamp(expected + REPLAY_WINDOW + 1)));
            assert!(!read.is_fresh(Timestamp(expected - REPLAY_WINDOW - 1)));
        }
        for form in [json!("now"), json!(-1), json!(null), json!(1e300)] {
            assert!(message(json!({"timestamp": form})).is_err(), "{form}");
        }
    }

    #[test]
    fn somebody_must_be_named() {
        let from = message(json!({})).unwrap();
        for (list, allowed) in [
            ("", false),
            (",", false),
            ("bob", false),
            ("bob, ann", true),
            ("signal:ann", true),
            ("telegram:ann", false),
            ("Ann", false),
        ] {
            assert_eq!(Senders::parse(list).allow(&from), allowed, "{list}");
        }
        assert!(!Senders::parse("ann").allow(&message(json!({"sender": ""})).unwrap()));
    }

    #[test]
    fn unusable_fields_are_named() {
        assert_eq!(message(json!({})).unwrap().check(), Ok(()));
        for (change, field) in [
            (json!({"text": " "}), "text"),
            (json!({"text": "x".repeat(4097)}), "text"),
            (json!({"message_id": ""}), "message_id"),
            (json!({"sender": "a\nb"}), "sender"),
        ] {
            let refusal = message(change).unwrap().check().unwrap_err();
            assert!(refusal.fields.contains_key(field), "{field}");
        }
    }

    proptest! {
        #[test]
        fn only_a_clear_yes_is_one(text in "[a-z ,.!?]{0,30}") {
            if let Ok((Answer::Approve, _)) = read_answer(&text, &standard_options()) {
                let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
                prop_assert_eq!(words.len(), 1, "{}", text);
            }
        }
    }
}
