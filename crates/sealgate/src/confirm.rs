//! Asking before what cannot be taken back.

use std::io::{IsTerminal as _, stderr, stdin};

use clap::Args;

use crate::failure::Failure;
use crate::screen;

/// Whether the person has said yes already.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Sure {
    /// Do it without asking; needed where nobody can be asked
    #[arg(long)]
    yes: bool,
}

impl Sure {
    /// Whether they have.
    pub(crate) const fn is_said(self) -> bool {
        self.yes
    }

    /// Asks whether to do `what`, a sentence without its end, unless that is clear.
    pub(crate) fn ask(self, what: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !(stdin().is_terminal() && stderr().is_terminal()) {
            let said = format!("this would {what}");
            return Err(Failure::usage("confirmation_missing", said)
                .with_hint("give --yes if that is what you want"));
        }
        screen::talk(&format!(
            "This would {}. Go on? [y/N] ",
            screen::clean(what)
        ));
        let mut answer = String::new();
        // What cannot be read is no yes.
        let _ = stdin().read_line(&mut answer);
        if matches!(answer.trim(), "y" | "Y" | "yes") {
            Ok(())
        } else {
            Err(Failure::refused(
                "confirmation_denied",
                "nothing was changed",
            ))
        }
    }
}
