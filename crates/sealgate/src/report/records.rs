//! Policy, what is declared, and records.

use sealgate_model::Timestamp;
use sealgate_report::{
    ActFact, AnomalyFact, AuditFacts, DecisionFacts, PolicyFacts, ReceiptFacts, ReceiptGate,
    SinkFact, StateFacts,
};
use sealgate_server::admin::{
    Anomalies, AnomalyStateView, AuditRecords, Checkpoints, Decisions, Drift, Policies, Receipt,
    ReceiptState, SinkState, Sinks, StateView, VerificationView,
};

use crate::door::Door;
use crate::failure::Failure;

/// For how long gates are waited for, in seconds: longer than the default bound, after which the silent ones
/// refuse.
const WAIT: u64 = 15;

/// Acts of which a control asks when they were last done.
const ACTS: [&str; 2] = ["session.revoke", "sign_in.start"];

type Query<'a> = (&'a str, Option<String>);

fn one() -> Query<'static> {
    ("limit", Some("1".to_owned()))
}

/// Whether every gate answers for what is revoked by now.
pub(super) async fn receipt(door: &Door) -> Result<ReceiptFacts, Failure> {
    let query = [("wait", Some(WAIT.to_string()))];
    let receipt: Receipt = door.get("/feed/receipt", &query).await?;
    let gates = receipt.gates.into_iter().map(|gate| ReceiptGate {
        gate: format!(
            "{}/{}",
            gate.client,
            gate.gate.unwrap_or_else(|| "without a name".to_owned())
        ),
        state: match gate.state {
            ReceiptState::Applied => "applied",
            ReceiptState::Silent => "silent",
            ReceiptState::Behind => "behind",
        }
        .to_owned(),
    });
    Ok(ReceiptFacts {
        seq: receipt.seq,
        waited: receipt.waited,
        complete: receipt.complete,
        gates: gates.collect(),
    })
}

/// The policy that gates should decide by.
pub(super) async fn policy(door: &Door) -> Result<PolicyFacts, Failure> {
    let page: Policies = door.get("/policies", &[one()]).await?;
    let current = page.policies.into_iter().next();
    Ok(PolicyFacts {
        version: current.as_ref().map_or(0, |version| version.version),
        made_at: current.as_ref().map(|version| version.made_at),
        by: current.map(|version| version.by),
    })
}

/// What was applied from files, and what differs since.
pub(super) async fn state(door: &Door) -> Result<StateFacts, Failure> {
    let state: StateView = door.get("/state", &[]).await?;
    let mut facts = StateFacts {
        applied_at: None,
        drift: Vec::new(),
    };
    for declaration in state.declarations {
        let query = [("declaration", Some(declaration.name))];
        let drift: Drift = door.get("/state/drift", &query).await?;
        facts.applied_at = facts.applied_at.max(Some(declaration.applied_at));
        let differs = drift.things.iter().map(|thing| {
            let (kind, id) = (thing.change.kind.as_str(), &thing.change.id);
            format!("{kind} {id}")
        });
        facts.drift.extend(differs);
    }
    Ok(facts)
}

/// Whether the audit log is whole.
pub(super) async fn audit(door: &Door) -> Result<AuditFacts, Failure> {
    let verified: VerificationView = door.get("/audit/verification", &[]).await?;
    let after = verified.signed.saturating_sub(1).max(0);
    let query = [("after", Some(after.to_string())), one()];
    let last: Checkpoints = door.get("/audit/checkpoints", &query).await?;
    let findings = verified
        .findings
        .iter()
        .map(|finding| format!("record {}: {}", finding.first, finding.detail));
    Ok(AuditFacts {
        records: verified.records,
        first_at: first_at(door, verified.first).await?,
        checkpoints: verified.checkpoints,
        checkpoint_at: last.checkpoints.first().map(|checkpoint| checkpoint.at),
        findings: findings.collect(),
    })
}

async fn first_at(door: &Door, number: i64) -> Result<Option<Timestamp>, Failure> {
    let query = [("before", Some((number + 1).max(1).to_string())), one()];
    let page: AuditRecords = door.get("/audit", &query).await?;
    Ok(page.records.first().map(|record| record.at))
}

/// The newest decision of each stream.
pub(super) async fn decisions(door: &Door) -> Result<DecisionFacts, Failure> {
    let mut newest = [None, None];
    for (stream, newest) in ["allowed", "denied"].into_iter().zip(&mut newest) {
        let query = [("stream", Some(stream.to_owned())), one()];
        let page: Decisions = door.get("/decisions", &query).await?;
        *newest = page.decisions.first().map(|decision| decision.at);
    }
    let [allowed, denied] = newest;
    Ok(DecisionFacts {
        allowed: allowed.is_some(),
        denied: denied.is_some(),
        newest_at: allowed.max(denied),
    })
}

/// Where records go.
pub(super) async fn sinks(door: &Door) -> Result<Vec<SinkFact>, Failure> {
    let mut facts = Vec::new();
    let mut after = None;
    loop {
        let page: Sinks = door.get("/sinks", &[("after", after)]).await?;
        facts.extend(page.sinks.into_iter().map(|sink| {
            SinkFact {
                name: sink.name,
                kind: sink.target.kind().to_owned(),
                state: match sink.state {
                    SinkState::Active => "active",
                    SinkState::Failing => "failing",
                    SinkState::Paused => "paused",
                }
                .to_owned(),
            }
        }));
        after = page.next;
        if after.is_none() {
            return Ok(facts);
        }
    }
}

/// What is open, and what somebody has acknowledged.
pub(super) async fn anomalies(door: &Door) -> Result<Vec<AnomalyFact>, Failure> {
    let mut facts = Vec::new();
    let mut before: Option<i64> = None;
    loop {
        let query = [("before", before.map(|id| id.to_string()))];
        let page: Anomalies = door.get("/anomalies", &query).await?;
        for one in page.anomalies {
            let state = match one.state {
                AnomalyStateView::Open => "open",
                AnomalyStateView::Acknowledged => "acknowledged",
                AnomalyStateView::Resolved => continue,
            };
            facts.push(AnomalyFact {
                rule: one.rule,
                severity: one.severity,
                title: one.title,
                since: one.since,
                state: state.to_owned(),
            });
        }
        before = page.next;
        if before.is_none() {
            return Ok(facts);
        }
    }
}

/// When each of [`ACTS`] was last done.
pub(super) async fn acts(door: &Door) -> Result<Vec<ActFact>, Failure> {
    let mut facts = Vec::new();
    for action in ACTS {
        let query = [
            ("action", Some(action.to_owned())),
            ("outcome", Some("allowed".to_owned())),
            one(),
        ];
        let page: AuditRecords = door.get("/audit", &query).await?;
        facts.push(ActFact {
            action: action.to_owned(),
            last_at: page.records.first().map(|record| record.at),
        });
    }
    Ok(facts)
}
