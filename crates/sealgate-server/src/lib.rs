//! The control plane: OpenID provider, session authority and revocation source, as one axum router.
//!
//! Each folder is a capability and each endpoint a file. [`app`] is what the network reaches;
//! [`admin_app`] is what only the machine's operator reaches, over a Unix socket or in process.

pub mod admin;
mod admin_scopes;
mod agent_policy;
mod anomalies;
mod audit_chain;
mod backchannel;
mod caller;
mod connection;
mod consent;
mod data_dir;
mod decisions;
mod declared;
mod device;
mod error;
mod exports;
mod feed;
mod frame;
mod gate_reports;
mod health;
mod housekeeping;
mod issuers;
mod limits;
mod listen;
mod machines;
mod metrics;
mod network;
mod oauth;
mod own_clients;
mod pages;
mod policies;
mod prepared;
pub mod problem;
mod receiver;
mod refusals;
mod request;
mod restored;
mod serve;
mod session_life;
mod sign_in;
mod signals;
mod state;
mod status_list;

use std::sync::Arc;

use axum::Router;

pub use agent_policy::{AgentPolicy, Documents, Registration};
pub use anomalies::Anomalies;
pub use audit_chain::{AuditChain, AuditPolicy, Judge, verify_database, verify_lines};
pub use data_dir::{DataDir, SOCKET_NAME};
pub use device::DeviceThrottle;
pub use error::ServeError;
pub use feed::Feed;
pub use gate_reports::ReportThrottle;
pub use listen::{Listen, Tls, names_loopback, read_chain};
pub use machines::UseMemory;
pub use metrics::Metrics;
pub use oauth::{ClientKeys, ClientThrottle, PublicThrottle};
pub use own_clients::OwnClients;
pub use refusals::Refusals;
pub use sealgate_keys::{KeyError, SigningKeys};
pub use serve::{Announcement, Config, Host, Server};
pub use sign_in::cookie::name as sign_in_cookie;
pub use sign_in::invitation::SetupLink;
pub use sign_in::passwords::{Busy, PasswordQueue};
pub use sign_in::throttle::SignInThrottle;
pub use signals::Signals;
pub use state::{ControlPlane, Lifetimes, Limits, Policy};

use frame::Frame;

/// The largest request body any endpoint reads, in bytes. The largest honest one is a sign-in form
/// with a sealed authorization request, well under a quarter of this.
pub const BODY_LIMIT: usize = 64 * 1024;

/// Everything the network reaches: OAuth and OpenID endpoints, the hosted pages, the revocation feed,
/// the health checks and, where the operator wants it, the administration API.
pub fn app(plane: Arc<ControlPlane>) -> Router {
    let endpoints = Router::new()
        .merge(health::routes())
        .merge(oauth::routes())
        .merge(feed::routes())
        .merge(gate_reports::routes())
        .merge(decisions::routes())
        .merge(policies::routes())
        .merge(status_list::routes())
        .merge(receiver::routes())
        .merge(signals::routes(&plane))
        .merge(sign_in::routes())
        .merge(consent::routes())
        .merge(device::routes())
        .merge(pages::routes());
    let endpoints = if plane.policy.admin_http {
        endpoints.merge(admin::network::routes(&plane))
    } else {
        endpoints
    };
    let routes = match plane.issuer.path() {
        "" => endpoints,
        path => oauth::inserted_metadata(path)
            .merge(signals::inserted_metadata(path))
            .nest(path, endpoints),
    };
    framed(routes, Frame::of_people(plane))
}

/// The administration API under `/api/v1`. Whoever can reach it is the operator: it must only be
/// served where the operating system decides who that is.
pub fn admin_app(plane: Arc<ControlPlane>) -> Router {
    framed(admin::routes(&plane), Frame::of_programs(plane))
}

/// What [`admin_app`] serves, and the metrics, where the operator's commands and monitoring reach it.
fn operator_app(plane: Arc<ControlPlane>, metrics: Arc<Metrics>) -> Router {
    let routes = admin::routes(&plane).merge(metrics::routes(metrics));
    framed(routes, Frame::of_programs(plane))
}

/// The metrics and nothing else.
fn metrics_app(plane: Arc<ControlPlane>, metrics: Arc<Metrics>) -> Router {
    let routes = metrics::routes(metrics);
    framed(routes, Frame::of_programs(plane))
}

/// Makes every refusal of `routes`, whoever makes it, a problem, and puts the frame around them.
fn framed(routes: Router<Arc<ControlPlane>>, frame: Frame) -> Router {
    let plane = Arc::clone(&frame.plane);
    routes
        .fallback(problem::not_found)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(frame)
        .with_state(plane)
}
