//! From what is asked for to the row that is kept: of a new client, and of a change.

use sealgate_model::{ClientId, Timestamp};
use sealgate_store::{Client, ClientAuthentication, ClientDetails, ClientKind};

use super::types::{ClientPatch, NewClient};

/// The client that was asked for, not yet checked.
pub(super) fn planned(id: ClientId, new: NewClient, now: Timestamp) -> Client {
    let usual = ClientDetails::for_kind(new.kind);
    let has_keys = new.jwks.is_some() || new.jwks_uri.is_some();
    let by_keys = new.kind == ClientKind::Confidential && has_keys;
    let details = ClientDetails {
        authentication: new.authentication.unwrap_or(if by_keys {
            ClientAuthentication::PrivateKeyJwt
        } else {
            usual.authentication
        }),
        jwks: new.jwks,
        jwks_uri: new.jwks_uri,
        endpoint_audience: new.endpoint_audience,
        grants: new.grants.unwrap_or(usual.grants),
        resources: new.resources,
        require_pushed: new.require_pushed,
        require_dpop: new.require_dpop,
        consent: new.consent.unwrap_or(usual.consent),
        algorithm: new.algorithm.unwrap_or(usual.algorithm),
        backchannel_logout_uri: new.backchannel_logout_uri,
        access_lifetime: new.access_lifetime,
        session_lifetime: new.session_lifetime,
        tenant: new.tenant,
        agent: new.agent,
        may_act: new.may_act,
        ..ClientDetails::default()
    };
    Client {
        id,
        name: new.name,
        kind: new.kind,
        secret_hash: None,
        redirect_uris: new.redirect_uris,
        logout_uris: new.logout_uris,
        scopes: new.scopes,
        details,
        created_at: now,
        disabled_at: None,
    }
}

impl ClientPatch {
    /// Changes `client` as this says, not yet checked.
    pub(super) fn apply(self, client: &mut Client) {
        fn set<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        set(&mut client.name, self.name);
        set(&mut client.redirect_uris, self.redirect_uris);
        set(&mut client.logout_uris, self.logout_uris);
        set(&mut client.scopes, self.scopes);
        let details = &mut client.details;
        set(&mut details.authentication, self.authentication);
        set(&mut details.jwks, self.jwks);
        set(&mut details.jwks_uri, self.jwks_uri);
        set(&mut details.endpoint_audience, self.endpoint_audience);
        set(&mut details.grants, self.grants);
        set(&mut details.resources, self.resources);
        set(&mut details.require_pushed, self.require_pushed);
        set(&mut details.require_dpop, self.require_dpop);
        set(&mut details.consent, self.consent);
        set(&mut details.algorithm, self.algorithm);
        set(
            &mut details.backchannel_logout_uri,
            self.backchannel_logout_uri,
        );
        set(&mut details.access_lifetime, self.access_lifetime);
        set(&mut details.session_lifetime, self.session_lifetime);
        set(&mut details.tenant, self.tenant);
        set(&mut details.agent, self.agent);
        set(&mut details.may_act, self.may_act);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn in_a_change_null_takes_away_only_what_there_need_not_be() {
        let read = |patch: serde_json::Value| serde_json::from_value::<ClientPatch>(patch);
        let new: NewClient = serde_json::from_value(
            json!({ "name": "A", "kind": "confidential", "jwks_uri": "https://a.example/keys" }),
        )
        .unwrap();
        let mut client = planned("a".parse().unwrap(), new, Timestamp::from_millis(0));
        assert_eq!(
            client.details.authentication,
            ClientAuthentication::PrivateKeyJwt
        );
        let before = client.details.clone();
        read(json!({})).unwrap().apply(&mut client);
        assert_eq!(client.details, before);
        let patch = json!({ "jwks_uri": null, "authentication": "secret", "require_dpop": true });
        read(patch).unwrap().apply(&mut client);
        assert_eq!(client.details.jwks_uri, None);
        assert_eq!(client.details.authentication, ClientAuthentication::Secret);
        assert!(client.details.require_dpop && !client.details.require_pushed);
        for wrong in [
            json!({ "name": null }),
            json!({ "require_dpop": null }),
            json!({ "kind": "public" }),
            json!({ "id": "b" }),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
