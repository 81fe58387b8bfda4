//! What a device may ask for (RFC 8628).

use crate::{Grant, OAuthError, Params, Registration, Resources, Scopes};

/// A device authorization request (RFC 8628, 3.1) that its client may make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRequest {
    /// The scopes asked for, all registered for the client.
    pub scopes: Scopes,
    /// The resources asked for, all registered for the client and as registered.
    pub resources: Resources,
}

impl DeviceRequest {
    /// How many seconds a device has to wait between polls at first (RFC 8628, 3.2).
    pub const INTERVAL: u32 = 5;

    /// Checks `params` against the registration of the client that sent them.
    pub fn parse(params: &Params, registration: &Registration<'_>) -> Result<Self, OAuthError> {
        params.reject_repeats()?;
        if !registration.grants.contains(&Grant::DeviceCode) {
            return Err(OAuthError::GrantNotAllowed);
        }
        let scopes: Scopes = params
            .get("scope")
            .ok_or(OAuthError::ScopeMissing)?
            .parse()?;
        if !scopes.within(registration.scopes) {
            return Err(OAuthError::ScopeNotAllowed);
        }
        let resources = Resources::from_params(params)?.registered(registration.resources)?;
        Ok(Self { scopes, resources })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn a_device_asks_for_what_its_client_is_registered_for() {
        let scopes = ["openid", "expenses:read"].map(String::from);
        let resources = ["https://api.example".to_owned()];
        let grants = [Grant::DeviceCode];
        let registration = Registration {
            redirect_uris: &[],
            scopes: &scopes,
            resources: &resources,
            grants: &grants,
            require_pushed: false,
            any_localhost_port: false,
        };
        let read = |body: &str, registration: &Registration<'_>| {
            let params = Params::parse(body.as_bytes(), Limits::STANDARD)?;
            DeviceRequest::parse(&params, registration)
        };
        let sound = "client_id=tv&scope=openid+expenses:read&resource=https://api.example/";
        let request = read(sound, &registration).unwrap();
        assert_eq!(request.scopes.to_string(), "openid expenses:read");
        assert_eq!(request.resources.as_slice(), resources);
        for (body, error) in [
            ("client_id=tv", OAuthError::ScopeMissing),
            ("scope=admin", OAuthError::ScopeNotAllowed),
            ("scope=openid&scope=openid", OAuthError::ParameterRepeated),
            (
                "scope=openid&resource=https://b.example",
                OAuthError::ResourceNotAllowed,
            ),
        ] {
            assert_eq!(read(body, &registration), Err(error), "{body}");
        }
        let other = Registration {
            grants: &[Grant::AuthorizationCode],
            ..registration
        };
        assert_eq!(read(sound, &other), Err(OAuthError::GrantNotAllowed));
    }
}
