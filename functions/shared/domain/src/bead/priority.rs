use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// How urgent a bead is: P0 (now) to P3 (some day). `"P1"` in JSON (`1` is accepted too), an integer in SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Priority(u8);

impl Priority {
    /// Urgent.
    pub const P0: Self = Self(0);
    /// What a bead has unless it says otherwise.
    pub const DEFAULT: Self = Self(2);

    /// The priority `number`, if it is 0 to 3.
    pub fn new(number: i64) -> Option<Self> {
        u8::try_from(number)
            .ok()
            .filter(|number| *number <= 3)
            .map(Self)
    }

    /// Reads `P0` to `P3`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(['P', 'p'])?;
        (digits.len() == 1).then(|| digits.parse().ok().and_then(Self::new))?
    }

    /// 0 to 3.
    pub fn number(self) -> i64 {
        i64::from(self.0)
    }
}

impl std::fmt::Display for Priority {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "P{}", self.0)
    }
}

impl Serialize for Priority {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Priority {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Input {
            Number(i64),
            Text(String),
        }
        let found = match Input::deserialize(deserializer) {
            Ok(Input::Number(number)) => Self::new(number),
            Ok(Input::Text(text)) => Self::parse(&text),
            Err(_) => None,
        };
        found.ok_or_else(|| D::Error::custom("a priority must be \"P0\", \"P1\", \"P2\" or \"P3\""))
    }
}
