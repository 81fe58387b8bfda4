//! Receipts as people read them.

use std::fmt::Write as _;
use std::time::Duration;

use sealgate_model::Timestamp;
use sealgate_server::admin::{GateReceipt, Receipt, ReceiptState};

use crate::output::{self, Text};
use crate::screen::clean;

/// What is said where no server runs.
pub(super) const UNASKED: &str = "\
No server runs on this data, so that no gate can be asked. It is written: gates learn of it when a server runs
again. Until then they answer 503 once their staleness bound has passed since they last heard of one.
";

/// A moment of the day, to the millisecond, in UTC.
pub(crate) fn moment(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(at) => at.strftime("%H:%M:%S%.3fZ").to_string(),
        Err(_) => "out of range".to_owned(),
    }
}

/// A span of so many milliseconds.
pub(crate) fn span(millis: u64) -> String {
    let (seconds, rest) = (millis / 1000, millis % 1000);
    match (seconds, rest) {
        (0, _) => format!("{millis} ms"),
        (1..10, 1..) => format!("{seconds}.{} s", rest / 100),
        (..120, _) => format!("{seconds} s"),
        _ => format!("{} min", seconds / 60),
    }
}

/// What a gate is called.
pub(crate) fn name(gate: Option<&str>, instance: Option<&str>) -> String {
    let instance = instance.map(|instance| instance.chars().take(8).collect::<String>());
    match (gate, instance) {
        (Some(gate), _) => clean(gate).into_owned(),
        (None, Some(instance)) => instance,
        (None, None) => "unnamed".to_owned(),
    }
}

fn called(gate: &GateReceipt) -> String {
    name(gate.gate.as_deref(), gate.instance.as_deref())
}

/// The receipt: a line for each gate, and what it comes to.
pub(crate) fn receipt(receipt: &Receipt) -> Text {
    let rows: Vec<[String; 4]> = receipt
        .gates
        .iter()
        .map(|gate| {
            [
                called(gate),
                gate.client.to_string(),
                gate.state.as_str().to_owned(),
                gate.delay.map(span).unwrap_or_default(),
            ]
        })
        .collect();
    let mut text = output::table(["GATE", "APPLICATION", "STATE", "DELAY"], &rows, "");
    text.talk.clear();
    text.data
        .push_str(&silence(&of(receipt, ReceiptState::Silent)));
    // Writing to a String cannot fail.
    let _ = writeln!(text.data, "{}", summary(receipt));
    text
}

/// Why it is safe that some have not answered.
fn silence(silent: &[&GateReceipt]) -> String {
    let why = match silent {
        [] => return String::new(),
        [one] => format!(
            "has not answered. Its staleness bound of {} has passed since, so it denies:",
            span(one.bound)
        ),
        _ => {
            "have not answered. Their staleness bounds have passed since, so they deny:".to_owned()
        }
    };
    format!(
        "{} {why}\nwhat cannot be proven to be fresh is answered with 503.\n",
        listed(silent)
    )
}

/// The sentence that it comes to.
fn summary(receipt: &Receipt) -> String {
    let behind: Vec<&GateReceipt> = of(receipt, ReceiptState::Behind);
    if receipt.complete {
        if receipt.gates.is_empty() {
            return "Revoked everywhere: no gate follows the feed.".to_owned();
        }
        // Those that are silent deny once their bound has passed.
        let slowest = receipt.gates.iter().filter_map(|gate| match gate.state {
            ReceiptState::Silent => Some(gate.bound),
            _ => gate.delay,
        });
        return match (receipt.committed_at, slowest.max()) {
            (Some(at), Some(millis)) => format!(
                "Revoked everywhere at {} ({}).",
                instant(at + Duration::from_millis(millis)),
                span(millis)
            ),
            _ => "Revoked everywhere.".to_owned(),
        };
    }
    let waited = span(receipt.waited);
    if behind.is_empty() {
        return format!(
            "Not proven yet after {waited}: the control plane has just started, and gates that followed it before may not\n\
             be back. Until its staleness bound has passed each of them believes what it knew."
        );
    }
    let latest = behind.iter().map(|gate| gate.bound).max().unwrap_or(0);
    let (has, denies) = if behind.len() == 1 {
        ("has", "denies")
    } else {
        ("have", "deny")
    };
    let by = match receipt.committed_at {
        Some(at) => format!(
            ", and {denies} by {} at the latest",
            moment(at + Duration::from_millis(latest))
        ),
        None => String::new(),
    };
    format!(
        "Not everywhere yet after {waited}: {} {has} not answered{by}.",
        listed(&behind)
    )
}

