//! `sealgate machine enroll`: on the machine itself, from a bootstrap credential to a key of its own.

use std::io::Read as _;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use sealgate_host::{SystemClock, SystemRandom, sha256};
use sealgate_jose::SigningKey;
use sealgate_model::{Clock as _, Issuer, Secret};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use super::keyfile::{Kind, Made};
use super::text;
use crate::failure::Failure;
use crate::{output, remote};

/// What every bootstrap credential begins with.
const PREFIX: &str = "sealgate_bootstrap_";

/// The longest credential that is read, in bytes; a good one is far shorter.
const LONGEST: u64 = 1024;

/// The variable that may hold the credential.
const VARIABLE: &str = "SEALGATE_BOOTSTRAP";

#[derive(Debug, Args)]
#[command(
    after_help = "The credential is read from --credential-file, else from SEALGATE_BOOTSTRAP, else from stdin; never from the\n\
                        command line, which other users see. Only the public part of the key leaves the machine."
)]
#[expect(
    clippy::doc_markdown,
    reason = "shown in terminals, where backticks are noise"
)]
pub(crate) struct Enroll {
    /// The control plane's issuer [env: SEALGATE_ISSUER]
    #[arg(long, value_name = "URL")]
    issuer: Option<String>,
    /// Where the private key is to be kept: a file that is not there yet, which only you can read then
    #[arg(long, value_name = "FILE")]
    key_file: PathBuf,
    /// The file that holds the bootstrap credential
    #[arg(long, value_name = "FILE")]
    credential_file: Option<PathBuf>,
    /// The kind of key
    #[arg(long, value_enum, default_value = "EdDSA")]
    algorithm: Kind,
}

/// What the control plane answers.
#[derive(Debug, Deserialize)]
struct Answer {
    client_id: String,
    issuer: String,
    token_endpoint: String,
    kid: String,
    expires_at: Option<i64>,
}

/// What it says when it refuses.
#[derive(Debug, Deserialize)]
struct Refusal {
    error_description: String,
    reason: String,
}

/// A machine that has a key now.
#[derive(Debug, Serialize)]
pub(super) struct Enrolled {
    pub(super) client_id: String,
    pub(super) issuer: String,
    pub(super) token_endpoint: String,
    pub(super) key_file: PathBuf,
    pub(super) kid: String,
    /// When the service account expires, in seconds since 1970.
    pub(super) expires_at: Option<i64>,
}

pub(super) async fn run(enroll: Enroll, json: bool) -> Result<(), Failure> {
    let issuer = issuer(enroll.issuer.as_deref())?;
    let credential = credential(&enroll)?;
    let made = Made::at(&enroll.key_file, enroll.algorithm)?;
    let body = json!({ "proof": proof(&made.key, &issuer, credential.expose())? }).to_string();
    let request = remote::http()?
        .post(issuer.url("/oauth/bootstrap"))
        .header(AUTHORIZATION, format!("Bearer {}", credential.expose()))
        .header(CONTENT_TYPE, "application/json")
        .body(body);
    let perhaps = |failure: Failure| {
        failure.with_hint(format!(
            "the key in {} may or may not be registered: try to get a token by it; if that is refused, remove it \
             and ask for another credential",
            enroll.key_file.display()
        ))
    };
    let (status, answer) = match remote::send(&issuer, request).await {
        Ok(answered) => answered,
        Err(failure) => {
            // It may have been registered.
            made.keep();
            return Err(perhaps(failure));
        }
    };
    if !status.is_success() {
        let refusal = serde_json::from_slice(&answer).map_err(|_| remote::foreign(&issuer));
        let refusal = refusal.map(|refusal: Refusal| refused(status.is_server_error(), &refusal));
        let failure = refusal.unwrap_or_else(|foreign| foreign);
        if status.is_server_error() {
            // Whoever stands in front may have lost the answer, and not the request.
            made.keep();
            return Err(perhaps(failure));
        }
        return Err(failure);
    }
    // From here on the key is registered, whatever else is wrong.
    made.keep();
    let answer: Answer = serde_json::from_slice(&answer).map_err(|_| remote::foreign(&issuer))?;
    let enrolled = Enrolled {
        client_id: answer.client_id,
        issuer: answer.issuer,
        token_endpoint: answer.token_endpoint,
        key_file: enroll.key_file,
        kid: answer.kid,
        expires_at: answer.expires_at,
    };
    output::print(json, &enrolled, text::enrolled)
}

