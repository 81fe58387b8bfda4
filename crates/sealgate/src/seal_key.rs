//! `sealgate seal-key`: keys for `SEALGATE_SEAL_KEYS`. They belong to the application alone, so that
//! the control plane neither makes nor sees them.

use clap::Subcommand;
use sealgate_host::SystemRandom;
use sealgate_session::SealKey;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{self, Text};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Print a fresh seal key
    #[command(
        after_help = "Put it first in the application's SEALGATE_SEAL_KEYS, before the comma-separated keys that are\n\
                            there: the first seals, all open. It is not stored anywhere."
    )]
    Generate,
}

#[derive(Serialize)]
struct Generated {
    seal_key: String,
    kid: String,
}

pub(crate) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Generate => {
            let key = SealKey::generate(&SystemRandom);
            let made = Generated {
                seal_key: key.to_text().expose().to_owned(),
                kid: key.kid(),
            };
            let text = |made: &Generated| Text {
                data: format!("{}\n", made.seal_key),
                ..Text::default()
            };
            output::print_once(json, &made, text, || {
                "nothing has changed; run it again".to_owned()
            })
        }
    }
}
