//! Gates and revocations as people read them.

use sealgate_server::admin::{
    FeedGates, GateReceipt, GateState, GateView, Receipt, ReceiptState, RevocationView, RevokedKind,
};

use crate::output::{self, Text, second};
use crate::receipt::{moment, name, span};
use crate::screen::clean;

const HEADINGS: [&str; 8] = [
    "GATE",
    "APPLICATION",
    "STATE",
    "SINCE",
    "BOUND",
    "BEHIND",
    "POLICY",
    "LAST ANSWER",
];

pub(super) fn gates(gates: &FeedGates) -> Text {
    let rows: Vec<_> = gates.gates.iter().map(|gate| row(gates, gate)).collect();
    output::table(HEADINGS, &rows, "No gate follows the feed.")
}

fn row(gates: &FeedGates, gate: &GateView) -> [String; 8] {
    let answer = gate.answered_at.map(|at| {
        let ago = gates.at.since(at).as_millis();
        format!("{} ago", span(u64::try_from(ago).unwrap_or(u64::MAX)))
    });
    [
        called(gate),
        gate.client.to_string(),
        gate.state.as_str().to_owned(),
        second(gate.since),
        gate.bound.map(span).unwrap_or_default(),
        gate.behind
            .map(|behind| behind.to_string())
            .unwrap_or_default(),
        gate.policy
            .map(|version| version.to_string())
            .unwrap_or_default(),
        answer.unwrap_or_default(),
    ]
}

fn called(gate: &GateView) -> String {
    name(gate.gate.as_deref(), gate.instance.as_deref())
}

/// What became of a gate, in a line.
pub(super) fn change(gates: &FeedGates, gate: &GateView, before: Option<GateState>) -> String {
    let what = match (before, gate.state) {
        (Some(GateState::Silent), GateState::Live) => "answers again",
        (Some(GateState::Gone), GateState::Live) => "is back",
        (_, GateState::Live) => "follows the feed",
        (_, GateState::Silent) => "is silent past its staleness bound",
        (_, GateState::Gone) => "has gone away",
    };
    format!(
        "{}  {} of {} {what}",
        moment(gates.at),
        called(gate),
        gate.client
    )
}

/// A revocation, in a line.
pub(super) fn revoked(row: &RevocationView) -> String {
    let what = match row.kind {
        RevokedKind::Session => "session",
        RevokedKind::User => "user",
        RevokedKind::Client => "client",
        RevokedKind::All => "everything",
        RevokedKind::Key => "key",
        RevokedKind::Token => "token",
        RevokedKind::Tenant => "tenant",
        RevokedKind::Grant => "delegation",
        RevokedKind::UserClaims => "what is told of user",
        RevokedKind::ClientClaims => "what is told of client",
        RevokedKind::Policy => "older policies",
    };
    let id = row.id.as_deref().map(|id| format!(" {}", clean(id)));
    let to = match &row.client {
        Some(client) => format!(", told to {client}"),
        None => ", told to all".to_owned(),
    };
    format!(
        "{}  #{} {what}{} revoked{to}",
        moment(row.at),
        row.seq,
        id.unwrap_or_default()
    )
}

