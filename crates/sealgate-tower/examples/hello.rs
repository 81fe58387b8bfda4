//! A gated application in Rust: the settings come from the environment, as for a Python application.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use http::Method;
use sealgate_gate::{Gate, Host, Kinds, Need, Settings};
use sealgate_tower::extract::{Caller, User};
use sealgate_tower::{GateLayer, RouteMap};

async fn me(user: User) -> String {
    format!("You are {}.\n", user.id)
}

async fn hello(caller: Option<Caller>) -> String {
    let who = caller.map_or("stranger", |caller| caller.actor.kind().as_str());
    format!("Hello, {who}.\n")
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::from_lookup(|name| std::env::var(name).ok())?;
    let host = Host::system(&settings)?;
    let gate = Gate::new(settings, host)?;
    // Without this nobody learns what is revoked, and every session is answered 503.
    let follower = Arc::clone(&gate);
    tokio::spawn(async move { follower.follow().await });

    let routes = RouteMap::builder()
        .public(Method::GET, "/health", "load balancers ask")
        .ask(Method::GET, "/me", Need::of(Kinds::USER))
        .ask(
            Method::GET,
            "/",
            Need {
                optional: true,
                ..Need::of(Kinds::ANY)
            },
        )
        .build()?;
    let app = Router::new()
        .route("/health", get(async || "ok\n"))
        .route("/me", get(me))
        .route("/", get(hello))
        .layer(GateLayer::new(gate, routes));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:8000").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
