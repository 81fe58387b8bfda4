//! What a person is told when a command does not do its work: one sentence, then `hint:`.

use std::process::ExitCode;

use sealgate_server::ServeError;
use sealgate_server::problem::ProblemPage;
use serde::Serialize;

use crate::screen;

/// Refused, or what was named does not exist.
const REFUSED: u8 = 1;
/// Wrong usage or settings; clap exits with the same.
const USAGE: u8 = 2;
/// The control plane cannot be reached or cannot answer now.
const UNAVAILABLE: u8 = 3;
/// It is done, and not proven that it holds everywhere.
const UNPROVEN: u8 = 4;

/// Why a command failed.
#[derive(Debug, Serialize)]
pub(crate) struct Failure {
    /// The stable reason code.
    reason: String,
    /// One sentence, without a full stop.
    detail: String,
    /// What to do about it.
    hint: Option<String>,
    /// The control plane's trace id, when it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(skip)]
    status: u8,
    /// Whether somebody else told it.
    #[serde(skip)]
    told: bool,
}

impl Failure {
    pub(crate) fn usage(reason: &str, detail: impl Into<String>) -> Self {
        Self::new(USAGE, reason, detail)
    }

    pub(crate) fn refused(reason: &str, detail: impl Into<String>) -> Self {
        Self::new(REFUSED, reason, detail)
    }

    pub(crate) fn unavailable(reason: &str, detail: impl Into<String>) -> Self {
        Self::new(UNAVAILABLE, reason, detail)
    }

    /// What clap says of arguments that make no command.
    pub(crate) fn arguments(error: &clap::Error) -> Self {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        let detail = line.strip_prefix("error: ").unwrap_or(line);
        Self::usage("usage_wrong", detail).with_hint("see `sealgate --help`")
    }

    /// What was found has been told already: only the exit status is left, that of a refusal.
    pub(crate) fn told() -> Self {
        Self {
            told: true,
            ..Self::refused("", "")
        }
    }

    /// It was done and told, and so was that not every gate is known to have applied it.
    pub(crate) fn unproven() -> Self {
        Self {
            told: true,
            ..Self::new(UNPROVEN, "", "")
        }
    }

    /// Whether this is the reason code.
    pub(crate) fn is(&self, reason: &str) -> bool {
        self.reason == reason
    }

    /// The sentence and the hint, for who tells them in words of their own.
    pub(crate) fn sentences(&self) -> (String, Option<String>) {
        (
            format!("{} ({})", self.detail, self.reason),
            self.hint.clone(),
        )
    }

