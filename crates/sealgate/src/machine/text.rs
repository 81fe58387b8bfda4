//! Service accounts as people read them.

use std::fmt::Write as _;

use sealgate_model::Timestamp;
use sealgate_server::admin::{
    CreatedBootstrap, MachineState, MachineUse, MachineView, OffboardedMachine, Receipt,
    ReceiptState,
};

use super::enroll::Enrolled;
use crate::output::{self, Text, date};
use crate::receipt::span;
use crate::screen::clean;

pub(super) fn added(machine: &MachineView) -> Text {
    let mut text = shown(machine);
    let has_keys = machine.jwks.is_some() || machine.jwks_uri.is_some();
    text.talk = if has_keys || !machine.identities.is_empty() {
        format!("Added the service account {}.\n", machine.id)
    } else {
        format!(
            "Added the service account {id}. It has no key yet: `sealgate machine bootstrap {id}` prints a credential \
             with which it can register one.\n",
            id = machine.id
        )
    };
    text
}

pub(super) fn listed(machines: &[MachineView]) -> Text {
    let rows: Vec<[String; 7]> = machines
        .iter()
        .map(|machine| {
            [
                machine.id.to_string(),
                machine.owner.clone(),
                machine.environment.clone(),
                machine.state.as_str().to_owned(),
                last(machine.last_used_at),
                unused(machine).join(" "),
                left(machine),
            ]
        })
        .collect();
    let empty = "There are no service accounts yet. Add one with `sealgate machine add NAME`.";
    let headings = [
        "NAME",
        "OWNER",
        "ENVIRONMENT",
        "STATE",
        "LAST USED",
        "UNUSED",
        "EXPIRES IN",
    ];
    output::table(headings, &rows, empty)
}

pub(super) fn shown(machine: &MachineView) -> Text {
    let keys = machine.jwks.as_ref().and_then(|set| set["keys"].as_array());
    let keys = match (keys, &machine.jwks_uri) {
        (Some(keys), _) => format!("{} registered", keys.len()),
        (None, Some(uri)) => format!("at {uri}"),
        (None, None) => String::new(),
    };
    let grants: Vec<&str> = machine.grants.iter().map(|grant| grant.as_str()).collect();
    let mut rows = vec![
        ("Name", machine.id.to_string()),
        ("Called", machine.name.clone()),
        ("Owner", machine.owner.clone()),
        ("Purpose", machine.purpose.clone()),
        ("Environment", machine.environment.clone()),
        ("State", machine.state.as_str().to_owned()),
        (
            "Expires",
            format!("{} ({})", date(machine.expires_at), left(machine)),
        ),
        ("Last used", last(machine.last_used_at)),
        ("Keys", keys),
        ("Grants", grants.join(" ")),
    ];
    for identity in &machine.identities {
        let mut text = identity.issuer.clone();
        for (name, value) in &identity.claims {
            // Writing to a String cannot fail.
            let _ = write!(text, " {name}={value}");
        }
        rows.push(("Identity", text));
    }
    rows.extend(machine.scopes.iter().map(|one| ("Scope", used(one))));
    rows.extend(machine.resources.iter().map(|one| ("Resource", used(one))));
    if machine.require_dpop {
        rows.push(("Bound tokens only", "yes".to_owned()));
    }
    if let Some(seconds) = machine.access_lifetime {
        rows.push(("Access tokens live", format!("{seconds} s")));
    }
    if let Some(open) = &machine.bootstrap {
        let text = format!("a credential waits until {}", date(open.expires_at));
        rows.push(("Bootstrap", text));
    }
    rows.extend(machine.serves.iter().map(|uri| ("Serves", uri.clone())));
    let acts = machine.may_act_of.iter();
    rows.extend(acts.map(|client| ("May act for users of", client.to_string())));
    rows.push(("Registered", date(machine.created_at)));
    if let Some(at) = machine.disabled_at {
        rows.push(("Disabled", date(at)));
    }
    if let Some(at) = machine.offboarded_at {
        rows.push(("Offboarded", date(at)));
    }
    output::fields(&rows)
}

pub(super) fn bootstrapped(made: &CreatedBootstrap) -> Text {
    Text {
        data: format!("{}\n", made.credential),
        talk: format!(
            "A credential for {}, good once and until {}. It is shown this once. On the machine:\n  \
             sealgate machine enroll --issuer {} --key-file key.pem\n",
            made.id,
            date(made.expires_at),
            made.issuer
        ),
    }
}