fn instant(at: Timestamp) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M:%S%.3fZ").to_string(),
        Err(_) => "out of range".to_owned(),
    }
}

fn of(receipt: &Receipt, state: ReceiptState) -> Vec<&GateReceipt> {
    let gates = receipt.gates.iter();
    gates.filter(|gate| gate.state == state).collect()
}

/// `a of x, b of y and 3 more`.
fn listed(gates: &[&GateReceipt]) -> String {
    const MOST: usize = 5;
    let names = gates.iter().take(MOST);
    let names: Vec<String> = names
        .map(|gate| format!("{} of {}", called(gate), gate.client))
        .collect();
    let more = match gates.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", names.join(", "))
}

/// What is said while it takes longer.
pub(super) fn waiting(receipt: &Receipt) -> String {
    let behind = of(receipt, ReceiptState::Behind);
    if behind.is_empty() {
        "Waiting for gates that may not be back yet …\n".to_owned()
    } else {
        format!("Waiting for {} …\n", listed(&behind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(name: &str, state: ReceiptState, delay: Option<u64>) -> GateReceipt {
        GateReceipt {
            client: "expense-tracker".parse().unwrap(),
            gate: Some(name.to_owned()),
            instance: Some("0123456789abcdef0123456789abcdef".to_owned()),
            state,
            delay,
            bound: 10_000,
            seen_at: None,
        }
    }

    fn with(gates: Vec<GateReceipt>, complete: bool) -> Receipt {
        Receipt {
            epoch: "e-1".to_owned(),
            seq: 41,
            committed_at: Some(Timestamp::from_millis(1_795_338_305_000)),
            complete,
            recovering: false,
            waited: 10_004,
            gates,
        }
    }

    #[test]
    fn a_receipt_lists_each_gate_and_says_since_when_it_is_revoked_everywhere() {
        let gates = vec![
            gate("web-1", ReceiptState::Applied, Some(12)),
            gate("web-2", ReceiptState::Applied, Some(37)),
        ];
        insta::assert_snapshot!(receipt(&with(gates, true)).data);
    }

    #[test]
    fn those_that_are_silent_are_named_with_the_reason_why_that_is_safe() {
        let mut gates = vec![
            gate("web-1", ReceiptState::Applied, Some(12)),
            gate("web-2", ReceiptState::Silent, None),
        ];
        insta::assert_snapshot!(receipt(&with(gates.clone(), true)).data);
        gates.push(gate("web-3", ReceiptState::Silent, None));
        insta::assert_snapshot!(receipt(&with(gates, true)).data);
    }

    #[test]
    fn what_is_not_complete_does_not_say_everywhere() {
        let gates = vec![
            gate("web-1", ReceiptState::Applied, Some(12)),
            gate("web-2", ReceiptState::Behind, None),
        ];
        insta::assert_snapshot!(receipt(&with(gates, false)).data);
        let recovering = Receipt {
            recovering: true,
            ..with(Vec::new(), false)
        };
        insta::assert_snapshot!(receipt(&recovering).data);
    }

    #[test]
    fn where_nobody_follows_nobody_has_to_hear_of_it() {
        insta::assert_snapshot!(receipt(&with(Vec::new(), true)).data);
    }

    #[test]
    fn spans_are_as_long_as_they_need_to_be() {
        let spans = [0, 37, 999, 1000, 1540, 10_000, 75_300, 119_999, 120_000];
        let said: Vec<String> = spans.map(span).to_vec();
        assert_eq!(
            said,
            [
                "0 ms", "37 ms", "999 ms", "1 s", "1.5 s", "10 s", "75 s", "119 s", "2 min"
            ]
        );
    }

    #[test]
    fn a_gate_without_a_name_is_called_by_its_instance() {
        assert_eq!(name(Some("web\u{1b}1"), None), "web\u{fffd}1");
        assert_eq!(name(None, Some("0123456789abcdef")), "01234567");
        assert_eq!(name(None, None), "unnamed");
    }
}
