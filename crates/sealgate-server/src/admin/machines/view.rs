//! Service accounts as they are shown: with what they use, what they do not, and when they end.

use std::collections::BTreeMap;
use std::time::Duration;

use sealgate_model::{ClientId, Timestamp};
use sealgate_store::{MachineProfile, MachineRow, MachineUses, StoreError, UseKind};

use super::answers::{MachineState, MachineUse, MachineView, OpenBootstrap};
use super::types::{Identity, UnusedFor};
use crate::ControlPlane;
use crate::problem::Problem;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is needed beside the row of a service account to show it.
pub(super) struct Surroundings {
    now: Timestamp,
    unused_for: Duration,
    /// What each client serves.
    serves: BTreeMap<ClientId, Vec<String>>,
    /// The clients for whose users alone each client may act.
    may_act_of: BTreeMap<ClientId, Vec<ClientId>>,
}

impl Surroundings {
    /// Reads it. Unused is what was not used for so long.
    pub(super) async fn read(plane: &ControlPlane, unused_for: UnusedFor) -> Result<Self, Problem> {
        let mut serves: BTreeMap<ClientId, Vec<String>> = BTreeMap::new();
        for resource in plane.store.resources().await? {
            if let Some(client) = resource.client {
                serves.entry(client).or_default().push(resource.uri);
            }
        }
        let mut may_act_of: BTreeMap<ClientId, Vec<ClientId>> = BTreeMap::new();
        for client in plane.store.clients().await? {
            if let Some(named) = client.details.may_act {
                may_act_of.entry(named).or_default().push(client.id);
            }
        }
        Ok(Self {
            now: plane.clock.now(),
            unused_for: unused_for.days() * DAY,
            serves,
            may_act_of,
        })
    }

    /// A service account as it is shown.
    pub(super) fn view(&self, row: MachineRow) -> MachineView {
        let state = state(&row, self.now);
        let uses = MachineUses(&row.uses);
        let (last_used_at, client) = (uses.last(), row.client);
        let of = |kind, names: &[String]| -> Vec<MachineUse> {
            let known = |name: &String| self.used(uses, kind, name, client.created_at);
            names.iter().map(known).collect()
        };
        let scopes = of(UseKind::Scope, &client.scopes);
        let resources = of(UseKind::Resource, &client.details.resources);
        let over_privileged = scopes.iter().chain(&resources).any(|one| one.unused);
        let bootstrap = row.bootstrap.filter(|open| open.expires_at > self.now);
        let details = client.details;
        // Only rows with a profile are service accounts.
        let MachineProfile {
            owner,
            purpose,
            environment,
            expires_at,
            identities,
        } = details.machine.unwrap_or_else(|| nobodys(self.now));
        MachineView {
            serves: self.serves.get(&client.id).cloned().unwrap_or_default(),
            may_act_of: self.may_act_of.get(&client.id).cloned().unwrap_or_default(),
            id: client.id,
            name: client.name,
            owner,
            purpose,
            environment,
            state,
            expires_at,
            days_left: (expires_at > self.now).then(|| days(expires_at.since(self.now))),
            grants: details.grants,
            scopes,
            resources,
            jwks: details.jwks,
            jwks_uri: details.jwks_uri,
            identities: identities.into_iter().map(Identity::from).collect(),
            require_dpop: details.require_dpop,
            access_lifetime: details.access_lifetime,
            algorithm: details.algorithm,
            last_used_at,
            over_privileged,
            bootstrap: bootstrap.map(|open| OpenBootstrap {
                created_at: open.created_at,
                expires_at: open.expires_at,
            }),
            created_at: client.created_at,
            disabled_at: client.disabled_at,
            offboarded_at: row.offboarded_at,
        }
    }

    /// What is known of one thing that it may use.
    fn used(
        &self,
        uses: MachineUses<'_>,
        kind: UseKind,
        name: &str,
        created_at: Timestamp,
    ) -> MachineUse {
        let known = uses.of(kind, name);
        let since = known.map_or(created_at, |known| known.since);
        let last_used_at = known.and_then(|known| known.used_at);
        let idle = self.now.since(last_used_at.unwrap_or(since).max(since));
        MachineUse {
            name: name.to_owned(),
            since,
            last_used_at,
            unused: idle >= self.unused_for,
        }
    }
}

/// How many service accounts there are by state, and how many of the active ones have not been used of late, may
/// more than they use, or end soon.
pub(crate) async fn count(
    plane: &ControlPlane,
    now: Timestamp,
) -> Result<[(&'static str, usize); 6], StoreError> {
    const SOON: Duration = Duration::from_secs(30 * 24 * 3600);
    let usual = UnusedFor::default();
    let around = Surroundings {
        now,
        unused_for: usual.days() * DAY,
        serves: BTreeMap::new(),
        may_act_of: BTreeMap::new(),
    };
    let rows = plane.store.machines(false).await?;
    let all: Vec<MachineView> = rows.into_iter().map(|row| around.view(row)).collect();
    let of = |fits: &dyn Fn(&MachineView) -> bool| all.iter().filter(|one| fits(one)).count();
    let active = |one: &MachineView| one.state == MachineState::Active;
    Ok([
        ("active", of(&active)),
        ("disabled", of(&|one| one.state == MachineState::Disabled)),
        ("expired", of(&|one| one.state == MachineState::Expired)),
        (
            "unused",
            of(&|one| {
                let last = one.last_used_at.unwrap_or(one.created_at);
                active(one) && now.since(last) >= around.unused_for
            }),
        ),
        (
            "over_privileged",
            of(&|one| active(one) && one.over_privileged),
        ),
        (
            "expiring",
            of(&|one| active(one) && one.expires_at.since(now) <= SOON),
        ),
    ])
}

/// Where a service account stands.
fn state(row: &MachineRow, now: Timestamp) -> MachineState {
    if row.offboarded_at.is_some() {
        MachineState::Offboarded
    } else if row.client.ends_at().is_some_and(|end| end <= now) {
        MachineState::Expired
    } else if row.client.disabled_at.is_some() {
        MachineState::Disabled
    } else {
        MachineState::Active
    }
}

/// Whole days.
fn days(span: Duration) -> u32 {
    u32::try_from(span.as_secs() / DAY.as_secs()).unwrap_or(u32::MAX)
}

fn nobodys(now: Timestamp) -> MachineProfile {
    MachineProfile {
        owner: String::new(),
        purpose: String::new(),
        environment: String::new(),
        expires_at: now,
        identities: Vec::new(),
    }
}
