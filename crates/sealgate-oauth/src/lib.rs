//! The rules of OAuth 2.1 and OpenID Connect, as the control plane applies them.
//!
//! This crate is pure: bytes and registrations go in, typed requests or errors with stable reason
//! codes come out. What has passed a parser here cannot be wrong in the way that parser checks, so
//! the endpoints never look at raw parameters.

mod answer;
mod assertion;
mod audience;
mod authorization;
mod bootstrap;
mod claims;
mod client_credentials;
mod client_document;
mod client_metadata;
mod client_registration;
mod delegation;
mod device;
mod dpop_guard;
mod error;
mod error_code;
mod exchange;
mod handle;
pub mod identity;
mod introspection;
mod json;
mod jwt_bearer;
mod logout_token;
mod need;
mod params;
mod pkce;
mod prompt;
mod pushed;
mod redirect;
mod resource;
mod scope;
pub mod signals;
mod thumbprint;
mod token_request;
mod user_code;

pub use answer::{AuthorizationAnswer, Delivery, ResponseMode, with_parameters};
pub use assertion::{AssertionClaims, NumericDate};
pub use audience::Audience;
pub use authorization::{AuthorizationRejection, AuthorizationRequest, Registration};
pub use bootstrap::{BootstrapClaims, BootstrapCredential};
pub use claims::{AcrRequest, Claim, ClaimsRequest};
pub use client_credentials::ClientCredentials;
pub use client_document::{ClientDocument, DocumentId};
pub use client_metadata::{
    ClientMetadata, ClientMetadataError, OwnAuthentication, is_readable, scopes_of_own_clients,
};
pub use client_registration::ClientRegistration;
pub use delegation::{Act, ActorProfile, MayAct, delegated_scopes};
pub use device::DeviceRequest;
pub use dpop_guard::{CheckedNonce, DpopGuard, DpopRefusal};
pub use error::OAuthError;
pub use error_code::ErrorCode;
pub use exchange::{SubjectToken, TokenExchange};
pub use handle::{
    BootstrapHandle, CodeHandle, DeviceHandle, Handle, PushedHandle, RefreshHandle,
    RegistrationHandle, Selector,
};
pub use introspection::{
    ActiveToken, Confirmation, Introspection, IntrospectionClaims, IntrospectionRequest,
};
pub use jwt_bearer::JwtBearer;
pub use logout_token::{LoggedOut, LogoutToken, LogoutTokenError};
pub use need::{AuthenticationNeed, Proof};
pub use params::{Limits, Params};
pub use pkce::{CodeChallenge, CodeVerifier};
pub use prompt::{Prompt, Prompts};
pub use pushed::{RequestUri, pushed_request};
pub use redirect::{RedirectUri, RedirectUriError};
pub use resource::{ResourceUri, Resources};
pub use scope::Scopes;
pub use sealgate_model::Grant;
pub use thumbprint::Thumbprint;
pub use token_request::TokenRequest;
pub use user_code::UserCode;
