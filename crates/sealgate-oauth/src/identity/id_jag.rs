//! The claims of an identity assertion authorization grant (draft-ietf-oauth-identity-assertion-authz-grant, 3):
//! an enterprise's provider says that one of its people uses a client here, and for what.

use sealgate_model::{Issuer, Timestamp};
use serde_json::Value;

use super::VouchedClaims;
use super::claims::{date, text};
use crate::{Audience, OAuthError, Resources, Scopes, Thumbprint};

const MALFORMED: OAuthError = OAuthError::IdentityMalformed;

/// How many ways of proving who somebody is an assertion may name, and the bytes of each.
const METHODS: (usize, usize) = (16, 64);

/// What such an assertion says beside what all assertions say, each claim with exactly its type.
#[derive(Debug, Clone, PartialEq)]
pub struct IdJag {
    /// `client_id`: the client here that it is for.
    pub client: String,
    /// `jti`: its id, used once.
    pub id: String,
    /// `iat`.
    pub issued_at: Timestamp,
    /// `auth_time`: when the person proved who they are, if it says so.
    pub auth_time: Option<Timestamp>,
    /// `amr`: how they did.
    pub methods: Vec<String>,
    /// `resource`: what tokens may be for; none: it does not say.
    pub resources: Option<Resources>,
    /// `scope`: what they may be good for; none: it does not say.
    pub scopes: Option<Scopes>,
    /// `email`, if the provider has verified it (`email_verified`).
    pub verified_email: Option<String>,
    /// `cnf`: the key of whose possession there must be a proof.
    pub key: Option<Thumbprint>,
    /// `tenant`: the customer of the provider that the person belongs to, where one issuer serves many.
    pub tenant: Option<String>,
    /// `aud_tenant`: the tenant here that it is for.
    pub audience_tenant: Option<String>,
}

impl IdJag {
    /// Reads them from claims whose signature has been verified and whose times were checked.
    pub fn read(claims: &VouchedClaims) -> Result<Self, OAuthError> {
        let all = &claims.all;
        if all.get("authorization_details").is_some() {
            // Left out of account it would give more than was meant.
            return Err(OAuthError::IdentityDetailsUnsupported);
        }
        Ok(Self {
            client: text(all, "client_id", 255)?.ok_or(MALFORMED)?,
            id: text(all, "jti", 256)?.ok_or(MALFORMED)?,
            issued_at: claims.issued_at.ok_or(MALFORMED)?,
            auth_time: date(all, "auth_time")?,
            methods: methods(all.get("amr"))?,
            resources: resources(all.get("resource"))?,
            scopes: scopes(all.get("scope"))?,
            verified_email: verified_email(all)?,
            key: claims.key()?,
            tenant: text(all, "tenant", 256)?,
            audience_tenant: text(all, "aud_tenant", 256)?,
        })
    }

    /// Whether `audience` is `issuer` and nobody else: what is good for two servers can be carried from one to the
    /// other.
    pub fn is_meant_for(audience: &Audience, issuer: &Issuer) -> bool {
        matches!(audience.as_slice(), [only] if only == issuer.as_str())
    }
}

fn methods(claim: Option<&Value>) -> Result<Vec<String>, OAuthError> {
    let Some(claim) = claim else {
        return Ok(Vec::new());
    };
    let items = claim.as_array().ok_or(MALFORMED)?;
    if items.len() > METHODS.0 {
        return Err(MALFORMED);
    }
    let sound = |method: &&str| {
        (1..=METHODS.1).contains(&method.len()) && method.bytes().all(|b| b.is_ascii_graphic())
    };
    items
        .iter()
        .map(|item| {
            item.as_str()
                .filter(sound)
                .map(str::to_owned)
                .ok_or(MALFORMED)
        })
        .collect()
}

/// A URI or a list of them. A list of none would be for nothing.
fn resources(claim: Option<&Value>) -> Result<Option<Resources>, OAuthError> {
    let uris: Vec<String> = match claim {
        None => return Ok(None),
        Some(Value::String(uri)) => vec![uri.clone()],
        Some(Value::Array(items)) if !items.is_empty() => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned).ok_or(MALFORMED))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(MALFORMED),
    };
    Resources::try_from(uris).map(Some).map_err(|_| MALFORMED)
}

fn scopes(claim: Option<&Value>) -> Result<Option<Scopes>, OAuthError> {
    match claim {
        None => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| MALFORMED),
        Some(_) => Err(MALFORMED),
    }
}

