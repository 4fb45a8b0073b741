use loom_domain::run::RetryPolicy;
use loom_platform::{Platform, Variables, VariablesError};

use crate::Error;

/// How Loom is to work, from Spin variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// How many runs may be worked on at once (`max_concurrent`, 1 to 256, default 12).
    pub max_concurrent: i64,
    /// How long a holder of a run may be silent, in milliseconds (`run_lease_seconds`, 1 to 3600, default 150: longer
    /// than the longest model call). It is renewed three times within that.
    pub lease_ms: i64,
    /// When a bead is tried again after a failed run (`retry_delay_seconds`, 0 to 86,400, default 30).
    pub retry: RetryPolicy,
    /// What may be spent on one UTC day, in micro-US-dollars (`daily_budget_usd`, default 0 = no cap).
    pub daily_budget_micro_usd: Option<i64>,
}

impl Settings {
    /// Reads the variables; one that is undeclared or empty has its default.
    pub async fn load<P: Platform>(platform: &P) -> Result<Self, Error> {
        let lease_seconds = number(platform, "run_lease_seconds", 150, 1..=3_600).await?;
        let retry_seconds = number(platform, "retry_delay_seconds", 30, 0..=86_400).await?;
        let daily_usd = number(platform, "daily_budget_usd", 0, 0..=1_000_000).await?;
        Ok(Self {
            max_concurrent: number(platform, "max_concurrent", 12, 1..=256).await?,
            lease_ms: lease_seconds * 1_000,
            retry: RetryPolicy {
                first_wait: retry_seconds * 1_000,
            },
            daily_budget_micro_usd: (daily_usd > 0).then_some(daily_usd * 1_000_000),
        })
    }

    /// How many agents there may be in all (`max_agents`, 1 to 10,000, default 200): for the functions that spawn some.
    pub async fn max_agents<P: Platform>(platform: &P) -> Result<i64, Error> {
        number(platform, "max_agents", 200, 1..=10_000).await
    }

    /// How long the next holder of a run may take to lease it, in milliseconds, before the tick looks after it.
    pub fn hand_over_ms(&self) -> i64 {
        self.lease_ms.min(10_000)
    }
}

async fn number<P: Platform>(
    platform: &P,
    name: &str,
    default: i64,
    allowed: std::ops::RangeInclusive<i64>,
) -> Result<i64, Error> {
    let text = match platform.variables().get_optional(name).await {
        Ok(Some(text)) => text,
        Ok(None) => return Ok(default),
        Err(error @ VariablesError::Undefined(_)) => return Err(Error::internal(error)),
        Err(error) => {
            return Err(Error::unavailable(
                "variables_unavailable",
                error.to_string(),
                5,
            ));
        }
    };
    text.trim().parse().ok().filter(|value| allowed.contains(value)).ok_or_else(|| {
        Error::not_configured(format!(
            "The variable {name} is {text:?} but must be a whole number from {} to {}. Set SPIN_VARIABLE_{} and start again.",
            allowed.start(),
            allowed.end(),
            name.to_uppercase()
        ))
    })
}
