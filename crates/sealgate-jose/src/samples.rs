//! Keys that the tests share. An RSA key takes long to make, so there is one.

use std::sync::LazyLock;

use zeroize::Zeroizing;

use crate::{Algorithm, SigningKey};

static RSA: LazyLock<Private> = LazyLock::new(|| make(Algorithm::Rs256));
static EC: LazyLock<Private> = LazyLock::new(|| make(Algorithm::Es256));

type Private = Zeroizing<Vec<u8>>;

fn make(algorithm: Algorithm) -> Private {
    let (_, private) = SigningKey::generate(algorithm, "sample").unwrap();
    private
}

/// A key of this algorithm, always the same, whose id is the algorithm's name; RS256 and PS256 share one.
pub(crate) fn key(algorithm: Algorithm) -> SigningKey {
    let private: &[u8] = match algorithm {
        Algorithm::Rs256 | Algorithm::Ps256 => &RSA,
        Algorithm::Ed25519 | Algorithm::MlDsa65 => &[7; 32],
        Algorithm::Es256 => &EC,
    };
    SigningKey::from_private(algorithm, algorithm.name(), private).unwrap()
}
