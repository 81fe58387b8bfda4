//! `sealgate policy schema`: what policies are checked against.

use std::path::PathBuf;

use clap::Args;
use sealgate_policy::cedar;
use serde::Serialize;

use super::source;
use crate::failure::Failure;
use crate::output::{self, Text};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The file that declares resources and actions
    #[arg(value_name = "FILE", default_value = "sealgate.toml")]
    file: PathBuf,
}

#[derive(Serialize)]
struct Made {
    schema: String,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let document = source::document(&arguments.file)?;
    let policies = source::policies(&document, &arguments.file)?;
    let made = Made {
        schema: cedar::schema(&policies),
    };
    output::print(json, &made, |made| Text {
        data: made.schema.clone(),
        ..Text::default()
    })
}
