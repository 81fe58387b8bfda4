//! Facts to test with: of an installation that is as it should be, of one that is not, and of nothing.

use sealgate_model::Timestamp;

use crate::checks::DRILLS;
use crate::facts::*;

const DAY: i64 = 86_400;
/// 2026-11-23 00:00 UTC.
pub(crate) const NOW: Timestamp = Timestamp::from_seconds(1_795_392_000);

pub(crate) fn ago(days: i64) -> Timestamp {
    Timestamp::from_seconds(NOW.as_seconds() - days * DAY)
}

fn seen<T>(by: &str, value: T) -> Seen<T> {
    Seen::Measured {
        at: NOW,
        by: by.to_owned(),
        value,
    }
}

fn unseen<T>() -> Seen<T> {
    Seen::NotShown {
        why: "the control plane was not reached".to_owned(),
    }
}

/// Facts of which nothing was measured.
pub(crate) fn nothing() -> Facts {
    Facts {
        taken_at: NOW,
        version: "0.1.0".to_owned(),
        server: unseen(),
        accounts: unseen(),
        clients: unseen(),
        machines: unseen(),
        keys: unseen(),
        gates: unseen(),
        receipt: unseen(),
        lock_files: unseen(),
        policy: unseen(),
        state: unseen(),
        audit: unseen(),
        decisions: unseen(),
        sinks: unseen(),
        anomalies: unseen(),
        acts: unseen(),
        drills: unseen(),
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn server() -> ServerFacts {
    ServerFacts {
        issuer: "https://id.example.com".to_owned(),
        version: "0.1.0".to_owned(),
        access_lifetime: 300,
        code_lifetime: 60,
        session_lifetime: 86_400,
        idle_lifetime: 3_600,
        rotate_every: Some(90 * 86_400),
        admin_on_network: false,
        response_types: words(&["code"]),
        grants: words(&["authorization_code", "refresh_token", "client_credentials"]),
        challenge_methods: words(&["S256"]),
        client_authentication: words(&["private_key_jwt", "client_secret_basic"]),
        acr: words(&["urn:sealgate:acr:password", "urn:sealgate:acr:passkey"]),
        dpop_algorithms: words(&["EdDSA", "ES256"]),
        pushed_requests: true,
    }
}

fn key(algorithm: &str, state: &str, days: i64) -> KeyFact {
    KeyFact {
        kid: format!("{algorithm}-{state}"),
        algorithm: algorithm.to_owned(),
        state: state.to_owned(),
        created_at: ago(days + 1),
        changed_at: ago(days),
    }
}

fn client(id: &str, authentication: &str) -> ClientFact {
    ClientFact {
        id: id.to_owned(),
        authentication: authentication.to_owned(),
        secret_since: None,
        agent: false,
        disabled: false,
        open_redirects: 0,
    }
}

fn machine(id: &str) -> MachineFact {
    MachineFact {
        id: id.to_owned(),
        owner: "platform@example.com".to_owned(),
        environment: "production".to_owned(),
        expires_at: ago(-60),
        used_at: Some(ago(1)),
        unused: Vec::new(),
        federated: true,
    }
}

fn routes() -> RouteFacts {
    RouteFacts {
        total: 12,
        gated: 10,
        public: vec![
            PublicRoute {
                route: "GET /health".to_owned(),
                reason: Some("load balancers ask".to_owned()),
            },
            PublicRoute {
                route: "* /static".to_owned(),
                reason: Some("style sheets".to_owned()),
            },
        ],
        unmarked: 0,
        unresolved: 0,
        as_reviewed: Some(true),
    }
}

fn gate(client: &str) -> GateFact {
    GateFact {
        client: client.to_owned(),
        name: "web-1".to_owned(),
        version: Some("0.1.0".to_owned()),
        policy_version: Some(4),
        bound: Some(10_000),
        on_stale: Some("deny".to_owned()),
        heard_at: Some(NOW),
        routes: Some(routes()),
    }
}

/// Adds a run of a drill.
pub(crate) fn drill(facts: &mut Facts, id: &str, verdict: DrillVerdict) {
    if let Seen::Measured { value, .. } = &mut facts.drills {
        value.push(DrillFact {
            id: id.to_owned(),
            verdict,
            at: ago(1),
            target: "https://staging.example.com".to_owned(),
        });
    }
}

/// Facts of an installation that is as it should be.
pub(crate) fn good() -> Facts {
    let act = |action: &str| ActFact {
        action: action.to_owned(),
        last_at: Some(ago(2)),
    };
    let mut facts = Facts {
        server: seen("sealgate report", server()),
        accounts: seen(
            "sealgate user list",
            AccountFacts {
                total: 40,
                disabled: 3,
                administrators: 2,
            },
        ),
        clients: seen(
            "sealgate client list",
            vec![client("web", "private_key_jwt")],
        ),
        machines: seen("sealgate machine list", vec![machine("nightly")]),
        keys: seen(
            "sealgate key list",
            vec![key("EdDSA", "active", 30), key("EdDSA", "next", 30)],
        ),
        gates: seen("sealgate gate list", vec![gate("web")]),
        receipt: seen(
            "sealgate feed gates",
            ReceiptFacts {
                seq: 812,
                waited: 14,
                complete: true,
                gates: vec![ReceiptGate {
                    gate: "web/web-1".to_owned(),
                    state: "applied".to_owned(),
                }],
            },
        ),
        policy: seen(
            "sealgate policy list",
            PolicyFacts {
                version: 4,
                made_at: Some(ago(5)),
                by: Some("user:0192".to_owned()),
            },
        ),
        state: seen(
            "sealgate plan --drift",
            StateFacts {
                applied_at: Some(ago(5)),
                drift: Vec::new(),
            },
        ),
        audit: seen(
            "sealgate audit verify",
            AuditFacts {
                records: 18_204,
                first_at: Some(ago(200)),
                checkpoints: 1_400,
                checkpoint_at: Some(NOW),
                findings: Vec::new(),
            },
        ),
        decisions: seen(
            "sealgate decision list",
            DecisionFacts {
                allowed: true,
                denied: true,
                newest_at: Some(NOW),
            },
        ),
        sinks: seen(
            "sealgate sink list",
            vec![SinkFact {
                name: "siem".to_owned(),
                kind: "syslog".to_owned(),
                state: "active".to_owned(),
            }],
        ),
        anomalies: seen("sealgate anomaly list", Vec::new()),
        acts: seen(
            "sealgate audit list",
            vec![act("session.revoke"), act("sign_in.start")],
        ),
        drills: seen("drills.json", Vec::new()),
        ..nothing()
    };
    for id in DRILLS {
        drill(&mut facts, id, DrillVerdict::Pass);
    }
    facts
}

/// Facts of an installation of which every check finds something.
#[expect(clippy::too_many_lines, reason = "one fact after the other")]
pub(crate) fn bad() -> Facts {
    let mut open = client("spa", "none");
    open.open_redirects = 1;
    let mut old = client("legacy", "secret");
    old.secret_since = Some(ago(800));
    let mut left = gate("web");
    left.policy_version = Some(3);
    left.on_stale = Some("allow:60".to_owned());
    left.routes = Some(RouteFacts {
        unmarked: 2,
        as_reviewed: Some(false),
        ..routes()
    });
    let mut forgotten = machine("old-job");
    forgotten.owner = String::new();
    forgotten.environment = String::new();
    forgotten.expires_at = ago(2);
    forgotten.used_at = None;
    forgotten.unused = words(&["reports:write"]);
    Facts {
        server: seen(
            "sealgate report",
            ServerFacts {
                issuer: "http://id.example.com".to_owned(),
                access_lifetime: 86_400,
                code_lifetime: 1_200,
                session_lifetime: 30 * 86_400,
                idle_lifetime: 86_400,
                response_types: words(&["code", "token"]),
                grants: words(&["implicit"]),
                challenge_methods: words(&["S256", "plain"]),
                acr: words(&["urn:sealgate:acr:password"]),
                dpop_algorithms: Vec::new(),
                pushed_requests: false,
                ..server()
            },
        ),
        accounts: seen(
            "sealgate user list",
            AccountFacts {
                total: 0,
                disabled: 0,
                administrators: 0,
            },
        ),
        clients: seen("sealgate client list", vec![open, old]),
        machines: seen("sealgate machine list", vec![forgotten]),
        keys: seen("sealgate key list", vec![key("EdDSA", "active", 400)]),
        gates: seen("sealgate gate list", vec![left]),
        receipt: seen(
            "sealgate feed gates",
            ReceiptFacts {
                seq: 812,
                waited: 14,
                complete: false,
                gates: vec![ReceiptGate {
                    gate: "web/web-1".to_owned(),
                    state: "silent".to_owned(),
                }],
            },
        ),
        policy: seen(
            "sealgate policy list",
            PolicyFacts {
                version: 0,
                made_at: None,
                by: None,
            },
        ),
        state: seen(
            "sealgate plan --drift",
            StateFacts {
                applied_at: Some(ago(5)),
                drift: words(&["client web: scopes"]),
            },
        ),
        audit: seen(
            "sealgate audit verify",
            AuditFacts {
                records: 18_204,
                first_at: Some(ago(200)),
                checkpoints: 1_400,
                checkpoint_at: Some(NOW),
                findings: words(&["record 17 was altered"]),
            },
        ),
        decisions: seen(
            "sealgate decision list",
            DecisionFacts {
                allowed: true,
                denied: false,
                newest_at: Some(NOW),
            },
        ),
        sinks: seen(
            "sealgate sink list",
            vec![SinkFact {
                name: "siem".to_owned(),
                kind: "syslog".to_owned(),
                state: "failing".to_owned(),
            }],
        ),
        anomalies: seen(
            "sealgate anomaly list",
            vec![AnomalyFact {
                rule: "refresh_reuse".to_owned(),
                severity: "high".to_owned(),
                title: "A refresh token was used again".to_owned(),
                since: ago(1),
                state: "open".to_owned(),
            }],
        ),
        ..good()
    }
}

/// Facts of an installation that nothing follows.
pub(crate) fn deserted() -> Facts {
    Facts {
        gates: seen("sealgate gate list", Vec::new()),
        ..good()
    }
}
