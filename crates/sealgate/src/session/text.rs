//! Sessions as people read them.

use sealgate_server::admin::SessionView;
use sealgate_store::RevokeReason;

use crate::output::{self, Text, date};

pub(super) fn shown(session: &SessionView) -> Text {
    let mut rows = vec![
        ("Id", session.id.to_string()),
        ("User", format!("{} ({})", session.email, session.user)),
        ("Client", session.client.to_string()),
        (
            "Tenant",
            session
                .tenant
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        ("Scopes", session.scopes.join(" ")),
        ("Resources", session.resources.join(" ")),
        ("Bound to", session.bound_to.clone().unwrap_or_default()),
        (
            "Signed in",
            format!(
                "{} by {}",
                date(session.auth_time),
                session.methods.join(" ")
            ),
        ),
        ("Started", date(session.created_at)),
        ("Renewed", date(session.renewed_at)),
        ("From", session.network.clone().unwrap_or_default()),
    ];
    if session.lasting {
        rows.push(("Lasts", "when the browser is signed out, too".to_owned()));
    }
    match session.revoked_at {
        Some(_) => rows.push(("Ended", end(session))),
        None => rows.push(("Ends", date(session.expires_at))),
    }
    output::fields(&rows)
}

/// When it ended or will, and why.
fn end(session: &SessionView) -> String {
    match (session.revoked_at, session.revoked_for) {
        (Some(at), Some(reason)) => format!("revoked {} ({})", date(at), words(reason)),
        (Some(at), None) => format!("revoked {}", date(at)),
        (None, _) => date(session.expires_at),
    }
}

pub(super) fn listed(sessions: &[SessionView], all: bool) -> Text {
    if !all {
        let rows: Vec<[String; 6]> = sessions
            .iter()
            .map(|session| {
                [
                    session.id.to_string(),
                    session.email.clone(),
                    session.client.to_string(),
                    date(session.created_at),
                    date(session.renewed_at),
                    date(session.expires_at),
                ]
            })
            .collect();
        return output::table(
            ["ID", "USER", "CLIENT", "STARTED", "RENEWED", "ENDS"],
            &rows,
            "There are no live sessions.",
        );
    }
    let rows: Vec<[String; 6]> = sessions
        .iter()
        .map(|session| {
            [
                session.id.to_string(),
                session.email.clone(),
                session.client.to_string(),
                date(session.created_at),
                date(session.renewed_at),
                end(session),
            ]
        })
        .collect();
    output::table(
        ["ID", "USER", "CLIENT", "STARTED", "RENEWED", "END"],
        &rows,
        "There have been no sessions yet.",
    )
}

fn words(reason: RevokeReason) -> &'static str {
    match reason {
        RevokeReason::Logout => "logout",
        RevokeReason::Admin => "by an administrator",
        RevokeReason::UserDisabled => "user disabled",
        RevokeReason::RefreshReuse => "refresh token reused",
        RevokeReason::CodeReuse => "code reused",
        RevokeReason::ClientRevoked => "by the client",
        RevokeReason::PasswordReset => "password set anew",
        RevokeReason::ConsentWithdrawn => "consent withdrawn",
        RevokeReason::ClientRemoved => "client removed",
        RevokeReason::KeyRevoked => "key revoked",
        RevokeReason::TenantRevoked => "tenant revoked",
        RevokeReason::Signal => "told by an identity system",
        RevokeReason::Everything => "everything revoked",
        RevokeReason::Restored => "a backup was restored",
    }
}

#[cfg(test)]
mod tests {
    use sealgate_model::{SessionId, Timestamp, UserId};

    use super::*;

    fn session(number: u8, revoked: bool) -> SessionView {
        let start = 1_795_338_305_000;
        SessionView {
            id: SessionId::from_bytes([number; 16]),
            user: UserId::from_bytes([9; 16]),
            email: "ada@example.com".to_owned(),
            client: "expenses".parse().unwrap(),
            tenant: None,
            scopes: vec!["openid".to_owned()],
            resources: Vec::new(),
            bound_to: None,
            auth_time: Timestamp::from_millis(start),
            methods: vec!["pwd".to_owned()],
            created_at: Timestamp::from_millis(start),
            renewed_at: Timestamp::from_millis(start + 600_000),
            network: Some("192.0.2.7".to_owned()),
            lasting: revoked,
            expires_at: Timestamp::from_millis(start + 86_400_000),
            revoked_at: revoked.then(|| Timestamp::from_millis(start + 900_000)),
            revoked_for: revoked.then_some(RevokeReason::RefreshReuse),
        }
    }

    #[test]
    fn live_sessions_are_listed_as_a_table() {
        insta::assert_snapshot!(listed(&[session(1, false), session(2, false)], false).data);
        insta::assert_snapshot!(listed(&[], false).talk, @"There are no live sessions.");
    }

    #[test]
    fn a_session_is_shown_with_how_it_ended() {
        insta::assert_snapshot!(shown(&session(1, true)).data);
        assert!(!shown(&session(1, false)).data.contains("Ended"));
    }

    #[test]
    fn all_sessions_are_listed_with_how_they_ended() {
        insta::assert_snapshot!(listed(&[session(1, true), session(2, false)], true).data);
    }
}
