//! What is counted of the signing keys. Their ages are told by whoever shows the metrics.

use metrics::{counter, describe_counter, describe_gauge, gauge};
use sealgate_jose::Algorithm;
use sealgate_store::KeyState;

use crate::life::Key;

const KEYS: &str = "sealgate_signing_keys";
const ROTATIONS: &str = "sealgate_key_rotations_total";

/// Says what the numbers mean.
pub(crate) fn describe() {
    describe_gauge!(KEYS, "Signing keys, by state and algorithm");
    describe_counter!(
        ROTATIONS,
        "Rotations of the signing keys, on schedule or on command, by algorithm"
    );
}

/// The next key of `algorithm` has begun to sign.
pub(crate) fn rotated(algorithm: Algorithm) {
    counter!(ROTATIONS, "algorithm" => algorithm.name()).increment(1);
}

/// These are the keys.
pub(crate) fn standing(keys: &[Key<String>]) {
    for algorithm in Algorithm::ALL {
        let these = || keys.iter().filter(|key| key.algorithm == algorithm);
        if these().next().is_none() {
            continue;
        }
        for state in [KeyState::Next, KeyState::Active, KeyState::Retiring] {
            // A handful: no count of keys is large enough to be rounded.
            let count = u32::try_from(these().filter(|key| key.state == state).count());
            gauge!(KEYS, "state" => state.as_str(), "algorithm" => algorithm.name())
                .set(f64::from(count.unwrap_or(u32::MAX)));
        }
    }
}
