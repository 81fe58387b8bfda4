//! Looking at everything that a report is made of. What cannot be looked at is a fact too: it is not shown.

use sealgate_host::SystemClock;
use sealgate_model::{Clock as _, Timestamp};
use sealgate_report::{Facts, KeyFact, Seen, ServerFacts};
use sealgate_server::admin::{Keys, ServerView};
use sealgate_store::KeyState;
use serde_json::Value;

use super::{gates, people, records};
use crate::door::Door;
use crate::failure::Failure;

/// What was read before: files that were given.
pub(super) struct Looked {
    pub(super) lock_files: Seen<Vec<sealgate_report::ServiceRoutes>>,
    pub(super) drills: Seen<Vec<sealgate_report::DrillFact>>,
}

/// Looks at everything.
pub(super) async fn facts(door: &Door, looked: Looked) -> Facts {
    let taken_at = now();
    let clients = people::clients(door).await;
    Facts {
        taken_at,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        server: seen("GET /api/v1/server", server(door).await),
        accounts: seen("sealgate user list", people::accounts(door).await),
        clients: seen("sealgate client list, sealgate audit list", clients),
        machines: seen("sealgate machine list", people::machines(door).await),
        keys: seen("sealgate key list", keys(door).await),
        gates: seen(
            "sealgate gate list, sealgate feed gates",
            gates::gates(door).await,
        ),
        receipt: seen("GET /api/v1/feed/receipt", records::receipt(door).await),
        lock_files: looked.lock_files,
        policy: seen("sealgate policy list", records::policy(door).await),
        state: seen("sealgate plan --drift", records::state(door).await),
        audit: seen("sealgate audit verify", records::audit(door).await),
        decisions: seen("sealgate decision list", records::decisions(door).await),
        sinks: seen("sealgate sink list", records::sinks(door).await),
        anomalies: seen("sealgate anomaly list", records::anomalies(door).await),
        acts: seen("sealgate audit list", records::acts(door).await),
        drills: looked.drills,
    }
}

/// What was found, by which way; or why it was not.
pub(super) fn seen<T>(by: &str, found: Result<T, Failure>) -> Seen<T> {
    match found {
        Ok(value) => Seen::Measured {
            at: now(),
            by: by.to_owned(),
            value,
        },
        Err(failure) => Seen::NotShown {
            why: format!("{by} did not answer: {}", failure.sentences().0),
        },
    }
}

pub(super) fn now() -> Timestamp {
    SystemClock::default().now()
}

async fn server(door: &Door) -> Result<ServerFacts, Failure> {
    let view: ServerView = door.get("/server", &[]).await?;
    let words = |name: &str| -> Vec<String> {
        view.metadata[name]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    Ok(ServerFacts {
        access_lifetime: view.lifetimes.access,
        code_lifetime: view.lifetimes.code,
        session_lifetime: view.lifetimes.session,
        idle_lifetime: view.lifetimes.idle,
        rotate_every: view.rotate_every,
        admin_on_network: view.admin_on_network,
        response_types: words("response_types_supported"),
        grants: words("grant_types_supported"),
        challenge_methods: words("code_challenge_methods_supported"),
        client_authentication: words("token_endpoint_auth_methods_supported"),
        acr: words("acr_values_supported"),
        dpop_algorithms: words("dpop_signing_alg_values_supported"),
        pushed_requests: view.metadata["pushed_authorization_request_endpoint"].is_string(),
        issuer: view.issuer,
        version: view.version,
    })
}

async fn keys(door: &Door) -> Result<Vec<KeyFact>, Failure> {
    let keys: Keys = door.get("/keys", &[]).await?;
    let fact = |key: sealgate_server::admin::KeyView| KeyFact {
        kid: key.kid,
        algorithm: key.algorithm,
        state: match key.state {
            KeyState::Next => "next",
            KeyState::Active => "active",
            KeyState::Retiring => "retiring",
            KeyState::Gone => "gone",
        }
        .to_owned(),
        created_at: key.created_at,
        changed_at: key.changed_at,
    };
    Ok(keys.keys.into_iter().map(fact).collect())
}
