//! What a person is asked for at the terminal, and is told there.

use std::io::{IsTerminal as _, stderr, stdin};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use sealgate_agent::vault::{Ask, Keys, PASSPHRASE_LEAST, system_keyring};
use sealgate_model::Secret;

use crate::screen;

/// What may hold the vault's passphrase.
pub(super) const PASSPHRASE: &str = "SEALGATE_VAULT_PASSPHRASE";

/// Where the vault's key may come from.
pub(super) fn keys() -> Keys {
    let given = given();
    Keys {
        keyring: system_keyring(),
        prefer_passphrase: given.is_some(),
        passphrase: Box::new(move |ask| given.clone().or_else(|| asked(ask))),
    }
}

/// The passphrase that was set.
fn given() -> Option<Secret> {
    let text = std::env::var(PASSPHRASE).ok()?;
    (!text.is_empty()).then(|| Secret::new(text))
}

fn asked(ask: Ask) -> Option<Secret> {
    if !(stdin().is_terminal() && stderr().is_terminal()) {
        return None;
    }
    if ask == Ask::Known {
        return hidden("Passphrase of the vault: ");
    }
    screen::talk("There is no keyring on this machine: what is kept gets a passphrase.\n");
    let first = hidden(&format!(
        "New passphrase, {PASSPHRASE_LEAST} characters or more: "
    ))?;
    let second = hidden("The same again: ")?;
    if first.expose() == second.expose() {
        return Some(first);
    }
    screen::talk("They differ.\n");
    None
}

/// A line that is not shown while it is typed.
fn hidden(prompt: &str) -> Option<Secret> {
    screen::talk(prompt);
    let terminal = stdin();
    let before = tcgetattr(&terminal).ok()?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    silent.local_modes.insert(LocalModes::ECHONL);
    tcsetattr(&terminal, OptionalActions::Flush, &silent).ok()?;
    let mut line = String::new();
    let read = terminal.read_line(&mut line);
    // Nothing is left to do where the terminal is gone.
    let _ = tcsetattr(&terminal, OptionalActions::Flush, &before);
    read.ok()?;
    let line = Secret::new(line);
    let text = line.expose().trim_end_matches(['\r', '\n']);
    (!text.is_empty()).then(|| Secret::new(text))
}
