//! A whole probe: what to send next, given what was answered so far.
//!
//! In stages. Strangers with nothing come first, always: without that baseline, what a forged credential is
//! answered means nothing. What a stage sends depends on the answers of those before it.

use std::collections::BTreeSet;

use sealgate_inventory::{Inventory, Kind, Route};

use crate::answer::{Answer, Verdict, below_host, split};
use crate::case::{Base, Case};
use crate::credentials::Credentials;
use crate::mutants;
use crate::probe::{Outcome, Probe, Purpose};
use crate::report;
use crate::request::{Channel, Request};
use crate::sample;
use crate::settings::Settings;
use crate::slot::Slot;
use crate::template;

/// Redirects between a path with and without its last slash that are followed.
const HOPS: u8 = 2;

/// The stages, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Baseline,
    Filled,
    Credentials,
    /// The rest of it, where a sample was not denied.
    Rest,
    Reach,
    Done,
}

/// A request under way.
struct Sent {
    /// Its case; the control belongs to none.
    case: Option<usize>,
    purpose: Purpose,
    /// The request as it was planned, which is what people are shown.
    first: Request,
    /// The request as it was sent last.
    last: Request,
    hops: u8,
}

/// A whole probe.
pub struct Campaign {
    inventory: Inventory,
    settings: Settings,
    cases: Vec<Case>,
    stage: Stage,
    sent: Vec<Option<Sent>>,
    challenged: Vec<Slot>,
    /// Whether what does not exist is answered with success, so that mutants of paths tell nothing.
    answers_anything: bool,
    count: usize,
    /// For each case those that have the same gates, and whether it was asked with everything.
    groups: Vec<Option<usize>>,
    whole: Vec<bool>,
}

impl Campaign {
    /// A probe of all routes of `inventory`.
    pub fn new(inventory: Inventory, settings: Settings) -> Self {
        Self {
            cases: Case::of(&inventory.routes, &settings),
            inventory,
            settings,
            stage: Stage::Baseline,
            sent: Vec::new(),
            challenged: Vec::new(),
            answers_anything: false,
            count: 0,
            groups: Vec::new(),
            whole: Vec::new(),
        }
    }

    /// What to send now, in any order and at once. Empty when the probe is over. All of it has to be answered,
    /// with [`Answer::failed`] if need be, before this is asked again.
    pub fn next_stage(&mut self) -> Vec<Probe> {
        loop {
            let planned = match self.stage {
                Stage::Baseline => self.baselines(),
                Stage::Filled => self.filled(),
                Stage::Credentials => self.credentials(),
                Stage::Rest => self.rest(),
                Stage::Reach => self.reach(),
                Stage::Done => return Vec::new(),
            };
            self.stage = match self.stage {
                Stage::Baseline => Stage::Filled,
                Stage::Filled => Stage::Credentials,
                Stage::Credentials => Stage::Rest,
                Stage::Rest => Stage::Reach,
                Stage::Reach | Stage::Done => Stage::Done,
            };
            let probes: Vec<Probe> = planned
                .into_iter()
                .map(|(case, purpose, request)| self.send(case, purpose, request))
                .collect();
            if !probes.is_empty() {
                return probes;
            }
        }
    }

    /// How many requests were planned so far.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Takes the answer to the probe with this id. `Some` is a request to send in its place: the same, with or
    /// without the slash that the application wants.
    pub fn answered(&mut self, id: usize, answer: &Answer) -> Option<Probe> {
        let mut sent = self.sent.get_mut(id)?.take()?;
        if sent.hops < HOPS
            && let Some(path) = slashed(&sent.last, answer, &self.settings.authority)
        {
            sent.last.path = path;
            sent.hops += 1;
            let probe = Probe {
                id,
                purpose: sent.purpose.clone(),
                request: sent.last.clone(),
            };
            self.sent[id] = Some(sent);
            return Some(probe);
        }
        let verdict = Verdict::of(answer, &self.settings.login_paths);
        let Some(case) = sent.case else {
            self.answers_anything = verdict == Verdict::Open;
            return None;
        };
        if sent.purpose == Purpose::Baseline {
            for slot in Slot::challenged(answer) {
                if !self.challenged.contains(&slot) {
                    self.challenged.push(slot);
                }
            }
        }
        let outcome = Outcome::new(sent.purpose, &sent.first, answer, verdict);
        self.cases[case].outcomes.push(outcome);
        None
    }

