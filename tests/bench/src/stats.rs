use std::time::Duration;

/// Measured times, in order.
#[derive(Debug, Clone, Default)]
pub struct Samples(Vec<Duration>);

impl Samples {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The smallest time that `share` of the samples do not exceed (nearest rank); zero without samples.
    pub fn quantile(&self, share: f64) -> Duration {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rank among samples that fit into memory"
        )]
        let rank = (share * self.0.len() as f64).ceil() as usize;
        let last = self.0.len().saturating_sub(1);
        let index = rank.saturating_sub(1).min(last);
        self.0.get(index).copied().unwrap_or_default()
    }

    /// Half of the samples are at most this.
    pub fn p50(&self) -> Duration {
        self.quantile(0.5)
    }

    /// p50, p99 and maximum, in milliseconds.
    pub(crate) fn columns(&self) -> [String; 3] {
        [0.5, 0.99, 1.0].map(|share| milliseconds(self.quantile(share)))
    }
}

impl FromIterator<Duration> for Samples {
    fn from_iter<T: IntoIterator<Item = Duration>>(samples: T) -> Self {
        let mut samples: Vec<Duration> = samples.into_iter().collect();
        samples.sort_unstable();
        Self(samples)
    }
}

/// With three digits that mean something.
pub(crate) fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1e3;
    match milliseconds {
        ..9.995 => format!("{milliseconds:.2}"),
        ..99.95 => format!("{milliseconds:.1}"),
        _ => format!("{milliseconds:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples_of_the_nearest_rank() {
        let samples: Samples = (1..=100).rev().map(Duration::from_millis).collect();
        let at = |share| samples.quantile(share).as_millis();
        assert_eq!((at(0.0), at(0.5), at(0.99), at(1.0)), (1, 50, 99, 100));
        let one: Samples = [Duration::from_millis(7)].into_iter().collect();
        assert_eq!(one.columns(), ["7.00", "7.00", "7.00"]);
        assert_eq!(Samples::default().p50(), Duration::ZERO);
    }
}
