//! The state of everything that can be declared, as JSON.

use sealgate_model::{ClientId, Timestamp};
use sealgate_plan::{Change, DEFAULT_NAME, Plan, State, Summary, is_name};
use sealgate_store::Declared;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::super::schemas::{ClientIdText, Millis};
use super::judged::Judged;
use crate::problem::Problem;

fn default_name() -> String {
    DEFAULT_NAME.to_owned()
}

/// Which declaration.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichDeclaration {
    /// Its name; `default` where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(value_type = String, required = false, min_length = 1, max_length = 64)]
    pub declaration: Option<String>,
}

impl WhichDeclaration {
    pub(super) fn name(self) -> Result<String, Problem> {
        named(self.declaration.unwrap_or_else(default_name))
    }
}

/// The name, if it is one.
pub(super) fn named(name: String) -> Result<String, Problem> {
    if is_name(&name) {
        Ok(name)
    } else {
        Err(Problem::unprocessable(
            "declaration_malformed",
            "a declaration's name is 1 to 64 of A-Z a-z 0-9 - _ .",
        ))
    }
}

/// A declaration that was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeclarationView {
    /// Its name.
    pub name: String,
    /// When it was applied last.
    #[schema(value_type = Millis)]
    pub applied_at: Timestamp,
    /// By whom, as the audit log calls them.
    pub applied_by: String,
}

/// Everything that can be declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StateView {
    /// What a plan for this declaration would be made from: it changes with everything that a plan depends on.
    pub base: String,
    /// What there is, in the form of a declared file.
    #[schema(value_type = Object)]
    pub state: State,
    /// What was declared last under the name that was asked for; none: nothing.
    #[schema(value_type = Option<Object>)]
    pub declared: Option<State>,
    /// Every declaration that was applied, by name.
    pub declarations: Vec<DeclarationView>,
}

impl StateView {
    pub(super) fn of(judged: &Judged) -> Self {
        let declarations = judged.rows.declarations.iter().map(|row| DeclarationView {
            name: row.name.clone(),
            applied_at: row.applied_at,
            applied_by: row.applied_by.clone(),
        });
        Self {
            base: judged.base.clone(),
            state: judged.actual.clone(),
            declared: judged.last.own.as_ref().map(|(state, _)| state.clone()),
            declarations: declarations.collect(),
        }
    }
}

/// A state to be compared with what there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanState {
    /// The declaration's name: of what was declared under it before, what is not declared any more goes.
    #[serde(default = "default_name")]
    #[schema(required = false, min_length = 1, max_length = 64)]
    pub declaration: String,
    /// Whether what no declaration has goes, too.
    #[serde(default)]
    pub prune: bool,
    /// What is declared, in the form of a file.
    #[schema(value_type = Object)]
    pub state: State,
}

/// What would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedState {
    /// What the plan was made from: applying it needs this to be so still.
    pub base: String,
    /// How much would change.
    #[schema(value_type = Object)]
    pub summary: Summary,
    /// What would change, thing by thing, with what it risks.
    #[schema(value_type = Object)]
    pub plan: Plan,
}

impl PlannedState {
    pub(super) fn of(judged: &Judged) -> Self {
        Self {
            base: judged.base.clone(),
            summary: judged.plan.summary(),
            plan: judged.plan.clone(),
        }
    }
}

/// A state to be made so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyState {
    /// The declaration's name.
    #[serde(default = "default_name")]
    #[schema(required = false, min_length = 1, max_length = 64)]
    pub declaration: String,
    /// Whether what no declaration has goes, too.
    #[serde(default)]
    pub prune: bool,
    /// What is declared, in the form of a file.
    #[schema(value_type = Object)]
    pub state: State,
    /// What the plan was made from.
    #[schema(pattern = "^[0-9a-f]{64}$")]
    pub base: String,
    /// The codes of the risks that somebody has agreed to. High ones that are not among them are refused.
    #[serde(default)]
    #[schema(max_items = 64)]
    pub accept: Vec<String>,
}

impl ApplyState {
    pub(super) fn parts(self) -> (PlanState, String, Vec<String>) {
        let asked = PlanState {
            declaration: self.declaration,
            prune: self.prune,
            state: self.state,
        };
        (asked, self.base, self.accept)
    }
}

/// A secret that was made, told this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MadeSecret {
    /// The client.
    #[schema(value_type = ClientIdText)]
    pub client: ClientId,
    /// Its secret.
    pub secret: String,
}

impl std::fmt::Debug for MadeSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MadeSecret({})", self.client)
    }
}

/// What was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AppliedState {
    /// How much was changed.
    #[schema(value_type = Object)]
    pub summary: Summary,
    /// What was changed.
    #[schema(value_type = Object)]
    pub plan: Plan,
    /// The secrets of clients that have new ones. They are told now and never again.
    pub secrets: Vec<MadeSecret>,
    /// The version of the policies, if there is a new one.
    pub policy_version: Option<u64>,
    /// How many sessions of users ended.
    pub sessions: u64,
    /// Whether rows that open nothing any more are left to be ended at the next start.
    pub unfinished: bool,
}

impl AppliedState {
    pub(super) fn of(judged: &Judged, secrets: Vec<MadeSecret>, done: Option<Declared>) -> Self {
        let done = done.unwrap_or_default();
        Self {
            summary: judged.plan.summary(),
            plan: judged.plan.clone(),
            secrets,
            policy_version: done.policy.map(|policy| policy.version),
            sessions: done.sessions,
            unfinished: done.unfinished,
        }
    }
}

/// Who changed a thing last, as the audit log has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Toucher {
    /// When.
    #[schema(value_type = Millis)]
    pub at: Timestamp,
    /// Who, as the audit log calls them.
    pub actor: String,
    /// What they did.
    pub action: String,
    /// The number of the record.
    pub record: i64,
}

/// A thing that is not as it was declared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DriftedThing {
    /// How it differs from what was declared.
    #[schema(value_type = Object)]
    pub change: Change,
    /// Who changed it last; none where the records do not tell.
    pub by: Option<Toucher>,
}

/// What of a declaration is not as it was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Drift {
    /// The declaration.
    pub declaration: DeclarationView,
    /// What differs.
    pub things: Vec<DriftedThing>,
}