    /// What all the answers prove, as an inventory.
    pub fn finish(self) -> Inventory {
        report::inventory(
            self.inventory,
            &self.cases,
            &self.settings,
            self.answers_anything,
            self.whole.iter().filter(|whole| !**whole).count(),
        )
    }

    fn send(&mut self, case: Option<usize>, purpose: Purpose, request: Request) -> Probe {
        let probe = Probe {
            id: self.sent.len(),
            purpose: purpose.clone(),
            request: request.clone(),
        };
        self.sent.push(Some(Sent {
            case,
            purpose,
            first: request.clone(),
            last: request,
            hops: 0,
        }));
        self.count += 1;
        probe
    }

    fn baselines(&self) -> Vec<Planned> {
        let unknown: String = self.settings.seed[..8]
            .iter()
            .map(|byte| char::from(b'a' + byte % 26))
            .collect();
        let unknown = Request::new(Channel::Http, "GET", &format!("/sealgate-probe-{unknown}"));
        let mut planned: Vec<Planned> = Vec::new();
        for (at, case) in self.cases.iter().enumerate() {
            if let Ok(request) = &case.request {
                planned.push((Some(at), Purpose::Baseline, request.clone()));
            }
        }
        if !planned.is_empty() {
            planned.push((None, Purpose::Control, unknown));
        }
        planned
    }

    fn filled(&mut self) -> Vec<Planned> {
        let mut planned = Vec::new();
        let Some(document) = &self.settings.openapi else {
            return planned;
        };
        for (at, case) in self.cases.iter_mut().enumerate() {
            if case.base() != Base::Unclear || case.is_mute() {
                continue;
            }
            let path = &self.inventory.routes[case.route].path;
            let Ok(request) = &mut case.request else {
                continue;
            };
            if let Some(filled) = document.filled(path, request) {
                // What follows is sent in the same shape, as it would not get to the gate either.
                *request = filled.clone();
                planned.push((Some(at), Purpose::Filled, filled));
            }
        }
        planned
    }

    fn credentials(&mut self) -> Vec<Planned> {
        self.groups = sample::groups(&self.cases, &self.inventory.routes, &self.settings);
        self.whole = sample::whole(&self.groups);
        let planned = self.attempts();
        let sent = |(at, _, everywhere): &(usize, _, bool)| *everywhere || self.whole[*at];
        planned
            .into_iter()
            .filter(sent)
            .map(|(at, (purpose, request), _)| (Some(at), purpose, request))
            .collect()
    }

    /// What was left out where the sample was not denied: then it has to be known of every route.
    fn rest(&mut self) -> Vec<Planned> {
        let doubtful: BTreeSet<usize> = self
            .cases
            .iter()
            .zip(&self.groups)
            .filter(|(case, _)| case.outcomes.iter().any(sample::is_doubtful))
            .filter_map(|(_, group)| *group)
            .collect();
        let wanted = |at: usize| {
            !self.whole[at] && self.groups[at].is_some_and(|group| doubtful.contains(&group))
        };
        let planned: Vec<Planned> = self
            .attempts()
            .into_iter()
            .filter(|(at, _, everywhere)| !everywhere && wanted(*at))
            .map(|(at, (purpose, request), _)| (Some(at), purpose, request))
            .collect();
        for (case, ..) in &planned {
            if let Some(at) = case {
                self.whole[*at] = true;
            }
        }
        planned
    }

