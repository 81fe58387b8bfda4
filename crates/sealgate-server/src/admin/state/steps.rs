//! A plan as the single writes that it takes: each sound, each allowed to whoever asks, in an order in which all
//! refer to what is there.

use std::collections::{BTreeMap, BTreeSet};

use http::StatusCode;
use sealgate_host::sha256;
use sealgate_jose::Algorithm;
use sealgate_keys::KeyError;
use sealgate_model::{ClientId, Secret, Timestamp};
use sealgate_plan::{Action, Change, Kind, State};
use sealgate_store::{
    Audit, Client, ClientAuthentication, DeclaredChange, DeclaredWord, KeySchedule, Resource,
};

use super::super::actor::Admin;
use super::super::{clients, keys, machines, resources};
use super::judged::Judged;
use super::types::MadeSecret;
use crate::declared::{client_row, machine_row, resource_row};
use crate::problem::Problem;
use crate::{ControlPlane, admin_scopes, policies};

/// The writes of a plan.
#[derive(Default)]
pub(super) struct Steps {
    /// In their order, each with its record.
    pub(super) changes: Vec<(DeclaredChange, Audit)>,
    /// The secrets that they make.
    pub(super) secrets: Vec<MadeSecret>,
    algorithms: Vec<Algorithm>,
}

/// When a write has its turn: those that others refer to first, and ends last.
fn turn(change: &Change) -> u8 {
    match (change.kind, change.action) {
        (Kind::Role | Kind::Scope | Kind::Keys, _) => 0,
        (Kind::Client | Kind::Machine, Action::Create) => 1,
        (Kind::Resource, Action::Create | Action::Update) => 2,
        (Kind::Client | Kind::Machine, Action::Update) => 3,
        (Kind::Resource, Action::Remove) => 4,
        (Kind::Client | Kind::Machine, Action::Remove) => 5,
        (Kind::Mapping | Kind::Policy, _) => 6,
    }
}

/// The scope that a single change of this kind takes.
const fn scope(kind: Kind) -> &'static str {
    match kind {
        Kind::Client | Kind::Machine | Kind::Resource | Kind::Scope => "sealgate:clients:write",
        Kind::Role => "sealgate:users:write",
        Kind::Keys => "sealgate:keys:write",
        Kind::Mapping | Kind::Policy => "sealgate:policy:write",
    }
}

impl Steps {
    /// Everything that the plan takes. Changes nothing.
    ///
    /// # Errors
    /// What the single writes would be refused with.
    pub(super) async fn of(
        plane: &ControlPlane,
        admin: &Admin,
        judged: &Judged,
    ) -> Result<Self, Problem> {
        let mut ordered: Vec<&Change> = judged.plan.changes.iter().collect();
        ordered.sort_by_key(|change| turn(change));
        let outcome = outcome(judged);
        references(plane, judged, &outcome)?;
        let mut steps = Self::default();
        let mut policy_done = false;
        for change in ordered {
            let act = admin.act(plane, "state.apply");
            admin.must_have(plane, scope(change.kind), &act).await?;
            match change.kind {
                Kind::Client | Kind::Machine => {
                    steps.client(plane, admin, judged, change, &outcome).await?;
                }
                Kind::Resource => steps.resource(plane, admin, judged, change)?,
                Kind::Role | Kind::Scope | Kind::Keys => {
                    steps.words(plane, admin, judged, change);
                }
                Kind::Mapping | Kind::Policy if policy_done => {}
                Kind::Mapping | Kind::Policy => {
                    policy_done = true;
                    steps.policy(plane, admin, judged).await?;
                }
            }
        }
        Ok(steps)
    }

    /// Makes the signing keys that clients need and that there are none of yet.
    pub(super) async fn make_keys(&self, plane: &ControlPlane) -> Result<(), Problem> {
        for algorithm in &self.algorithms {
            clients::rules::ensure(plane, *algorithm).await?;
        }
        Ok(())
    }

    fn push(&mut self, change: DeclaredChange, audit: Audit) {
        self.changes.push((change, audit));
    }