/// Who has applied it, in a line.
pub(super) fn applied(receipt: &Receipt) -> String {
    let each = |gate: &GateReceipt| {
        let name = name(gate.gate.as_deref(), gate.instance.as_deref());
        match (gate.state, gate.delay) {
            (ReceiptState::Applied, Some(delay)) => format!("{name} {}", span(delay)),
            (ReceiptState::Applied, None) => name,
            (ReceiptState::Silent, _) => {
                format!("{name} silent for {} and denies", span(gate.bound))
            }
            (ReceiptState::Behind, _) => format!("{name} not yet"),
        }
    };
    let gates: Vec<String> = receipt.gates.iter().map(each).collect();
    let how = if receipt.gates.is_empty() {
        "no gate has to hear of it"
    } else if receipt.complete {
        "revoked everywhere"
    } else {
        "not everywhere yet"
    };
    let at = receipt.committed_at.map(|at| {
        // Those that are silent deny once their bound has passed.
        let slowest = receipt.gates.iter().filter_map(|gate| match gate.state {
            ReceiptState::Silent => Some(gate.bound),
            _ => gate.delay,
        });
        moment(at + std::time::Duration::from_millis(slowest.max().unwrap_or(0)))
    });
    let listed = if gates.is_empty() {
        String::new()
    } else {
        format!(": {}", gates.join(", "))
    };
    format!("{}  #{} {how}{listed}", at.unwrap_or_default(), receipt.seq)
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_338_305_037);

    fn gate(name: &str, state: GateState) -> GateView {
        GateView {
            client: "expense-tracker".parse().unwrap(),
            gate: Some(name.to_owned()),
            instance: Some("0123456789abcdef0123456789abcdef".to_owned()),
            network: None,
            state,
            since: Timestamp::from_millis(1_795_338_000_000),
            bound: Some(10_000),
            applied: Some(40),
            behind: Some(1),
            answered_at: Some(Timestamp::from_millis(1_795_338_301_000)),
            age: Some(412),
            policy: Some(3),
        }
    }

    fn some() -> FeedGates {
        let silent = GateView {
            bound: Some(2_500),
            ..gate("web-2", GateState::Silent)
        };
        let unnamed = GateView {
            gate: None,
            instance: None,
            bound: None,
            applied: None,
            behind: None,
            answered_at: None,
            age: None,
            policy: None,
            ..gate("", GateState::Live)
        };
        FeedGates {
            epoch: "e-1".to_owned(),
            head: 41,
            at: NOW,
            gates: vec![gate("web-1", GateState::Live), silent, unnamed],
        }
    }

    #[test]
    fn gates_are_listed_with_how_they_are_doing() {
        insta::assert_snapshot!(gates(&some()).data);
    }

    #[test]
    fn what_happens_is_told_in_lines() {
        let all = some();
        let mut lines = Vec::new();
        for (state, before) in [
            (GateState::Live, None),
            (GateState::Silent, Some(GateState::Live)),
            (GateState::Live, Some(GateState::Silent)),
            (GateState::Gone, Some(GateState::Live)),
            (GateState::Live, Some(GateState::Gone)),
        ] {
            lines.push(change(&all, &gate("web-1", state), before));
        }
        let mut row = RevocationView {
            seq: 41,
            kind: RevokedKind::Session,
            id: Some("01928e2a-7c00-7000-8000-000000000001".to_owned()),
            at: Timestamp::from_millis(1_795_338_305_000),
            client: Some("expense-tracker".parse().unwrap()),
            expires_at: NOW,
        };
        lines.push(revoked(&row));
        (row.kind, row.id, row.client) = (RevokedKind::All, None, None);
        lines.push(revoked(&row));
        let one = |name: &str, state, delay| GateReceipt {
            client: "expense-tracker".parse().unwrap(),
            gate: Some(name.to_owned()),
            instance: None,
            state,
            delay,
            bound: 10_000,
            seen_at: None,
        };
        let mut receipt = Receipt {
            epoch: "e-1".to_owned(),
            seq: 41,
            committed_at: Some(row.at),
            complete: true,
            recovering: false,
            waited: 37,
            gates: vec![
                one("web-1", ReceiptState::Applied, Some(12)),
                one("web-2", ReceiptState::Applied, Some(37)),
            ],
        };
        lines.push(applied(&receipt));
        receipt.gates[1] = one("web-2", ReceiptState::Silent, None);
        lines.push(applied(&receipt));
        receipt.gates[1] = one("web-2", ReceiptState::Behind, None);
        receipt.complete = false;
        lines.push(applied(&receipt));
        receipt.gates.clear();
        lines.push(applied(&receipt));
        insta::assert_snapshot!(lines.join("\n"));
    }
}
