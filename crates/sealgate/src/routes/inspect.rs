//! `sealgate routes inspect`: what the running application says, compared with its source.

use std::path::PathBuf;

use clap::Args;
use sealgate_inventory::Inventory;
use sealgate_inventory::compare::{compare, complete};

use super::folder::Folder;
use super::{config, control, live, look, show};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The application, as in `main:app`
    #[arg(value_name = "MODULE:NAME", required_unless_present = "from")]
    target: Option<String>,
    /// The folder that the application is imported from, whose source it is compared with
    #[arg(long, value_name = "DIR", default_value = ".")]
    path: PathBuf,
    /// Read what the application said from this file, or from stdin if it is `-`, instead of importing it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["factory", "lifespan", "python"])]
    from: Option<PathBuf>,
    #[command(flatten)]
    live: live::Options,
    #[command(flatten)]
    config: config::Options,
    #[command(flatten)]
    show: show::Options,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    arguments.show.format(json)?;
    let folder = Folder::open(&arguments.path)?;
    let config = arguments.config.read(&folder)?;
    let raw = match (&arguments.from, &arguments.target) {
        (Some(file), _) => live::from(file)?,
        (None, target) => {
            let target = target.as_deref().unwrap_or_default();
            arguments.live.ask(target, &folder)?
        }
    };
    let source = look::source(&folder, &config)?;
    let judged = |raw: Inventory| -> Result<Inventory, Failure> {
        let mut live = look::judged(raw, &folder, &config)?;
        complete(&mut live, &source);
        Ok(live)
    };
    let compared = |mut live: Inventory| {
        let differences = compare(&live, &source);
        look::coverage(&mut live, &config);
        look::found(&mut live, differences);
        live
    };
    let live = judged(raw.clone())?;
    look::something(&live, &config, &folder)?;
    let asked = sealgate_inventory::compare::rules::RULES;
    let whole = arguments.config.named().is_empty();
    let told = look::accept(compared(live.clone()), &config, &asked, whole);
    if !show::fails(&told) {
        control::can_fail(&live, compared)?;
        control::can_fail_from(&raw, &live, |raw| judged(raw).map(compared))?;
    }
    arguments.show.tell(&told, &folder, json)
}
