//! Fetching the bundle from the control plane: one question at a time, whoever needs the answer.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use sealgate_model::{Random, Uptime};
use sealgate_policy::{BUNDLE_LIMIT, BUNDLE_TYPE, Bundle, BundleError, ExpectedBundle};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::{Held, Loaded, Unusable};
use crate::common::Common;
use crate::provider::ProviderError;
use crate::query::with_params;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// After a question that failed nobody asks for so long, twice as long after the next, and so on.
const PAUSE: Duration = Duration::from_millis(200);
/// The longest such pause.
const PAUSE_MOST: Duration = Duration::from_secs(2);
/// Processes that hear of a new version at the same moment, and have nobody who waits for it, ask within this
/// time.
const SPREAD: Duration = Duration::from_millis(100);

/// Whose turn it is to ask, and how the last question went.
#[derive(Default)]
pub(super) struct Fetching(Mutex<Attempts>);

#[derive(Default)]
struct Attempts {
    failed_at: Option<Uptime>,
    pause: Duration,
}

/// Why there is no answer.
struct Failed {
    code: &'static str,
    error: String,
}

impl From<ProviderError> for Failed {
    fn from(error: ProviderError) -> Self {
        Self {
            code: "policy_unavailable",
            error: error.to_string(),
        }
    }
}

/// What the control plane has answered.
enum Answer {
    /// No policies were ever applied.
    Nothing,
    Bundle(Box<Loaded>),
    /// One that cannot be decided by here, and why.
    Unusable(Unusable, String),
}

impl Fetching {
    /// Fetches the bundle that counts, unless somebody has meanwhile or has just failed to.
    pub(super) async fn fetch(&self, common: &Common) {
        self.ask(common, || !common.policy().is_wanted()).await;
    }

    /// Asks whether the one at hand is the newest, unless somebody has meanwhile or has just failed to.
    pub(super) async fn confirm(&self, common: &Common) {
        self.ask(common, || common.policy().is_confirmed()).await;
    }

    async fn ask(&self, common: &Common, is_done: impl Fn() -> bool) {
        let began = common.uptime();
        let mut attempts = self.0.lock().await;
        if is_done() {
            return;
        }
        let rests = |at: Uptime| at >= began || common.uptime().since(at) < attempts.pause;
        if attempts.failed_at.is_some_and(rests) {
            return;
        }
        let asked = common.uptime();
        let answer = timeout(PATIENCE, answer(common)).await.unwrap_or_else(|_| {
            Err(Failed {
                code: "policy_unavailable",
                error: "the answer takes too long".to_owned(),
            })
        });
        let taken = answer.and_then(|answer| take(common, answer, asked));
        match taken {
            Ok(()) => *attempts = Attempts::default(),
            Err(Failed { code, error }) => {
                common.policies().figures.failed(code, &error);
                *attempts = Attempts {
                    failed_at: Some(common.uptime()),
                    pause: (attempts.pause * 2).clamp(PAUSE, PAUSE_MOST),
                };
            }
        }
    }
}

/// What the control plane says now. The nonce binds its answer to this question: what somebody has kept of an older
/// one proves nothing.
async fn answer(common: &Common) -> Result<Answer, Failed> {
    let provider = common.provider();
    let Some(endpoint) = provider.bundle_endpoint().await? else {
        // A control plane from before there were policies has none, and has told of none.
        let word = common.view().of_policies(None);
        if word.is_some_and(|word| word.not_before.is_none()) {
            return Ok(Answer::Nothing);
        }
        return Err(Failed {
            code: "policy_unavailable",
            error: "the issuer names no place where policies are handed out".to_owned(),
        });
    };
    let nonce = nonce(common.random());
    let url = with_params(&endpoint, &[("nonce", &nonce)]);
    let body = provider
        .get_authenticated(url, "application/jwt", Vec::new())
        .await?;
    let unacceptable = |error: String| Failed {
        code: "policy_unacceptable",
        error,
    };
    let token = String::from_utf8(body)
        .map_err(|_| unacceptable("the bundle of policies is not a token".to_owned()))?;
    let verified = provider
        .verify(BUNDLE_LIMIT, token.trim(), &[BUNDLE_TYPE])
        .await?;
    let settings = Arc::clone(common.shared_settings());
    // Reading and compiling may take long, and requests are not to wait for it.
    let read = tokio::task::spawn_blocking(move || {
        let expected = ExpectedBundle {
            issuer: &settings.issuer,
            client: &settings.client_id,
            nonce: &nonce,
        };
        let bundle = match Bundle::read(&verified.payload, &expected) {
            Ok(bundle) => bundle,
            Err(BundleError::Unusable {
                version,
                made_at,
                why,
            }) => return Ok(Answer::Unusable(Unusable { version, made_at }, why)),
            Err(error) => return Err(error),
        };
        if bundle.version == 0 {
            return Ok(Answer::Nothing);
        }
        let (version, made_at) = (bundle.version, bundle.made_at);
        Ok(match Loaded::new(bundle, verified.kid) {
            Ok(loaded) => Answer::Bundle(Box::new(loaded)),
            Err(error) => Answer::Unusable(Unusable { version, made_at }, error.to_string()),
        })
    });
    match read.await {
        Ok(answer) => answer.map_err(|error| unacceptable(error.to_string())),
        Err(_) => Err(unacceptable(
            "the bundle of policies could not be read".to_owned(),
        )),
    }
}

