//! A plan in a file: what was looked at, and what it holds for.

use std::path::Path;

use sealgate_server::admin::{PlanState, PlannedState};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::screen;

/// The form of the file.
const FORM: u32 = 1;

/// What the file holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Saved {
    /// The form, and the mark that this is a plan.
    sealgate_plan: u32,
    /// What was asked for.
    asked: PlanState,
    /// What was answered.
    planned: PlannedState,
}

/// Keeps a plan.
pub(super) fn write(path: &Path, asked: &PlanState, planned: &PlannedState) -> Result<(), Failure> {
    let saved = Saved {
        sealgate_plan: FORM,
        asked: asked.clone(),
        planned: planned.clone(),
    };
    std::fs::write(path, screen::json_text(&saved)).map_err(|error| {
        let said = format!("cannot write {}: {error}", path.display());
        Failure::usage("file_unwritable", said)
    })
}

/// Whether a text is a plan's, and not a declaring file's.
pub(super) fn is_one(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// The plan in a text that was read from `path`.
pub(super) fn read(path: &Path, text: &str) -> Result<(PlanState, PlannedState), Failure> {
    let saved: Saved = serde_json::from_str(text).map_err(|error| {
        let said = format!("{} is no plan of this program: {error}", path.display());
        Failure::usage("plan_unreadable", said)
    })?;
    if saved.sealgate_plan == FORM {
        Ok((saved.asked, saved.planned))
    } else {
        let said = format!("{} is a plan of another version", path.display());
        Err(Failure::usage("plan_unreadable", said)
            .with_hint("make it again: sealgate plan FILE --out FILE"))
    }
}