    /// Notes an algorithm that has to have keys, if it is one that is switched on.
    fn algorithm(&mut self, plane: &ControlPlane, algorithm: Algorithm) -> Result<(), Problem> {
        if algorithm == Algorithm::MlDsa65 && !plane.policy.ml_dsa {
            return Err(keys::refuse(KeyError::Disabled(algorithm)));
        }
        if !self.algorithms.contains(&algorithm) {
            self.algorithms.push(algorithm);
        }
        Ok(())
    }

    async fn client(
        &mut self,
        plane: &ControlPlane,
        admin: &Admin,
        judged: &Judged,
        change: &Change,
        outcome: &State,
    ) -> Result<(), Problem> {
        let id: ClientId = change.id.parse().map_err(|_| Problem::internal())?;
        let is_machine = change.kind == Kind::Machine;
        let act = |action: &'static str| Audit {
            client: Some(id.clone()),
            ..admin.act(plane, action)
        };
        let named = |client: &'static str, machine: &'static str| {
            act(if is_machine { machine } else { client })
        };
        let before = judged.rows.clients.iter().find(|row| row.id == id);
        if let Some(before) = before {
            let act = named("client.update", "machine.update");
            admin.may_shape(plane, before, &act).await?;
        }
        if change.action == Action::Remove {
            let end = if is_machine {
                DeclaredChange::Offboard(id.clone())
            } else {
                DeclaredChange::Remove(id.clone())
            };
            self.push(end, named("client.remove", "machine.offboard"));
            return Ok(());
        }
        let also: Vec<&str> = outcome.resource.keys().map(String::as_str).collect();
        let declared = &judged.declaration.state;
        let now = plane.clock.now();
        let (mut after, disabled, algorithm);
        if is_machine {
            let declared = declared
                .machine
                .get(&change.id)
                .ok_or_else(Problem::internal)?;
            after = machine_row(id.clone(), declared, before, now);
            disabled = declared.disabled;
            let checked = machines::rules::check(plane, before, &mut after, now, &also).await;
            algorithm = checked.map_err(|problem| about(change, &problem))?;
        } else {
            let declared = declared
                .client
                .get(&change.id)
                .ok_or_else(Problem::internal)?;
            after = client_row(clients::texts::id(id.clone())?, declared, before, now)?;
            disabled = declared.disabled;
            let checked = clients::rules::check(plane, &mut after, &also).await;
            algorithm = checked.map_err(|problem| about(change, &problem))?;
        }
        self.algorithm(plane, algorithm)?;
        let made = named(
            if before.is_some() {
                "client.update"
            } else {
                "client.create"
            },
            if before.is_some() {
                "machine.update"
            } else {
                "machine.create"
            },
        );
        admin.may_shape(plane, &after, &made).await?;
        let secret = self.secret(plane, before, &mut after);
        match before {
            None => self.push(DeclaredChange::Create(Box::new(after.clone())), made),
            Some(before) if *before != after => {
                let pair = Box::new((before.clone(), after.clone()));
                self.push(DeclaredChange::Update(pair), made);
            }
            Some(_) => {}
        }
        if let (Some(hash), Some(_)) = (secret, before) {
            let change = DeclaredChange::Secret(id.clone(), after.scopes.clone(), hash);
            self.push(change, act("client.secret"));
        }
        let was_disabled = before.is_some_and(|row| row.disabled_at.is_some());
        if disabled && !was_disabled {
            self.push(DeclaredChange::Disable(id.clone()), act("client.disable"));
        }
        if !disabled && was_disabled && after.ends_at().is_none_or(|end| now < end) {
            self.push(DeclaredChange::Enable(id.clone()), act("client.enable"));
        }
        Ok(())
    }

    /// Makes a secret for a client that begins to prove who it is by one.
    fn secret(
        &mut self,
        plane: &ControlPlane,
        before: Option<&Client>,
        after: &mut Client,
    ) -> Option<sealgate_model::SecretHash> {
        let by_secret = |client: &Client| {
            client.details.authentication == ClientAuthentication::Secret
                && client.details.machine.is_none()
        };
        if !by_secret(after) || before.is_some_and(by_secret) {
            return None;
        }
        let secret = Secret::generate(&*plane.random);
        let hash = sha256(secret.expose().as_bytes());
        if before.is_none() {
            after.secret_hash = Some(hash);
        }
        self.secrets.push(MadeSecret {
            client: after.id.clone(),
            secret: secret.expose().to_owned(),
        });
        Some(hash)
    }

    fn resource(
        &mut self,
        plane: &ControlPlane,
        admin: &Admin,
        judged: &Judged,
        change: &Change,
    ) -> Result<(), Problem> {
        let before = judged
            .rows
            .resources
            .iter()
            .find(|row| row.uri == change.id);
        let about_it = |client: Option<ClientId>, action: &'static str| Audit {
            client,
            object: Some(change.id.clone()),
            ..admin.act(plane, action)
        };
        let served = |row: Option<&Resource>| row.and_then(|row| row.client.clone());
        if change.action == Action::Remove {
            let act = about_it(served(before), "resource.remove");
            self.push(DeclaredChange::ResourceRemove(change.id.clone()), act);
            return Ok(());
        }
        let declared = judged.declaration.state.resource.get(&change.id);
        let declared = declared.ok_or_else(Problem::internal)?;
        let row = resource_row(&change.id, declared, before, plane.clock.now());
        let after = resources::check(plane, row).map_err(|problem| about(change, &problem))?;
        let client = after.client.clone();
        match before {
            None => {
                let act = about_it(client, "resource.create");
                self.push(DeclaredChange::ResourceCreate(Box::new(after)), act);
            }
            Some(before) => {
                let act = about_it(client, "resource.update");
                let pair = Box::new((before.clone(), after));
                self.push(DeclaredChange::ResourceUpdate(pair), act);
            }
        }
        Ok(())
    }

    fn words(&mut self, plane: &ControlPlane, admin: &Admin, judged: &Judged, change: &Change) {
        let name = || change.id.clone();
        let declared = &judged.declaration.state;
        let word = |words: &std::collections::BTreeMap<String, sealgate_plan::Word>| {
            words.get(&change.id).map(|word| DeclaredWord {
                name: name(),
                description: word.description.clone(),
            })
        };
        let (write, action) = match change.kind {
            Kind::Role => match word(&declared.role) {
                Some(word) => (DeclaredChange::Role(word), "role.declare"),
                None => (DeclaredChange::RoleRemove(name()), "role.remove"),
            },
            Kind::Scope => match word(&declared.scope) {
                Some(word) => (DeclaredChange::Scope(word), "scope.declare"),
                None => (DeclaredChange::ScopeRemove(name()), "scope.remove"),
            },
            _ => match declared.keys.get(&change.id) {
                Some(schedule) => {
                    let schedule = KeySchedule {
                        algorithm: name(),
                        rotate_every: schedule.rotate_every.0,
                    };
                    (DeclaredChange::Schedule(schedule), "key.schedule")
                }
                None => (DeclaredChange::ScheduleRemove(name()), "key.schedule"),
            },
        };
        let act = Audit {
            object: Some(name()),
            ..admin.act(plane, action)
        };
        self.push(write, act);
    }

    async fn policy(
        &mut self,
        plane: &ControlPlane,
        admin: &Admin,
        judged: &Judged,
    ) -> Result<(), Problem> {
        let none = sealgate_plan::Policy::default();
        let document = judged.declaration.state.policy.as_ref().unwrap_or(&none);
        let act = admin.act(plane, "policy.apply");
        let gives_all = document.mapping.roles().contains(admin_scopes::ROLE);
        if gives_all {
            // Whoever it fits can have every scope of the administration.
            let roles = [admin_scopes::ROLE.to_owned()];
            admin.may_shape_user(plane, &roles, &act).await?;
        }
        let last = judged
            .rows
            .policy
            .as_ref()
            .map_or(0, |policy| policy.version);
        let said = format!("declared in {}", judged.declaration.name);
        let new = policies::prepare(document, Some(last), Some(said))?;
        self.push(DeclaredChange::Policy(new), act);
        Ok(())
    }
}

