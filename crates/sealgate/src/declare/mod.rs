//! `sealgate plan`, `sealgate apply`, `sealgate export`: what is declared in a file, compared and made so.

mod apply;
mod export;
mod saved;
mod source;
mod text;

use std::path::PathBuf;

use clap::Args;
use sealgate_plan::{DEFAULT_NAME, is_name};
use sealgate_server::admin::{Drift, PlanState, PlannedState};
use serde::Serialize;

use crate::door::Door;
use crate::failure::Failure;
use crate::output;
use crate::place::Place;

pub(crate) use apply::Arguments as ApplyArguments;
pub(crate) use export::Arguments as ExportArguments;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The declaring file, such as sealgate.toml; with --drift it need not be named
    #[arg(required_unless_present = "drift")]
    file: Option<PathBuf>,
    /// Remove what no declaration has, too; as `prune = true` in the file
    #[arg(long, conflicts_with = "drift")]
    prune: bool,
    /// Keep the plan in a file, for others to look at; `sealgate apply` takes it as long as nothing has changed
    #[arg(long, value_name = "FILE", conflicts_with = "drift")]
    out: Option<PathBuf>,
    /// Exit with 1 if anything would change
    #[arg(long, conflicts_with = "drift")]
    check: bool,
    /// Show instead what was changed outside the file since it was applied, by whom and when; exit with 1 if
    /// anything was
    #[arg(long)]
    drift: bool,
    /// The declaration's name, with --drift and without a file
    #[arg(long, value_name = "NAME", conflicts_with = "file", requires = "drift")]
    name: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// Shows what would change, or what was changed outside the file.
pub(crate) async fn plan(arguments: Arguments, json: bool) -> Result<(), Failure> {
    if arguments.drift {
        return drift(arguments, json).await;
    }
    let Some(file) = &arguments.file else {
        return Err(Failure::usage("file_missing", "name the declaring file"));
    };
    let declaration = source::read(file)?;
    let asked = PlanState {
        declaration: declaration.name,
        prune: declaration.prune || arguments.prune,
        state: declaration.state,
    };
    let door = Door::open(&arguments.place, None).await?;
    let planned: PlannedState = door.post("/state/plan", &asked).await?;
    let anything = !planned.plan.is_empty();
    if let Some(out) = &arguments.out {
        saved::write(out, &asked, &planned)?;
    }
    output::print(json, &planned, |planned| {
        text::planned(planned, arguments.out.as_deref())
    })?;
    if arguments.check && anything {
        Err(Failure::told())
    } else {
        Ok(())
    }
}

/// What a program is told of drift.
#[derive(Serialize)]
struct Found<'a> {
    drift: bool,
    #[serde(flatten)]
    found: &'a Drift,
}

async fn drift(arguments: Arguments, json: bool) -> Result<(), Failure> {
    let name = match (&arguments.file, arguments.name) {
        (Some(file), _) => source::read(file)?.name,
        (None, Some(name)) if is_name(&name) => name,
        (None, None) => DEFAULT_NAME.to_owned(),
        (None, Some(_)) => {
            let said = "a declaration's name is 1 to 64 of A-Z a-z 0-9 - _ .";
            return Err(Failure::usage("declaration_malformed", said));
        }
    };
    let door = Door::open(&arguments.place, None).await?;
    let found: Drift = door
        .get("/state/drift", &[("declaration", Some(name))])
        .await?;
    let drift = !found.things.is_empty();
    let told = Found {
        drift,
        found: &found,
    };
    output::print(json, &told, |told| text::drifted(told.found))?;
    if drift { Err(Failure::told()) } else { Ok(()) }
}

pub(crate) use apply::run as apply;
pub(crate) use export::run as export;
