//! Budgets: money is reserved before a call and settled after it (invariant I11).

/// What a budget is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetScope {
    /// One bead.
    Bead,
    /// One project, over its life.
    Project,
    /// Everything on one UTC day.
    Day,
}

impl BudgetScope {
    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bead => "bead",
            Self::Project => "project",
            Self::Day => "day",
        }
    }
}

/// What a call may cost at most, in tokens: the prompt, estimated, and all the completion that is allowed.
///
/// A quarter is added to the prompt because tokens are estimated from bytes.
pub fn reservation_tokens(prompt_bytes: usize, max_completion_tokens: i64) -> (i64, i64) {
    let prompt = i64::try_from(prompt_bytes.div_ceil(4)).unwrap_or(i64::MAX / 2);
    (prompt + prompt / 4, max_completion_tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prompt_is_estimated_high() {
        assert_eq!(reservation_tokens(4_000, 500), (1_250, 500));
    }
}
