//! Accounts and the links by which a password is set.

use rusqlite::{Connection, Row, params};
use sealgate_model::{ClientId, InvitationId, TenantId, Timestamp, UserId};
use serde_json::json;

use super::writer::Tx;
use super::{audit, claims, clients, reaches, revocations, sessions, sign_ins, signals, sql};
use crate::{
    Accepted, Audit, Invitation, Page, RevokeReason, Revoked, SignIn, SignalKind, StoreError,
    UserChange, UserRow,
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, email, name, password_hash, roles, tenant, created_at,
                    disabled_at FROM users ",
            $rest
        )
    };
}

/// What makes two addresses the same account: case and surrounding space do not count.
fn email_key(email: &str) -> String {
    email.trim().to_lowercase()
}

pub(super) fn create(
    tx: &Tx<'_>,
    user: &UserRow,
    invitation: Option<&Invitation>,
    audit: &Audit,
) -> Result<(), StoreError> {
    insert(tx, user)?;
    if let Some(invitation) = invitation {
        insert_invitation(tx, invitation)?;
    }
    audit::append(tx, audit)
}

/// `users_by_email` makes a second account with the same address a conflict.
fn insert(tx: &Tx<'_>, user: &UserRow) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO users
            (id, email, email_key, name, password_hash, roles, tenant, created_at, disabled_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            user.id.as_bytes(),
            user.email,
            email_key(&user.email),
            user.name,
            user.password_hash,
            sql::json_text(&user.roles)?,
            user.tenant.as_ref().map(TenantId::as_str),
            user.created_at.as_millis(),
            user.disabled_at.map(Timestamp::as_millis),
        ],
    )
    .map(drop)
}

pub(super) fn by_email(
    connection: &Connection,
    email: &str,
) -> Result<Option<UserRow>, StoreError> {
    sql::one(
        connection,
        select!("INDEXED BY users_by_email WHERE email_key = ?1"),
        params![email_key(email)],
        read,
    )
}

pub(super) fn by_id(connection: &Connection, id: UserId) -> Result<Option<UserRow>, StoreError> {
    sql::one(
        connection,
        select!("WHERE id = ?1"),
        params![id.as_bytes()],
        read,
    )
}

/// A slice in order of id (primary key), which is the order of creation.
pub(super) fn list(connection: &Connection, page: Page) -> Result<Vec<UserRow>, StoreError> {
    sql::many(
        connection,
        select!("WHERE id > ?1 ORDER BY id LIMIT ?2"),
        params![sql::after(&page), sql::limit(&page)],
        read,
    )
}

pub(super) fn admin_exists(connection: &Connection) -> Result<bool, StoreError> {
    let found = sql::one(
        connection,
        r#"SELECT 1 FROM users INDEXED BY users_admins
           WHERE disabled_at IS NULL AND password_hash IS NOT NULL
             AND instr(roles, '"admin"') > 0
           LIMIT 1"#,
        (),
        |_row| Ok(()),
    )?;
    Ok(found.is_some())
}

pub(super) fn disable(tx: &Tx<'_>, id: UserId, audit: &Audit) -> Result<bool, StoreError> {
    let at = audit.at;
    let changed = sql::run(
        tx,
        "UPDATE users SET disabled_at = ?2 WHERE id = ?1 AND disabled_at IS NULL",
        params![id.as_bytes(), at.as_millis()],
    )?;
    if changed == 0 {
        return exists(tx, id);
    }
    // A link from before must not be a way in when the account is enabled again.
    drop_links(tx, Some(id))?;
    sign_ins::end_all_of(tx, id, at)?;
    sessions::revoke_all_of(tx, id, RevokeReason::UserDisabled, at)?;
    bar(tx, id, None, at, at, RevokeReason::UserDisabled)?;
    signals::account(tx, id, SignalKind::AccountDisabled, None, at)?;
    audit::append(tx, audit)?;
    Ok(true)
}

