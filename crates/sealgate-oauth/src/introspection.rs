//! Token introspection: what is asked (RFC 7662, 2.1), and what is answered, as JSON (2.2) or as a
//! signed JWT (RFC 9701, 5).

use sealgate_model::{GrantId, Issuer, Secret};
use serde::{Serialize, Serializer};

use crate::{Act, ActorProfile, Audience, MayAct, OAuthError, Params, Thumbprint};

/// A question about a token. Kinds of tokens are told apart by their form, so that a `token_type_hint`
/// is of no use (RFC 7662, 2.1).
#[derive(Debug)]
pub struct IntrospectionRequest {
    /// The token, as long as the limits of its parameters let it be.
    pub token: Secret,
}

impl IntrospectionRequest {
    /// Reads the question.
    pub fn parse(params: &Params) -> Result<Self, OAuthError> {
        params.reject_repeats()?;
        let token = Secret::new(params.require("token")?);
        Ok(Self { token })
    }
}

/// The `cnf` claim of a token that is bound to a key (RFC 9449, 6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Confirmation {
    /// The key's thumbprint.
    pub jkt: Thumbprint,
}

/// The answer about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Introspection {
    /// `{"active":false}` and nothing else, whatever the reason (RFC 7662, 2.2).
    Inactive,
    /// The token is good.
    Active(Box<ActiveToken>),
}

impl Serialize for Introspection {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Answer<'a> {
            active: bool,
            #[serde(flatten)]
            token: Option<&'a ActiveToken>,
        }
        let token = match self {
            Self::Inactive => None,
            Self::Active(token) => Some(&**token),
        };
        let active = token.is_some();
        Answer { active, token }.serialize(writer)
    }
}

/// What is told of a token that is good (RFC 7662, 2.2; RFC 9470, 6.2 for `acr` and `auth_time`).
/// Times are in seconds since the epoch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActiveToken {
    /// The issuer.
    pub iss: String,
    /// The user's id, or the client's where no user stands behind the token.
    pub sub: String,
    /// Whom the token is for.
    pub aud: Audience,
    /// The client it was issued to.
    pub client_id: String,
    /// Its scopes, separated by spaces.
    pub scope: String,
    /// `Bearer`, `DPoP`, or none for a refresh token, which is of no type to a resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_type: Option<&'static str>,
    /// When it ends.
    pub exp: i64,
    /// When it was issued.
    pub iat: i64,
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jti: Option<String>,
    /// The session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// When the user proved who they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// How strongly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// By what means.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The user's roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// The user's tenant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The clients that act for the user, the latest outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Act>,
    /// The client that alone may exchange it (RFC 8693, 4.4).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_act: Option<MayAct>,
    /// The delegations that it came by, the first one first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub grants: Vec<GrantId>,
    /// What kind of actor the client is that acts for itself, if it is an agent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_profile: Option<ActorProfile>,
    /// The key it is bound to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
}

/// The claims of a signed answer (RFC 9701, 5). It has no `sub` and no `exp` of its own, so that it can
/// be taken for no token.
#[derive(Debug, Serialize)]
pub struct IntrospectionClaims<'a> {
    /// The issuer.
    pub iss: &'a str,
    /// The resource that asked.
    pub aud: &'a str,
    /// When it was answered, in seconds since the epoch.
    pub iat: i64,
    /// The answer.
    pub token_introspection: &'a Introspection,
}

impl<'a> IntrospectionClaims<'a> {
    /// The `typ` of the JWT.
    pub const TYPE: &'static str = "token-introspection+jwt";

    /// The media type by which a resource asks for a signed answer, and of that answer.
    pub const MEDIA_TYPE: &'static str = "application/token-introspection+jwt";

    /// The claims of `answer`, for the resource that authenticated as the client `audience`.
    pub fn new(issuer: &'a Issuer, audience: &'a str, iat: i64, answer: &'a Introspection) -> Self {
        Self {
            iss: issuer.as_str(),
            aud: audience,
            iat,
            token_introspection: answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Limits;

    fn active() -> ActiveToken {
        ActiveToken {
            iss: "https://id.example".into(),
            sub: "machine".into(),
            aud: Audience::One("https://api.example".into()),
            client_id: "machine".into(),
            scope: "expenses:read".into(),
            token_type: Some("Bearer"),
            exp: 300,
            iat: 0,
            jti: None,
            sid: None,
            auth_time: None,
            acr: None,
            amr: vec![],
            roles: None,
            tenant: None,
            act: None,
            may_act: None,
            grants: vec![],
            sub_profile: None,
            cnf: None,
        }
    }

    #[test]
    fn of_a_token_that_is_not_good_nothing_is_told() {
        assert_eq!(
            serde_json::to_string(&Introspection::Inactive).unwrap(),
            r#"{"active":false}"#
        );
    }

    #[test]
    fn of_a_good_token_what_is_known_is_told() {
        assert_eq!(
            serde_json::to_value(Introspection::Active(Box::new(active()))).unwrap(),
            json!({
                "active": true, "iss": "https://id.example", "sub": "machine", "aud": "https://api.example",
                "client_id": "machine", "scope": "expenses:read", "token_type": "Bearer", "exp": 300, "iat": 0,
            })
        );
        let bound = ActiveToken {
            token_type: Some("DPoP"),
            cnf: Some(Confirmation {
                jkt: Thumbprint::parse("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs").unwrap(),
            }),
            ..active()
        };
        let told = serde_json::to_value(bound).unwrap();
        assert_eq!(
            told["cnf"]["jkt"],
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
        );
    }

    #[test]
    fn a_signed_answer_can_be_taken_for_no_token() {
        let issuer = "https://id.example".parse().unwrap();
        let answer = Introspection::Inactive;
        let claims = IntrospectionClaims::new(&issuer, "expenses-api", 7, &answer);
        assert_eq!(
            serde_json::to_value(claims).unwrap(),
            json!({
                "iss": "https://id.example", "aud": "expenses-api", "iat": 7,
                "token_introspection": {"active": false},
            })
        );
    }

    #[test]
    fn a_question_is_about_one_token_whatever_it_is_taken_for() {
        let read = |body: &str| {
            IntrospectionRequest::parse(&Params::parse(body.as_bytes(), Limits::WITH_TOKEN)?)
        };
        for body in [
            "token=t",
            "token=t&token_type_hint=refresh_token",
            "token=t&token_type_hint=id_token",
        ] {
            assert_eq!(read(body).unwrap().token.expose(), "t", "{body}");
        }
        assert_eq!(read("").unwrap_err(), OAuthError::ParameterMissing("token"));
        assert_eq!(
            read("token=a&token=b").unwrap_err(),
            OAuthError::ParameterRepeated
        );
    }
}
