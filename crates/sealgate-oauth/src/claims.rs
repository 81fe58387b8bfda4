//! The `claims` parameter (`OpenID` Connect Core, 5.5): single claims asked for by name.

use sealgate_model::UserId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::OAuthError;
use crate::json::{self, JsonFault, JsonLimits};

const LIMITS: JsonLimits = JsonLimits {
    bytes: 4 * 1024,
    depth: 6,
    values: 256,
};

/// How many `acr` values may be asked for, and how long each may be in bytes.
pub(crate) const ACR: (usize, usize) = (8, 256);

/// A claim that can be given. `sub` is not among them: it is always given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// `email`
    Email,
    /// `email_verified`
    EmailVerified,
    /// `name`
    Name,
    /// `roles`
    Roles,
    /// `auth_time`
    AuthTime,
    /// `acr`
    Acr,
    /// `sid`
    Sid,
    /// `tenant`
    Tenant,
}

impl Claim {
    /// The claims by name, and the scope that covers each, where one does.
    const KNOWN: [(&str, Self, Option<&str>); 8] = [
        ("email", Self::Email, Some("email")),
        ("email_verified", Self::EmailVerified, Some("email")),
        ("name", Self::Name, Some("profile")),
        ("roles", Self::Roles, None),
        ("auth_time", Self::AuthTime, None),
        ("acr", Self::Acr, None),
        ("sid", Self::Sid, None),
        ("tenant", Self::Tenant, None),
    ];

    fn parse(name: &str) -> Option<Self> {
        let known = Self::KNOWN.iter().find(|(known, ..)| *known == name);
        known.map(|(_, claim, _)| *claim)
    }

    /// The scope that gives this claim too; none where every ID token has it.
    pub fn scope(self) -> Option<&'static str> {
        let known = Self::KNOWN.iter().find(|(_, claim, _)| *claim == self);
        known.and_then(|(.., scope)| *scope)
    }
}

/// Which `acr` values the client asks for in the ID token (`OpenID` Connect Core, 5.5.1.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcrRequest {
    /// The values, best first, at most 8; none: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Whether one of them has to be reached.
    #[serde(default, skip_serializing_if = "is_false")]
    pub essential: bool,
}

/// A `claims` parameter that has been read: what of it can be given, and what it demands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimsRequest {
    /// Claims for the ID token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub id_token: Vec<Claim>,
    /// Claims for the userinfo answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub userinfo: Vec<Claim>,
    /// The `acr` asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<AcrRequest>,
    /// The users one of whom it has to be; none: any user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subjects: Option<Vec<UserId>>,
}

impl ClaimsRequest {
    /// Reads the parameter: at most 4 KiB, 6 levels and 256 values. Claims and members that are not
    /// known are left out, as Core wants it; what is known must have its type.
    pub fn parse(text: &str) -> Result<Self, OAuthError> {
        let value = json::parse(text.as_bytes(), LIMITS).map_err(|fault| match fault {
            JsonFault::TooLarge => OAuthError::ClaimsTooLarge,
            JsonFault::Malformed => OAuthError::ClaimsMalformed,
        })?;
        let Value::Object(members) = &value else {
            return Err(OAuthError::ClaimsMalformed);
        };
        let mut request = Self::default();
        if let Some(wishes) = object(members, "userinfo")? {
            request.userinfo = request.collect(wishes)?;
        }
        if let Some(wishes) = object(members, "id_token")? {
            request.id_token = request.collect(wishes)?;
            request.acr = match wishes.get("acr") {
                Some(wish) => Some(acr(&Wish::read(wish)?)?),
                None => None,
            };
        }
        Ok(request)
    }

    /// The claims that one member asks for; what it demands of `sub` is kept beside.
    fn collect(&mut self, wishes: &Map<String, Value>) -> Result<Vec<Claim>, OAuthError> {
        let mut claims = Vec::new();
        for (name, wish) in wishes {
            let wish = Wish::read(wish)?;
            if name == "sub" {
                self.demand(&wish)?;
            }
            claims.extend(Claim::parse(name));
        }
        Ok(claims)
    }

    fn demand(&mut self, wish: &Wish<'_>) -> Result<(), OAuthError> {
        let Some(values) = wish.texts()? else {
            return Ok(());
        };
        // A subject that is no user's id is nobody: it leaves the list, and the list stays a demand.
        let users = values.iter().filter_map(|text| text.parse().ok());
        let users: Vec<UserId> = match &self.subjects {
            None => users.collect(),
            Some(known) => users.filter(|user| known.contains(user)).collect(),
        };
        self.subjects = Some(users);
        Ok(())
    }

    /// Without the claims that only a scope gives which is not in `registered`: by this parameter a
    /// client learns no more than by the scopes it may ask for.
    #[must_use]
    pub fn within(mut self, registered: &[String]) -> Self {
        let allowed = |claim: &Claim| {
            let scope = claim.scope();
            scope.is_none_or(|scope| registered.iter().any(|known| known == scope))
        };
        self.id_token.retain(allowed);
        self.userinfo.retain(allowed);
        self
    }

    /// Whether it asks for nothing that can be given, and demands nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What is said of one claim: `null` or an object.
struct Wish<'a> {
    essential: bool,
    value: Option<&'a Value>,
    values: Option<&'a Vec<Value>>,
}

impl<'a> Wish<'a> {
    fn read(wish: &'a Value) -> Result<Self, OAuthError> {
        const MALFORMED: OAuthError = OAuthError::ClaimsMalformed;
        let empty = Self {
            essential: false,
            value: None,
            values: None,
        };
        let members = match wish {
            Value::Null => return Ok(empty),
            Value::Object(members) => members,
            _ => return Err(MALFORMED),
        };
        let essential = members.get("essential").map(Value::as_bool);
        let values = members.get("values").map(Value::as_array);
        Ok(Self {
            essential: essential.unwrap_or(Some(false)).ok_or(MALFORMED)?,
            value: members.get("value"),
            values: values.map(|list| list.ok_or(MALFORMED)).transpose()?,
        })
    }

    /// The values asked for, if any are: of a claim whose values are strings.
    fn texts(&self) -> Result<Option<Vec<&'a str>>, OAuthError> {
        let values = match (self.value, self.values) {
            (None, None) => return Ok(None),
            (Some(value), None) => std::slice::from_ref(value),
            (None, Some(values)) => values,
            (Some(_), Some(_)) => return Err(OAuthError::ClaimsMalformed),
        };
        let texts = values.iter().map(|value| {
            let text = value.as_str().filter(|text| text.len() <= ACR.1);
            text.ok_or(OAuthError::ClaimsMalformed)
        });
        texts.collect::<Result<_, _>>().map(Some)
    }
}

fn acr(wish: &Wish<'_>) -> Result<AcrRequest, OAuthError> {
    let values = wish.texts()?.unwrap_or_default();
    if values.len() > ACR.0 {
        return Err(OAuthError::ClaimsTooLarge);
    }
    Ok(AcrRequest {
        values: values.into_iter().map(str::to_owned).collect(),
        essential: wish.essential,
    })
}

fn object<'a>(
    members: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, OAuthError> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::Object(wishes)) => Ok(Some(wishes)),
        Some(_) => Err(OAuthError::ClaimsMalformed),
    }
}

// Serde hands over a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[cfg(test)]
#[path = "claims_tests.rs"]
mod tests;