pub(super) fn enrolled(machine: &Enrolled) -> Text {
    let file = machine.key_file.display().to_string();
    let end = machine.expires_at.map(Timestamp::from_seconds).map(date);
    let mut text = output::fields(&[
        ("Client", machine.client_id.clone()),
        ("Issuer", machine.issuer.clone()),
        ("Token endpoint", machine.token_endpoint.clone()),
        ("Key file", file.clone()),
        ("Key id", machine.kid.clone()),
        ("Expires", end.unwrap_or_default()),
    ]);
    text.talk = format!(
        "This machine is {id} now. It gets a token by its key:\n  \
         sealgate machine token {id} --issuer {issuer} --key-file {file}\n",
        id = clean(&machine.client_id),
        issuer = clean(&machine.issuer),
        file = clean(&file),
    );
    text
}

pub(super) fn offboarded(done: &OffboardedMachine) -> Text {
    let id = &done.machine.id;
    let ended = &done.ended;
    let mut data = if done.again {
        format!("{id} was offboarded before. What was left over ended now:\n")
    } else {
        format!("{id} is offboarded. Its tokens are revoked, and with it ended:\n")
    };
    for (count, one, many) in [
        (ended.keys, "key", "keys"),
        (
            ended.identities,
            "identity of another issuer",
            "identities of other issuers",
        ),
        (
            ended.bootstraps,
            "unused bootstrap credential",
            "unused bootstrap credentials",
        ),
        (ended.delegations, "delegation", "delegations"),
        (ended.sessions, "session", "sessions"),
    ] {
        let what = if count == 1 { one } else { many };
        // Writing to a String cannot fail.
        let _ = writeln!(data, "  {count} {what}");
    }
    for uri in &done.served {
        let _ = writeln!(data, "Nobody serves {} any more.", clean(uri));
    }
    for client in &done.may_act_of {
        let _ = writeln!(
            data,
            "{client} still names it as the one that may act for its users: sealgate client update {client}."
        );
    }
    Text {
        data,
        ..Text::default()
    }
}

/// How many gates have applied it, and after how long.
pub(super) fn proof(receipt: &Receipt) -> String {
    let applied = receipt.gates.iter();
    let applied = applied.filter(|gate| gate.state == ReceiptState::Applied);
    let delays: Vec<Option<u64>> = applied.map(|gate| gate.delay).collect();
    let (all, count) = (receipt.gates.len(), delays.len());
    let slowest = delays.into_iter().flatten().max();
    match (all, slowest) {
        (0, _) => String::new(),
        (_, Some(millis)) => format!(
            "{count} of {all} gates have applied it, the last one after {}.\n",
            span(millis)
        ),
        (_, None) => format!("{count} of {all} gates have applied it.\n"),
    }
}

fn last(at: Option<Timestamp>) -> String {
    at.map_or_else(|| "never".to_owned(), date)
}

fn left(machine: &MachineView) -> String {
    match (machine.state, machine.days_left) {
        (MachineState::Offboarded, _) => "ended".to_owned(),
        (_, None) => "over".to_owned(),
        (_, Some(0)) => "less than a day".to_owned(),
        (_, Some(1)) => "1 day".to_owned(),
        (_, Some(days)) => format!("{days} days"),
    }
}

fn unused(machine: &MachineView) -> Vec<String> {
    let all = machine.scopes.iter().chain(&machine.resources);
    let unused = all.filter(|one| one.unused);
    unused.map(|one| one.name.clone()).collect()
}

fn used(one: &MachineUse) -> String {
    let when = match one.last_used_at {
        Some(at) => format!("last used {}", date(at)),
        None => format!("never used since {}", date(one.since)),
    };
    let advice = if one.unused { ", take it away" } else { "" };
    format!("{}, {when}{advice}", one.name)
}

#[cfg(test)]
mod tests {
    use sealgate_server::admin::{Ended, GateReceipt};
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_795_338_305_000;
    const DAY: i64 = 86_400_000;

