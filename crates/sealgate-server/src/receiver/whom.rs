//! Whom a transmitter speaks of, among the accounts here.

use sealgate_model::{SessionId, UserId};
use sealgate_oauth::signals::{Subject, SubjectId};
use sealgate_store::{StoreError, Transmitter, UserRow};

use crate::ControlPlane;

/// What an event is about, here.
#[derive(Debug)]
pub(super) struct Whom {
    /// The account.
    pub(super) user: UserRow,
    /// One of its sessions, where the event names one.
    pub(super) session: Option<SessionId>,
}

/// Why an event is about nobody here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nobody {
    /// There is no such account, or it is named in a way that means nothing here.
    Unknown,
    /// The account is not in the transmitter's domains.
    Foreign,
}

impl Nobody {
    /// The reason code for records.
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "subject_unknown",
            Self::Foreign => "subject_foreign",
        }
    }
}

/// The account that `subject` names, if the transmitter may speak of it. A session that is named must be the
/// account's own.
pub(super) async fn find(
    plane: &ControlPlane,
    transmitter: &Transmitter,
    subject: &Subject,
) -> Result<Result<Whom, Nobody>, StoreError> {
    let named = match subject.user() {
        Some(id) => user(plane, id).await?,
        None => None,
    };
    let session = match session(subject) {
        Named::Nothing => None,
        Named::Unreadable => return Ok(Err(Nobody::Unknown)),
        Named::One(id) => match plane.store.session(id).await? {
            None => return Ok(Err(Nobody::Unknown)),
            found => found,
        },
    };
    let user = match (named, &session) {
        (Some(user), None) => Some(user),
        (Some(user), Some(session)) => Some(user).filter(|user| user.id == session.user),
        (None, Some(session)) if subject.user().is_none() => plane.store.user(session.user).await?,
        (None, _) => None,
    };
    let Some(user) = user else {
        return Ok(Err(Nobody::Unknown));
    };
    if !is_in(&user.email, &transmitter.domains) {
        return Ok(Err(Nobody::Foreign));
    }
    Ok(Ok(Whom {
        user,
        session: session.map(|session| session.id),
    }))
}

/// Whether an address is in one of `domains`, which are in lower case.
pub(super) fn is_in(email: &str, domains: &[String]) -> bool {
    let domain = email.rsplit_once('@').map(|(_, domain)| domain);
    domain.is_some_and(|domain| {
        let domain = domain.to_ascii_lowercase();
        domains.contains(&domain)
    })
}

/// Which session a subject names.
enum Named {
    /// None: it is about the account.
    Nothing,
    /// One that there cannot be here.
    Unreadable,
    /// This one.
    One(SessionId),
}

fn session(subject: &Subject) -> Named {
    let Subject::Complex(complex) = subject else {
        return Named::Nothing;
    };
    match complex.get("session") {
        None => Named::Nothing,
        Some(SubjectId::Opaque(id)) => id.parse().map_or(Named::Unreadable, Named::One),
        Some(_) => Named::Unreadable,
    }
}

/// The account that an identifier names: by its address, or by its id here.
async fn user(plane: &ControlPlane, id: &SubjectId) -> Result<Option<UserRow>, StoreError> {
    let several = match id {
        SubjectId::Aliases(several) => several.as_slice(),
        one => std::slice::from_ref(one),
    };
    let mut found: Option<UserRow> = None;
    for one in several {
        let known = match one {
            SubjectId::Email(email) => plane.store.user_by_email(email).await?,
            SubjectId::Account(uri) => match uri.strip_prefix("acct:") {
                Some(email) => plane.store.user_by_email(email).await?,
                None => None,
            },
            SubjectId::IssSub { iss, sub } if iss == plane.issuer.as_str() => {
                by_id(plane, sub).await?
            }
            SubjectId::Opaque(id) => by_id(plane, id).await?,
            _ => None,
        };
        match (&found, known) {
            // Aliases that lead to two accounts are about neither for sure.
            (Some(before), Some(other)) if before.id != other.id => return Ok(None),
            (None, Some(user)) => found = Some(user),
            _ => {}
        }
    }
    Ok(found)
}

async fn by_id(plane: &ControlPlane, text: &str) -> Result<Option<UserRow>, StoreError> {
    match text.parse::<UserId>() {
        Ok(id) => plane.store.user(id).await,
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_the_whole_of_what_follows_the_last_at() {
        let domains = ["corp.example".to_owned()];
        assert!(is_in("ada@corp.example", &domains));
        assert!(is_in("ada@CORP.Example", &domains));
        assert!(is_in("\"a@b\"@corp.example", &domains));
        for other in [
            "ada@evil-corp.example",
            "ada@corp.example.evil",
            "ada@sub.corp.example",
            "corp.example",
            "",
        ] {
            assert!(!is_in(other, &domains), "{other}");
        }
        assert!(!is_in("ada@corp.example", &[]));
    }
}
