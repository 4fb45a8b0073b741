//! What is read of a delivery before it is kept: as little as can be.

use serde::{Deserialize, de::IgnoredAny};

/// The longest name of an event, and the longest GUID, in bytes.
const LONGEST_NAME: usize = 64;
/// The longest `action` and `full_name` that are kept, in bytes.
const LONGEST_FIELD: usize = 200;

/// Whether a text can be the name of an event: 1 to 64 lower-case letters, digits and underscores.
pub fn is_event_name(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Whether a text can be the GUID of a delivery: 1 to 64 letters, digits and dashes.
pub fn is_guid(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// The 32 bytes of `X-Hub-Signature-256: sha256=<64 hexadecimal digits>`.
pub fn signature(header: &str) -> Option<[u8; 32]> {
    let digits = header.trim().strip_prefix("sha256=")?.as_bytes();
    if digits.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// The value of `payload` in a form (`application/x-www-form-urlencoded`), decoded. `None` when there is none, or its
/// encoding is broken.
pub fn payload_of_form(body: &[u8]) -> Option<Vec<u8>> {
    let value = body
        .split(|byte| *byte == b'&')
        .find_map(|pair| pair.strip_prefix(b"payload="))?;
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.iter().copied();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => nibble(rest.next()?)? << 4 | nibble(rest.next()?)?,
            b'+' => b' ',
            other => other,
        });
    }
    Some(bytes)
}

/// What is read of a payload when it comes. The rest of it is only checked to be JSON.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    /// What happened to the thing that the event is named after.
    pub action: Option<String>,
    /// The repository, as `owner/name`.
    pub repository: Option<String>,
    /// The installation of the GitHub App.
    pub installation_id: Option<i64>,
    members: u16,
}

#[derive(Deserialize)]
struct Payload {
    action: Option<String>,
    repository: Option<Repository>,
    installation: Option<Installation>,
    issue: Option<IgnoredAny>,
    comment: Option<IgnoredAny>,
    pull_request: Option<IgnoredAny>,
    review: Option<IgnoredAny>,
    check_run: Option<IgnoredAny>,
    check_suite: Option<IgnoredAny>,
    workflow_run: Option<IgnoredAny>,
    release: Option<IgnoredAny>,
    #[serde(rename = "ref")]
    git_ref: Option<IgnoredAny>,
    sha: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: Option<String>,
}

#[derive(Deserialize)]
struct Installation {
    id: Option<i64>,
}

/// The members that payloads are told apart by, in the order of the bits of [`Envelope::members`].
const MEMBERS: [&str; 10] = [
    "issue",
    "comment",
    "pull_request",
    "review",
    "check_run",
    "check_suite",
    "workflow_run",
    "release",
    "ref",
    "sha",
];

/// The members without which a payload is not that event's. Events that do nothing are not listed.
fn required(event: &str) -> &'static [&'static str] {
    match event {
        "issues" => &["issue"],
        "issue_comment" => &["issue", "comment"],
        "pull_request" => &["pull_request"],
        "pull_request_review" => &["pull_request", "review"],
        "pull_request_review_comment" => &["pull_request", "comment"],
        "check_run" => &["check_run"],
        "check_suite" => &["check_suite"],
        "workflow_run" => &["workflow_run"],
        "status" => &["sha"],
        "release" => &["release"],
        "push" => &["ref"],
        _ => &[],
    }
}

impl Envelope {
    /// Reads a payload; the error says what is wrong with it.
    pub fn read(payload: &[u8]) -> Result<Self, String> {
        // Serde checks only the strings that it reads.
        let text = std::str::from_utf8(payload).map_err(|error| error.to_string())?;
        // It would also fill the fields from an array, one by one.
        if !text
            .trim_start_matches([' ', '\t', '\r', '\n'])
            .starts_with('{')
        {
            return Err("it does not begin with {".to_owned());
        }
        let payload: Payload = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let found = [
            payload.issue.is_some(),
            payload.comment.is_some(),
            payload.pull_request.is_some(),
            payload.review.is_some(),
            payload.check_run.is_some(),
            payload.check_suite.is_some(),
            payload.workflow_run.is_some(),
            payload.release.is_some(),
            payload.git_ref.is_some(),
            payload.sha.is_some(),
        ];
        let members = found
            .into_iter()
            .enumerate()
            .map(|(bit, is_there)| u16::from(is_there) << bit)
            .sum();
        let short = |text: &String| (1..=LONGEST_FIELD).contains(&text.len());
        Ok(Self {
            action: payload.action.filter(short),
            repository: payload
                .repository
                .and_then(|repository| repository.full_name)
                .filter(|name| short(name) && name.matches('/').count() == 1),
            installation_id: payload
                .installation
                .and_then(|installation| installation.id),
            members,
        })
    }

