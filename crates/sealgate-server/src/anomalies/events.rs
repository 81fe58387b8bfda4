//! Records as the rules look at them.

use sealgate_audit::anomaly::{Event, Fact, Source, prefix};
use sealgate_audit::decision::{Block, Decided, Stream};
use sealgate_store::AuditRow;

/// A record of an act, with the texts that its facts are made of.
pub(super) struct Act<'a> {
    row: &'a AuditRow,
    user: Option<String>,
    session: Option<String>,
    network: Option<String>,
}

impl<'a> Act<'a> {
    /// None for what this module records itself: it would judge its own judgement.
    pub(super) fn of(row: &'a AuditRow) -> Option<Self> {
        (!row.action.starts_with("anomaly.")).then(|| Self {
            row,
            user: row.user.map(|id| id.to_string()),
            session: row.session.map(|id| id.to_string()),
            network: row.network.as_deref().and_then(prefix),
        })
    }

    pub(super) fn event(&self) -> Event<'_> {
        let row = self.row;
        let kind = row
            .actor
            .split_once(':')
            .map_or(&*row.actor, |(kind, _)| kind);
        let client = row.client.as_ref().map(sealgate_model::ClientId::as_str);
        let mut event = Event::new(Source::Acts, row.at, row.number)
            .with(Fact::Action, &row.action)
            .with(Fact::Outcome, &row.outcome)
            .with(Fact::Reason, &row.reason)
            .with(Fact::Actor, &row.actor)
            .with(Fact::ActorKind, kind)
            .with_some(Fact::User, self.user.as_deref())
            .with_some(Fact::Client, client)
            .with_some(Fact::Session, self.session.as_deref())
            .with_some(Fact::Object, row.object.as_deref())
            .with_some(Fact::Network, self.network.as_deref())
            .with_some(Fact::Route, row.route.as_deref())
            .with_some(Fact::Credential, row.credential.as_deref());
        event.count = row.count;
        event
    }
}

/// Shows `judge` every decision of a block; how many there were. A block that cannot be read has none: whoever
/// verifies the log says so.
pub(super) fn decisions(block: &Block, mut judge: impl FnMut(&Event<'_>)) -> usize {
    let Ok(batch) = block.batch() else {
        return 0;
    };
    let number = i64::try_from(block.number).unwrap_or(i64::MAX);
    let lost = batch.lost();
    if lost > 0 {
        let mut event = of_gate(
            block,
            Event::new(Source::Decisions, block.head.kept_at, number),
        )
        .with(Fact::Action, "decision.lost");
        event.count = u32::try_from(lost).unwrap_or(u32::MAX);
        judge(&event);
    }
    let mut seen = 0;
    for record in batch.records() {
        seen += 1;
        let network = record.network.and_then(prefix);
        judge(&decision(block, &record, network.as_deref(), number));
    }
    seen
}

fn of_gate<'a>(block: &'a Block, event: Event<'a>) -> Event<'a> {
    event
        .with(Fact::Gate, &block.head.gate)
        .with(Fact::Client, &block.head.client)
}

/// When it was is the control plane's word: gates' clocks differ, and are not believed.
fn decision<'a>(
    block: &'a Block,
    record: &Decided<'a>,
    network: Option<&'a str>,
    number: i64,
) -> Event<'a> {
    let outcome = match block.head.stream {
        Stream::Allowed => "allowed",
        Stream::Denied => "denied",
    };
    // Of what belongs to a session the session is told apart, of other tokens the token.
    let token = record.token.filter(|_| record.session.is_none());
    let mut event = of_gate(
        block,
        Event::new(Source::Decisions, block.head.kept_at, number),
    )
    .with(Fact::Outcome, outcome)
    .with_some(Fact::Reason, record.reason)
    .with_some(Fact::Actor, record.actor)
    .with_some(Fact::ActorKind, record.actor_kind)
    .with_some(Fact::User, record.user)
    .with_some(Fact::Session, record.session)
    .with_some(Fact::Object, token)
    .with_some(Fact::Network, network)
    .with_some(Fact::Route, record.route)
    .with_some(Fact::Credential, record.credential);
    event.count = u32::try_from(record.count).unwrap_or(u32::MAX);
    event
}

