//! The whole gate in front of an axum application.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it did not expect"
)]

#[path = "../../../sealgate-gate/tests/gate/browser.rs"]
#[allow(dead_code)] // Other tests use the rest of it.
mod browser;
#[path = "../../../sealgate-gate/tests/gate/bundled.rs"]
#[allow(dead_code)]
mod bundled;
#[path = "../../../sealgate-gate/tests/gate/provider.rs"]
#[allow(dead_code)]
mod provider;

mod extractors;
mod front;
mod house;
mod streams;