/// Only `true` says that it is verified: a text that reads so does not.
fn verified_email(all: &Value) -> Result<Option<String>, OAuthError> {
    let email = text(all, "email", 254)?;
    match all.get("email_verified") {
        Some(Value::Bool(true)) => Ok(email),
        None | Some(Value::Bool(false)) => Ok(None),
        Some(_) => Err(MALFORMED),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn claims(more: &Value) -> VouchedClaims {
        let mut all = json!({
            "iss": "https://idp.corp.example", "sub": "00u1", "aud": "https://id.example",
            "exp": 1_800_000_300, "iat": 1_800_000_000, "jti": "j1", "client_id": "agent",
            "resource": "https://mcp.example/notes", "scope": "notes:read notes:write",
            "email": "ada@corp.example", "email_verified": true,
        });
        for (name, value) in more.as_object().unwrap() {
            all[name] = value.clone();
            if value == "absent" {
                all.as_object_mut().unwrap().remove(name);
            }
        }
        VouchedClaims::read(all.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn an_assertion_says_who_for_which_client_and_what() {
        let read = IdJag::read(&claims(
            &json!({ "amr": ["pwd", "mfa"], "auth_time": 1_799_990_000 }),
        ));
        let read = read.unwrap();
        assert_eq!(read.client, "agent");
        assert_eq!(read.verified_email.as_deref(), Some("ada@corp.example"));
        assert_eq!(
            read.resources.unwrap().as_slice(),
            ["https://mcp.example/notes"]
        );
        assert_eq!(read.scopes.unwrap().to_string(), "notes:read notes:write");
        assert_eq!(read.methods, ["pwd", "mfa"]);
        assert_eq!(read.auth_time, Some(Timestamp::from_seconds(1_799_990_000)));
    }

    #[test]
    fn a_claim_of_another_type_is_never_taken_for_absent() {
        let jkt = "A".repeat(43);
        for (more, error) in [
            (json!({ "client_id": "absent" }), MALFORMED),
            (json!({ "client_id": ["agent"] }), MALFORMED),
            (json!({ "jti": "absent" }), MALFORMED),
            (json!({ "iat": "absent" }), MALFORMED),
            (json!({ "resource": [] }), MALFORMED),
            (json!({ "resource": [1] }), MALFORMED),
            (json!({ "resource": "notes" }), MALFORMED),
            (json!({ "scope": ["notes:read"] }), MALFORMED),
            (json!({ "scope": "" }), MALFORMED),
            (json!({ "email_verified": "true" }), MALFORMED),
            (json!({ "email": 1 }), MALFORMED),
            (json!({ "amr": "mfa" }), MALFORMED),
            (json!({ "auth_time": "x" }), MALFORMED),
            (json!({ "tenant": 1 }), MALFORMED),
            (json!({ "cnf": "x" }), MALFORMED),
            (json!({ "cnf": { "jkt": "short" } }), MALFORMED),
            (json!({ "cnf": {} }), OAuthError::IdentityKeyUnproven),
            (
                json!({ "cnf": { "x5t#S256": jkt } }),
                OAuthError::IdentityKeyUnproven,
            ),
            (
                json!({ "cnf": { "jkt": jkt, "kid": "1" } }),
                OAuthError::IdentityKeyUnproven,
            ),
            (
                json!({ "authorization_details": [] }),
                OAuthError::IdentityDetailsUnsupported,
            ),
        ] {
            assert_eq!(IdJag::read(&claims(&more)), Err(error), "{more}");
        }
    }

    #[test]
    fn an_address_counts_only_if_it_is_verified() {
        for unverified in [json!(false), json!("absent")] {
            let read = IdJag::read(&claims(&json!({ "email_verified": unverified }))).unwrap();
            assert_eq!(read.verified_email, None);
        }
    }

    #[test]
    fn it_is_meant_for_one_server() {
        let issuer = "https://id.example".parse().unwrap();
        let meant = |aud: Value| {
            let audience = serde_json::from_value(aud).unwrap();
            IdJag::is_meant_for(&audience, &issuer)
        };
        assert!(meant(json!("https://id.example")) && meant(json!(["https://id.example"])));
        for other in [
            json!([]),
            json!("https://id.example/"),
            json!(["https://id.example", "https://other.example"]),
        ] {
            assert!(!meant(other.clone()), "{other}");
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_claim_gives_an_assertion_or_an_error(name in "client_id|jti|resource|scope|email|email_verified|cnf|amr|tenant", text in "\\PC{0,40}") {
            let _ = IdJag::read(&claims(&json!({ &name: text })));
            let _ = IdJag::read(&claims(&json!({ &name: [text] })));
            let _ = IdJag::read(&claims(&json!({ &name: { "jkt": text } })));
        }
    }
}