/// What there would be.
fn outcome(judged: &Judged) -> State {
    let mut outcome = judged.actual.clone();
    let declared = &judged.declaration.state;
    for change in &judged.plan.changes {
        let id = &change.id;
        macro_rules! put {
            ($part:ident) => {
                match declared.$part.get(id) {
                    Some(one) => drop(outcome.$part.insert(id.clone(), one.clone())),
                    None => drop(outcome.$part.remove(id)),
                }
            };
        }
        match change.kind {
            Kind::Client => put!(client),
            Kind::Machine => put!(machine),
            Kind::Resource => put!(resource),
            Kind::Role => put!(role),
            Kind::Scope => put!(scope),
            Kind::Keys => put!(keys),
            Kind::Mapping | Kind::Policy => outcome.policy.clone_from(&declared.policy),
        }
    }
    outcome
}

/// Whether whatever is named is there afterwards, of what changes and of what changes are about.
fn references(plane: &ControlPlane, judged: &Judged, outcome: &State) -> Result<(), Problem> {
    let known = |id: &str| outcome.client.contains_key(id) || outcome.machine.contains_key(id);
    let removed: BTreeSet<&str> = judged
        .plan
        .changes
        .iter()
        .filter(|change| change.kind == Kind::Resource && change.action == Action::Remove)
        .map(|change| change.id.as_str())
        .collect();
    let own = admin_scopes::resource(&plane.issuer);
    let used = outcome.client.iter().map(|(id, one)| (id, &one.resources));
    let used = used.chain(outcome.machine.iter().map(|(id, one)| (id, &one.resources)));
    for (id, uris) in used {
        if let Some(uri) = uris.iter().find(|uri| removed.contains(uri.as_str())) {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "resource_in_use",
                format!("client {id} is registered for {uri}, which would be removed"),
            ));
        }
        let unknown = |uri: &&String| **uri != own && !outcome.resource.contains_key(*uri);
        if let Some(uri) = uris.iter().find(unknown) {
            return Err(Problem::unprocessable(
                "resource_unknown",
                format!("client {id}: there is no resource {uri}"),
            ));
        }
    }
    identities(judged, outcome, plane.clock.now())?;
    for change in &judged.plan.changes {
        let named = match change.kind {
            Kind::Client => outcome
                .client
                .get(&change.id)
                .and_then(|one| one.may_act.as_ref()),
            Kind::Resource => outcome
                .resource
                .get(&change.id)
                .and_then(|one| one.client.as_ref()),
            _ => None,
        };
        if let Some(named) = named.filter(|named| !known(named.as_str())) {
            return Err(Problem::unprocessable(
                "client_unknown",
                format!(
                    "{} {}: there is no client {named}",
                    change.kind.as_str(),
                    change.id
                ),
            ));
        }
    }
    Ok(())
}

