//! Records as they are sent, made of what is stored.

use sealgate_audit::forms::{
    Actor, ActorKind, Event, Gate, Outcome, Schema, Severity, Stream, Through,
};
use sealgate_store::decisions::DecisionRow;
use sealgate_store::{AuditRow, Outcome as Stored};

/// A record of the audit log.
pub(crate) fn of_row(issuer: &str, row: AuditRow) -> Event {
    let outcome = if row.outcome == Stored::Allowed.as_str() {
        Outcome::Allowed
    } else {
        Outcome::Denied
    };
    let reason = Some(row.reason).filter(|reason| !reason.is_empty());
    let hash = row.hash.map(|hash| hash.to_string());
    // With a part of its hash in it, the id is no other record's, not even after a backup was put back and the number
    // was given again.
    let part = hash.as_ref().and_then(|hash| hash.get(..16));
    let part = part.unwrap_or_default();
    let through = Through {
        client: row.through.map(|id| id.to_string()),
        session: row.through_session.map(|id| id.to_string()),
    };
    Event {
        schema: Schema::One,
        id: format!("audit:{}:{part}", row.number),
        stream: Stream::of_action(&row.action),
        number: row.number,
        time: row.at,
        issuer: issuer.to_owned(),
        severity: Severity::of(&row.action, outcome, reason.as_deref()),
        action: row.action,
        outcome,
        reason,
        actor: Actor {
            of_type: row.actor_type,
            ..Actor::from_words(&row.actor)
        },
        through: Some(through).filter(|through| *through != Through::default()),
        user: row.user.map(|id| id.to_string()),
        client: row.client.map(|id| id.to_string()),
        session: row.session.map(|id| id.to_string()),
        object: row.object,
        network: row.network,
        trace: row.trace,
        credential: row.credential,
        method: None,
        route: row.route,
        policy_version: row.policy_version,
        policies: None,
        status: None,
        transport: None,
        token: None,
        gate: None,
        count: row.count.into(),
        hash,
    }
}

/// A decision of a gate.
pub(crate) fn of_decision(issuer: &str, row: DecisionRow) -> Event {
    use sealgate_audit::decision::Outcome as Decided;
    let (outcome, action) = match row.outcome {
        Decided::Allowed => (Outcome::Allowed, "gate.decide"),
        Decided::Refused => (Outcome::Denied, "gate.decide"),
        Decided::Ended => (Outcome::Denied, "gate.end"),
        Decided::Withheld => (Outcome::Denied, "gate.withhold"),
    };
    let stream = match outcome {
        Outcome::Allowed => Stream::Allowed,
        Outcome::Denied => Stream::Denied,
    };
    let kind = row.actor_kind.as_deref().and_then(ActorKind::from_word);
    let number = i64::try_from(row.position).unwrap_or(i64::MAX);
    Event {
        schema: Schema::One,
        id: format!("{}:{number}:{}", stream.as_str(), row.kept_at.as_millis()),
        stream,
        number,
        time: row.at,
        issuer: issuer.to_owned(),
        severity: Severity::of(action, outcome, row.reason.as_deref()),
        action: action.to_owned(),
        outcome,
        reason: row.reason,
        actor: Actor::of(kind.unwrap_or(ActorKind::Anonymous), row.actor),
        through: None,
        user: row.user,
        client: row.client,
        session: row.session,
        object: None,
        network: row.network,
        trace: row.trace,
        credential: row.credential,
        method: row.method,
        route: row.route,
        policy_version: row.policy.and_then(|version| version.parse().ok()),
        policies: row.deciding,
        status: row.status,
        transport: row.transport,
        token: row.token,
        gate: Some(Gate {
            client: Some(row.application),
            name: Some(row.gate),
            instance: None,
        }),
        count: row.count,
        hash: None,
    }
}
