//! What each action of the audit log is in the words of OCSF: one table, so that a reader can check it. A test holds it
//! to the code: an action that the control plane records and that is not here fails the build.

/// An event class of OCSF 1.7.0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Account Change: an account, or its password.
    AccountChange,
    /// Authentication: somebody shows who they are, or ends that.
    Authentication,
    /// Authorize Session: what a session or a token may do.
    AuthorizeSession,
    /// Entity Management: something that administrators keep.
    Entity,
    /// User Access Management: what a person lets others do, or takes back.
    UserAccess,
    /// API Activity: a request that is none of the above.
    Api,
    /// Detection Finding: something that should worry somebody.
    Finding,
}

impl Class {
    /// `class_uid`.
    pub(super) const fn uid(self) -> u32 {
        match self {
            Self::AccountChange => 3001,
            Self::Authentication => 3002,
            Self::AuthorizeSession => 3003,
            Self::Entity => 3004,
            Self::UserAccess => 3005,
            Self::Api => 6003,
            Self::Finding => 2004,
        }
    }

    /// `class_name`.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::AccountChange => "Account Change",
            Self::Authentication => "Authentication",
            Self::AuthorizeSession => "Authorize Session",
            Self::Entity => "Entity Management",
            Self::UserAccess => "User Access Management",
            Self::Api => "API Activity",
            Self::Finding => "Detection Finding",
        }
    }

    /// `category_uid` and `category_name`.
    pub(super) const fn category(self) -> (u32, &'static str) {
        match self {
            Self::Api => (6, "Application Activity"),
            Self::Finding => (2, "Findings"),
            _ => (3, "Identity & Access Management"),
        }
    }

    /// `activity_name` of an `activity_id` of this class.
    #[expect(
        clippy::match_same_arms,
        reason = "each class has its list, as OCSF has it"
    )]
    pub(super) const fn activity(self, id: u32) -> &'static str {
        match (self, id) {
            (Self::Authentication, 1) => "Logon",
            (Self::Authentication, 2) => "Logoff",
            (Self::Authentication, 3) => "Authentication Ticket",
            (Self::Authentication, 4) => "Service Ticket Request",
            (Self::Authentication, 5) => "Service Ticket Renew",
            (Self::Authentication, 6) => "Preauth",
            (Self::Authentication, 7) => "Account Switch",
            (Self::AccountChange, 2) => "Enable",
            (Self::AccountChange, 3) => "Password Change",
            (Self::AccountChange, 4) => "Password Reset",
            (Self::AccountChange, 5) => "Disable",
            (Self::AccountChange, 6) => "Delete",
            (Self::AuthorizeSession | Self::UserAccess, 1) => "Assign Privileges",
            (Self::UserAccess, 2) => "Revoke Privileges",
            (Self::AccountChange | Self::Entity | Self::Api | Self::Finding, 1) => "Create",
            (Self::Entity | Self::Api, 2) => "Read",
            (Self::Entity | Self::Api, 3) | (Self::Finding, 2) => "Update",
            (Self::Entity | Self::Api, 4) => "Delete",
            (Self::Entity, 6) => "Enroll",
            (Self::Entity, 7) => "Unenroll",
            (Self::Entity, 8) => "Enable",
            (Self::Entity, 9) => "Disable",
            (Self::Entity, 10) => "Activate",
            (Self::Entity, 11) => "Deactivate",
            (Self::Entity, 12) => "Suspend",
            (Self::Entity, 13) => "Resume",
            (Self::Finding, 3) => "Close",
            _ => "Other",
        }
    }
}

/// An action's place in OCSF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) class: Class,
    pub(super) activity: u32,
    /// What kind of thing it is about; empty where the class says that.
    pub(super) about: &'static str,
}

const fn place(class: Class, activity: u32, about: &'static str) -> Place {
    Place {
        class,
        activity,
        about,
    }
}

/// An activity that the class has no word for.
const OTHER: u32 = 99;

use Class::{AccountChange, Api, Authentication, AuthorizeSession, Entity, Finding, UserAccess};