    /// Everything that must not get in, of every case, and whether it is sent to all of them or to a sample.
    fn attempts(&self) -> Vec<(usize, (Purpose, Request), bool)> {
        let credentials = Credentials::new(&self.settings, &self.challenged);
        let publics = self.publics();
        let mut planned = Vec::new();
        for (at, case) in self.cases.iter().enumerate() {
            let base = case.base();
            let (Ok(request), false, false) = (&case.request, case.public, base == Base::Open)
            else {
                continue;
            };
            if case.is_mute() {
                continue;
            }
            let route = &self.inventory.routes[case.route];
            let mut plan = |purpose: Purpose, request, everywhere| {
                planned.push((at, (purpose, request), everywhere));
            };
            for (purpose, request, everywhere) in credentials.of(route, &case.method, request) {
                plan(purpose, request, everywhere);
            }
            // Mutants mean something only beside a denial.
            if base != Base::Denied {
                continue;
            }
            for mutant in mutants::of_host(request, &publics) {
                plan(Purpose::Host, mutant, false);
            }
            for mutant in mutants::of_headers(request) {
                plan(Purpose::Header, mutant, false);
            }
            if self.answers_anything {
                continue;
            }
            for mutant in mutants::of_path(&route.path, request, &publics) {
                if !self.leads_to_open(case.route, &mutant.path) {
                    let everywhere = !sample::is_routed_first(route)
                        || template::matches(&route.path, &mutant.path);
                    plan(Purpose::Path, mutant, everywhere);
                }
            }
        }
        planned
    }

    fn reach(&self) -> Vec<Planned> {
        let mut planned: Vec<Planned> = Vec::new();
        for identity in credentials_of_valid(&self.settings) {
            for (at, case) in self.cases.iter().enumerate() {
                let route = &self.inventory.routes[case.route];
                let wanted = !case.public && case.base() != Base::Open && !case.is_mute();
                let applies = identity.applies(route, &case.method, &self.settings.params);
                if let (Ok(request), true, true) = (&case.request, wanted, applies) {
                    let purpose = Purpose::Reach {
                        name: identity.name.clone(),
                    };
                    planned.push((Some(at), purpose, identity.sign(request.clone())));
                }
            }
        }
        // Signing out ends what the others are shown with.
        planned.sort_by_key(|(_, _, request)| {
            (
                !crate::settings::is_safe(&request.method),
                request.path.contains("logout"),
            )
        });
        planned
    }

    /// Paths without parameters that strangers get.
    fn publics(&self) -> Vec<String> {
        let mut paths: Vec<String> = Vec::new();
        for case in &self.cases {
            let route = &self.inventory.routes[case.route];
            let open = case.public || case.base() == Base::Open;
            let plain = route.kind != Kind::Websocket && !route.path.contains(['{', '<']);
            if open && plain && !paths.contains(&route.path) {
                paths.push(route.path.clone());
            }
        }
        // Those that home-made gates most often know: short ones.
        paths.sort_by_key(|path| (path.len(), path.clone()));
        paths
    }

    /// Whether a path is that of another route that strangers get, so that getting it tells nothing.
    fn leads_to_open(&self, own: usize, path: &str) -> bool {
        let others = self.cases.iter().filter(|case| case.route != own);
        let mut open = others.filter(|case| case.public || case.base() == Base::Open);
        open.any(|case| leads_to(&self.inventory.routes[case.route], path))
    }
}

/// What is sent: for which case, what for, and the request.
type Planned = (Option<usize>, Purpose, Request);

fn credentials_of_valid(settings: &Settings) -> impl Iterator<Item = &crate::identity::Identity> {
    let identities = settings.identities.iter();
    identities.filter(|identity| identity.kind == crate::identity::IdentityKind::Valid)
}

fn leads_to(route: &Route, path: &str) -> bool {
    match route.kind {
        Kind::Mount | Kind::Static | Kind::Frontend => {
            let above = route.path.trim_end_matches('/');
            path.strip_prefix(above)
                .is_some_and(|below| below.is_empty() || below.starts_with('/'))
        }
        Kind::Websocket => false,
        Kind::Http | Kind::Docs => template::matches(&route.path, path),
    }
}

/// The path that a redirect leads to, where that is the same but for its last slash, and on the same host.
fn slashed(request: &Request, answer: &Answer, authority: &str) -> Option<String> {
    let status = answer.status?;
    if request.channel == Channel::Websocket || ![301, 302, 303, 307, 308].contains(&status) {
        return None;
    }
    let location = answer.header("location").next()?;
    let (host, _) = below_host(location.split(['?', '#']).next()?);
    let own = request
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("host"));
    let own = own.map_or(authority, |header| header.value.as_str());
    let (path, _) = split(location);
    let same = path.trim_end_matches('/') == request.path.trim_end_matches('/');
    let here = host.is_empty() || host == own || host == authority;
    (same && here && path != request.path).then(|| path.to_owned())
}
