//! The view beside plain maps that know every revocation as it was told.

use std::collections::HashMap;

use proptest::prelude::*;
use sealgate_model::{GrantId, SessionId};

use super::*;

/// A moment near which everything happens, or one that does not fit into a slot.
fn moment() -> impl Strategy<Value = Timestamp> {
    prop_oneof![
        8 => (0..6_i64).prop_map(|millis| Timestamp::from_millis(1_800_000_000_000 + millis)),
        1 => (-3..3_i64).prop_map(Timestamp::from_millis),
        1 => (-3..3_i64).prop_map(|millis| Timestamp::from_millis((1 << 48) + millis)),
        1 => Just(Timestamp::from_millis(i64::MAX)),
    ]
}

const NAMES: [&str; 3] = ["a", "b", "c"];

fn name() -> impl Strategy<Value = String> {
    (0..NAMES.len()).prop_map(|place| NAMES[place].to_owned())
}

fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![
        (0..3_u8).prop_map(|byte| Subject::Session(SessionId::from_bytes([byte; 16]))),
        (0..3_u8).prop_map(|byte| Subject::Grant(GrantId::from_bytes([byte; 16]))),
        name().prop_map(|kid| Subject::Key { kid }),
        name().prop_map(|jti| Subject::Token { jti }),
        (name(), moment()).prop_map(|(sub, not_before)| Subject::User { sub, not_before }),
        (name(), moment()).prop_map(|(sub, not_before)| Subject::UserClaims { sub, not_before }),
        (name(), moment()).prop_map(|(id, not_before)| Subject::Client {
            client: id.parse().unwrap(),
            not_before
        }),
        (name(), moment()).prop_map(|(id, not_before)| Subject::ClientClaims {
            client: id.parse().unwrap(),
            not_before
        }),
        (name(), moment()).prop_map(|(id, not_before)| Subject::Tenant {
            tenant: id.parse().unwrap(),
            not_before
        }),
        moment().prop_map(|not_before| Subject::Policy { not_before }),
        moment().prop_map(|not_before| Subject::All { not_before }),
    ]
}

/// Kind, name, and the latest moment that was told.
#[derive(Default)]
struct Maps(HashMap<(&'static str, Vec<u8>), Timestamp>);

impl Maps {
    fn insert(&mut self, subject: &Subject) {
        let whenever = Timestamp::from_millis(i64::MAX);
        let (kind, name, until) = match subject {
            Subject::Session(id) => ("session", id.as_bytes().to_vec(), whenever),
            Subject::Grant(id) => ("grant", id.as_bytes().to_vec(), whenever),
            Subject::Key { kid } => ("key", kid.clone().into(), whenever),
            Subject::Token { jti } => ("token", jti.clone().into(), whenever),
            Subject::User { sub, not_before } => ("user", sub.clone().into(), *not_before),
            Subject::UserClaims { sub, not_before } => {
                ("user_claims", sub.clone().into(), *not_before)
            }
            Subject::Client { client, not_before } => {
                ("client", client.as_str().into(), *not_before)
            }
            Subject::ClientClaims { client, not_before } => {
                ("client_claims", client.as_str().into(), *not_before)
            }
            Subject::Tenant { tenant, not_before } => {
                ("tenant", tenant.as_str().into(), *not_before)
            }
            Subject::Policy { not_before } => ("policy", Vec::new(), *not_before),
            Subject::All { not_before } => ("all", Vec::new(), *not_before),
        };
        let known = self.0.entry((kind, name)).or_insert(until);
        *known = until.max(*known);
    }

    /// Equal counts as revoked. Before 1970 nothing was started, and past what a slot holds everything was.
    fn covers(&self, kind: &'static str, name: &[u8], started_at: Timestamp) -> bool {
        let until = self.0.get(&(kind, name.to_vec()));
        until.is_some_and(|until| {
            started_at <= *until
                || started_at.as_millis() <= 0
                || until.as_millis() >= (1 << 48) - 1
        })
    }

    fn check(&self, credential: &Credential<'_>) -> Option<RevokedBy> {
        let covers = |kind, name: &[u8]| self.covers(kind, name, credential.started_at);
        let text =
            |kind, name: Option<&str>| name.is_some_and(|name| covers(kind, name.as_bytes()));
        let mut grants = credential.grants.iter();
        let rules = [
            (covers("all", b""), RevokedBy::All),
            (text("tenant", credential.tenant), RevokedBy::Tenant),
            (text("key", credential.key), RevokedBy::Key),
            (text("client", Some(credential.client)), RevokedBy::Client),
            (text("user", credential.subject), RevokedBy::User),
            (
                grants.any(|id| covers("grant", id.as_bytes())),
                RevokedBy::Grant,
            ),
            (
                (credential.session).is_some_and(|id| covers("session", id.as_bytes())),
                RevokedBy::Session,
            ),
            (text("token", credential.token), RevokedBy::Token),
        ];
        let first = rules.iter().find(|(revoked, _)| *revoked);
        first.map(|(_, by)| *by)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_view_says_what_plain_maps_say(
        subjects in proptest::collection::vec(subject(), 0..24),
        session in proptest::option::of(0..3_u8), grants in proptest::collection::vec(0..3_u8, 0..3),
        sub in proptest::option::of(name()), client in name(), key in proptest::option::of(name()),
        tenant in proptest::option::of(name()), token in proptest::option::of(name()), started_at in moment(),
    ) {
        let view = View::new();
        let mut maps = Maps::default();
        for subject in subjects {
            maps.insert(&subject);
            view.insert(&entry(subject));
        }
        prop_assert_eq!(view.len(), maps.0.len());
        let by_kind: u64 = view.len_by_kind().map(|(_, count)| count).sum();
        prop_assert_eq!(by_kind, maps.0.len() as u64);
        let grants: Vec<_> = grants.iter().map(|byte| GrantId::from_bytes([*byte; 16])).collect();
        let credential = Credential {
            session: session.map(|byte| SessionId::from_bytes([byte; 16])),
            subject: sub.as_deref(),
            client: &client,
            key: key.as_deref(),
            tenant: tenant.as_deref(),
            grants: &grants,
            token: token.as_deref(),
            started_at,
        };
        prop_assert_eq!(view.check(&credential), maps.check(&credential));
        let outdated = maps.covers("client_claims", client.as_bytes(), started_at)
            || sub.as_ref().is_some_and(|sub| maps.covers("user_claims", sub.as_bytes(), started_at));
        prop_assert_eq!(view.is_outdated(sub.as_deref(), &client, started_at), outdated);
        let key_is_revoked = key.as_ref().is_some_and(|kid| maps.covers("key", kid.as_bytes(), started_at));
        prop_assert_eq!(key.is_some_and(|kid| view.key_is_revoked(&kid)), key_is_revoked);
        let replaced = view.read().policy_not_before().is_some_and(|until| started_at <= until);
        let is_replaced = maps.covers("policy", b"", started_at);
        // Nothing is made before 1970, where the maps and the view need not agree.
        prop_assert!(replaced == is_replaced || started_at.as_millis() <= 0);
    }
}
