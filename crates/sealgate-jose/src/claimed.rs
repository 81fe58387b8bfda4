//! What a token says of itself before anything of it is verified. It is good for one thing: to choose,
//! among keys and issuers that are trusted anyway, which of them to verify with.

use serde::Deserialize;

use crate::header::{Header, Parts};
use crate::object::{from_slice, present};
use crate::{JoseError, TOKEN_LIMIT};

#[derive(Deserialize)]
struct Claims {
    #[serde(default, deserialize_with = "present")]
    iss: Option<String>,
}

/// The id of the key that a compact JWS says it was signed with; none if it names none.
pub fn claimed_key(token: &str) -> Result<Option<String>, JoseError> {
    let parts = Parts::of(within_limit(token)?)?;
    Ok(Header::decode(parts.header)?.kid)
}

/// The issuer that a compact JWS says it is from; none if it names none.
pub fn claimed_issuer(token: &str) -> Result<Option<String>, JoseError> {
    let payload = Parts::of(within_limit(token)?)?.payload()?;
    let claims: Claims =
        from_slice(&payload).map_err(|_| JoseError::Malformed("claims are not as they must be"))?;
    Ok(claims.iss)
}

fn within_limit(token: &str) -> Result<&str, JoseError> {
    if token.len() > TOKEN_LIMIT {
        return Err(JoseError::TooLong { limit: TOKEN_LIMIT });
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::SigningKey;

    #[test]
    fn a_token_names_its_key_and_its_issuer() {
        let key = SigningKey::from_seed("k1", &[1; 32]).unwrap();
        let token = key
            .sign("JWT", &json!({ "iss": "https://id.example/", "x": [1] }))
            .unwrap();
        assert_eq!(claimed_key(&token), Ok(Some("k1".to_owned())));
        assert_eq!(
            claimed_issuer(&token),
            Ok(Some("https://id.example/".to_owned()))
        );
        let silent = key
            .sign_with_header(&json!({ "alg": "EdDSA" }), &json!({}))
            .unwrap();
        assert_eq!(claimed_key(&silent), Ok(None));
        assert_eq!(claimed_issuer(&silent), Ok(None));
    }

    #[test]
    fn what_is_no_token_names_nothing() {
        let key = SigningKey::from_seed("k1", &[1; 32]).unwrap();
        let list = key.sign("JWT", &json!(["https://id.example"])).unwrap();
        let number = key.sign("JWT", &json!({ "iss": 1 })).unwrap();
        let long = "a".repeat(TOKEN_LIMIT + 1);
        for token in ["", "a.b", "a.b.c", &list, &number, &long] {
            assert!(claimed_issuer(token).is_err(), "{token}");
        }
        for token in ["", "a.b", "a.b.c", &long] {
            assert!(claimed_key(token).is_err(), "{token}");
        }
    }
}
