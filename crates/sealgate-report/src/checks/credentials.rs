//! Accounts, service accounts, clients and signing keys.

use super::{Answer, ask};
use crate::facts::Facts;
use crate::judgement::Judgement;
use crate::words::{between, count, some, span};

const DAY: u64 = 86_400;
/// A service account without a token for so long is not in use.
const UNUSED_AFTER: u64 = 90 * DAY;
/// A client secret that is older has been where it is for too long.
const SECRET_LIMIT: u64 = 365 * DAY;
/// Housekeeping comes by each minute; a day late is late.
const ROTATION_SLACK: u64 = DAY;

pub(super) fn accounts(facts: &Facts) -> Judgement {
    ask(&facts.accounts, |accounts| {
        let told = format!(
            "{}, {} of them disabled",
            count(accounts.total, "account"),
            accounts.disabled
        );
        if accounts.total == 0 {
            Answer::Not("there is no account".to_owned())
        } else {
            Answer::So(told)
        }
    })
}

pub(super) fn administrators(facts: &Facts) -> Judgement {
    ask(&facts.accounts, |accounts| {
        let who = count(accounts.administrators, "administrator");
        let (total, disabled) = (accounts.total, accounts.disabled);
        let all = total.saturating_sub(disabled);
        match accounts.administrators {
            0 => Answer::Not("nobody administers: who could revoke?".to_owned()),
            some if some == all && all > 2 => Answer::Not(format!(
                "each of {all} accounts that are not disabled administers"
            )),
            _ => Answer::So(format!("{who} among {}", count(all, "account"))),
        }
    })
}

pub(super) fn machines_owned(facts: &Facts) -> Judgement {
    ask(&facts.machines, |machines| {
        let without: Vec<&str> = machines
            .iter()
            .filter(|machine| machine.owner.trim().is_empty())
            .map(|machine| machine.id.as_str())
            .collect();
        match (machines.len(), without.is_empty()) {
            (0, _) => no_machines(),
            (_, false) => Answer::Not(format!("nobody answers for {}", some(&without))),
            (all, true) => Answer::So(format!(
                "{}, each with an owner",
                count(all, "service account")
            )),
        }
    })
}

pub(super) fn machines_end(facts: &Facts) -> Judgement {
    ask(&facts.machines, |machines| {
        let furthest = machines.iter().map(|machine| machine.expires_at).max();
        let over: Vec<&str> = machines
            .iter()
            .filter(|machine| machine.expires_at <= facts.taken_at)
            .map(|machine| machine.id.as_str())
            .collect();
        match furthest {
            None => no_machines(),
            Some(_) if !over.is_empty() => {
                Answer::Not(format!("past their end and not removed: {}", some(&over)))
            }
            Some(last) => Answer::So(format!(
                "each service account has an end; the furthest is in {}",
                span(between(facts.taken_at, last))
            )),
        }
    })
}

pub(super) fn machines_used(facts: &Facts) -> Judgement {
    ask(&facts.machines, |machines| {
        let idle: Vec<&str> = machines
            .iter()
            .filter(|machine| {
                machine
                    .used_at
                    .is_none_or(|at| between(at, facts.taken_at) > UNUSED_AFTER)
            })
            .map(|machine| machine.id.as_str())
            .collect();
        match (machines.len(), idle.is_empty()) {
            (0, _) => no_machines(),
            (_, false) => Answer::Not(format!(
                "without a token for 90 days, or ever: {}",
                some(&idle)
            )),
            (all, true) => Answer::So(format!(
                "{} had a token in the last 90 days",
                count(all, "service account")
            )),
        }
    })
}

pub(super) fn machines_least(facts: &Facts) -> Judgement {
    ask(&facts.machines, |machines| {
        let more: Vec<String> = machines
            .iter()
            .filter(|machine| !machine.unused.is_empty())
            .map(|machine| format!("{} ({})", machine.id, some(&machine.unused)))
            .collect();
        match (machines.len(), more.is_empty()) {
            (0, _) => no_machines(),
            (_, false) => Answer::Not(format!("may more than they use: {}", some(&more))),
            (_, true) => Answer::So(
                "no service account has a scope or resource that it does not use".to_owned(),
            ),
        }
    })
}

pub(super) fn no_client_secrets(facts: &Facts) -> Judgement {
    ask(&facts.clients, |clients| {
        let by_secret: Vec<&str> = clients
            .iter()
            .filter(|client| !client.disabled && client.authentication == "secret")
            .map(|client| client.id.as_str())
            .collect();
        if by_secret.is_empty() {
            Answer::So(
                "no client proves who it is by a secret; service accounts never can".to_owned(),
            )
        } else {
            Answer::Not(format!(
                "prove who they are by a secret: {}",
                some(&by_secret)
            ))
        }
    })
}

pub(super) fn environments(facts: &Facts) -> Judgement {
    ask(&facts.machines, |machines| {
        let without: Vec<&str> = machines
            .iter()
            .filter(|machine| machine.environment.trim().is_empty())
            .map(|machine| machine.id.as_str())
            .collect();
        match (machines.len(), without.is_empty()) {
            (0, _) => no_machines(),
            (_, false) => Answer::Not(format!("of no environment: {}", some(&without))),
            (all, true) => Answer::So(format!(
                "{}, each of one environment",
                count(all, "service account")
            )),
        }
    })
}