    fn new(status: u8, reason: &str, detail: impl Into<String>) -> Self {
        Self {
            reason: reason.to_owned(),
            detail: detail.into(),
            hint: None,
            trace_id: None,
            status,
            told: false,
        }
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Tells a program alone.
    pub(crate) fn report_json(&self) {
        let document = screen::json_text(&serde_json::json!({ "error": self }));
        // Where stdout cannot be written, stderr and the status tell.
        let _ = screen::put(&mut std::io::stdout().lock(), &document);
    }

    /// Tells the person and gives the exit status.
    pub(crate) fn report(&self, json: bool) -> ExitCode {
        if self.told {
            return ExitCode::from(self.status);
        }
        if json {
            self.report_json();
        }
        screen::talk(&self.text());
        ExitCode::from(self.status)
    }

    pub(crate) fn text(&self) -> String {
        let hint = self
            .hint
            .as_ref()
            .map(|hint| format!("hint: {}\n", screen::clean(hint)));
        let detail = screen::clean(&self.detail);
        format!(
            "error: {detail} ({})\n{}",
            self.reason,
            hint.unwrap_or_default()
        )
    }
}

impl From<ProblemPage> for Failure {
    fn from(page: ProblemPage) -> Self {
        let status = if page.status >= 500 {
            UNAVAILABLE
        } else {
            REFUSED
        };
        let hint = hint_for(&page.reason).map(str::to_owned);
        let trace_id = Some(page.trace_id).filter(|trace| !trace.is_empty());
        Self {
            reason: page.reason,
            detail: page.detail,
            hint,
            trace_id,
            status,
            told: false,
        }
    }
}

fn hint_for(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "user_unknown" => "see `sealgate user list`",
        "account_disabled" => "enable it first: sealgate user enable EMAIL",
        "session_unknown" => "see `sealgate session list --all`",
        "client_unknown" => "see `sealgate client list`",
        "machine_unknown" => "see `sealgate machine list --all`",
        "client_is_machine" => "see `sealgate machine --help`",
        "machine_expired" | "machine_unusable" => {
            "see how it stands: sealgate machine show NAME; more time: sealgate machine update NAME --expires 90d"
        }
        "machine_offboarded" => "make another one under another name: sealgate machine add",
        "resource_unknown" => {
            "see `sealgate resource list`, or add it with `sealgate resource add URI NAME`"
        }
        "consent_unknown" => "see `sealgate consent list USER`",
        "resource_in_use" => {
            "take it from that client first: sealgate client update ID --resource URI"
        }
        "client_without_secret" => {
            "let it authenticate by one first: sealgate client update ID --auth secret"
        }
        "client_keys_missing" => "give them with --jwks FILE or --jwks-uri URL",
        "administration_exceeded" => {
            "do it as a client that has these scopes, or on the control plane's machine"
        }
        "state_changed" => "make the plan again, and look at it: sealgate plan FILE",
        "risk_unaccepted" => {
            "look at the plan; agree with --accept-risk CODE for each, or with --allow-risks"
        }
        "declaration_unapplied" => "apply it first: sealgate apply FILE",
        "role_unknown" => {
            "declare it in [role.NAME] of the declaring file and apply that, or give one that is declared"
        }
        "redirect_uri_missing" => {
            "give one with --redirect-uri, as in --redirect-uri https://app.example/auth/callback"
        }
        "key_too_soon" => "wait until then, or give --now if a signing key has leaked",
        "internal_error" => "the server's log has the details under the trace id",
        "not_found" => {
            "the server is another version than this command, or, elsewhere, does not open its \
             administration to the network: see the setting admin.http"
        }
        _ => return None,
    })
}

impl From<ServeError> for Failure {
    fn from(error: ServeError) -> Self {
        let status = match error {
            ServeError::IssuerUnknown
            | ServeError::IssuerPath(_)
            | ServeError::IssuerNotHttps(_)
            | ServeError::PlainHttp(_)
            | ServeError::PlainIssuer(_)
            | ServeError::Tls { .. }
            | ServeError::SocketPath(_) => USAGE,
            _ => UNAVAILABLE,
        };
        Self {
            hint: error.hint(),
            ..Self::new(status, error.code(), error.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_sentence_then_a_hint() {
        let page = ProblemPage {
            r#type: "about:blank".to_owned(),
            title: "Not Found".to_owned(),
            status: 404,
            reason: "user_unknown".to_owned(),
            detail: "there is no such user".to_owned(),
            trace_id: "0123456789abcdef0123456789abcdef".to_owned(),
        };
        insta::assert_snapshot!(Failure::from(page).text(), @r"
        error: there is no such user (user_unknown)
        hint: see `sealgate user list`
        ");
    }

    #[test]
    fn settings_that_would_send_credentials_in_the_clear_are_wrong_usage() {
        let failure = Failure::from(ServeError::PlainHttp(([0, 0, 0, 0], 8420).into()));
        assert_eq!(failure.status, USAGE);
        insta::assert_snapshot!(failure.text(), @r"
        error: plain http is only served on loopback addresses, and 0.0.0.0:8420 is not one (plain_http)
        hint: give --tls-cert and --tls-key, or an https --issuer when a TLS proxy stands in front
        ");
    }
}
