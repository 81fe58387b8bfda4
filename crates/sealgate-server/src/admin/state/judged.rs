//! What there is, what was declared before, and what would change: all as of one moment.

use std::fmt::Write as _;

use http::StatusCode;
use sealgate_host::sha256;
use sealgate_plan::{Around, Declaration, Moment, Plan, State, plan};
use sealgate_store::Declarable;
use serde::Serialize;

use super::types::{PlanState, named};
use crate::ControlPlane;
use crate::declared::{Last, state_of};
use crate::problem::Problem;

/// A declaration beside what there is.
pub(super) struct Judged {
    /// What there is, as it is kept.
    pub(super) rows: Declarable,
    /// The same as a file would declare it.
    pub(super) actual: State,
    /// What was declared before.
    pub(super) last: Last,
    /// The digest of all that a plan is made from.
    pub(super) base: String,
    /// What is declared; nothing, where it was only looked at.
    pub(super) declaration: Declaration,
    /// What would change.
    pub(super) plan: Plan,
    /// What the plan was made in.
    pub(super) around: Around,
}

/// What a plan depends on, beside what is declared.
#[derive(Serialize)]
struct Base<'a> {
    state: &'a State,
    declared: Option<&'a State>,
    others: &'a sealgate_plan::Others,
    policy: Option<u64>,
}

impl Judged {
    /// What there is, and what was declared under `name`.
    pub(super) async fn look(plane: &ControlPlane, name: String) -> Result<Self, Problem> {
        let rows = plane.store.declarable().await?;
        let actual = state_of(&rows).map_err(|error| unreadable(&error))?;
        let last = Last::read(&rows, &name).map_err(|error| unreadable(&error))?;
        let base = Base {
            state: &actual,
            declared: last.own.as_ref().map(|(state, _)| state),
            others: &last.others,
            policy: rows.policy.as_ref().map(|policy| policy.version),
        };
        let base = digest(&base)?;
        let seconds = |span: std::time::Duration| span.as_secs();
        let around = Around {
            access: seconds(plane.lifetimes.access),
            session: seconds(plane.lifetimes.session),
            rotate_every: plane.policy.rotate_every.map_or(0, seconds),
            now: Moment(plane.clock.now().as_millis()),
        };
        Ok(Self {
            rows,
            actual,
            last,
            base,
            plan: Plan {
                declaration: name.clone(),
                changes: Vec::new(),
                left_alone: 0,
            },
            declaration: Declaration {
                name,
                prune: false,
                state: State::default(),
            },
            around,
        })
    }

    /// The same with what would change for what is asked for to hold.
    pub(super) async fn plan(plane: &ControlPlane, asked: PlanState) -> Result<Self, Problem> {
        let mut judged = Self::look(plane, named(asked.declaration)?).await?;
        judged.declaration.prune = asked.prune;
        judged.declaration.state = asked.state;
        let state = &mut judged.declaration.state;
        state
            .check()
            .map_err(|said| Problem::unprocessable("declaration_malformed", said))?;
        state.settle();
        let last = judged.last.own.as_ref().map(|(state, _)| state);
        judged.plan = plan(
            &judged.declaration,
            &judged.actual,
            last,
            &judged.last.others,
            &judged.around,
        )
        .map_err(|error| Problem::new(StatusCode::CONFLICT, error.code(), error.to_string()))?;
        Ok(judged)
    }

    /// What is kept of what is declared.
    pub(super) fn kept(&self) -> Result<String, Problem> {
        serde_json::to_string(&self.declaration.state).map_err(|_| Problem::internal())
    }

    /// Whether the same was applied before.
    pub(super) fn is_kept(&self) -> bool {
        let last = self.last.own.as_ref();
        last.is_some_and(|(state, _)| *state == self.declaration.state)
    }
}

fn digest(base: &Base<'_>) -> Result<String, Problem> {
    let json = serde_json::to_vec(base).map_err(|_| Problem::internal())?;
    let mut text = String::with_capacity(64);
    for byte in sha256(&json).as_bytes() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// What this version did not write.
fn unreadable(error: &str) -> Problem {
    tracing::error!(
        error,
        "what is kept of declarations or policies is not readable"
    );
    Problem::internal()
}
