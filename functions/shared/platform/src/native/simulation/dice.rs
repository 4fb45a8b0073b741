/// A small seeded generator: xoshiro256++ (Blackman and Vigna, public domain), seeded by SplitMix64 as its authors
/// advise. Not for secrets.
#[derive(Debug, Clone)]
pub(super) struct Dice {
    state: [u64; 4],
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut sequence = seed;
        let mut next = || {
            sequence = sequence.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = sequence;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        };
        Self {
            state: [next(), next(), next(), next()],
        }
    }

    pub(super) fn next(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let drawn = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        drawn
    }

    /// A number from 0 to `bound - 1`; 0 for a bound of 0. (The bias of the remainder is far below what a schedule
    /// could feel.)
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    /// True with the given probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        if probability <= 0.0 {
            // No draw: a fault that is off must not change what the seed means for the others.
            return false;
        }
        // 53 bits fill a float's mantissa exactly.
        let point = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        point < probability
    }

    pub(super) fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let drawn = self.next().to_le_bytes();
            for (byte, random) in chunk.iter_mut().zip(drawn) {
                *byte = random;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Dice;

    #[test]
    fn the_seed_decides_and_numbers_spread() {
        let draw = |seed| {
            let mut dice = Dice::new(seed);
            std::array::from_fn::<u64, 100, _>(|_| dice.below(10))
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        for digit in 0..10 {
            assert!(draw(3).contains(&digit), "{digit} never drawn");
        }
    }

    #[test]
    fn chances_are_about_right() {
        let mut dice = Dice::new(5);
        let hits = (0..10_000).filter(|_| dice.chance(0.25)).count();
        assert!((2_200..2_800).contains(&hits), "{hits}");
        assert!((0..1_000).all(|_| !dice.chance(0.0)));
        assert!((0..1_000).all(|_| dice.chance(1.0)));
    }
}
