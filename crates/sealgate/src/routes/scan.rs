//! `sealgate routes scan`: what the source says.

use std::path::PathBuf;

use clap::Args;

use super::folder::Folder;
use super::{config, look, show};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder that the application is imported from, or one file of it
    #[arg(value_name = "PATH", default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    config: config::Options,
    #[command(flatten)]
    show: show::Options,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    // A wrong format is told before the work is done.
    arguments.show.format(json)?;
    let folder = Folder::open(&arguments.path)?;
    let config = arguments.config.read(&folder)?;
    let mut inventory = look::source(&folder, &config)?;
    look::something(&inventory, &config, &folder)?;
    look::coverage(&mut inventory, &config);
    let told = look::accept(inventory, &config, &[], arguments.config.named().is_empty());
    arguments.show.tell(&told, &folder, json)
}