/// The control plane that is meant.
pub(super) fn issuer(given: Option<&str>) -> Result<Issuer, Failure> {
    let variable = || std::env::var("SEALGATE_ISSUER").ok();
    let named = given.map(str::to_owned).or_else(variable);
    let named = named.filter(|url| !url.is_empty()).ok_or_else(|| {
        Failure::usage(
            "issuer_missing",
            "it is not said which control plane is meant",
        )
        .with_hint("give its issuer: --issuer https://id.example.com")
    })?;
    remote::issuer(&named)
}

fn credential(enroll: &Enroll) -> Result<Secret, Failure> {
    let unreadable =
        |said: String| Failure::usage("bootstrap_unreadable", format!("cannot read {said}"));
    let mut text = Zeroizing::new(String::new());
    match (&enroll.credential_file, std::env::var(VARIABLE)) {
        (Some(path), _) => {
            let file = std::fs::File::open(path)
                .and_then(|file| file.take(LONGEST).read_to_string(&mut text));
            file.map_err(|error| unreadable(format!("{}: {error}", path.display())))?;
        }
        (None, Ok(set)) if !set.is_empty() => text.push_str(&set),
        (None, _) => {
            let read = std::io::stdin()
                .lock()
                .take(LONGEST)
                .read_to_string(&mut text);
            read.map_err(|error| unreadable(format!("stdin: {error}")))?;
        }
    }
    let text = text.trim();
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if text.starts_with(PREFIX) && text.bytes().all(plain) {
        Ok(Secret::new(text))
    } else {
        Err(Failure::usage(
            "bootstrap_malformed",
            format!("a bootstrap credential begins with {PREFIX}, and this does not, or is more than one"),
        )
        .with_hint("an administrator makes one: sealgate machine bootstrap NAME"))
    }
}

/// Shows that whoever has the credential holds the key.
fn proof(key: &SigningKey, issuer: &Issuer, credential: &str) -> Result<String, Failure> {
    let header = json!({
        "typ": "sealgate-bootstrap+jwt", "alg": key.algorithm().name(), "jwk": key.public_jwk(),
    });
    let claims = json!({
        "aud": issuer, "iat": SystemClock::default().now().as_seconds(),
        "jti": Secret::generate(&SystemRandom).expose(),
        "ath": URL_SAFE_NO_PAD.encode(sha256(credential.as_bytes()).as_bytes()),
    });
    key.sign_with_header(&header, &claims)
        .map_err(|error| Failure::usage("key_unusable", format!("the key cannot sign: {error}")))
}

fn refused(is_ours: bool, refusal: &Refusal) -> Failure {
    let (reason, said) = (refusal.reason.as_str(), refusal.error_description.as_str());
    let hint = match reason {
        "bootstrap_unknown" | "bootstrap_used" | "bootstrap_expired" => {
            "ask for another credential: sealgate machine bootstrap NAME. Was it used, and not by you, then look at \
             who did: sealgate audit list --action machine.enroll"
        }
        "machine_ended" => "an administrator can see why: sealgate machine show NAME",
        "bootstrap_proof_expired" => "set the clock of this machine right",
        "bootstrap_proof_misdirected" => "give the issuer as the control plane names itself",
        _ => "the server's log has more",
    };
    let failure = if is_ours || reason == "client_throttled" {
        Failure::unavailable(reason, said)
    } else {
        Failure::refused(reason, said)
    };
    failure.with_hint(hint)
}
