//! `sealgate audit checkpoint`: how far the log has come, signed.

use clap::Args;
use sealgate_server::admin::{CheckpointView, Checkpoints};
use serde::Serialize;
use serde_json::Value;

use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text};
use crate::place::Place;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    place: Place,
}

/// The newest checkpoint, and what it is verified with.
#[derive(Serialize)]
struct Newest {
    #[serde(flatten)]
    checkpoint: CheckpointView,
    keys: Vec<Value>,
}

pub(crate) async fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let door = Door::open(&arguments.place, None).await?;
    let signed: Checkpoints = door.post("/audit/checkpoints", &()).await?;
    let Some(checkpoint) = signed.checkpoints.into_iter().next() else {
        return Err(Failure::refused("audit_empty", "nothing was recorded yet"));
    };
    let newest = Newest {
        checkpoint,
        keys: signed.keys,
    };
    output::print(json, &newest, |newest| Text {
        data: format!("{}\n", newest.checkpoint.checkpoint),
        talk: format!(
            "Signed over record {}. Keep it where nobody who can change the log can change it too; \
             `sealgate audit verify --checkpoint FILE` compares.\n",
            newest.checkpoint.number
        ),
    })
}
