use sha2::{Digest, Sha256};

use crate::answer::Misbehaviour;

/// Faults by chance, decided by a seed: the same request, asked for the same time, always meets the same fate,
/// whatever else goes on.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// The seed.
    pub seed: u64,
    /// The share of requests that meet a fault, from 0 to 1.
    pub rate: f64,
    /// What can happen.
    pub kinds: Vec<Misbehaviour>,
    /// How often one turn of a conversation can meet a fault, so that a bounded number of retries succeeds.
    pub most_per_turn: u32,
}

impl Faults {
    /// Everything that passes by itself within a few retries, at most twice a turn.
    pub fn passing(seed: u64, rate: f64) -> Self {
        Self {
            seed,
            rate,
            kinds: vec![
                Misbehaviour::KeyRateLimited,
                Misbehaviour::AddressRateLimited,
                Misbehaviour::ServerPanicked,
                Misbehaviour::BadGateway,
                Misbehaviour::Close,
                Misbehaviour::ReplyLost,
                Misbehaviour::ReplyCut,
                Misbehaviour::NotModelOutput,
                Misbehaviour::NoChoices,
                Misbehaviour::Unreadable,
            ],
            most_per_turn: 2,
        }
    }

    /// The fate of the `attempt`th request (from 0) for a turn.
    pub(crate) fn roll(&self, fingerprint: &str, attempt: u32) -> Option<Misbehaviour> {
        if attempt >= self.most_per_turn || self.kinds.is_empty() {
            return None;
        }
        let digest = Sha256::new()
            .chain_update(self.seed.to_le_bytes())
            .chain_update(fingerprint.as_bytes())
            .chain_update(attempt.to_le_bytes())
            .finalize();
        let (chance, rest) = digest.split_at(4);
        let chance = f64::from(u32::from_le_bytes(chance.try_into().ok()?)) / f64::from(u32::MAX);
        let choice =
            u32::from_le_bytes(rest.get(..4)?.try_into().ok()?) as usize % self.kinds.len();
        (chance < self.rate)
            .then(|| self.kinds.get(choice).cloned())
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_and_the_rate_holds() {
        let faults = Faults::passing(7, 0.25);
        let fates: Vec<_> = (0..1_000)
            .map(|turn| faults.roll(&turn.to_string(), 0))
            .collect();
        assert_eq!(
            fates,
            (0..1_000)
                .map(|turn| faults.roll(&turn.to_string(), 0))
                .collect::<Vec<_>>()
        );
        let struck = fates.iter().flatten().count();
        assert!((150..350).contains(&struck), "{struck}");
        assert_ne!(
            fates,
            (0..1_000)
                .map(|turn| Faults::passing(8, 0.25).roll(&turn.to_string(), 0))
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn one_turn_is_struck_a_bounded_number_of_times() {
        let faults = Faults::passing(1, 1.0);
        assert!(faults.roll("turn", 0).is_some() && faults.roll("turn", 1).is_some());
        assert_eq!(faults.roll("turn", 2), None);
    }
}
