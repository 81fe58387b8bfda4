//! `sealgate apply`: makes what is declared so, after somebody has looked at what that changes.

use std::path::PathBuf;

use clap::Args;
use sealgate_plan::{Code, Level};
use sealgate_server::admin::{AppliedState, ApplyState, PlanState, PlannedState};

use super::{saved, source, text};
use crate::confirm::Sure;
use crate::door::Door;
use crate::failure::Failure;
use crate::output;
use crate::place::Place;
use crate::receipt::Wait;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The declaring file, or a plan that `sealgate plan --out` has kept
    file: PathBuf,
    /// Remove what no declaration has, too; as `prune = true` in the file
    #[arg(long)]
    prune: bool,
    /// Agree to a high risk by its code, where nobody can be asked; repeat for more
    #[arg(long = "accept-risk", value_name = "CODE", value_parser = code)]
    accept: Vec<Code>,
    /// Agree to every risk
    #[arg(long, conflicts_with = "accept")]
    allow_risks: bool,
    #[command(flatten)]
    sure: Sure,
    #[command(flatten)]
    wait: Wait,
    #[command(flatten)]
    place: Place,
}

fn code(text: &str) -> Result<Code, String> {
    Code::parse(text).ok_or_else(|| {
        let high = Code::ALL
            .into_iter()
            .filter(|code| code.level() == Level::High);
        let high: Vec<&str> = high.map(Code::as_str).collect();
        format!(
            "there is no such risk; the high ones are {}",
            high.join(", ")
        )
    })
}

pub(crate) async fn run(arguments: Arguments, json: bool) -> Result<(), Failure> {
    let path = &arguments.file;
    let read = source::text(path)?;
    let (asked, agreed) = if saved::is_one(&read) {
        if arguments.prune {
            let said = "a kept plan says by itself whether it prunes";
            return Err(Failure::usage("usage_wrong", said));
        }
        let (asked, planned) = saved::read(path, &read)?;
        (asked, Some(planned))
    } else {
        let declaration = source::declaration(path, &read)?;
        let asked = PlanState {
            declaration: declaration.name,
            prune: declaration.prune || arguments.prune,
            state: declaration.state,
        };
        (asked, None)
    };
    let door = Door::open(&arguments.place, None).await?;
    let planned: PlannedState = door.post("/state/plan", &asked).await?;
    if agreed.is_some_and(|agreed| agreed.base != planned.base || agreed.plan != planned.plan) {
        let said = "something was changed since this plan was made";
        return Err(Failure::refused("state_changed", said)
            .with_hint("make it again, and look at it: sealgate plan FILE --out FILE"));
    }
    let accept = consent(&arguments, &planned, json)?;
    let asked = ApplyState {
        declaration: asked.declaration,
        prune: asked.prune,
        state: asked.state,
        base: planned.base,
        accept: accept
            .into_iter()
            .map(|code| code.as_str().to_owned())
            .collect(),
    };
    let done: AppliedState = door.post("/state/apply", &asked).await?;
    if done.secrets.is_empty() {
        return arguments.wait.done(&door, json, &done, text::applied).await;
    }
    let lost = || {
        let clients: Vec<&str> = done.secrets.iter().map(|one| one.client.as_str()).collect();
        format!(
            "it is applied; make other secrets with sealgate client secret ID, of {}",
            clients.join(", ")
        )
    };
    output::print_once(json, &done, text::applied, lost)?;
    if json {
        return Ok(());
    }
    let nothing = |(): &()| output::Text::default();
    arguments.wait.done(&door, false, &(), nothing).await
}

/// The risks that are agreed to. Asks, where somebody can be asked, once the plan was shown.
fn consent(
    arguments: &Arguments,
    planned: &PlannedState,
    json: bool,
) -> Result<Vec<Code>, Failure> {
    let risks = planned.plan.changes.iter().flat_map(|change| &change.risks);
    let mut all: Vec<Code> = risks.map(|risk| risk.code).collect();
    all.sort_unstable();
    all.dedup();
    if planned.plan.is_empty() {
        return Ok(Vec::new());
    }
    if !json {
        output::print(false, planned, |planned| text::planned(planned, None))?;
    }
    if arguments.allow_risks {
        arguments.sure.ask("change all of this")?;
        return Ok(all);
    }
    let open = |code: &&Code| code.level() == Level::High && !arguments.accept.contains(code);
    let open: Vec<&str> = all.iter().filter(open).map(|code| code.as_str()).collect();
    if arguments.sure.is_said() {
        if open.is_empty() {
            return Ok(arguments.accept.clone());
        }
        let said = format!(
            "this has high risks that nobody has agreed to: {}",
            open.join(", ")
        );
        return Err(Failure::refused("risk_unaccepted", said).with_hint(
            "look at the plan; agree with --accept-risk CODE for each, or with --allow-risks",
        ));
    }
    let what = if open.is_empty() {
        "change all of this".to_owned()
    } else {
        format!(
            "change all of this, high risks among it ({})",
            open.join(", ")
        )
    };
    arguments.sure.ask(&what)?;
    Ok(all)
}
