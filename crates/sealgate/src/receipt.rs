//! `--wait`: after something was ended, until every gate has applied it; and the receipt in words.

mod text;

use std::io::{IsTerminal as _, stderr};
use std::time::Duration;

use clap::Args;
use sealgate_host::SystemClock;
use sealgate_model::{Clock as _, Uptime};
use sealgate_server::admin::Receipt;
use serde::Serialize;
use serde_json::json;

use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text};
use crate::screen;
pub(crate) use text::{moment, name, receipt, span};

/// How long one request is held open, in seconds: shorter than proxies let one be.
const SLICE: u64 = 20;

/// Whether to wait for the gates.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(crate) struct Wait {
    /// Wait until every gate has applied it, for so many seconds at most (30 if no number is given), and
    /// show which gate has after how long
    #[arg(
        long,
        value_name = "SECONDS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "30",
        value_parser = clap::value_parser!(u64).range(1..=600)
    )]
    wait: Option<u64>,
}

impl Wait {
    /// Prints what was done, `document` and the text made of it; then, if that is wanted, waits for the
    /// gates and prints the receipt.
    pub(crate) async fn done<T: Serialize>(
        self,
        door: &Door,
        json: bool,
        document: &T,
        text: impl FnOnce(&T) -> Text,
    ) -> Result<(), Failure> {
        let Some(seconds) = self.wait else {
            return output::print(json, document, text);
        };
        if !json {
            output::print(false, document, text)?;
        }
        if !door.is_shared() {
            if json {
                let both = json!({ "done": document, "receipt": null });
                output::print(true, &both, |_| Text::default())?;
            }
            screen::talk(text::UNASKED);
            return Err(Failure::unproven());
        }
        let held = hold(door, None, seconds).await.map_err(|failure| {
            failure.with_hint(
                "it is done; what is not known is who has applied it: sealgate feed receipt",
            )
        })?;
        if json {
            let both = json!({ "done": document, "receipt": held });
            output::print(true, &both, |_| Text::default())?;
        } else {
            output::print(false, &held, receipt)?;
        }
        proven(&held)
    }
}

/// The receipt for what was done last, once it is complete or `seconds` have passed; none, and word of why, where
/// no server runs that gates could follow.
pub(crate) async fn of_last(door: &Door, seconds: u64) -> Result<Option<Receipt>, Failure> {
    if !door.is_shared() {
        screen::talk(text::UNASKED);
        return Ok(None);
    }
    let held = hold(door, None, seconds).await.map_err(|failure| {
        failure
            .with_hint("it is done; what is not known is who has applied it: sealgate feed receipt")
    })?;
    Ok(Some(held))
}

/// The exit status that a receipt stands for.
pub(crate) fn proven(receipt: &Receipt) -> Result<(), Failure> {
    if receipt.complete {
        Ok(())
    } else {
        Err(Failure::unproven())
    }
}

/// The receipt for number `seq`, or the last one, once it is complete or `seconds` have passed.
pub(crate) async fn hold(door: &Door, seq: Option<u64>, seconds: u64) -> Result<Receipt, Failure> {
    let clock = SystemClock::default();
    let begun = clock.uptime();
    let mut seq = seq;
    let mut told = false;
    loop {
        let left = Duration::from_secs(seconds).saturating_sub(passed(&clock, begun));
        // A last look asks for nothing that takes time.
        let wait = left.as_secs().clamp(1, SLICE);
        let query = [
            ("seq", seq.map(|seq| seq.to_string())),
            ("wait", Some(wait.to_string())),
        ];
        let mut held: Receipt = door.get("/feed/receipt", &query).await?;
        held.waited = u64::try_from(passed(&clock, begun).as_millis()).unwrap_or(u64::MAX);
        if held.complete || left.is_zero() || passed(&clock, begun).as_secs() >= seconds {
            return Ok(held);
        }
        seq = Some(held.seq);
        if !told && stderr().is_terminal() {
            told = true;
            screen::talk(&text::waiting(&held));
        }
    }
}

fn passed(clock: &SystemClock, begun: Uptime) -> Duration {
    clock.uptime().since(begun)
}
