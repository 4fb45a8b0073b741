use std::time::Duration;

use super::dice::Dice;

/// What may go wrong, as probabilities from 0 to 1 of the single event.
///
/// [`Default`] is a world without faults, in which the schedule alone varies.
#[derive(Debug, Clone, PartialEq)]
pub struct Faults {
    /// Per port call, before or after its effect: the whole process ends, with all its tasks; open transactions are
    /// rolled back.
    pub crash: f64,
    /// No more crashes than this, all processes together.
    pub most_crashes: u32,
    /// Per writing statement or transaction: the database says busy, as if the wait for another writer had run out.
    pub busy: f64,
    /// Per key-value call: it fails, with or without having had its effect.
    pub key_value: f64,
    /// Per port call: it takes up to [`longest_delay`](Self::longest_delay). Delayed requests and replies overtake
    /// each other.
    pub delay: f64,
    /// The longest a delayed port call takes.
    pub longest_delay: Duration,
    /// Per HTTP call: no connection, the other side has seen nothing.
    pub refused: f64,
    /// Per HTTP call: the other side gets the request twice; the caller gets one of the replies.
    pub duplicate: f64,
    /// Per HTTP call: the other side acts, but the caller sees the exchange break off or time out.
    pub lost_reply: f64,
    /// Per HTTP call: the reply's body breaks off half-way.
    pub truncated: f64,
    /// How far the wall clock of a process may be ahead of or behind the database's; drawn at each start of it.
    pub clock_skew: Duration,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            crash: 0.0,
            most_crashes: 3,
            busy: 0.0,
            key_value: 0.0,
            delay: 0.0,
            longest_delay: Duration::from_secs(5),
            refused: 0.0,
            duplicate: 0.0,
            lost_reply: 0.0,
            truncated: 0.0,
            clock_skew: Duration::ZERO,
        }
    }
}

impl Faults {
    /// A mix for this seed: each kind of fault is absent in half of the seeds, and rare or frequent in the others, so
    /// that over many seeds all combinations come up, and rare ones are not drowned by frequent ones.
    pub fn drawn(seed: u64) -> Self {
        // Not the generator of the schedule itself, or the two would go in step.
        let mut dice = Dice::new(seed ^ 0x6661_756c_7473_2121);
        let mut probability = |most: f64| match dice.below(4) {
            0 => most,
            1 => most / 8.0,
            _ => 0.0,
        };
        Self {
            crash: probability(0.02),
            busy: probability(0.05),
            key_value: probability(0.05),
            delay: probability(0.10),
            refused: probability(0.10),
            duplicate: probability(0.20),
            lost_reply: probability(0.10),
            truncated: probability(0.05),
            most_crashes: 1 + u32::try_from(dice.below(4)).unwrap_or(0),
            longest_delay: Duration::from_millis(1 << dice.below(17)),
            clock_skew: Duration::from_millis(dice.below(2) * dice.below(120_000)),
        }
    }
}
