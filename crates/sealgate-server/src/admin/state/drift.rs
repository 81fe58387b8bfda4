//! What was changed outside a declaration since it was applied, by whom and when.

use http::StatusCode;
use sealgate_model::Timestamp;
use sealgate_plan::{Change, Kind, drift};
use sealgate_store::{AuditFilter, AuditRow, Outcome};

use super::judged::Judged;
use super::types::{DeclarationView, Drift, DriftedThing, Toucher};
use crate::ControlPlane;
use crate::problem::Problem;

/// How many records of one action are looked through.
const RECORDS: u32 = 1000;

/// The actions that change things of a kind.
const fn actions(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Client => &[
            "client.create",
            "client.update",
            "client.disable",
            "client.enable",
            "client.remove",
        ],
        Kind::Machine => &[
            "machine.create",
            "machine.update",
            "machine.offboard",
            "machine.enroll",
            "client.disable",
            "client.enable",
        ],
        Kind::Resource => &["resource.create", "resource.update", "resource.remove"],
        Kind::Role => &["role.declare", "role.remove"],
        Kind::Scope => &["scope.declare", "scope.remove"],
        Kind::Keys => &["key.schedule"],
        Kind::Mapping | Kind::Policy => &["policy.apply", "policy.roll_back"],
    }
}

/// What differs from what was declared under the name that was looked at.
///
/// # Errors
/// `declaration_unapplied` (404) where nothing was.
pub(super) async fn found(plane: &ControlPlane, judged: &Judged) -> Result<Drift, Problem> {
    let Some((last, row)) = &judged.last.own else {
        return Err(Problem::new(
            StatusCode::NOT_FOUND,
            "declaration_unapplied",
            format!(
                "nothing was applied under the name {:?} yet",
                judged.declaration.name
            ),
        ));
    };
    let changes = drift(last, &judged.actual, &judged.around);
    let mut records = Records::default();
    let mut things = Vec::with_capacity(changes.len());
    for change in changes {
        let by = records.last(plane, &change, row.applied_at).await?;
        things.push(DriftedThing { change, by });
    }
    Ok(Drift {
        declaration: DeclarationView {
            name: row.name.clone(),
            applied_at: row.applied_at,
            applied_by: row.applied_by.clone(),
        },
        things,
    })
}

/// Records that were read, by their action.
#[derive(Default)]
struct Records(Vec<(&'static str, Vec<AuditRow>)>);

impl Records {
    /// The newest record of a change of this thing since `since`.
    async fn last(
        &mut self,
        plane: &ControlPlane,
        change: &Change,
        since: Timestamp,
    ) -> Result<Option<Toucher>, Problem> {
        let mut newest: Option<Toucher> = None;
        for action in actions(change.kind) {
            let fits = |row: &&AuditRow| match change.kind {
                Kind::Client | Kind::Machine => row
                    .client
                    .as_ref()
                    .is_some_and(|id| id.as_str() == change.id),
                Kind::Mapping | Kind::Policy => true,
                _ => row.object.as_deref() == Some(&change.id),
            };
            let found = self.of(plane, action, since).await?.iter().find(fits);
            if let Some(row) = found
                && newest
                    .as_ref()
                    .is_none_or(|known| known.record < row.number)
            {
                newest = Some(Toucher {
                    at: row.at,
                    actor: row.actor.clone(),
                    action: row.action.clone(),
                    record: row.number,
                });
            }
        }
        Ok(newest)
    }

    async fn of(
        &mut self,
        plane: &ControlPlane,
        action: &'static str,
        since: Timestamp,
    ) -> Result<&[AuditRow], Problem> {
        let index = if let Some(index) = self.0.iter().position(|(known, _)| *known == action) {
            index
        } else {
            let filter = AuditFilter {
                action: Some(action.to_owned()),
                outcome: Some(Outcome::Allowed),
                since: Some(since),
                ..AuditFilter::default()
            };
            let rows = plane.store.audit_list(filter, RECORDS).await?;
            self.0.push((action, rows));
            self.0.len() - 1
        };
        Ok(&self.0[index].1)
    }
}
