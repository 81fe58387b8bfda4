//! What a JWK says once it is read: key material within bounds, ready to verify.

mod roca;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ML_DSA_65, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Algorithm, JoseError, Jwk};

/// The bytes of an ML-DSA-65 public key (FIPS 204, table 2).
const ML_DSA_65_PUBLIC: usize = 1952;

/// Bits of an RSA modulus: RFC 7518, 3.3 asks for 2,048, and above 8,192 verifying costs too much.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Key material. Every member has one encoding only, so that equal keys have equal thumbprints.
pub(crate) enum Material {
    Ed25519(Vec<u8>),
    /// The uncompressed point: 4, x, y.
    P256(Vec<u8>),
    /// Big-endian, without leading zeros.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    MlDsa65(Vec<u8>),
}

impl Material {
    pub(crate) fn of(jwk: &Jwk) -> Result<Self, JoseError> {
        match (jwk.kty.as_str(), jwk.crv.as_deref()) {
            ("OKP", Some("Ed25519")) => {
                exactly(32, jwk.x.as_deref(), "its x is not 32 bytes").map(Self::Ed25519)
            }
            ("EC", Some("P-256")) => {
                let x = exactly(32, jwk.x.as_deref(), "its x is not 32 bytes")?;
                let y = exactly(32, jwk.y.as_deref(), "its y is not 32 bytes")?;
                Ok(Self::P256([&[4], &x[..], &y[..]].concat()))
            }
            ("RSA", _) => {
                let n = number(jwk.n.as_deref(), "its n is not a number")?;
                let e = number(jwk.e.as_deref(), "its e is not a number")?;
                if !RSA_BITS.contains(&bits(&n)) || n.last().is_none_or(|last| last % 2 == 0) {
                    return Err(JoseError::UnusableKey(
                        "its n is not an odd number of 2048 to 8192 bits",
                    ));
                }
                // FIPS 186-5, A.1.1 asks for more than 2^16; a long one only makes verifying slow.
                if !(17..=32).contains(&bits(&e)) || e.last().is_none_or(|last| last % 2 == 0) {
                    return Err(JoseError::UnusableKey(
                        "its e is not an odd number of 17 to 32 bits",
                    ));
                }
                if roca::is_weak(&n) {
                    return Err(JoseError::UnusableKey(
                        "its n can be factored (CVE-2017-15361)",
                    ));
                }
                Ok(Self::Rsa { n, e })
            }
            // AKP is one type for many algorithms, told apart by `alg`, which must be there.
            ("AKP", _) if jwk.alg.as_deref() == Some(Algorithm::MlDsa65.name()) => exactly(
                ML_DSA_65_PUBLIC,
                jwk.public.as_deref(),
                "its pub is not 1952 bytes",
            )
            .map(Self::MlDsa65),
            _ => Err(JoseError::UnusableKey("its type is not known")),
        }
    }

    /// What may have signed with this key. RSA is the one family of two; all others have their own.
    fn algorithms(&self) -> &'static [Algorithm] {
        match self {
            Self::Ed25519(_) => &[Algorithm::Ed25519],
            Self::P256(_) => &[Algorithm::Es256],
            Self::Rsa { .. } => &[Algorithm::Rs256, Algorithm::Ps256],
            Self::MlDsa65(_) => &[Algorithm::MlDsa65],
        }
    }

    fn parsed(&self, algorithm: Algorithm) -> Result<ParsedPublicKey, JoseError> {
        let key = match (self, algorithm) {
            (Self::Ed25519(bytes), _) => ParsedPublicKey::new(&ED25519, bytes),
            (Self::P256(bytes), _) => ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes),
            (Self::MlDsa65(bytes), _) => ParsedPublicKey::new(&ML_DSA_65, bytes),
            (Self::Rsa { n, e }, Algorithm::Ps256) => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256)
            }
            (Self::Rsa { n, e }, _) => {
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
            }
        };
        key.map_err(|_| JoseError::UnusableKey("its numbers make no key"))
    }

    /// RFC 7638, 3: the required members in the order of their names, without spaces. None of the
    /// values has a character that JSON would escape.
    pub(crate) fn thumbprint(&self) -> String {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let json = match self {
            Self::Ed25519(x) => {
                format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(x))
            }
            Self::P256(point) => {
                let (x, y) = (text(&point[1..33]), text(&point[33..]));
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#)
            }
            Self::Rsa { n, e } => {
                format!(r#"{{"e":"{}","kty":"RSA","n":"{}"}}"#, text(e), text(n))
            }
            Self::MlDsa65(bytes) => {
                format!(
                    r#"{{"alg":"ML-DSA-65","kty":"AKP","pub":"{}"}}"#,
                    text(bytes)
                )
            }
        };
        text(digest::digest(&digest::SHA256, json.as_bytes()).as_ref())
    }
}

/// A public key that is of use: for one algorithm, or for each of its family if it names none.
pub(crate) struct PublicKey {
    choices: Vec<(Algorithm, ParsedPublicKey)>,
}

impl PublicKey {
    pub(crate) fn of(jwk: &Jwk) -> Result<Self, JoseError> {
        let unusable = JoseError::UnusableKey;
        if jwk.is_private() {
            return Err(unusable("it holds a private part"));
        }
        if jwk.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err(unusable("it is not for signatures"));
        }
        if let Some(operations) = &jwk.key_ops
            && !operations.iter().any(|operation| operation == "verify")
        {
            return Err(unusable("it is not for verifying"));
        }
        let material = Material::of(jwk)?;
        let choices = material
            .algorithms()
            .iter()
            .filter(|algorithm| jwk.alg.as_deref().is_none_or(|alg| algorithm.agrees(alg)))
            .map(|algorithm| Ok((*algorithm, material.parsed(*algorithm)?)))
            .collect::<Result<Vec<_>, _>>()?;
        if choices.is_empty() {
            return Err(unusable("its algorithm is not its type's"));
        }
        Ok(Self { choices })
    }

    /// The algorithm that the header names, if this key is for it.
    pub(crate) fn agreeing(&self, name: &str) -> Option<(Algorithm, &ParsedPublicKey)> {
        let mut choices = self.choices.iter();
        choices
            .find(|(algorithm, _)| algorithm.agrees(name))
            .map(|(algorithm, key)| (*algorithm, key))
    }
}

/// A member that must be `length` bytes. base64 refuses padding and stray bits, so there is one way to
/// write each value.
fn exactly(length: usize, member: Option<&str>, else_: &'static str) -> Result<Vec<u8>, JoseError> {
    member
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .filter(|bytes| bytes.len() == length)
        .ok_or(JoseError::UnusableKey(else_))
}

/// A positive number without leading zeros (RFC 7518, 2, `Base64urlUInt`).
fn number(member: Option<&str>, else_: &'static str) -> Result<Vec<u8>, JoseError> {
    member
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .filter(|bytes| bytes.first().is_some_and(|first| *first != 0))
        .ok_or(JoseError::UnusableKey(else_))
}

/// How many bits a number without leading zeros has.
fn bits(number: &[u8]) -> usize {
    number.first().map_or(0, |first| {
        number.len() * 8 - usize::try_from(first.leading_zeros()).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests;