    /// The owner and the name of the repository.
    pub fn owner_and_name(&self) -> Option<(&str, &str)> {
        self.repository.as_deref()?.split_once('/')
    }

    fn has(&self, member: &str) -> bool {
        MEMBERS
            .iter()
            .position(|name| *name == member)
            .is_some_and(|bit| self.members & (1 << bit) != 0)
    }
}

/// The first member that the payload of such an event has and this one lacks. The event's name is the one thing that
/// the signature does not cover, so it is held against what it covers.
pub fn missing_member(event: &str, envelope: &Envelope) -> Option<&'static str> {
    required(event)
        .iter()
        .copied()
        .find(|member| !envelope.has(member))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_bounded() {
        for (text, event, guid) in [
            ("issues", true, true),
            ("pull_request", true, false),
            ("72d3162e-cc78-11e3-81ab-4c9367dc0958", false, true),
            ("", false, false),
            ("Issues", false, true),
            ("a b", false, false),
            ("a\n", false, false),
        ] {
            assert_eq!(
                (is_event_name(text), is_guid(text)),
                (event, guid),
                "{text:?}"
            );
        }
        assert!(!is_guid(&"a".repeat(65)) && !is_event_name(&"a".repeat(65)));
    }

    #[test]
    fn signatures() {
        let hex = "ab".repeat(32);
        assert_eq!(signature(&format!("sha256={hex}")), Some([0xab; 32]));
        assert_eq!(
            signature(&format!("sha256={}", hex.to_uppercase())),
            Some([0xab; 32])
        );
        for bad in [
            String::new(),
            hex.clone(),
            format!("sha1={hex}"),
            format!("sha256={hex}00"),
            format!("sha256={}", "zz".repeat(32)),
            format!("sha256={}", "+1".repeat(32)),
        ] {
            assert_eq!(signature(&bad), None, "{bad}");
        }
    }

    #[test]
    fn the_payload_of_a_form() {
        assert_eq!(
            payload_of_form(b"x=1&payload=%7B%22a%22%3A+1%7D&y=2"),
            Some(br#"{"a": 1}"#.to_vec())
        );
        assert_eq!(payload_of_form(b"{}"), None);
        assert_eq!(payload_of_form(b"payload=%7"), None);
        assert_eq!(payload_of_form(b"payload=%zz"), None);
    }

    #[test]
    fn what_is_read() {
        let text = br#" {"action":"opened","issue":{"x":[1]},"repository":{"id":1,"full_name":"acme/widget"},
            "installation":{"id":7},"review":null}"#;
        let envelope = Envelope::read(text).unwrap();
        assert_eq!(envelope.action.as_deref(), Some("opened"));
        assert_eq!(envelope.owner_and_name(), Some(("acme", "widget")));
        assert_eq!(envelope.installation_id, Some(7));
        assert_eq!(missing_member("issues", &envelope), None);
        assert_eq!(missing_member("star", &envelope), None);
        assert_eq!(missing_member("issue_comment", &envelope), Some("comment"));
        assert_eq!(
            missing_member("pull_request_review", &envelope),
            Some("pull_request")
        );
    }

    #[test]
    fn what_is_no_payload() {
        for text in [
            "",
            "[]",
            "1",
            "{",
            "{}x",
            r#"{"action":1}"#,
            "\u{feff}{}",
            "{\"a\":\"\u{1}\"}",
        ] {
            assert!(Envelope::read(text.as_bytes()).is_err(), "{text:?}");
        }
        assert!(Envelope::read(b"{\"a\":\"\xff\"}").is_err());
        let long = format!(
            r#"{{"action":"{}","repository":{{"full_name":"a/b/c"}}}}"#,
            "a".repeat(300)
        );
        assert_eq!(Envelope::read(long.as_bytes()), Ok(Envelope::default()));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Envelope::read(&bytes);
            let _ = payload_of_form(&bytes);
        }

        #[test]
        fn a_form_gives_back_what_was_put_in(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let encoded: String = bytes.iter().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(payload_of_form(format!("payload={encoded}").as_bytes()), Some(bytes));
        }
    }
}