#[cfg(test)]
mod tests {
    use sealgate_audit::anomaly::{Engine, builtin};
    use sealgate_audit::decision::{BlockHead, Draft, Outcome};
    use sealgate_model::Timestamp;

    use super::*;

    const START: Timestamp = Timestamp::from_seconds(1_795_338_305);

    fn block(number: u64, stream: Stream, records: &[Decided<'_>], lost: u64) -> Block {
        let mut draft = Draft::new();
        for record in records {
            draft.add(record).unwrap();
        }
        draft.lose(lost);
        let instance = [7; 16];
        Block {
            number,
            head: BlockHead {
                stream,
                place: number,
                client: "app".to_owned(),
                instance,
                sequence: number,
                gate: "web-1".to_owned(),
                kept_at: START,
            },
            body: draft.encode(stream, &instance, number, "web-1", START),
        }
    }

    fn raised(blocks: &[Block]) -> Vec<(String, String)> {
        let mut engine = Engine::new(builtin());
        let mut raised = Vec::new();
        for block in blocks {
            decisions(block, |event| raised.extend(engine.judge(event)));
        }
        raised
            .into_iter()
            .map(|raise| (raise.rule, raise.subject))
            .collect()
    }

    #[test]
    fn denied_decisions_of_a_gate_are_counted_by_actor_and_route_and_by_how_many_each_stands_for() {
        // By the gate's clock they lie years apart: that is not believed.
        let record = |at| Decided {
            count: 10,
            reason: Some("scope_missing"),
            actor_kind: Some("machine"),
            actor: Some("importer"),
            client: Some("importer"),
            route: Some("/expenses/{id}"),
            ..Decided::new(Timestamp::from_seconds(at), Outcome::Refused)
        };
        let records = [record(1_000), record(1_700_000_000), record(5)];
        let blocks = [block(1, Stream::Denied, &records, 0)];
        assert_eq!(
            raised(&blocks),
            [("gate_denied_actor".to_owned(), "actor=importer".to_owned())]
        );
    }

    #[test]
    fn a_session_in_several_networks_at_once_and_lost_decisions_are_seen() {
        let networks = [
            "192.0.2.1",
            "192.0.2.9",
            "198.51.100.1",
            "203.0.113.1",
            "2001:db8::1",
        ];
        let records: Vec<Decided<'_>> = networks
            .iter()
            .map(|network| Decided {
                session: Some("0190a0a0-0000-7000-8000-000000000001"),
                actor_kind: Some("user"),
                actor: Some("ada"),
                network: Some(network),
                ..Decided::new(START, Outcome::Allowed)
            })
            .collect();
        // Four different ones: two of the five are one network.
        let all = raised(&[block(1, Stream::Allowed, &records, 0)]);
        assert_eq!(all.len(), 1, "{all:?}");
        assert_eq!(all[0].0, "session_concurrent");
        let fewer = raised(&[block(1, Stream::Allowed, &records[..4], 0)]);
        assert_eq!(fewer, []);
        let record = Decided::new(START, Outcome::Refused);
        assert_eq!(
            raised(&[block(1, Stream::Denied, &[record], 3)]),
            [(
                "decisions_lost".to_owned(),
                "client=app gate=web-1".to_owned()
            )]
        );
    }

    #[test]
    fn what_is_no_batch_has_no_decisions() {
        let mut broken = block(
            1,
            Stream::Denied,
            &[Decided::new(START, Outcome::Refused)],
            0,
        );
        broken.body.truncate(5);
        assert_eq!(decisions(&broken, |_| panic!("there is none")), 0);
    }
}