/// Whether no identity of another issuer would be that of two service accounts: what fits both gets nothing. Looked
/// at as it will be, so that one can move from an account to another.
fn identities(judged: &Judged, outcome: &State, now: Timestamp) -> Result<(), Problem> {
    let changed = |id: &str| {
        let mut changes = judged.plan.changes.iter();
        changes.any(|change| change.kind == Kind::Machine && change.id == id)
    };
    let mut known = BTreeMap::new();
    let usable = outcome
        .machine
        .iter()
        .filter(|(_, one)| !one.disabled && one.expires_at.0 > now.as_millis());
    for (id, one) in usable {
        for identity in &one.identities {
            let other = known.insert((&identity.issuer, &identity.claims), id);
            if let Some(other) = other.filter(|other| changed(other) || changed(id)) {
                return Err(Problem::new(
                    StatusCode::CONFLICT,
                    "machine_identity_taken",
                    format!("machine {id}: an identity is that of {other} already"),
                ));
            }
        }
    }
    Ok(())
}

/// The problem, with what it is about.
fn about(change: &Change, problem: &Problem) -> Problem {
    let said = format!(
        "{} {}: {}",
        change.kind.as_str(),
        change.id,
        problem.detail()
    );
    Problem::new(problem.status(), problem.reason(), said)
}
