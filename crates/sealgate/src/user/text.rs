//! Accounts as people read them.

use sealgate_server::admin::{CreatedUser, InvitationLink, InvitedUser, UserView};
use sealgate_store::UserStatus;

use crate::output::{self, Text, date};
use crate::screen;

pub(super) fn shown(user: &UserView) -> Text {
    let tenant = user.tenant.as_ref().map(ToString::to_string);
    let mut rows = vec![
        ("Id", user.id.to_string()),
        ("E-mail", user.email.clone()),
        ("Name", user.name.clone()),
        ("Status", word(user.status).to_owned()),
        ("Roles", user.roles.join(" ")),
        ("Tenant", tenant.unwrap_or_default()),
        ("Created", date(user.created_at)),
    ];
    if let Some(at) = user.disabled_at {
        rows.push(("Disabled", date(at)));
    }
    output::fields(&rows)
}

const fn word(status: UserStatus) -> &'static str {
    match status {
        UserStatus::Invited => "invited",
        UserStatus::Active => "active",
        UserStatus::Disabled => "disabled",
    }
}

/// What to do about a link that nobody saw.
pub(super) fn ask_again(user: &UserView) -> String {
    format!(
        "the link is lost; make another: sealgate user invite {}",
        user.id
    )
}

pub(super) fn invited(invited: &InvitedUser) -> Text {
    let user = &invited.user;
    let what = match user.status {
        UserStatus::Active => "set another password",
        UserStatus::Invited | UserStatus::Disabled => "choose a password",
    };
    let InvitationLink { url, expires_at } = &invited.invitation;
    Text {
        talk: format!(
            "{} ({}): the link to {what} works once, until {}; earlier ones do not work any more:\n",
            screen::clean(&user.email),
            user.id,
            date(*expires_at)
        ),
        data: format!("{url}\n"),
    }
}

pub(super) fn added(created: &CreatedUser) -> Text {
    let user = &created.user;
    let email = screen::clean(&user.email);
    match &created.invitation {
        Some(link) => Text {
            talk: format!(
                "Added {email} ({}). The link to choose a password works once, until {}:\n",
                user.id,
                date(link.expires_at)
            ),
            data: format!("{}\n", link.url),
        },
        None => Text {
            data: format!("Added {email} ({}).\n", user.id),
            ..Text::default()
        },
    }
}

pub(super) fn listed(users: &[UserView]) -> Text {
    let rows: Vec<[String; 6]> = users
        .iter()
        .map(|user| {
            [
                user.email.clone(),
                user.name.clone(),
                word(user.status).to_owned(),
                user.roles.join(" "),
                date(user.created_at),
                user.id.to_string(),
            ]
        })
        .collect();
    let empty = "There are no users yet. Add one with `sealgate user add EMAIL`.";
    output::table(
        ["EMAIL", "NAME", "STATUS", "ROLES", "CREATED", "ID"],
        &rows,
        empty,
    )
}

#[cfg(test)]
mod tests {
    use sealgate_model::{Timestamp, UserId};

    use super::*;

    fn user(number: u8, email: &str, status: UserStatus) -> UserView {
        UserView {
            id: UserId::from_bytes([number; 16]),
            email: email.to_owned(),
            name: if number == 1 {
                "Ada Lovelace".to_owned()
            } else {
                String::new()
            },
            roles: if number == 1 {
                vec!["admin".to_owned(), "auditor".to_owned()]
            } else {
                Vec::new()
            },
            tenant: None,
            status,
            created_at: Timestamp::from_millis(1_795_338_305_000),
            disabled_at: None,
        }
    }

    #[test]
    fn users_are_listed_as_a_table() {
        let users = [
            user(1, "ada@example.com", UserStatus::Active),
            user(2, "grace.hopper@example.com", UserStatus::Invited),
            user(3, "eve@example.com", UserStatus::Disabled),
        ];
        insta::assert_snapshot!(listed(&users).data);
        insta::assert_snapshot!(listed(&[]).talk, @"There are no users yet. Add one with `sealgate user add EMAIL`.");
    }

    #[test]
    fn a_user_is_shown_in_lines() {
        let mut user = user(1, "ada@example.com", UserStatus::Active);
        user.tenant = Some("acme".parse().unwrap());
        insta::assert_snapshot!(shown(&user).data);
    }

    #[test]
    fn an_added_user_comes_with_an_invitation_link_alone_on_stdout() {
        let created = CreatedUser {
            user: user(1, "ada@example.com", UserStatus::Invited),
            invitation: Some(InvitationLink {
                url: "https://id.example/invitation?token=abc".to_owned(),
                expires_at: Timestamp::from_millis(1_795_597_505_000),
            }),
        };
        let text = added(&created);
        assert_eq!(text.data, "https://id.example/invitation?token=abc\n");
        insta::assert_snapshot!(text.talk);
    }

    #[test]
    fn a_new_link_says_what_it_is_for() {
        let text = |status| {
            invited(&InvitedUser {
                user: user(1, "ada@example.com", status),
                invitation: InvitationLink {
                    url: "https://id.example/invitation?token=abc".to_owned(),
                    expires_at: Timestamp::from_millis(1_795_597_505_000),
                },
            })
        };
        let lost = text(UserStatus::Invited);
        assert_eq!(lost.data, "https://id.example/invitation?token=abc\n");
        insta::assert_snapshot!(lost.talk, @"ada@example.com (01010101-0101-0101-0101-010101010101): the link to choose a password works once, until 2026-11-25 09:05Z; earlier ones do not work any more:");
        insta::assert_snapshot!(text(UserStatus::Active).talk, @"ada@example.com (01010101-0101-0101-0101-010101010101): the link to set another password works once, until 2026-11-25 09:05Z; earlier ones do not work any more:");
    }
}
