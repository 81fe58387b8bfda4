//! What is stored, as typed rows.

use sealgate_model::{
    ClientId, CodeId, InvitationId, RefreshId, SecretHash, SessionId, SignInId, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Serialize)]
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

/// Whether a client can keep a secret (RFC 6749, 2.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// Has a secret.
    Confidential,
    /// Has none.
    Public,
}

impl ClientKind {
    /// Every value.
    pub const ALL: [Self; 2] = [Self::Confidential, Self::Public];

    /// The word for it in stored rows, JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confidential => "confidential",
            Self::Public => "public",
        }
    }
}

/// An OAuth client.
#[derive(Debug, Clone, Serialize)]
pub struct Client {
    /// `client_id`.
    pub id: ClientId,
    /// The name people read on the sign-in page.
    pub name: String,
    /// Whether it has a secret.
    pub kind: ClientKind,
    /// The hash of its secret; none for a public client.
    #[serde(skip)]
    pub secret_hash: Option<SecretHash>,
    /// Where codes may be sent, compared exactly.
    pub redirect_uris: Vec<String>,
    /// Where a browser may be sent after logout, compared exactly.
    pub logout_uris: Vec<String>,
    /// The scopes it may ask for.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
}

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

/// An authorization code that has been issued.
#[derive(Debug, Clone)]
pub struct Code {
    /// The code's selector.
    pub id: CodeId,
    /// The hash of the code's secret.
    pub secret_hash: SecretHash,
    /// The client it was given to.
    pub client: ClientId,
    /// The user who signed in.
    pub user: UserId,
    /// The browser sign-in it came from.
    pub sign_in: SignInId,
    /// The session it will start.
    pub session: SessionId,
    /// The redirect URI it was sent to.
    pub redirect_uri: String,
    /// The PKCE S256 challenge, as sent.
    pub challenge: String,
    /// The OpenID nonce, as sent.
    pub nonce: Option<String>,
    /// The scopes granted.
    pub scopes: Vec<String>,
    /// When the user proved who they are.
    pub auth_time: Timestamp,
    /// The methods used.
    pub methods: Vec<String>,
    /// From when on it is refused.
    pub expires_at: Timestamp,
    /// When it was redeemed, if it was.
    pub used_at: Option<Timestamp>,
}

/// One sign-in of one user on one client.
#[derive(Debug, Clone, Serialize)]
pub struct Session {
    /// `sid`.
    pub id: SessionId,
    /// Who.
    pub user: UserId,
    /// Where.
    pub client: ClientId,
    /// The browser sign-in it came from.
    #[serde(skip)]
    pub sign_in: SignInId,
    /// The scopes granted.
    pub scopes: Vec<String>,
    /// When the user proved who they are.
    pub auth_time: Timestamp,
    /// The methods used.
    pub methods: Vec<String>,
    /// When it started.
    pub created_at: Timestamp,
    /// When it was last renewed.
    pub renewed_at: Timestamp,
    /// From when on it cannot be renewed, whatever happens.
    pub expires_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// Why it was revoked, if it was.
    pub revoked_for: Option<RevokeReason>,
}

/// Which sessions to list.
#[derive(Debug, Clone, Default)]
pub struct SessionFilter {
    /// Only this user's.
    pub user: Option<UserId>,
    /// Only this client's.
    pub client: Option<ClientId>,
    /// Only those alive at this time; without it revoked and expired ones are listed too.
    pub live_at: Option<Timestamp>,
}

/// A slice of a list: rows with an id greater than `after`, at most `limit`.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// The last id already seen (16 bytes), if any.
    pub after: Option<[u8; 16]>,
    /// At most this many rows, 1 to 1000.
    pub limit: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            after: None,
            limit: 1000,
        }
    }
}

/// Why a session ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokeReason {
    /// The user signed out.
    Logout,
    /// An administrator revoked it.
    Admin,
    /// The account was disabled.
    UserDisabled,
    /// A refresh token was presented again after its grace window.
    RefreshReuse,
    /// An authorization code was presented again.
    CodeReuse,
    /// The client asked for it (RFC 7009).
    ClientRevoked,
    /// The user's password was set anew.
    PasswordReset,
}

impl RevokeReason {
    /// Every value.
    pub const ALL: [Self; 7] = [
        Self::Logout,
        Self::Admin,
        Self::UserDisabled,
        Self::RefreshReuse,
        Self::CodeReuse,
        Self::ClientRevoked,
        Self::PasswordReset,
    ];

    /// The word for it in stored rows, JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Logout => "logout",
            Self::Admin => "admin",
            Self::UserDisabled => "user_disabled",
            Self::RefreshReuse => "refresh_reuse",
            Self::CodeReuse => "code_reuse",
            Self::ClientRevoked => "client_revoked",
            Self::PasswordReset => "password_reset",
        }
    }
}

/// A refresh token that has been issued.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// The token's selector.
    pub id: RefreshId,
    /// The hash of the token's secret.
    pub secret_hash: SecretHash,
    /// The session it renews: its family.
    pub session: SessionId,
    /// The client it was given to.
    pub client: ClientId,
    /// How many rotations came before it.
    pub generation: u32,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
    /// The answer its use was given, sealed, to be replayed inside the grace window.
    pub answer: Option<String>,
}

/// Where a signing key stands on its way through life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyState {
    /// Published, not yet used.
    Next,
    /// Signs.
    Active,
    /// Signs no more; still published while its tokens live.
    Retiring,
    /// No longer published.
    Gone,
}

impl KeyState {
    /// Every value.
    pub const ALL: [Self; 4] = [Self::Next, Self::Active, Self::Retiring, Self::Gone];

    /// The word for it in stored rows, JSON and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Gone => "gone",
        }
    }
}

/// A signing key. Its private part is sealed under the master key.
#[derive(Clone, Serialize)]
pub struct KeyRow {
    /// The key's id in headers and in the JWKS.
    pub kid: String,
    /// The JWA algorithm name.
    pub algorithm: String,
    /// Where it stands.
    pub state: KeyState,
    /// The private part, sealed.
    #[serde(skip)]
    pub sealed_private: String,
    /// The public part, as a JWK in JSON.
    #[serde(skip)]
    pub public_jwk: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it came into its present state.
    pub changed_at: Timestamp,
}

impl std::fmt::Debug for KeyRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRow({}, {:?})", self.kid, self.state)
    }
}

/// What is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revoked {
    /// One session.
    Session(SessionId),
    /// Every session of a user that started at or before `at`.
    User(UserId),
}

/// An entry of the revocation log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Its place in the log: gapless, from 1.
    pub seq: u64,
    /// What is revoked.
    pub what: Revoked,
    /// When. For a "not before" subject, sessions started at or before this are revoked.
    pub at: Timestamp,
    /// The client that can see it; none: every client.
    pub client: Option<ClientId>,
    /// From when on nothing that it revokes can still be alive, so that it may be forgotten.
    pub expires_at: Timestamp,
}
