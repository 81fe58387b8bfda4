//! For each rule a stream of records that raises it and nothing else that is not named.

use super::super::{Fact, Source};

/// Records: seconds after the start, and facts.
type Stream = Vec<(u64, Vec<(Fact, String)>)>;

pub(super) struct Fixture {
    pub(super) rule: &'static str,
    pub(super) source: Source,
    /// How many records are just enough.
    pub(super) enough: usize,
    /// So many of them.
    pub(super) stream: fn(usize) -> Stream,
    /// What the same records show as well.
    pub(super) also: &'static [&'static str],
}

const DAY: u64 = 24 * 3600;

/// `count` records a second apart, with facts that hold `#` where their number belongs.
fn like(count: usize, facts: &[(Fact, &str)]) -> Stream {
    let each = |index: usize| {
        let told = facts.iter();
        let told = told.map(|(fact, value)| (*fact, value.replace('#', &index.to_string())));
        (index as u64, told.collect())
    };
    (0..count).map(each).collect()
}

const SESSION: &str = "0190a0a0-0000-7000-8000-000000000001";

macro_rules! fixture {
    ($rule:literal, $source:ident, $enough:literal, [$(($fact:ident, $value:expr)),* $(,)?] $(, also $also:expr)?) => {
        Fixture {
            rule: $rule,
            source: Source::$source,
            enough: $enough,
            stream: |count| like(count, &[$((Fact::$fact, $value)),*]),
            also: fixture!(@also $($also)?),
        }
    };
    (@also) => { &[] };
    (@also $also:expr) => { $also };
}

/// Known for eight days by one network, then another.
fn moved(count: usize, facts: &[(Fact, &str)]) -> Stream {
    let mut stream = like(count, facts);
    if let Some((at, _)) = stream.get_mut(1) {
        *at = 8 * DAY;
    }
    stream
}

pub(super) const FIXTURES: [Fixture; 23] = [
    fixture!(
        "refresh_token_reused",
        Acts,
        1,
        [
            (Action, "session.revoke"),
            (Outcome, "allowed"),
            (Reason, "refresh_token_reused"),
            (User, "ada"),
            (Session, SESSION),
        ]
    ),
    fixture!(
        "code_reused",
        Acts,
        1,
        [
            (Action, "session.revoke"),
            (Outcome, "allowed"),
            (Reason, "code_reused"),
            (User, "ada"),
            (Client, "app"),
        ]
    ),
    fixture!(
        "credential_moved",
        Acts,
        1,
        [
            (Action, "session.renew"),
            (Outcome, "denied"),
            (Reason, "dpop_key_mismatch"),
            (Client, "app"),
        ]
    ),
    fixture!(
        "session_new_network",
        Acts,
        3,
        [
            (Action, "session.renew"),
            (Outcome, "allowed"),
            (Session, SESSION),
            (Network, "10.0.#.0/24"),
        ]
    ),
    fixture!(
        "session_many_networks",
        Acts,
        4,
        [
            (Action, "session.renew"),
            (Outcome, "allowed"),
            (Session, SESSION),
            (Network, "10.0.#.0/24"),
        ],
        also & ["session_new_network"]
    ),
    Fixture {
        rule: "user_new_network",
        source: Source::Acts,
        enough: 2,
        stream: |count| {
            moved(
                count,
                &[
                    (Fact::Action, "sign_in.start"),
                    (Fact::Outcome, "allowed"),
                    (Fact::User, "ada"),
                    (Fact::Network, "10.0.#.0/24"),
                ],
            )
        },
        also: &[],
    },
    Fixture {
        rule: "machine_new_network",
        source: Source::Acts,
        enough: 2,
        stream: |count| {
            moved(
                count,
                &[
                    (Fact::Action, "token.issue"),
                    (Fact::Outcome, "allowed"),
                    (Fact::ActorKind, "client"),
                    (Fact::Client, "importer"),
                    (Fact::Network, "10.0.#.0/24"),
                ],
            )
        },
        also: &[],
    },
    fixture!(
        "denied_burst_actor",
        Acts,
        30,
        [
            (Action, "token.issue"),
            (Outcome, "denied"),
            (Reason, "scope_not_allowed"),
            (ActorKind, "client"),
            (Actor, "client:importer"),
        ]
    ),
    fixture!(
        "denied_burst_network",
        Acts,
        100,
        [
            (Action, "token.issue"),
            (Outcome, "denied"),
            (Reason, "request_malformed"),
            (Network, "10.0.0.0/24"),
        ]
    ),
    Fixture {
        rule: "denied_burst_action",
        source: Source::Acts,
        enough: 300,
        // All within the window.
        stream: |count| {
            let mut stream = like(
                count,
                &[
                    (Fact::Action, "token.issue"),
                    (Fact::Outcome, "denied"),
                    (Fact::Reason, "request_malformed"),
                ],
            );
            for (at, _) in &mut stream {
                *at /= 2;
            }
            stream
        },
        also: &[],
    },
    fixture!(
        "password_guessing",
        Acts,
        10,
        [
            (Action, "sign_in.start"),
            (Outcome, "denied"),
            (Reason, "password_wrong"),
            (User, "ada"),
        ]
    ),
    fixture!(
        "password_spraying",
        Acts,
        5,
        [
            (Action, "sign_in.start"),
            (Outcome, "denied"),
            (Reason, "password_wrong"),
            (User, "user-#"),
            (Network, "10.0.0.0/24"),
        ]
    ),
    fixture!(
        "client_guessing",
        Acts,
        20,
        [
            (Action, "token.issue"),
            (Outcome, "denied"),
            (Reason, "client_unauthenticated"),
            (Client, "app"),
        ]
    ),
    fixture!(
        "administration_refused",
        Acts,
        5,
        [
            (Action, "admin.request"),
            (Outcome, "denied"),
            (Reason, "scope_missing"),
            (ActorKind, "client"),
            (Actor, "client:robot"),
        ]
    ),
    fixture!(
        "records_altered",
        Acts,
        1,
        [(Action, "audit.diverged"), (Outcome, "denied")]
    ),
    fixture!(
        "database_restored",
        Acts,
        1,
        [(Action, "store.restored"), (Outcome, "allowed"),]
    ),
    fixture!(
        "gate_denied_actor",
        Decisions,
        30,
        [
            (Outcome, "denied"),
            (Reason, "scope_missing"),
            (ActorKind, "machine"),
            (Actor, "client:importer"),
        ]
    ),
    fixture!(
        "gate_denied_route",
        Decisions,
        100,
        [
            (Outcome, "denied"),
            (Reason, "scope_missing"),
            (Client, "app"),
            (Route, "/expenses/{id}"),
        ]
    ),
    fixture!(
        "revoked_credential_used",
        Decisions,
        10,
        [
            (Outcome, "denied"),
            (Reason, "session_revoked"),
            (Session, SESSION),
        ]
    ),
    fixture!(
        "session_concurrent",
        Decisions,
        4,
        [
            (Outcome, "allowed"),
            (Session, SESSION),
            (Network, "10.0.#.0/24"),
        ]
    ),
    fixture!(
        "token_concurrent",
        Decisions,
        4,
        [
            (Outcome, "allowed"),
            (Client, "app"),
            (Object, "a-jti"),
            (Network, "10.0.#.0/24"),
        ]
    ),
    fixture!(
        "decisions_lost",
        Decisions,
        1,
        [(Action, "decision.lost"), (Client, "app"), (Gate, "web-1"),]
    ),
    fixture!(
        "session_many_gates",
        Decisions,
        12,
        [(Outcome, "allowed"), (Session, SESSION), (Gate, "gate-#"),]
    ),
];
