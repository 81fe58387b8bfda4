//! Anomalies: records are judged by the rules as they are committed, states every few minutes.
//!
//! It is done behind everything else: a task of its own follows the log of acts and that of decisions by number,
//! and remembers how far it has come, so that a restart skips nothing and raises nothing twice. Nothing ever waits
//! for it. What is judged late is judged all the same; how late it is, is a metric.

mod certificate;
mod events;
mod follow;
mod measures;
mod states;

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sealgate_audit::anomaly::{Changes, Raise, Rule, builtin};
use sealgate_store::{AnomalyRaise, AnomalyRaised, Audit, AuditActor, StoreError};

use crate::{ControlPlane, metrics};

pub(crate) use follow::watch;

/// How many anomalies of one rule are told apart while nobody has seen to them.
const ROOM: u32 = 500;

/// The rules, and how far behind the judgement by them is.
#[derive(Debug)]
pub struct Anomalies {
    rules: Vec<Rule>,
    /// The server's own certificate, if it has one.
    certificate: OnceLock<PathBuf>,
    lag: Lag,
    /// Whether something was reported that is worth a look at states before their time.
    news: AtomicBool,
}

/// How far behind it is, and what was left out.
#[derive(Debug, Default)]
pub(crate) struct Lag {
    /// By how much the last record that was judged is older than the newest, in milliseconds.
    acts: AtomicU64,
    decisions: AtomicU64,
}

impl Anomalies {
    /// The rules that come with the program, as `changes` says. What does not fit is left as it was and said:
    /// whoever reads settings has refused it before.
    pub fn new(changes: &Changes) -> Self {
        let rules = changes.apply(builtin()).unwrap_or_else(|why| {
            tracing::error!(
                why,
                "the rules of anomalies are as they come with the program"
            );
            builtin().to_vec()
        });
        Self {
            rules,
            certificate: OnceLock::new(),
            lag: Lag::default(),
            news: AtomicBool::new(false),
        }
    }

    /// The rules.
    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The rule with this id.
    pub(crate) fn rule(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }

    /// Where the certificate is that the server answers with.
    pub(crate) fn certificate_is(&self, path: PathBuf) {
        // It is said once, as the server starts.
        let _ = self.certificate.set(path);
    }

    /// Something was reported that states depend on: they are looked at in a moment.
    pub(crate) fn look_soon(&self) {
        self.news.store(true, Ordering::Relaxed);
    }

    /// How far behind the judgement of acts and of decisions is, in milliseconds.
    pub(crate) fn lag(&self) -> [(&'static str, u64); 2] {
        [
            ("acts", self.lag.acts.load(Ordering::Relaxed)),
            ("decisions", self.lag.decisions.load(Ordering::Relaxed)),
        ]
    }
}

/// Raises an anomaly: its row and its record, or more of one that is open.
async fn raise(plane: &ControlPlane, raise: Raise, lasting: bool) -> Result<(), StoreError> {
    let record = Audit::allowed(plane.clock.now(), AuditActor::System, "anomaly.raise");
    let record = Audit {
        reason: raise.rule.clone(),
        ..record
    };
    let (rule, severity, subject) = (
        raise.rule.clone(),
        raise.severity.as_str(),
        raise.subject.clone(),
    );
    let detail = raise.detail.clone();
    let raise = AnomalyRaise {
        raise,
        lasting,
        room: ROOM,
    };
    let raised = plane.store.anomaly_raise(raise, record).await?;
    if let AnomalyRaised::New(id) = raised {
        metrics::anomaly_raised(&rule, severity);
        tracing::warn!(
            rule,
            severity,
            subject,
            detail,
            "an anomaly: see `sealgate anomaly show {id}`"
        );
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod trial {
    //! The task's rounds, one by one, for tests on fake time.

    use crate::ControlPlane;

    pub(crate) use super::follow::Follower;

    /// Takes the measures and judges them.
    pub(crate) async fn look_at_states(plane: &ControlPlane) {
        super::states::look(plane).await;
    }
}
