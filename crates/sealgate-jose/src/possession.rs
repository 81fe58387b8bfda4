//! A JWT signed by the key that it brings: it shows that somebody holds that key, and nothing else about them.
//!
//! It is for whoever registers a key. That they may is shown by something else, which the claims have to be
//! bound to.

use serde::de::DeserializeOwned;

use crate::header::{Header, Parts};
use crate::object::from_slice;
use crate::public::PublicKey;
use crate::{JoseError, Jwk};

/// Proofs longer than this, in bytes, are refused before anything is decoded. The longest sound ones carry
/// an ML-DSA-65 key and signature: some 9 KiB.
const LIMIT: usize = 12 * 1024;

/// A sound proof: its type, its key and its signature are as they must be. What it claims is not judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Possession {
    /// The key, for the one algorithm that it was used with, under its thumbprint (RFC 7638) as id.
    pub key: Jwk,
    payload: Vec<u8>,
}

impl Possession {
    /// The longest proof that is read, in bytes.
    pub const LIMIT: usize = LIMIT;

    /// Reads a proof of type `typ`.
    ///
    /// [`JoseError::UnusableKey`] if nothing can be verified with its key, or it is a private one;
    /// [`JoseError::BadSignature`] if it was signed with another one.
    pub fn read(token: &str, typ: &str) -> Result<Self, JoseError> {
        if token.len() > LIMIT {
            return Err(JoseError::TooLong { limit: LIMIT });
        }
        let parts = Parts::of(token)?;
        let (header, jwk) = Header::decode_with_key(parts.header)?;
        if !header.is_type(&[typ]) {
            return Err(JoseError::WrongType);
        }
        let key = PublicKey::of(&jwk)?;
        let agreeing = key.agreeing(&header.alg);
        let (algorithm, public) = agreeing.ok_or(JoseError::WrongAlgorithm)?;
        parts.verify(public)?;
        let payload = parts.payload()?;
        let key = Jwk {
            kid: Some(jwk.thumbprint()?),
            alg: Some(algorithm.name().to_owned()),
            usage: Some("sig".to_owned()),
            key_ops: None,
            ..jwk
        };
        // Beside its own members a key may carry those of other types, which say nothing.
        let material = serde_json::to_vec(&key).map_err(|_| JoseError::Malformed("not a JWK"))?;
        Ok(Self {
            key: Jwk::parse(&material)?,
            payload,
        })
    }

    /// The payload, which must be a JSON object, as typed claims. A member of the wrong type, or one that is
    /// there twice, refuses the proof.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, JoseError> {
        from_slice(&self.payload)
            .map_err(|_| JoseError::Malformed("claims are not as they must be"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::{Algorithm, SigningKey};

    const TYPE: &str = "sealgate-bootstrap+jwt";

    fn key(algorithm: Algorithm) -> SigningKey {
        SigningKey::generate(algorithm, "mine").unwrap().0
    }

    fn proof(key: &SigningKey, jwk: &Value, typ: &str) -> String {
        let header = json!({ "alg": key.algorithm().name(), "typ": typ, "jwk": jwk });
        key.sign_with_header(&header, &json!({ "jti": "a" }))
            .unwrap()
    }

    fn public(key: &SigningKey) -> Value {
        serde_json::to_value(key.public_jwk()).unwrap()
    }

    #[test]
    fn a_key_of_any_algorithm_is_shown_to_be_held() {
        for algorithm in Algorithm::ALL {
            let key = key(algorithm);
            let shown = Possession::read(&proof(&key, &public(&key), TYPE), TYPE).unwrap();
            let kid = key.public_jwk().thumbprint().unwrap();
            assert_eq!(shown.key.kid.as_deref(), Some(kid.as_str()));
            assert_eq!(shown.key.alg.as_deref(), Some(algorithm.name()));
            assert_eq!(shown.claims::<Value>().unwrap(), json!({ "jti": "a" }));
            shown.key.check().unwrap();
        }
    }

    #[test]
    fn another_key_than_the_one_that_signed_is_refused() {
        let (mine, other) = (key(Algorithm::Ed25519), key(Algorithm::Ed25519));
        let refused = Possession::read(&proof(&mine, &public(&other), TYPE), TYPE);
        assert_eq!(refused, Err(JoseError::BadSignature));
        let refused = Possession::read(&proof(&mine, &public(&key(Algorithm::Es256)), TYPE), TYPE);
        assert_eq!(refused, Err(JoseError::WrongAlgorithm));
    }

    #[test]
    fn a_private_key_another_type_and_a_token_without_key_are_refused() {
        let mine = key(Algorithm::Ed25519);
        let mut private = public(&mine);
        private["d"] = json!("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A");
        let refused = Possession::read(&proof(&mine, &private, TYPE), TYPE);
        assert!(
            matches!(refused, Err(JoseError::UnusableKey(_))),
            "{refused:?}"
        );
        let refused = Possession::read(&proof(&mine, &public(&mine), "dpop+jwt"), TYPE);
        assert_eq!(refused, Err(JoseError::WrongType));
        let bare = mine.sign(TYPE, &json!({})).unwrap();
        assert!(Possession::read(&bare, TYPE).is_err());
        let long = "a".repeat(LIMIT + 1);
        assert_eq!(
            Possession::read(&long, TYPE),
            Err(JoseError::TooLong { limit: LIMIT })
        );
    }

    #[test]
    fn what_the_key_says_of_itself_is_not_kept() {
        let mine = key(Algorithm::Ed25519);
        let mut said = public(&mine);
        said["kid"] = json!("another's");
        said["key_ops"] = json!(["verify"]);
        said["note"] = json!("not a member");
        let shown = Possession::read(&proof(&mine, &said, TYPE), TYPE).unwrap();
        let kept = serde_json::to_value(&shown.key).unwrap();
        let mut names: Vec<&String> = kept.as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"]);
        assert_ne!(kept["kid"], "another's");
    }

    proptest! {
        #[test]
        fn no_text_is_a_proof_but_one_that_was_signed(text in "[A-Za-z0-9_.-]{0,300}") {
            prop_assert!(Possession::read(&text, TYPE).is_err());
        }

        #[test]
        fn a_changed_byte_is_noticed(at in any::<prop::sample::Index>(), to in "[A-Za-z0-9_-]") {
            let mine = SigningKey::from_seed("mine", &[7; 32]).unwrap();
            let sound = proof(&mine, &public(&mine), TYPE);
            let at = at.index(sound.len());
            let mut changed = sound.clone();
            changed.replace_range(at..=at, &to);
            prop_assume!(changed != sound);
            prop_assert!(Possession::read(&changed, TYPE).is_err());
        }
    }
}
