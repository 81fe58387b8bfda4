//! What is declared as the rows that are kept, not yet checked. What is not declared stays as it was.

use sealgate_model::{ClientId, TenantId, Timestamp};
use sealgate_plan as plan;
use sealgate_store::{
    Client, ClientAuthentication, ClientDetails, ClientKind, Consent, MachineIdentity,
    MachineProfile, Resource, ScopeText, ToolText,
};

use crate::problem::Problem;

/// The client that is declared, in place of `before`.
pub(crate) fn client_row(
    id: ClientId,
    declared: &plan::Client,
    before: Option<&Client>,
    now: Timestamp,
) -> Result<Client, Problem> {
    let kind = match declared.kind {
        plan::ClientKind::Confidential => ClientKind::Confidential,
        plan::ClientKind::Public => ClientKind::Public,
    };
    let tenant = match &declared.tenant {
        None => None,
        Some(text) => Some(text.parse::<TenantId>().map_err(|error| {
            Problem::unprocessable(
                "declaration_malformed",
                format!("client.{id}: tenant: {error}"),
            )
        })?),
    };
    let was = before.map(|client| &client.details);
    let usual = ClientDetails::for_kind(kind);
    let details = ClientDetails {
        authentication: match declared.authentication {
            Some(plan::Authentication::Secret) => ClientAuthentication::Secret,
            Some(plan::Authentication::PrivateKeyJwt) => ClientAuthentication::PrivateKeyJwt,
            Some(plan::Authentication::None) => ClientAuthentication::None,
            None => usual.authentication,
        },
        jwks: kept(was, declared.jwks.as_ref(), declared.jwks_uri.as_ref()),
        jwks_uri: declared.jwks_uri.clone(),
        endpoint_audience: declared.endpoint_audience,
        grants: declared.grants.clone().unwrap_or(usual.grants),
        resources: declared.resources.clone(),
        require_pushed: declared.require_pushed,
        require_dpop: declared.require_dpop,
        consent: match declared.consent {
            Some(plan::Consent::Trusted) => Consent::Trusted,
            Some(plan::Consent::Required) => Consent::Required,
            None => usual.consent,
        },
        algorithm: declared.algorithm.clone().unwrap_or(usual.algorithm),
        backchannel_logout_uri: declared.backchannel_logout_uri.clone(),
        access_lifetime: declared.access_lifetime.map(seconds),
        session_lifetime: declared.session_lifetime.map(seconds),
        tenant,
        agent: declared.agent,
        may_act: declared.may_act.clone(),
        ..was.cloned().unwrap_or_default()
    };
    Ok(Client {
        id,
        name: declared.name.clone(),
        kind,
        secret_hash: before.and_then(|client| client.secret_hash),
        redirect_uris: declared.redirect_uris.clone(),
        logout_uris: declared.logout_uris.clone(),
        scopes: declared.scopes.clone(),
        details,
        created_at: before.map_or(now, |client| client.created_at),
        disabled_at: before.and_then(|client| client.disabled_at),
    })
}

/// The service account that is declared, in place of `before`.
pub(crate) fn machine_row(
    id: ClientId,
    declared: &plan::Machine,
    before: Option<&Client>,
    now: Timestamp,
) -> Client {
    let was = before.map(|client| &client.details);
    let usual = ClientDetails::default();
    let identities = declared.identities.iter().map(|one| MachineIdentity {
        issuer: one.issuer.clone(),
        claims: one.claims.clone(),
    });
    let details = ClientDetails {
        authentication: ClientAuthentication::PrivateKeyJwt,
        jwks: kept(was, declared.jwks.as_ref(), declared.jwks_uri.as_ref()),
        jwks_uri: declared.jwks_uri.clone(),
        grants: declared.grants.clone().unwrap_or_default(),
        resources: declared.resources.clone(),
        require_dpop: declared.require_dpop,
        access_lifetime: declared.access_lifetime.map(seconds),
        algorithm: declared.algorithm.clone().unwrap_or(usual.algorithm),
        machine: Some(MachineProfile {
            owner: declared.owner.clone(),
            purpose: declared.purpose.clone(),
            environment: declared.environment.clone().unwrap_or_default(),
            expires_at: Timestamp::from_millis(declared.expires_at.0),
            identities: identities.collect(),
        }),
        ..was.cloned().unwrap_or_default()
    };
    Client {
        name: declared.name.clone().unwrap_or_else(|| id.to_string()),
        id,
        kind: ClientKind::Confidential,
        secret_hash: None,
        redirect_uris: Vec::new(),
        logout_uris: Vec::new(),
        scopes: declared.scopes.clone(),
        details,
        created_at: before.map_or(now, |client| client.created_at),
        disabled_at: before.and_then(|client| client.disabled_at),
    }
}

/// The resource that is declared, in place of `before`. Scopes and tools that there are keep their order.
pub(crate) fn resource_row(
    uri: &str,
    declared: &plan::Resource,
    before: Option<&Resource>,
    now: Timestamp,
) -> Resource {
    let scopes = declared.scopes.iter().map(|(name, description)| ScopeText {
        name: name.clone(),
        description: description.clone(),
    });
    let tools = declared.tools.iter().map(|(name, tool)| ToolText {
        name: name.clone(),
        description: tool.description.clone(),
        scopes: tool.scopes.clone(),
    });
    let (mut scopes, mut tools): (Vec<_>, Vec<_>) = (scopes.collect(), tools.collect());
    if let Some(before) = before {
        let place = |name: &str| before.scopes.iter().position(|one| one.name == name);
        scopes.sort_by_key(|one| place(&one.name).unwrap_or(usize::MAX));
        let place = |name: &str| before.tools.iter().position(|one| one.name == name);
        tools.sort_by_key(|one| place(&one.name).unwrap_or(usize::MAX));
    }
    Resource {
        uri: uri.to_owned(),
        name: declared.name.clone(),
        client: declared.client.clone(),
        scopes,
        status_list: declared.status_list,
        agents: declared.agents,
        tools,
        created_at: before.map_or(now, |resource| resource.created_at),
    }
}

/// The keys that are declared, or else those that there were: who declares neither leaves them alone.
fn kept(
    was: Option<&ClientDetails>,
    jwks: Option<&serde_json::Value>,
    jwks_uri: Option<&String>,
) -> Option<serde_json::Value> {
    match (jwks, jwks_uri) {
        (None, None) => was.and_then(|was| was.jwks.clone()),
        (jwks, _) => jwks.cloned(),
    }
}

/// What is out of bounds is refused as such where bounds are known.
fn seconds(span: plan::Span) -> u32 {
    u32::try_from(span.0).unwrap_or(u32::MAX)
}
