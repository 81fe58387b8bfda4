//! `sealgate settings`: every setting, its value, and who set it.

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::Loaded;
use super::table::{self, SETTINGS};
use crate::failure::Failure;
use crate::output;
use crate::serve::Options;

#[derive(Debug, Args)]
#[command(after_help = "Takes the options of `sealgate serve`, and starts nothing.")]
pub(crate) struct Arguments {
    #[command(flatten)]
    options: Options,
    /// Print the table of the reference page instead
    #[arg(long, hide = true)]
    reference: bool,
}

#[derive(Debug, Serialize)]
struct Row {
    setting: &'static str,
    variable: &'static str,
    value: Value,
    origin: String,
}

#[derive(Debug, Serialize)]
struct Shown {
    settings: Vec<Row>,
}

pub(crate) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    if arguments.reference {
        return output::data(&table::reference());
    }
    let loaded = arguments.options.load()?;
    output::print(json, &shown(&loaded), |shown| {
        let rows = shown.settings.iter().map(|row| {
            let value = match &row.value {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                Value::Array(items) => {
                    let items = items.iter().filter_map(Value::as_str);
                    items.collect::<Vec<_>>().join(", ")
                }
                other => other.to_string(),
            };
            [row.setting.to_owned(), value, row.origin.clone()]
        });
        let rows: Vec<_> = rows.collect();
        output::table(["SETTING", "VALUE", "SET BY"], &rows, "")
    })
}

fn shown(loaded: &Loaded) -> Shown {
    // Numbers, texts and lists of them: they always serialise.
    let tree = serde_json::to_value(&loaded.settings).unwrap_or_default();
    let settings = SETTINGS.iter().map(|setting| {
        let pointer = format!("/{}", setting.key.replace('.', "/"));
        Row {
            setting: setting.key,
            variable: setting.env,
            value: tree.pointer(&pointer).cloned().unwrap_or_default(),
            origin: loaded.origin(setting.key).to_string(),
        }
    });
    Shown {
        settings: settings.collect(),
    }
}
