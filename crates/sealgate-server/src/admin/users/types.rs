//! Accounts as JSON.

use sealgate_model::{Secret, TenantId, Timestamp, UserId};
use sealgate_store::{UserRow, UserStatus};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::{IntoParams, ToSchema};

use super::super::extract::present;
use super::super::page::Limit;
use super::super::schemas::{Millis, RoleWord, StatusWord, TenantIdText, UserIdText};

/// A password on its way in. It serialises, but never shows in `Debug`.
#[derive(Debug, Clone)]
pub struct Password(pub Secret);

impl Serialize for Password {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

/// An account to add.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The e-mail address, at most 254 bytes.
    #[schema(min_length = 3, max_length = 254)]
    pub email: String,
    /// The name to show, at most 200 bytes; may be empty.
    #[serde(default)]
    #[schema(max_length = 200)]
    pub name: String,
    /// Roles; `admin` is the control plane's own.
    #[serde(default)]
    #[schema(value_type = Vec<RoleWord>, max_items = 32)]
    pub roles: Vec<String>,
    /// The organisation the user belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TenantIdText>)]
    pub tenant: Option<TenantId>,
    /// The password; without it the answer holds an invitation link to choose one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, write_only, min_length = 15, max_length = 1024)]
    pub password: Option<Password>,
}

/// What to change about an account. What is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// The name to show, at most 200 bytes; may be empty.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = String, required = false, max_length = 200)]
    pub name: Option<String>,
    /// All roles from now on.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Vec<RoleWord>, required = false, max_items = 32)]
    pub roles: Option<Vec<String>>,
    /// The organisation the user belongs to; `null`: none.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<TenantIdText>)]
    pub tenant: Option<Option<TenantId>>,
    /// Ends every sign-in and session with the change. A change of the tenant does so in any case; other roles
    /// need not, for whoever was told of the earlier ones asks anew.
    #[serde(default)]
    pub sign_out: bool,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UserView {
    /// The account's id: the `sub` of its tokens.
    #[schema(value_type = UserIdText)]
    pub id: UserId,
    /// The e-mail address.
    pub email: String,
    /// The name to show; may be empty.
    pub name: String,
    /// Roles, sorted.
    #[schema(value_type = Vec<RoleWord>)]
    pub roles: Vec<String>,
    /// The organisation the user belongs to.
    #[schema(value_type = Option<TenantIdText>)]
    pub tenant: Option<TenantId>,
    /// Whether it can be used.
    #[schema(value_type = StatusWord)]
    pub status: UserStatus,
    /// When it was made.
    #[schema(value_type = Millis)]
    pub created_at: Timestamp,
    /// When it was disabled, if it is.
    #[schema(value_type = Option<Millis>)]
    pub disabled_at: Option<Timestamp>,
}

impl From<UserRow> for UserView {
    fn from(row: UserRow) -> Self {
        let status = row.status();
        Self {
            id: row.id,
            email: row.email,
            name: row.name,
            roles: row.roles,
            tenant: row.tenant,
            status,
            created_at: row.created_at,
            disabled_at: row.disabled_at,
        }
    }
}

/// The link with which a user chooses a password. It works once, and whoever has it is in, so that
/// `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitationLink {
    /// Where to open it.
    #[schema(example = "https://id.example.com/invitation?token=…")]
    pub url: String,
    /// From when on it is refused.
    #[schema(value_type = Millis)]
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for InvitationLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "InvitationLink(…, expires at {})", self.expires_at)
    }
}

/// An account with the new link to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InvitedUser {
    /// The account. If it is active, the link sets its password anew.
    pub user: UserView,
    /// The link. Earlier ones do not work any more.
    pub invitation: InvitationLink,
}

/// The account that was added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CreatedUser {
    /// The account.
    pub user: UserView,
    /// Its invitation, unless a password was given.
    pub invitation: Option<InvitationLink>,
}

/// Which accounts to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListUsers {
    /// Only the one with this address, compared without case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = String, required = false)]
    pub email: Option<String>,
    /// Only those after this one: the `next` of the answer before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = UserIdText, required = false)]
    pub after: Option<UserId>,
    /// How many at most.
    #[serde(default)]
    #[param(required = false)]
    pub limit: Limit,
}

/// Accounts, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Users {
    /// At most `limit` accounts.
    pub users: Vec<UserView>,
    /// What to give as `after` for more; none at the end.
    #[schema(value_type = Option<UserIdText>)]
    pub next: Option<UserId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_does_not_show_in_debug_output() {
        let new = NewUser {
            email: "a@b".to_owned(),
            name: String::new(),
            roles: Vec::new(),
            tenant: None,
            password: Some(Password(Secret::new("hunter2"))),
        };
        assert!(!format!("{new:?}").contains("hunter2"));
    }

    #[test]
    fn in_a_change_only_what_can_be_empty_can_be_null() {
        let read = |text: &str| serde_json::from_str::<UserPatch>(text);
        assert_eq!(read("{}").unwrap().tenant, None);
        assert_eq!(read(r#"{"tenant":null}"#).unwrap().tenant, Some(None));
        assert!(
            read(r#"{"tenant":"acme"}"#)
                .unwrap()
                .tenant
                .unwrap()
                .is_some()
        );
        for wrong in [
            r#"{"name":null}"#,
            r#"{"roles":null}"#,
            r#"{"email":"a@b"}"#,
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
