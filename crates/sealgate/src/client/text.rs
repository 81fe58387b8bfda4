//! Clients as people read them.

use sealgate_server::admin::{ClientView, CreatedClient};
use sealgate_store::Consent;

use crate::output::{self, Text, date};
use crate::screen::clean;

/// The settings of an added client's gate, or of one with a new secret.
pub(super) fn added(created: &CreatedClient) -> Text {
    told(created, "Added", "")
}

pub(super) fn renewed(created: &CreatedClient) -> Text {
    told(
        created,
        "A new secret for",
        " The earlier one is worth nothing any more.",
    )
}

fn told(created: &CreatedClient, what: &str, more: &str) -> Text {
    let CreatedClient {
        client,
        secret,
        issuer,
    } = created;
    let secret_line = secret
        .as_ref()
        .map(|secret| format!("SEALGATE_CLIENT_SECRET={secret}\n"));
    let once = if secret.is_some() {
        " Its secret is shown this once:"
    } else {
        ""
    };
    Text {
        data: format!(
            "SEALGATE_ISSUER={issuer}\nSEALGATE_CLIENT_ID={}\n{}",
            client.id,
            secret_line.unwrap_or_default()
        ),
        talk: format!(
            "{what} {}, client {}.{more}{once}\n",
            clean(&client.name),
            client.id
        ),
    }
}

pub(super) fn shown(client: &ClientView) -> Text {
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    let maybe = |text: &Option<String>| text.clone().unwrap_or_default();
    let grants: Vec<&str> = client.grants.iter().map(|grant| grant.as_str()).collect();
    let keys = client.jwks.as_ref().and_then(|set| set["keys"].as_array());
    let keys = match (keys, &client.jwks_uri) {
        (Some(keys), _) => format!("{} registered", keys.len()),
        (None, Some(uri)) => format!("at {uri}"),
        (None, None) => String::new(),
    };
    let consent = match client.consent {
        Consent::Trusted => "trusted: nobody is asked",
        Consent::Required => "required: each user is asked",
    };
    let lifetime = client.access_lifetime.map(|seconds| format!("{seconds} s"));
    let tenant = client.tenant.as_ref().map(ToString::to_string);
    let mut rows = vec![
        ("Id", client.id.to_string()),
        ("Name", client.name.clone()),
        ("Kind", client.kind.as_str().to_owned()),
        (
            "Authenticates by",
            client.authentication.as_str().to_owned(),
        ),
        ("Keys", keys),
        ("Grants", grants.join(" ")),
        ("Scopes", client.scopes.join(" ")),
        ("Resources", client.resources.join(" ")),
        ("Redirect URIs", client.redirect_uris.join(" ")),
        ("Logout URIs", client.logout_uris.join(" ")),
        ("Back-channel logout", maybe(&client.backchannel_logout_uri)),
        ("Consent", consent.to_owned()),
        ("Algorithm", client.algorithm.clone()),
        ("Pushed requests only", yes(client.require_pushed)),
        ("Bound tokens only", yes(client.require_dpop)),
        ("Access tokens live", lifetime.unwrap_or_default()),
        ("Tenant", tenant.unwrap_or_default()),
        ("AI agent", yes(client.agent)),
        ("Registered", date(client.created_at)),
    ];
    if client.endpoint_audience {
        rows.push(("Assertions", "may name an endpoint as audience".to_owned()));
    }
    if let Some(seconds) = client.session_lifetime {
        rows.push(("Sessions last", format!("{seconds} s at the most")));
    }
    if let Some(named) = &client.may_act {
        rows.push(("Tokens exchanged by", named.to_string()));
    }
    if let Some(at) = client.disabled_at {
        rows.push(("Disabled", date(at)));
    }
    output::fields(&rows)
}

pub(super) fn listed(clients: &[ClientView]) -> Text {
    let rows: Vec<[String; 6]> = clients
        .iter()
        .map(|client| {
            let mut kind = client.kind.as_str().to_owned();
            if client.agent {
                kind.push_str(", agent");
            }
            if client.disabled_at.is_some() {
                kind.push_str(", disabled");
            }
            [
                client.id.to_string(),
                client.name.clone(),
                kind,
                client.redirect_uris.join(" "),
                client.scopes.join(" "),
                date(client.created_at),
            ]
        })
        .collect();
    let empty =
        "There are no clients yet. Add one with `sealgate client add NAME --redirect-uri URI`.";
    output::table(
        ["ID", "NAME", "KIND", "REDIRECT URIS", "SCOPES", "CREATED"],
        &rows,
        empty,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn client(kind: &str) -> ClientView {
        serde_json::from_value(json!({
            "id": "expense-tracker-k3m9xq", "name": "Expense Tracker", "kind": kind,
            "redirect_uris": ["https://expenses.example/auth/callback"], "logout_uris": [],
            "scopes": ["openid", "expenses:read"], "authentication": "secret", "jwks": null,
            "jwks_uri": null, "endpoint_audience": false,
            "grants": ["authorization_code", "refresh_token"], "resources": [],
            "require_pushed": false, "require_dpop": true, "consent": "trusted",
            "algorithm": "EdDSA", "backchannel_logout_uri": null, "access_lifetime": 120, "session_lifetime": 3600,
            "tenant": null, "agent": false, "created_at": 1_795_338_305_000_i64, "disabled_at": null,
        }))
        .unwrap()
    }

    #[test]
    fn an_added_client_prints_the_settings_of_its_gate() {
        let created = CreatedClient {
            client: client("confidential"),
            secret: Some("s3cret".to_owned()),
            issuer: "https://id.example".parse().unwrap(),
        };
        insta::assert_snapshot!(added(&created).data, @r"
        SEALGATE_ISSUER=https://id.example
        SEALGATE_CLIENT_ID=expense-tracker-k3m9xq
        SEALGATE_CLIENT_SECRET=s3cret
        ");
        insta::assert_snapshot!(added(&created).talk, @"Added Expense Tracker, client expense-tracker-k3m9xq. Its secret is shown this once:");
        insta::assert_snapshot!(renewed(&created).talk, @"A new secret for Expense Tracker, client expense-tracker-k3m9xq. The earlier one is worth nothing any more. Its secret is shown this once:");
    }

    #[test]
    fn a_public_client_has_no_secret() {
        let created = CreatedClient {
            client: client("public"),
            secret: None,
            issuer: "https://id.example".parse().unwrap(),
        };
        assert!(!added(&created).data.contains("SECRET"));
        assert!(!added(&created).talk.contains("secret"));
    }

    #[test]
    fn clients_are_listed_as_a_table_and_shown_one_by_one() {
        let mut public = client("public");
        public.agent = true;
        insta::assert_snapshot!(listed(&[client("confidential"), public.clone()]).data);
        insta::assert_snapshot!(shown(&public).data);
    }
}
