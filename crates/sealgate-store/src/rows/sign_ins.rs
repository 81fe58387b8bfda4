//! Browsers signed in at the control plane itself.

use sealgate_model::{SecretHash, SignInId, Timestamp, UserId};

/// A browser signed in at the control plane.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The cookie's selector.
    pub id: SignInId,
    /// The hash of the cookie's secret.
    pub secret_hash: SecretHash,
    /// Who.
    pub user: UserId,
    /// When the user last proved who they are.
    pub auth_time: Timestamp,
    /// The methods used (RFC 8176): `pwd`.
    pub methods: Vec<String>,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// When it was ended, if it was.
    pub ended_at: Option<Timestamp>,
}
