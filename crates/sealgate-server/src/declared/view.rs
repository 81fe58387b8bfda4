//! Stored rows as what can be declared.

use sealgate_plan as plan;
use sealgate_policy::Document;
use sealgate_store::{
    Client, ClientAuthentication, ClientKind, Consent, Declarable, DeclaredWord, MachineProfile,
    Resource,
};

/// Everything that is there, as a file would declare it; settled.
///
/// # Errors
/// Where the policies that are kept cannot be read by this version.
pub(crate) fn state_of(rows: &Declarable) -> Result<plan::State, String> {
    let word = |word: &DeclaredWord| {
        let description = word.description.clone();
        (word.name.clone(), plan::Word { description })
    };
    let mut state = plan::State {
        role: rows.roles.iter().map(word).collect(),
        scope: rows.scopes.iter().map(word).collect(),
        ..plan::State::default()
    };
    for client in &rows.clients {
        let id = client.id.to_string();
        match &client.details.machine {
            Some(profile) => drop(state.machine.insert(id, machine_of(client, profile))),
            None => drop(state.client.insert(id, client_of(client))),
        }
    }
    for resource in &rows.resources {
        state
            .resource
            .insert(resource.uri.clone(), resource_of(resource));
    }
    for schedule in &rows.schedules {
        let rotate_every = plan::Span(schedule.rotate_every);
        state
            .keys
            .insert(schedule.algorithm.clone(), plan::Schedule { rotate_every });
    }
    if let Some(document) = &rows.document {
        let document =
            Document::from_json(document.as_bytes()).map_err(|error| error.to_string())?;
        state.policy = Some(document);
    }
    state.settle();
    Ok(state)
}

/// A client as a file declares it.
fn client_of(row: &Client) -> plan::Client {
    let details = &row.details;
    let span = |seconds: Option<u32>| seconds.map(|seconds| plan::Span(seconds.into()));
    let mut client = plan::Client {
        name: row.name.clone(),
        kind: match row.kind {
            ClientKind::Confidential => plan::ClientKind::Confidential,
            ClientKind::Public => plan::ClientKind::Public,
        },
        redirect_uris: row.redirect_uris.clone(),
        logout_uris: row.logout_uris.clone(),
        scopes: row.scopes.clone(),
        authentication: Some(match details.authentication {
            ClientAuthentication::Secret => plan::Authentication::Secret,
            ClientAuthentication::PrivateKeyJwt => plan::Authentication::PrivateKeyJwt,
            ClientAuthentication::None => plan::Authentication::None,
        }),
        jwks: details.jwks.clone(),
        jwks_uri: details.jwks_uri.clone(),
        endpoint_audience: details.endpoint_audience,
        grants: Some(details.grants.clone()),
        resources: details.resources.clone(),
        require_pushed: details.require_pushed,
        require_dpop: details.require_dpop,
        consent: Some(match details.consent {
            Consent::Trusted => plan::Consent::Trusted,
            Consent::Required => plan::Consent::Required,
        }),
        algorithm: Some(details.algorithm.clone()),
        backchannel_logout_uri: details.backchannel_logout_uri.clone(),
        access_lifetime: span(details.access_lifetime),
        session_lifetime: span(details.session_lifetime),
        tenant: details.tenant.as_ref().map(ToString::to_string),
        agent: details.agent,
        may_act: details.may_act.clone(),
        disabled: row.disabled_at.is_some(),
    };
    client.settle();
    client
}

/// A service account as a file declares it.
fn machine_of(row: &Client, profile: &MachineProfile) -> plan::Machine {
    let details = &row.details;
    let identities = profile.identities.iter().map(|one| plan::Identity {
        issuer: one.issuer.clone(),
        claims: one.claims.clone(),
    });
    let mut machine = plan::Machine {
        name: Some(row.name.clone()),
        owner: profile.owner.clone(),
        purpose: profile.purpose.clone(),
        environment: Some(profile.environment.clone()),
        expires_at: plan::Moment(profile.expires_at.as_millis()),
        grants: Some(details.grants.clone()),
        scopes: row.scopes.clone(),
        resources: details.resources.clone(),
        jwks: details.jwks.clone(),
        jwks_uri: details.jwks_uri.clone(),
        identities: identities.collect(),
        require_dpop: details.require_dpop,
        access_lifetime: details
            .access_lifetime
            .map(|seconds| plan::Span(seconds.into())),
        algorithm: Some(details.algorithm.clone()),
        disabled: row.disabled_at.is_some(),
    };
    machine.settle(row.id.as_str());
    machine
}

fn resource_of(row: &Resource) -> plan::Resource {
    let scope = |text: &sealgate_store::ScopeText| (text.name.clone(), text.description.clone());
    let tool = |tool: &sealgate_store::ToolText| {
        let told = plan::Tool {
            description: tool.description.clone(),
            scopes: tool.scopes.clone(),
        };
        (tool.name.clone(), told)
    };
    plan::Resource {
        name: row.name.clone(),
        client: row.client.clone(),
        scopes: row.scopes.iter().map(scope).collect(),
        status_list: row.status_list,
        agents: row.agents,
        tools: row.tools.iter().map(tool).collect(),
    }
}
