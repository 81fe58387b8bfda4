//! `/auth/backchannel-logout`: the issuer tells that a session ended (OpenID Connect Back-Channel Logout
//! 1.0, 2.5 to 2.8).
//!
//! The issuer's own revocation feed tells every process; this tells the one that is asked. It is for
//! issuers that have no feed, and for whoever wants to be told twice. No cookie and no secret speaks
//! here: only the token's signature does.

use std::time::Duration;

use sealgate_jose::{Expect, JoseError, TOKEN_LIMIT};
use sealgate_oauth::{LoggedOut, LogoutToken, LogoutTokenError};
use sealgate_revocation::{Entry, Subject};
use thiserror::Error;

use crate::audience::session_id;
use crate::common::Common;
use crate::page;
use crate::provider::ProviderError;
use crate::query::Query;
use crate::request::Request;
use crate::response::Response;
use crate::settings::UntypedLogout;

/// Bytes of the form: the longest token, and a little for whatever else is in it.
pub(crate) const BODY_LIMIT: usize = TOKEN_LIMIT + 1024;

/// How many tokens are remembered as used. One that is forgotten too early can be repeated, which ends
/// once more what has ended; refusing for want of room would keep alive what is to end.
pub(crate) const TOKENS_KEPT: usize = 1 << 14;

/// How far the issuer's clock may be ahead of ours.
const SKEW: Duration = Duration::from_secs(60);

/// The types that a token may state where it need not state its own: what JWT libraries write unasked.
const UNTYPED: [&str; 2] = [LogoutToken::TYPE, "JWT"];

/// Why nothing was logged out.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
enum Refusal {
    #[error("not a form of at most 17 KiB with one logout_token")]
    Request,
    #[error("the logout token is not one that the issuer signed: {0}")]
    Token(JoseError),
    #[error(transparent)]
    Claims(#[from] LogoutTokenError),
    #[error("the logout token was used before")]
    Replayed,
    #[error("the issuer's keys cannot be had: {0}")]
    Keys(ProviderError),
}

impl Refusal {
    fn code(&self) -> &'static str {
        match self {
            Self::Request => "logout_request_malformed",
            Self::Token(_) => "logout_token_invalid",
            Self::Claims(error) => error.code(),
            Self::Replayed => "logout_token_replayed",
            Self::Keys(_) => "logout_keys_unavailable",
        }
    }

    /// 2.8: 400 whatever it was, with `error` as OAuth has it. What is wrong with a token is for the log:
    /// a stranger learns the reason code.
    fn response(&self) -> Response {
        let (error, said) = match self {
            Self::Keys(_) => ("temporarily_unavailable", "the issuer's keys cannot be had"),
            Self::Request => ("invalid_request", "not a form with one logout_token"),
            _ => ("invalid_request", "the logout token is not accepted"),
        };
        let body = serde_json::json!({
            "error": error, "error_description": said, "reason": self.code(),
        });
        let body = body.to_string().into_bytes();
        page::answer(400, self.code(), "application/json", body)
    }
}

/// A request that is to be read.
pub(crate) struct Notice {
    body: Vec<u8>,
}

impl Notice {
    /// The request as its headers announce it, or the answer if they announce what is not read.
    pub(crate) fn announced(request: &Request<'_>) -> Result<Self, Response> {
        if is_form(request) && !is_too_long(request) {
            Ok(Self { body: Vec::new() })
        } else {
            Err(Refusal::Request.response())
        }
    }

    pub(crate) fn set_body(&mut self, body: Vec<u8>) {
        self.body = body;
    }

    /// Logs out what the token names, in this process.
    pub(crate) async fn finish(&self, common: &Common) -> Response {
        match self.log_out(common).await {
            Ok(()) => page::answer(200, "", "text/plain; charset=utf-8", Vec::new()),
            Err(refusal) => {
                // Strangers write what they like, and must not fill the log with it.
                match &refusal {
                    Refusal::Request | Refusal::Token(_) => {
                        tracing::debug!(reason = refusal.code(), %refusal, "a logout was refused");
                    }
                    _ => tracing::warn!(reason = refusal.code(), %refusal, "a logout was refused"),
                }
                refusal.response()
            }
        }
    }

    async fn log_out(&self, common: &Common) -> Result<(), Refusal> {
        if self.body.len() > BODY_LIMIT {
            return Err(Refusal::Request);
        }
        let form = Query::parse_up_to(BODY_LIMIT, &self.body).ok_or(Refusal::Request)?;
        let token = form.get("logout_token").ok_or(Refusal::Request)?;
        let settings = common.settings();
        let expect = match settings.untyped_logout {
            UntypedLogout::Refuse => Expect {
                types: &[LogoutToken::TYPE],
                type_optional: false,
                kid_optional: false,
                limit: TOKEN_LIMIT,
            },
            UntypedLogout::Accept => Expect {
                types: &UNTYPED,
                type_optional: true,
                kid_optional: false,
                limit: TOKEN_LIMIT,
            },
        };
        let verified = common.provider().verify_unasked(token, &expect).await;
        let verified = verified.map_err(Refusal::Keys)?.map_err(Refusal::Token)?;
        let token: LogoutToken = verified.claims().map_err(Refusal::Token)?;
        let now = common.now();
        let (ended, until) = token.check(&settings.issuer, &settings.client_id, now)?;
        if !common.logouts().note(&token.jti, until, now) {
            return Err(Refusal::Replayed);
        }
        // Our sessions started under the same clock: `iat` of the ID token. A tie counts as ended.
        let subject = match ended {
            LoggedOut::Session(sid) => Subject::Session(session_id(sid)),
            LoggedOut::User(sub) => Subject::User {
                sub: sub.to_owned(),
                not_before: token.iat.0,
            },
        };
        if let Subject::Session(session) = &subject {
            tracing::info!(%session, "the issuer ended a session");
        } else {
            tracing::info!("the issuer ended every session of a user");
        }
        common.view().revoke(&Entry {
            subject,
            // No session that it can mean lasts longer than this.
            expires_at: now + settings.session_lifetime + SKEW,
            reason: Some("backchannel_logout".to_owned()),
        });
        Ok(())
    }
}

fn is_form(request: &Request<'_>) -> bool {
    let mut fields = request.headers.iter();
    let kind = fields.find(|(name, _)| *name == b"content-type");
    let essence = kind.and_then(|(_, value)| value.split(|byte| *byte == b';').next());
    essence.is_some_and(|essence| {
        essence
            .trim_ascii()
            .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
    })
}

fn is_too_long(request: &Request<'_>) -> bool {
    let mut fields = request.headers.iter();
    let declared = fields.find(|(name, _)| *name == b"content-length");
    declared.is_some_and(|(_, value)| {
        let length = str::from_utf8(value)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        length.is_none_or(|length: usize| length > BODY_LIMIT)
    })
}
