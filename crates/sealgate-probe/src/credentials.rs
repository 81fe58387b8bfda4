//! Everything that must not count as a credential.

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use sealgate_inventory::{Kind, Route};

use crate::forge::{Forge, Forged};
use crate::identity::IdentityKind;
use crate::probe::Purpose;
use crate::request::Request;
use crate::settings::Settings;
use crate::slot::Slot;

/// Everything that must not count as a credential, made once for all routes.
pub(crate) struct Credentials<'a> {
    settings: &'a Settings,
    garbage: Vec<(Slot, String, &'static str)>,
    forged: Vec<(Slot, Forged)>,
}

impl<'a> Credentials<'a> {
    /// `challenged` is where the application said that it wants credentials.
    pub(crate) fn new(settings: &'a Settings, challenged: &[Slot]) -> Self {
        let mut slots = settings.slots.clone();
        slots.extend(challenged.iter().cloned());
        slots.extend(
            settings
                .openapi
                .iter()
                .flat_map(crate::openapi::Document::slots),
        );
        for identity in &settings.identities {
            slots.extend(identity.slots().into_iter().map(|(slot, _)| slot));
        }
        slots.push(Slot::Bearer);
        slots.sort();
        slots.dedup();
        // Where nothing is known of how the application is asked, garbage goes to where credentials usually are.
        let guessed = if slots.len() == 1 {
            Slot::usual()
        } else {
            slots.clone()
        };
        Self {
            settings,
            garbage: garbage(&guessed, &settings.seed),
            forged: forged(&slots, settings),
        }
    }

    /// All that are tried at a route, and whether each is at every route, not only at some behind the same gates.
    pub(crate) fn of(
        &self,
        route: &Route,
        method: &str,
        request: &Request,
    ) -> Vec<(Purpose, Request, bool)> {
        let mut all = Vec::new();
        for (slot, value, shown) in &self.garbage {
            let everywhere = *shown == GARBAGE;
            all.push((
                Purpose::Garbage,
                slot.fill(request.clone(), value, shown),
                everywhere,
            ));
        }
        if route.kind == Kind::Websocket {
            // Browsers cannot set headers on a handshake, so that many applications take the query.
            let slot = Slot::Query {
                name: "token".to_owned(),
            };
            if !self.garbage.iter().any(|(other, ..)| *other == slot) {
                let request = slot.fill(request.clone(), &opaque(&self.settings.seed), GARBAGE);
                all.push((Purpose::Garbage, request, true));
            }
        }
        for (slot, forged) in &self.forged {
            let shown = format!("<token {}>", forged.how);
            let request = slot.fill(request.clone(), &forged.value, &shown);
            all.push((Purpose::Forged, request, false));
        }
        for identity in &self.settings.identities {
            let valid = identity.kind == IdentityKind::Valid;
            if !valid && identity.applies(route, method, &self.settings.params) {
                let purpose = Purpose::Identity {
                    name: identity.name.clone(),
                    kind: identity.kind,
                };
                all.push((purpose, identity.sign(request.clone()), true));
            }
        }
        all
    }
}

/// How an unknown credential is shown.
const GARBAGE: &str = "<garbage>";

fn opaque(seed: &[u8; 32]) -> String {
    // Not the bytes that forged tokens are signed with.
    let other: Vec<u8> = seed.iter().map(|byte| !byte).collect();
    BASE64_URL_SAFE_NO_PAD.encode(&other[..24])
}

fn garbage(slots: &[Slot], seed: &[u8; 32]) -> Vec<(Slot, String, &'static str)> {
    let mut garbage = Vec::new();
    for slot in slots {
        let mut add = |value: String, shown| garbage.push((slot.clone(), value, shown));
        if *slot == Slot::Basic {
            let pair = |text: &str| BASE64_STANDARD.encode(text);
            add(pair(&format!("sealgate-probe:{}", opaque(seed))), GARBAGE);
            add(pair(":"), "<empty name and password>");
            continue;
        }
        add(opaque(seed), GARBAGE);
        // What a setting that is not set compares equal to.
        add(String::new(), "<empty>");
        add("None".to_owned(), "<the word None>");
    }
    garbage
}

fn forged(slots: &[Slot], settings: &Settings) -> Vec<(Slot, Forged)> {
    let forge = Forge::new(&settings.seed, &settings.weak_secrets);
    let mut all: Vec<(Slot, Forged)> = Vec::new();
    for slot in slots {
        let mut of_real: Vec<Forged> = Vec::new();
        for identity in &settings.identities {
            let slots = identity.slots().into_iter();
            let own = slots.filter(|(other, _)| other == slot);
            // One real token is enough: valid ones show most when they are forged.
            if of_real.is_empty() || identity.kind == IdentityKind::Valid {
                let found: Vec<Forged> = own.flat_map(|(_, token)| forge.of_token(token)).collect();
                if !found.is_empty() {
                    of_real = found;
                }
            }
        }
        let invents = matches!(slot, Slot::Bearer | Slot::Cookie { .. });
        if of_real.is_empty() && invents {
            of_real = forge.invented();
        }
        all.extend(of_real.into_iter().map(|forged| (slot.clone(), forged)));
    }
    all
}
