//! A client of protected resources: how an AI agent, a job or a person at a terminal gets tokens for them.
//!
//! From the resource's own answer ([`Demand`]) to its metadata and its authorization server ([`discovery`]), to a
//! client that is known there ([`registration`]), to a grant ([`flow`], [`device`], [`token`]), with proofs of
//! possession ([`dpop`]). The rules are functions of what was read; what is asked of others goes through [`Http`],
//! and people, clocks and randomness are handed in. [`Agent`] puts it all together for one resource.

pub mod agent;
mod challenge;
mod client_key;
pub mod device;
pub mod discovery;
pub mod dpop;
mod error;
#[cfg(test)]
mod fake;
pub mod flow;
mod http;
mod metadata;
pub mod registration;
pub mod scopes;
pub mod token;
pub mod vault;
mod web_url;

pub use agent::{Agent, AgentHost, AgentSettings, TokenStore};
pub use challenge::{CHALLENGES_LIMIT, Challenge, Demand};
pub use client_key::ClientKey;
pub use discovery::{Discovered, discover};
pub use error::AgentError;
pub use http::{ANSWER_LIMIT, AgentHttp, Boxed, Deed, Http, HttpRequest, HttpResponse, Reach};
pub use metadata::{Endpoint, METADATA_LIMIT, ResourceMetadata, ServerMetadata};
pub use web_url::WebUrl;
