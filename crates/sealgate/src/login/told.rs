//! What went wrong, in a sentence and a hint.

use sealgate_agent::AgentError;
use sealgate_agent::vault::VaultError;

use crate::failure::Failure;

/// What an agent says.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
pub(super) fn agent(error: AgentError) -> Failure {
    let (code, said) = (error.code(), error.to_string());
    let failure = if error.is_temporary() {
        Failure::unavailable(code, said)
    } else {
        Failure::refused(code, said)
    };
    match hint(&error) {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

fn hint(error: &AgentError) -> Option<&'static str> {
    Some(match error {
        AgentError::NotRegistered(_) => {
            "give the id of a client that is registered there: --client-id ID"
        }
        AgentError::RegistrationRefused(_) => {
            "the server does not let clients register themselves: give --client-id ID"
        }
        AgentError::ResourceMismatch(_) | AgentError::IssuerMismatch(_) => {
            "see what the server says of itself: sealgate doctor mcp URL"
        }
        AgentError::MetadataUnacceptable(_) => {
            "check the URL, or see what is there: sealgate doctor mcp URL"
        }
        AgentError::AssertionUnavailable(_) => {
            "give --issuer URL: the server that the workload's token is for"
        }
        AgentError::DeviceExpired => "run it again, and enter the new code sooner",
        AgentError::Refused(code) if code == "invalid_scope" => "ask for other scopes with --scope",
        AgentError::Refused(code) if code == "invalid_target" => {
            "the client may not ask for that resource"
        }
        AgentError::Refused(code) if code == "unauthorized_client" => {
            "register the client for this grant"
        }
        AgentError::ServerUnsuitable("device authorization endpoint") => {
            "sign in with a browser: --browser"
        }
        _ => return None,
    })
}

/// What the vault says.
#[expect(
    clippy::needless_pass_by_value,
    reason = "it is what `map_err` hands over"
)]
pub(super) fn vault(error: VaultError) -> Failure {
    let (code, said) = (error.code(), error.to_string());
    let (failure, hint) = match &error {
        VaultError::NothingToKeepWith => (
            Failure::refused(code, said),
            "set SEALGATE_VAULT_PASSPHRASE; tokens are never kept in plain text",
        ),
        VaultError::PassphraseMissing | VaultError::PassphraseShort(_) => (
            Failure::usage(code, said),
            "set SEALGATE_VAULT_PASSPHRASE, or run it on a terminal",
        ),
        VaultError::Broken => (
            Failure::refused(code, said),
            "if the passphrase is lost: sealgate logout --all --local",
        ),
        VaultError::KeyGone => (
            Failure::refused(code, said),
            "sign in again with sealgate login: keyrings forget when the machine restarts",
        ),
        VaultError::KeyringMissing => (
            Failure::refused(code, said),
            "run it as the user and on the machine that signed in, or: sealgate logout --all --local",
        ),
        VaultError::Exposed(..) => (
            Failure::refused(code, said),
            "close it to others: chmod go-rwx FILE; then sign in again, in case it was read",
        ),
        VaultError::Malformed(_) => (
            Failure::refused(code, said),
            "remove it, if it is nothing of yours: sealgate logout --all --local",
        ),
        VaultError::Full(_) => (
            Failure::refused(code, said),
            "forget some: sealgate logout --name NAME",
        ),
        VaultError::Keyring(_) | VaultError::File { .. } => (
            Failure::unavailable(code, said),
            "SEALGATE_VAULT names another file",
        ),
    };
    failure.with_hint(hint)
}