    fn machine() -> MachineView {
        serde_json::from_value(json!({
            "id": "expense-importer", "name": "Expense importer", "owner": "finance@example.com",
            "purpose": "imports card expenses", "environment": "production", "state": "active",
            "expires_at": NOW + 30 * DAY, "days_left": 30, "grants": ["client_credentials"],
            "scopes": [
                { "name": "expenses:read", "since": NOW - 100 * DAY, "last_used_at": NOW, "unused": false },
                { "name": "expenses:write", "since": NOW - 100 * DAY, "last_used_at": null, "unused": true },
            ],
            "resources": [
                { "name": "https://api.example", "since": NOW - 2 * DAY, "last_used_at": null, "unused": false },
            ],
            "jwks": { "keys": [{}] }, "jwks_uri": null,
            "identities": [{ "issuer": "https://issuer.example", "claims": { "sub": "job", "ref": "main" } }],
            "require_dpop": true, "access_lifetime": 120, "algorithm": "EdDSA",
            "last_used_at": NOW, "over_privileged": true,
            "bootstrap": { "created_at": NOW, "expires_at": NOW + 3_600_000 },
            "serves": ["https://files.example"], "may_act_of": ["portal"],
            "created_at": NOW - 100 * DAY, "disabled_at": null, "offboarded_at": null,
        }))
        .unwrap()
    }

    #[test]
    fn a_service_account_is_shown_with_what_it_uses() {
        insta::assert_snapshot!(shown(&machine()).data);
    }

    #[test]
    fn service_accounts_are_listed_with_what_needs_a_look() {
        let mut fresh = machine();
        fresh.id = "fresh".parse().unwrap();
        fresh.scopes.clear();
        (fresh.last_used_at, fresh.days_left) = (None, Some(1));
        let mut late = machine();
        late.id = "late".parse().unwrap();
        (late.state, late.days_left) = (MachineState::Expired, None);
        let mut gone = machine();
        gone.id = "gone".parse().unwrap();
        gone.state = MachineState::Offboarded;
        insta::assert_snapshot!(listed(&[machine(), fresh, late, gone]).data);
    }

    #[test]
    fn one_without_a_key_is_told_how_to_get_one() {
        let mut bare = machine();
        (bare.jwks, bare.identities) = (None, Vec::new());
        assert!(
            added(&bare)
                .talk
                .contains("sealgate machine bootstrap expense-importer")
        );
        assert_eq!(
            added(&machine()).talk,
            "Added the service account expense-importer.\n"
        );
    }

    #[test]
    fn a_credential_stands_alone_on_stdout() {
        let made = CreatedBootstrap {
            id: "expense-importer".parse().unwrap(),
            credential: "sealgate_bootstrap_a".to_owned(),
            expires_at: Timestamp::from_millis(NOW),
            endpoint: "https://id.example/oauth/bootstrap".to_owned(),
            issuer: "https://id.example".parse().unwrap(),
        };
        let text = bootstrapped(&made);
        assert_eq!(text.data, "sealgate_bootstrap_a\n");
        insta::assert_snapshot!(text.talk, @r"
        A credential for expense-importer, good once and until 2026-11-22 09:05Z. It is shown this once. On the machine:
          sealgate machine enroll --issuer https://id.example --key-file key.pem
        ");
    }

    #[test]
    fn what_ended_is_told_with_what_still_names_it() {
        let done = OffboardedMachine {
            machine: machine(),
            again: false,
            ended: Ended {
                keys: 1,
                identities: 2,
                bootstraps: 0,
                delegations: 12,
                sessions: 0,
            },
            served: vec!["https://files.example".to_owned()],
            may_act_of: vec!["portal".parse().unwrap()],
        };
        insta::assert_snapshot!(offboarded(&done).data);
    }

    #[test]
    fn the_proof_counts_the_gates() {
        let gate = |state, delay| GateReceipt {
            client: "app".parse().unwrap(),
            gate: None,
            instance: None,
            state,
            delay,
            bound: 10_000,
            seen_at: None,
        };
        let mut receipt = Receipt {
            epoch: "e".to_owned(),
            seq: 1,
            committed_at: None,
            complete: true,
            recovering: false,
            waited: 0,
            gates: vec![
                gate(ReceiptState::Applied, Some(12)),
                gate(ReceiptState::Applied, Some(37)),
                gate(ReceiptState::Silent, None),
            ],
        };
        assert_eq!(
            proof(&receipt),
            "2 of 3 gates have applied it, the last one after 37 ms.\n"
        );
        receipt.gates.clear();
        assert_eq!(proof(&receipt), "");
    }
}
