use crate::Random;

/// The operating system's random bytes: `wasi:random` on Spin, `getrandom(2)` and its like natively.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the Random port's own source"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        if getrandom::fill(bytes).is_err() {
            // Predictable tokens and keys are worse than no answer, and no caller could do anything sensible.
            std::process::abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SystemRandom;
    use crate::Random;

    #[test]
    fn two_draws_differ() {
        assert_ne!(SystemRandom.bytes::<16>(), SystemRandom.bytes::<16>());
    }
}