/// Logs a "not before" for a user on each client that the user's tokens can be presented to, or on the one
/// named; whether there was any. It is the second barrier, where there is something to bar: what a client
/// never knew of a user, the feed does not tell it. What the user started on one client alone is told by
/// session to whoever serves a resource: the user's other sessions there go on.
pub(super) fn bar(
    tx: &Tx<'_>,
    id: UserId,
    only: Option<&ClientId>,
    before: Timestamp,
    now: Timestamp,
    reason: RevokeReason,
) -> Result<bool, StoreError> {
    let known = match only {
        None => reaches::readers_of(tx, id)?,
        Some(only) => {
            let mut known = sessions::clients_of(tx, id)?;
            known.retain(|(client, _)| client == only);
            // Also before the first session there: the code that will start it may be on its way.
            if known.is_empty() && exists(tx, id)? && clients::is_known(tx, only)? {
                known.push((only.clone(), now));
            }
            known
        }
    };
    revocations::tell(tx, &Revoked::User(id), before, &known, now, reason.as_str())?;
    Ok(!known.is_empty())
}

/// Refuses what was found to be allowed while the account stood otherwise.
fn check(current: &UserRow, before: Option<&UserRow>) -> Result<(), StoreError> {
    if before.is_none_or(|before| current.stands_as(before)) {
        Ok(())
    } else {
        Err(StoreError::Conflict("user"))
    }
}

/// What is not named stays as it is.
pub(super) fn update(
    tx: &Tx<'_>,
    id: UserId,
    change: &UserChange,
    audit: &Audit,
) -> Result<bool, StoreError> {
    let Some(current) = by_id(tx, id)? else {
        return Ok(false);
    };
    check(&current, change.before.as_ref())?;
    // Whoever made or found the link did not have to be allowed to give the roles that it would open.
    if change.roles.as_ref().is_some_and(|to| *to != current.roles) {
        drop_links(tx, Some(id))?;
    }
    let roles = change.roles.as_ref().map(sql::json_text);
    let changed = sql::run(
        tx,
        "UPDATE users SET name = coalesce(?2, name), roles = coalesce(?3, roles),
             tenant = CASE WHEN ?4 THEN ?5 ELSE tenant END
         WHERE id = ?1",
        params![
            id.as_bytes(),
            change.name,
            roles.transpose()?,
            change.tenant.is_some(),
            change.tenant.iter().flatten().next().map(TenantId::as_str),
        ],
    )?;
    if let (1.., Some(reason)) = (changed, change.sign_out) {
        sign_ins::end_all_of(tx, id, audit.at)?;
        sessions::revoke_all_of(tx, id, reason, audit.at)?;
        bar(tx, id, None, audit.at, audit.at, reason)?;
    } else if changed > 0 {
        claims::renew(tx, &current, change, audit.at)?;
    }
    if changed > 0 {
        claims::tell_streams(tx, &current, change, audit.at)?;
    }
    audit::append_if(tx, changed > 0, audit)
}

pub(super) fn enable(tx: &Tx<'_>, id: UserId, audit: &Audit) -> Result<bool, StoreError> {
    let changed = sql::run(
        tx,
        "UPDATE users SET disabled_at = NULL WHERE id = ?1 AND disabled_at IS NOT NULL",
        params![id.as_bytes()],
    )?;
    if changed == 0 {
        return exists(tx, id);
    }
    signals::account(tx, id, SignalKind::AccountEnabled, None, audit.at)?;
    audit::append(tx, audit)?;
    Ok(true)
}

fn exists(tx: &Tx<'_>, id: UserId) -> Result<bool, StoreError> {
    let found = sql::one(
        tx,
        "SELECT 1 FROM users WHERE id = ?1",
        params![id.as_bytes()],
        |_row| Ok(()),
    )?;
    Ok(found.is_some())
}

pub(super) fn create_invitation(
    tx: &Tx<'_>,
    invitation: &Invitation,
    before: Option<&UserRow>,
    audit: &Audit,
) -> Result<(), StoreError> {
    if let Some(before) = before {
        let current = by_id(tx, before.id)?.ok_or(StoreError::Invalid("there is no such user"))?;
        check(&current, Some(before))?;
    }
    // Two links would be two ways in; the older may have been printed or sent anywhere.
    drop_links(tx, invitation.user)?;
    insert_invitation(tx, invitation)?;
    audit::append(tx, audit)
}

/// Deletes the unused links to an account, or to the account that set-up makes.
fn drop_links(tx: &Tx<'_>, user: Option<UserId>) -> Result<(), StoreError> {
    sql::run(
        tx,
        "DELETE FROM invitations INDEXED BY invitations_by_user
         WHERE user_id IS ?1 AND used_at IS NULL",
        params![user.as_ref().map(UserId::as_bytes)],
    )
    .map(drop)
}

