//! The system's randomness, and a repeatable stand-in.

use std::sync::atomic::{AtomicU64, Ordering};

use sealgate_model::Random;

/// The cryptographic generator of aws-lc.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is where real randomness is handed in"
    )]
    fn fill(&self, bytes: &mut [u8]) {
        // Failing to draw randomness leaves nothing safe to continue with.
        assert!(
            aws_lc_rs::rand::fill(bytes).is_ok(),
            "the system's random generator failed"
        );
    }
}

/// A repeatable sequence of bytes for tests: distinct on every call, and no secret.
#[derive(Debug)]
pub struct FakeRandom {
    state: AtomicU64,
}

impl FakeRandom {
    /// A sequence chosen by `seed`.
    pub fn seeded(seed: u64) -> Self {
        Self {
            state: AtomicU64::new(seed),
        }
    }
}

impl Default for FakeRandom {
    fn default() -> Self {
        Self::seeded(1)
    }
}

impl Random for FakeRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            // SplitMix64 (Steele, Lea and Flood, 2014): one addition and one mix a word.
            let mut word = self
                .state
                .fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            let word = (word ^ (word >> 31)).to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}
