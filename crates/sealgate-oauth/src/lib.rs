//! The rules of OAuth 2.1 and OpenID Connect, as the control plane applies them.
//!
//! This crate is pure: bytes and registrations go in, typed requests or errors with stable reason
//! codes come out. What has passed a parser here cannot be wrong in the way that parser checks, so
//! the endpoints never look at raw parameters.

mod answer;
mod authorization;
mod client_credentials;
mod error;
mod handle;
mod params;
mod pkce;
mod redirect;
mod scope;
mod token_request;

pub use answer::{AuthorizationAnswer, with_parameters};
pub use authorization::{AuthorizationRejection, AuthorizationRequest, Prompt, Registration};
pub use client_credentials::ClientCredentials;
pub use error::{ErrorCode, OAuthError};
pub use handle::{CodeHandle, Handle, RefreshHandle, Selector};
pub use params::{Limits, Params};
pub use pkce::{CodeChallenge, CodeVerifier};
pub use redirect::{RedirectUri, RedirectUriError};
pub use scope::Scopes;
pub use token_request::TokenRequest;
