//! Accounts, and the links by which a password is set.

use sealgate_model::{InvitationId, SecretHash, TenantId, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::RevokeReason;

/// Whether an account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserStatus {
    /// Has an invitation, has not yet chosen a password.
    Invited,
    /// Can sign in.
    Active,
    /// Cannot sign in; every session is revoked.
    Disabled,
}

/// A human's account. Its password hash is not part of `Debug` or of any serialised form.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct UserRow {
    /// The account's id: the `sub` of its tokens.
    pub id: UserId,
    /// The e-mail address as the user wrote it, at most 254 bytes.
    pub email: String,
    /// The name to show; may be empty.
    pub name: String,
    /// The argon2id hash in PHC form; none until the invitation is accepted.
    #[serde(skip)]
    pub password_hash: Option<String>,
    /// Roles, sorted. `admin` is the control plane's own.
    pub roles: Vec<String>,
    /// The organisation the user belongs to, if any.
    pub tenant: Option<TenantId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was disabled, if it is.
    pub disabled_at: Option<Timestamp>,
}

impl UserRow {
    /// Whether the account can be used.
    pub fn status(&self) -> UserStatus {
        match (&self.disabled_at, &self.password_hash) {
            (Some(_), _) => UserStatus::Disabled,
            (None, Some(_)) => UserStatus::Active,
            (None, None) => UserStatus::Invited,
        }
    }

    /// Whether what may be done to the account is as it was: its roles, its tenant, and whether it is
    /// disabled.
    pub fn stands_as(&self, before: &Self) -> bool {
        self.roles == before.roles
            && self.tenant == before.tenant
            && self.disabled_at == before.disabled_at
    }
}

impl std::fmt::Debug for UserRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "UserRow({}, {:?})", self.id, self.status())
    }
}

/// A one-time link to set a password: an invitation, or the first administrator's set-up.
#[derive(Debug, Clone)]
pub struct Invitation {
    /// The link's selector.
    pub id: InvitationId,
    /// The hash of the link's secret.
    pub secret_hash: SecretHash,
    /// The account it is for; none for the set-up link, which makes one.
    pub user: Option<UserId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
}

/// What an administrator changes about an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// The account as it was when the change was found to be allowed. If it does not stand as then
    /// ([`UserRow::stands_as`]), nothing changes. None: however it stands.
    pub before: Option<UserRow>,
    /// The new name.
    pub name: Option<String>,
    /// The new roles, in place of all earlier ones.
    pub roles: Option<Vec<String>>,
    /// The new tenant, or none.
    pub tenant: Option<Option<TenantId>>,
    /// Ends every sign-in and session with the change, so that what was taken away is gone everywhere
    /// at once and not only at the next renewal.
    pub sign_out: Option<RevokeReason>,
}