/// Decides by what was answered to a question that was asked at `asked`, if it is no older than what is known to
/// count.
fn take(common: &Common, answer: Answer, asked: Uptime) -> Result<(), Failed> {
    let policies = common.policies();
    let held = policies.held.load_full();
    let word = common.view().of_policies(None);
    let not_before = word.and_then(|word| word.not_before);
    let (made_at, version) = match &answer {
        Answer::Nothing => (None, 0),
        Answer::Bundle(loaded) => (Some(loaded.made_at), loaded.version),
        Answer::Unusable(unusable, _) => (Some(unusable.made_at), unusable.version),
    };
    let known = held.loaded.as_ref().filter(|loaded| !loaded.is_own());
    let known = known.map(|loaded| loaded.made_at);
    let known = known.max(held.unusable.map(|unusable| unusable.made_at));
    let is_over = |not_before| made_at.is_none_or(|made_at| made_at <= not_before);
    if not_before.is_some_and(is_over) || made_at < known {
        return Err(Failed {
            code: "policy_outdated",
            error: format!(
                "the control plane answers with version {version}, which counts no more"
            ),
        });
    }
    let mut next = Held {
        confirmed: Some(asked),
        ..Held::clone(&held)
    };
    match answer {
        Answer::Nothing => {}
        Answer::Bundle(loaded) => match &held.loaded {
            Some(own) if own.is_own() => {
                let (version, made_at) = (loaded.version, loaded.made_at);
                let why = "this gate has a policy_file of its own".to_owned();
                refuse(common, &mut next, Unusable { version, made_at }, &why);
            }
            Some(known) if known.made_at == loaded.made_at && known.key() == loaded.key() => {}
            _ => {
                policies.figures.loaded(loaded.version);
                next.loaded = Some(Arc::from(loaded));
                next.unusable = None;
            }
        },
        Answer::Unusable(unusable, why) => refuse(common, &mut next, unusable, &why),
    }
    policies.figures.forget();
    policies.held.store(Arc::new(next));
    Ok(())
}

/// Notes that a bundle counts which cannot be decided by here: what was decided by until then counts no more.
fn refuse(common: &Common, held: &mut Held, unusable: Unusable, why: &str) {
    if held.unusable != Some(unusable) {
        common.policies().figures.unusable(unusable.version, why);
        held.unusable = Some(unusable);
    }
}

/// Fetches the bundle that counts whenever the view says that it is another one, until the future is dropped: so that
/// no request has to wait for it.
pub(crate) async fn keep(common: &Common) {
    let mut heard = common.view().heard();
    loop {
        if common.policy().is_wanted() {
            let spread = SPREAD * u32::from(u16::from_le_bytes(common.random().bytes()));
            tokio::time::sleep(spread / u32::from(u16::MAX)).await;
            common.policy().have().await;
            if common.policy().is_wanted() {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            // Who waits for readiness waits for this too.
            common.view().tell();
        }
        if heard.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// 128 bits that nobody has seen before, as text.
fn nonce(random: &dyn Random) -> String {
    let mut text = String::with_capacity(32);
    for byte in random.bytes::<16>() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
