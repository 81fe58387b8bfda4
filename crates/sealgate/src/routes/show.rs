//! How a report gets to its reader.

use std::env;
use std::io::{IsTerminal as _, stdout};
use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use sealgate_inventory::report::{Format, View, render};
use sealgate_inventory::{Inventory, Severity};

use super::folder::Folder;
use super::sources::Files;
use super::{file, rules};
use crate::failure::Failure;
use crate::output;
use crate::screen::talk;

#[derive(Debug, Args)]
#[group(skip)]
pub(super) struct Options {
    /// How the report is written; by default as text
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    format: Option<Format>,
    /// Tell all routes, and not only findings
    #[arg(long)]
    all: bool,
    /// Write the report into this file instead of to stdout
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

fn formats() -> impl clap::builder::TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::as_str))
        .try_map(|name| name.parse::<Format>())
}

impl Options {
    /// The format that was asked for. `--json` asks, too.
    pub(super) fn format(&self, json: bool) -> Result<Format, Failure> {
        match (self.format, json) {
            (Some(format), true) if format != Format::Json => {
                let said = format!("--json and --format {format} ask for different things");
                Err(Failure::usage("usage_wrong", said).with_hint("give one of them"))
            }
            (_, true) => Ok(Format::Json),
            (format, false) => Ok(format.unwrap_or(Format::Text)),
        }
    }

    /// Tells of `inventory`, and fails with the exit status for findings if there are any.
    pub(super) fn tell(
        &self,
        inventory: &Inventory,
        folder: &Folder,
        json: bool,
    ) -> Result<(), Failure> {
        let format = self.format(json)?;
        let sources = Files::below(folder.root());
        let view = View {
            rules: &rules::all(),
            sources: &sources,
            prefix: &folder.prefix(format),
            all: self.all,
            color: self.output.is_none() && format == Format::Text && has_colors(),
            version: env!("CARGO_PKG_VERSION"),
        };
        let text = render(inventory, format, &view);
        match &self.output {
            None => output::data(&text)?,
            Some(path) => {
                file::write(path, text.as_bytes())?;
                let count = inventory.findings.len();
                let findings = if count == 1 { "finding" } else { "findings" };
                talk(&format!("{count} {findings}, in {}\n", path.display()));
            }
        }
        if fails(inventory) {
            return Err(Failure::told());
        }
        Ok(())
    }
}

/// Whether there is something that has to be dealt with.
pub(super) fn fails(inventory: &Inventory) -> bool {
    let mut findings = inventory.findings.iter();
    findings.any(|finding| finding.severity > Severity::Note)
}

/// Whether stdout is a terminal whose user wants colours: <https://no-color.org>.
fn has_colors() -> bool {
    let unset = |name: &str| env::var_os(name).is_none_or(|value| value.is_empty());
    stdout().is_terminal()
        && unset("NO_COLOR")
        && env::var_os("TERM").is_none_or(|name| name != "dumb")
}
