//! Which way of looking the lock file is written from, and held to.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use sealgate_inventory::{Config, Inventory};

use super::folder::Folder;
use super::{live, look};
use crate::failure::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Lens {
    /// The source is read
    Scan,
    /// The application is imported
    Inspect,
}

#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Options {
    /// How to look at the application
    #[arg(long, value_name = "LENS", value_enum, default_value_t = Lens::Scan, hide_possible_values = false)]
    lens: Lens,
    /// The application to import with `--lens inspect`, as in `main:app`
    #[arg(long, value_name = "MODULE:NAME", required_if_eq("lens", "inspect"))]
    target: Option<String>,
    /// Read what the application said from this file, or from stdin if it is `-`, instead of importing it
    #[arg(long, value_name = "FILE", conflicts_with_all = ["lens", "target", "factory", "lifespan", "python"])]
    from: Option<PathBuf>,
    #[command(flatten)]
    live: live::Options,
}

impl Options {
    /// What there is to see, which is never nothing.
    pub(super) fn look(&self, folder: &Folder, config: &Config) -> Result<Inventory, Failure> {
        if let Some(file) = &self.from {
            let inventory = look::judged(live::from(file)?, folder, config)?;
            look::something(&inventory, config, folder)?;
            return Ok(inventory);
        }
        let inventory = match (self.lens, &self.target) {
            (Lens::Inspect, Some(target)) => {
                let raw = self.live.ask(target, folder)?;
                look::judged(raw, folder, config)?
            }
            (Lens::Scan, Some(_)) => {
                let said = "--target names what is imported, and the source is read without that";
                return Err(Failure::usage("usage_wrong", said)
                    .with_hint("add --lens inspect, or limit the scan with --app MODULE:NAME"));
            }
            _ => look::source(folder, config)?,
        };
        look::something(&inventory, config, folder)?;
        Ok(inventory)
    }
}