pub(super) fn clients_authenticate(facts: &Facts) -> Judgement {
    ask(&facts.clients, |clients| {
        let live = || clients.iter().filter(|client| !client.disabled);
        let by = |way: &str| live().filter(|client| client.authentication == way).count();
        let public: Vec<&str> = live()
            .filter(|client| client.authentication == "none" && !client.agent)
            .map(|client| client.id.as_str())
            .collect();
        if live().next().is_none() {
            return Answer::Nothing("there are no clients".to_owned());
        }
        if public.is_empty() {
            Answer::So(format!(
                "{} by a key of their own, {} by a secret, {} AI agents without",
                by("private_key_jwt"),
                by("secret"),
                by("none")
            ))
        } else {
            Answer::Not(format!("prove nothing of who they are: {}", some(&public)))
        }
    })
}

pub(super) fn client_secrets_age(facts: &Facts) -> Judgement {
    ask(&facts.clients, |clients| {
        let with: Vec<_> = clients
            .iter()
            .filter(|client| !client.disabled && client.authentication == "secret")
            .collect();
        if with.is_empty() {
            return Answer::So("no client has a secret".to_owned());
        }
        let age =
            |client: &&crate::ClientFact| client.secret_since.map(|at| between(at, facts.taken_at));
        let untold: Vec<&str> = with
            .iter()
            .filter(|client| client.secret_since.is_none())
            .map(|client| client.id.as_str())
            .collect();
        let old: Vec<String> = with
            .iter()
            .filter_map(|client| age(client).map(|age| (client, age)))
            .filter(|(_, age)| *age > SECRET_LIMIT)
            .map(|(client, age)| format!("{} ({})", client.id, span(age)))
            .collect();
        if !old.is_empty() {
            return Answer::Not(format!(
                "secrets that are older than a year: {}",
                some(&old)
            ));
        }
        if !untold.is_empty() {
            return Answer::Untold(format!("since when is not known of {}", some(&untold)));
        }
        let oldest = with.iter().filter_map(age).max().unwrap_or_default();
        Answer::So(format!(
            "{}, the oldest {} old at most",
            count(with.len(), "client secret"),
            span(oldest)
        ))
    })
}

pub(super) fn redirects(facts: &Facts) -> Judgement {
    ask(&facts.clients, |clients| {
        let open: Vec<&str> = clients
            .iter()
            .filter(|client| !client.disabled && client.open_redirects > 0)
            .map(|client| client.id.as_str())
            .collect();
        if open.is_empty() {
            Answer::So("every registered redirect URI is https or loopback".to_owned())
        } else {
            Answer::Not(format!(
                "redirect URIs that anybody on the way can read: {}",
                some(&open)
            ))
        }
    })
}

pub(super) fn keys_age(facts: &Facts) -> Judgement {
    let every = facts.server.value().map(|server| server.rotate_every);
    ask(&facts.keys, |keys| {
        let active = keys.iter().filter(|key| key.state == "active");
        let ages: Vec<(&str, u64)> = active
            .map(|key| {
                (
                    key.algorithm.as_str(),
                    between(key.changed_at, facts.taken_at),
                )
            })
            .collect();
        let Some(oldest) = ages.iter().map(|(_, age)| *age).max() else {
            return Answer::Not("no key is active".to_owned());
        };
        match every {
            None => Answer::Untold("how often keys are rotated was not looked at".to_owned()),
            Some(None) => Answer::Not("keys are rotated on command alone".to_owned()),
            Some(Some(every)) => {
                let late: Vec<String> = ages
                    .iter()
                    .filter(|(_, age)| *age > every + ROTATION_SLACK)
                    .map(|(algorithm, age)| format!("{algorithm} ({})", span(*age)))
                    .collect();
                if late.is_empty() {
                    Answer::So(format!(
                        "{}, the oldest active for {}; rotated every {}",
                        count(ages.len(), "active signing key"),
                        span(oldest),
                        span(every)
                    ))
                } else {
                    Answer::Not(format!(
                        "longer in use than {}: {}",
                        span(every),
                        some(&late)
                    ))
                }
            }
        }
    })
}

pub(super) fn keys_follow(facts: &Facts) -> Judgement {
    ask(&facts.keys, |keys| {
        let of = |state: &'static str| keys.iter().filter(move |key| key.state == state);
        let alone: Vec<&str> = of("active")
            .map(|key| key.algorithm.as_str())
            .filter(|algorithm| of("next").all(|key| key.algorithm != *algorithm))
            .collect();
        if of("active").next().is_none() {
            Answer::Not("no key is active".to_owned())
        } else if alone.is_empty() {
            Answer::So("every active key has its successor published".to_owned())
        } else {
            Answer::Not(format!("no successor is published of {}", some(&alone)))
        }
    })
}

pub(super) fn second_factor(facts: &Facts) -> Judgement {
    ask(&facts.server, |server| {
        let only_password = server
            .acr
            .iter()
            .all(|acr| acr.ends_with("password") || acr.ends_with("pwd"));
        if only_password {
            Answer::Not("people can prove who they are by a password alone".to_owned())
        } else {
            Answer::So(format!(
                "people can prove who they are by {}",
                server.acr.join(", ")
            ))
        }
    })
}

fn no_machines() -> Answer {
    Answer::Nothing("there are no service accounts".to_owned())
}