/// Every action, in the order of its letters.
pub(super) const PLACES: &[(&str, Place)] = &[
    ("admin.request", place(Api, OTHER, "")),
    ("agent.revoke", place(UserAccess, 2, "agent")),
    ("anomaly.acknowledge", place(Finding, 2, "")),
    ("anomaly.raise", place(Finding, 1, "")),
    ("anomaly.resolve", place(Finding, 3, "")),
    ("audit.begin", place(Entity, 1, "audit log")),
    ("audit.checkpoint", place(Entity, 1, "audit checkpoint")),
    ("audit.diverged", place(Entity, OTHER, "audit log")),
    ("audit.hold_add", place(Entity, 1, "legal hold")),
    ("audit.hold_release", place(Entity, 4, "legal hold")),
    ("audit.read", place(Entity, 2, "audit records")),
    ("audit.retire", place(Entity, 4, "audit records")),
    ("audit.verify", place(Entity, 2, "audit records")),
    ("client.create", place(Entity, 1, "client")),
    ("client.disable", place(Entity, 9, "client")),
    ("client.document", place(Entity, 2, "client")),
    ("client.enable", place(Entity, 8, "client")),
    ("client.forget", place(Entity, 4, "client")),
    ("client.register", place(Entity, 1, "client")),
    ("client.remove", place(Entity, 4, "client")),
    ("client.secret", place(Entity, 3, "client")),
    ("client.update", place(Entity, 3, "client")),
    ("code.issue", place(Authentication, 3, "")),
    ("consent.deny", place(UserAccess, OTHER, "consent")),
    ("consent.grant", place(UserAccess, 1, "consent")),
    ("consent.withdraw", place(UserAccess, 2, "consent")),
    ("decision.lost", place(Entity, OTHER, "decisions")),
    ("decisions.anchor", place(Entity, 1, "decisions")),
    ("decisions.lost", place(Entity, OTHER, "decisions")),
    ("decisions.report", place(Api, 1, "")),
    ("decisions.retire", place(Entity, 4, "decisions")),
    ("delegation.revoke", place(UserAccess, 2, "delegation")),
    ("device.approve", place(UserAccess, 1, "device code")),
    ("device.ask", place(Authentication, 6, "")),
    ("device.deny", place(UserAccess, OTHER, "device code")),
    ("device.find", place(Authentication, 6, "")),
    ("feed.applied", place(Api, 3, "")),
    ("feed.follow", place(Api, 2, "")),
    ("feed.snapshot", place(Api, 2, "")),
    ("gate.decide", place(Api, OTHER, "")),
    ("gate.end", place(Api, OTHER, "")),
    ("gate.report", place(Api, 1, "")),
    ("gate.withhold", place(Api, OTHER, "")),
    ("invitation.accept", place(AccountChange, 3, "")),
    ("invitation.create", place(AccountChange, 4, "")),
    ("issuer.create", place(Entity, 1, "issuer")),
    ("issuer.disable", place(Entity, 9, "issuer")),
    ("issuer.enable", place(Entity, 8, "issuer")),
    ("issuer.link", place(Entity, 1, "identity")),
    ("issuer.remove", place(Entity, 4, "issuer")),
    ("issuer.unlink", place(Entity, 4, "identity")),
    ("key.create", place(Entity, 1, "signing key")),
    ("key.remove", place(Entity, 4, "signing key")),
    ("key.revoke", place(Entity, 4, "signing key")),
    ("key.rotate", place(Entity, 3, "signing key")),
    ("key.schedule", place(Entity, 3, "signing key")),
    ("logout.deliver", place(Authentication, 2, "")),
    ("machine.bootstrap", place(Entity, 3, "service account")),
    ("machine.create", place(Entity, 1, "service account")),
    ("machine.enroll", place(Entity, 6, "service account")),
    ("machine.expire", place(Entity, 9, "service account")),
    ("machine.offboard", place(Entity, 7, "service account")),
    ("machine.update", place(Entity, 3, "service account")),
    ("password.reset", place(AccountChange, 4, "")),
    ("policy.apply", place(Entity, 3, "policy")),
    ("policy.bundle", place(Api, 2, "")),
    ("policy.roll_back", place(Entity, 3, "policy")),
    (
        "registration_token.create",
        place(Entity, 1, "registration token"),
    ),
    (
        "registration_token.remove",
        place(Entity, 4, "registration token"),
    ),
    ("request.push", place(Authentication, 6, "")),
    ("resource.create", place(Entity, 1, "resource")),
    ("resource.remove", place(Entity, 4, "resource")),
    ("resource.update", place(Entity, 3, "resource")),
    ("role.declare", place(Entity, 1, "role")),
    ("role.remove", place(Entity, 4, "role")),
    ("scope.declare", place(Entity, 1, "scope")),
    ("scope.remove", place(Entity, 4, "scope")),
    ("server.start", place(Entity, 10, "server")),
    ("server.stop", place(Entity, 11, "server")),
    ("session.renew", place(Authentication, 5, "")),
    ("session.revoke", place(Authentication, 2, "")),
    ("session.start", place(AuthorizeSession, 1, "")),
    ("setup_link.accept", place(AccountChange, 1, "")),
    ("setup_link.create", place(AccountChange, OTHER, "")),
    ("sign_in.end", place(Authentication, 2, "")),
    ("sign_in.replace", place(Authentication, 7, "")),
    ("sign_in.start", place(Authentication, 1, "")),
    ("signal.deliver", place(Api, OTHER, "")),
    ("signal.receive", place(Api, 1, "")),
    ("signal.request", place(Api, OTHER, "")),
    ("sink.create", place(Entity, 1, "sink")),
    ("sink.fail", place(Entity, OTHER, "sink")),
    ("sink.pause", place(Entity, 12, "sink")),
    ("sink.recover", place(Entity, 10, "sink")),
    ("sink.remove", place(Entity, 4, "sink")),
    ("sink.resume", place(Entity, 13, "sink")),
    ("sink.secret", place(Entity, 3, "sink")),
    ("sink.skip", place(Entity, OTHER, "sink")),
    ("sink.test", place(Entity, OTHER, "sink")),
    ("state.apply", place(Entity, 3, "declared state")),
    ("state.read", place(Entity, 2, "declared state")),
    ("store.restored", place(Entity, OTHER, "database")),
    ("stream.add_subject", place(Entity, 3, "stream")),
    ("stream.create", place(Entity, 1, "stream")),
    ("stream.pause", place(Entity, 12, "stream")),
    ("stream.remove", place(Entity, 4, "stream")),
    ("stream.remove_subject", place(Entity, 3, "stream")),
    ("stream.resume", place(Entity, 13, "stream")),
    ("stream.status", place(Entity, 3, "stream")),
    ("stream.update", place(Entity, 3, "stream")),
    ("stream.verify", place(Entity, 2, "stream")),
    ("token.exchange", place(Authentication, 7, "")),
    ("token.introspect", place(Api, 2, "")),
    ("token.issue", place(Authentication, 4, "")),
    ("token.revoke", place(Authentication, 2, "")),
    ("transmitter.create", place(Entity, 1, "transmitter")),
    ("transmitter.remove", place(Entity, 4, "transmitter")),
    ("user.create", place(AccountChange, 1, "")),
    ("user.disable", place(AccountChange, 5, "")),
    ("user.enable", place(AccountChange, 2, "")),
    ("user.sign_out", place(Authentication, 2, "")),
    ("user.update", place(AccountChange, OTHER, "")),
    ("userinfo.read", place(Api, 2, "")),
];

/// Whether an action has a place in the table.
pub fn is_known(action: &str) -> bool {
    find(action).is_some()
}

fn find(action: &str) -> Option<Place> {
    let at = PLACES
        .binary_search_by(|(name, _)| (*name).cmp(action))
        .ok()?;
    Some(PLACES[at].1)
}

/// Where an action belongs. One that the table does not know, of a newer program perhaps, is a request: nothing is left
/// out because nobody has sorted it yet.
pub(super) fn place_of(action: &str) -> Place {
    find(action).unwrap_or(place(Api, OTHER, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_activity_has_a_name() {
        assert!(PLACES.is_sorted_by(|one, other| one.0 < other.0));
        for (action, place) in PLACES {
            let name = place.class.activity(place.activity);
            assert_eq!(name == "Other", place.activity == OTHER, "{action}");
            let is_entity = matches!(place.class, Entity | UserAccess);
            assert_eq!(place.about.is_empty(), !is_entity, "{action}");
        }
    }

    #[test]
    fn what_is_not_known_is_a_request() {
        assert_eq!(place_of("tea.brew").class.uid(), 6003);
        assert!(!is_known("tea.brew") && is_known("sign_in.start"));
    }
}