fn insert_invitation(tx: &Tx<'_>, invitation: &Invitation) -> Result<(), StoreError> {
    sql::run(
        tx,
        "INSERT INTO invitations (id, secret_hash, user_id, created_at, expires_at, used_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            invitation.id.as_bytes(),
            invitation.secret_hash.as_bytes(),
            invitation.user.as_ref().map(UserId::as_bytes),
            invitation.created_at.as_millis(),
            invitation.expires_at.as_millis(),
            invitation.used_at.map(Timestamp::as_millis),
        ],
    )
    .map(drop)
}

pub(super) fn invitation(
    connection: &Connection,
    id: InvitationId,
) -> Result<Option<Invitation>, StoreError> {
    sql::one(
        connection,
        "SELECT id, secret_hash, user_id, created_at, expires_at, used_at
         FROM invitations WHERE id = ?1",
        params![id.as_bytes()],
        |row| {
            Ok(Invitation {
                id: InvitationId::from_bytes(row.get("id")?),
                secret_hash: sql::hash(row, "secret_hash")?,
                user: row.get::<_, Option<_>>("user_id")?.map(UserId::from_bytes),
                created_at: sql::time(row, "created_at")?,
                expires_at: sql::time(row, "expires_at")?,
                used_at: sql::maybe_time(row, "used_at")?,
            })
        },
    )
}

pub(super) fn accept_invitation(
    tx: &Tx<'_>,
    id: InvitationId,
    user: &UserRow,
    sign_in: &SignIn,
    audit: &Audit,
) -> Result<Accepted, StoreError> {
    if sign_in.user != user.id {
        return Err(StoreError::Invalid("the sign-in is another user's"));
    }
    let at = audit.at.as_millis();
    // One conditional update decides who spends the link; a disabled account's link is worth nothing.
    let spent = sql::one(
        tx,
        "UPDATE invitations SET used_at = ?2
         WHERE id = ?1 AND used_at IS NULL AND expires_at > ?2
           AND NOT EXISTS
               (SELECT 1 FROM users WHERE id = invitations.user_id AND disabled_at IS NOT NULL)
         RETURNING user_id",
        params![id.as_bytes(), at],
        |row| Ok(row.get::<_, Option<_>>("user_id")?.map(UserId::from_bytes)),
    )?;
    match spent {
        None => return Ok(Accepted::Spent),
        Some(None) => insert(tx, user)?,
        Some(Some(owner)) if owner == user.id => {
            let before = by_id(tx, owner)?;
            let had = before.is_some_and(|before| before.password_hash.is_some());
            sql::run(
                tx,
                "UPDATE users SET name = ?2, password_hash = ?3 WHERE id = ?1",
                params![owner.as_bytes(), user.name, user.password_hash],
            )?;
            // An older link still lying in a mailbox must not set the password again.
            sql::run(
                tx,
                "UPDATE invitations INDEXED BY invitations_by_user SET used_at = ?2
                 WHERE user_id = ?1 AND used_at IS NULL",
                params![owner.as_bytes(), at],
            )?;
            // Whoever else got in with the old password is out with it.
            sign_ins::end_all_of(tx, owner, audit.at)?;
            sessions::revoke_all_of(tx, owner, RevokeReason::PasswordReset, audit.at)?;
            let change = if had { "update" } else { "create" };
            let details = json!({ "credential_type": "password", "change_type": change });
            let kind = SignalKind::CredentialChange;
            signals::account(tx, owner, kind, Some(details), audit.at)?;
        }
        Some(Some(_)) => return Err(StoreError::Invalid("the link is another user's")),
    }
    sign_ins::insert(tx, sign_in)?;
    audit::append(tx, audit)?;
    Ok(Accepted::Done)
}

fn read(row: &Row<'_>) -> Result<UserRow, StoreError> {
    Ok(UserRow {
        id: UserId::from_bytes(row.get("id")?),
        email: row.get("email")?,
        name: row.get("name")?,
        password_hash: row.get("password_hash")?,
        roles: sql::json(row, "roles")?,
        tenant: sql::maybe_tenant(row, "tenant")?,
        created_at: sql::time(row, "created_at")?,
        disabled_at: sql::maybe_time(row, "disabled_at")?,
    })
}
