//! The JWT bearer grant (RFC 7523, 2.1): a token for whom another issuer vouches.

use sealgate_model::Secret;

use crate::identity::LONGEST;
use crate::{OAuthError, Params, Resources, Scopes};

/// A well-formed request of this grant, of whose assertion nothing has been verified.
#[derive(Debug)]
pub struct JwtBearer {
    /// The other issuer's JWT.
    pub assertion: Secret,
    /// The scopes; none: those of the client that it turns out to be.
    pub scopes: Option<Scopes>,
    /// The resources, not yet compared with the registration; none: what the assertion says, or the issuer.
    pub resources: Resources,
}

impl JwtBearer {
    /// Reads it from a request's parameters.
    pub fn parse(params: &Params) -> Result<Self, OAuthError> {
        let assertion = params.require("assertion")?;
        if assertion.len() > LONGEST || assertion.split('.').count() != 3 {
            return Err(OAuthError::IdentityMalformed);
        }
        Ok(Self {
            assertion: Secret::new(assertion),
            scopes: params.get("scope").map(str::parse).transpose()?,
            resources: Resources::from_params(params)?,
        })
    }
}
