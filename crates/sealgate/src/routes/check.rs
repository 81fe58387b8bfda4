//! `sealgate routes check`: what there is, held to what was reviewed.

use std::path::PathBuf;

use clap::Args;
use sealgate_inventory::Inventory;

use super::folder::Folder;
use super::{config, control, lens, lock, look, show};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder that the application is imported from
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    at: lock::At,
    #[command(flatten)]
    lens: lens::Options,
    #[command(flatten)]
    config: config::Options,
    #[command(flatten)]
    show: show::Options,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    arguments.show.format(json)?;
    let folder = Folder::open(&arguments.path)?;
    let config = arguments.config.read(&folder)?;
    let Some(reviewed) = arguments.at.read(&folder)? else {
        let said = format!("there is no {}", arguments.at.shown(&folder));
        return Err(Failure::usage("lock_missing", said)
            .with_hint("write one, read it and commit it: sealgate routes lock"));
    };
    // Whoever names applications knows that he looks at no others. The configuration says what there has to be.
    let named = arguments.config.named();
    let reviewed = match named {
        [] => reviewed,
        _ => reviewed.only(|app| named.iter().any(|one| one == app)),
    };
    let inventory = arguments.lens.look(&folder, &config)?;
    let checked = |mut inventory: Inventory| {
        look::drift(&mut inventory, &reviewed, &config);
        inventory
    };
    let told = checked(inventory.clone());
    let told = look::accept(
        told,
        &config,
        sealgate_inventory::rules::ALL,
        named.is_empty(),
    );
    if !show::fails(&told) {
        control::can_fail(&inventory, checked)?;
    }
    arguments.show.tell(&told, &folder, json)
}
