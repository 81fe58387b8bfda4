//! A control plane, several processes with one view, and a network that drops, repeats, reorders, delays and
//! replays. Whoever writes may die at any word. Whatever happens, a fresh view never denies that something revoked
//! before the proven moment is revoked: neither a session, nor a bundle of policies that another has replaced.

mod fickle;
mod mortal;
mod world;

use proptest::prelude::*;

pub(crate) use fickle::Fickle;
pub(crate) use mortal::Mortal;

use crate::model::world::World;
use crate::words::death;

/// What can happen next. Indices choose among what there is, modulo its number.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Time passes, in milliseconds.
    Wait(u64),
    /// A revocation commits, visible to this client or not.
    Commit { visible: bool },
    /// The control plane reads its log and writes messages: how many rows it reads at most, whether a
    /// revocation commits between its reading of the clock and of the log, whether it ends with a
    /// heartbeat.
    Publish {
        rows: usize,
        race: bool,
        heartbeat: bool,
    },
    /// The network hands over the next message in order.
    Deliver,
    /// The network loses the next message.
    Lose,
    /// The network hands over any message that was ever written, again or late.
    Replay(usize),
    /// The gate asks for a snapshot, and the control plane answers after so many milliseconds.
    Ask(u64),
    /// An answer arrives, for the first time or again, matched to its own request.
    Answer(usize),
    /// A request is answered, by a cache or a liar, with a snapshot the gate has seen before.
    AnswerOld(usize),
    /// The gate opens the stream from where it stands.
    Connect,
    /// The control plane says that it cannot go on.
    Reset,
    /// The control plane restarts with its clock set by so many milliseconds.
    Restart(i64),
    /// The control plane is restored from a backup that misses so many revocations.
    Restore(usize),
    /// The control plane's clock stands still for so many milliseconds.
    Stall(i64),
    /// Whoever writes into the view dies after so many more words; another process takes over then.
    Die(u64),
    /// Whoever follows is stopped, and another process stands in; or the one that was stopped goes on, beside it.
    Stop,
    /// Another worker revokes so many sessions by itself, which expire, and all that has expired is forgotten.
    Churn(u8),
    /// The gate forgets what has expired while its wall clock is off by so many seconds.
    Sweep(i64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..4_000_u64).prop_map(Step::Wait),
        4 => any::<bool>().prop_map(|visible| Step::Commit { visible }),
        6 => (1..4_usize, any::<bool>(), any::<bool>())
            .prop_map(|(rows, race, heartbeat)| Step::Publish { rows, race, heartbeat }),
        6 => Just(Step::Deliver),
        1 => Just(Step::Lose),
        3 => any::<usize>().prop_map(Step::Replay),
        2 => (0..3_000_u64).prop_map(Step::Ask),
        3 => any::<usize>().prop_map(Step::Answer),
        1 => any::<usize>().prop_map(Step::AnswerOld),
        3 => Just(Step::Connect),
        1 => Just(Step::Reset),
        1 => (-100_000..100_000_i64).prop_map(Step::Restart),
        1 => (0..4_usize).prop_map(Step::Restore),
        1 => (0..5_000_i64).prop_map(Step::Stall),
        3 => (0..40_u64).prop_map(Step::Die),
        2 => Just(Step::Stop),
        1 => (0..60_u8).prop_map(Step::Churn),
        1 => (-200_000_000..200_000_000_i64).prop_map(Step::Sweep),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fresh_view_knows_everything_revoked_before_the_proven_moment(
        steps in proptest::collection::vec(step(), 1..80)
    ) {
        death::never();
        let mut world = World::new();
        let mut known = Vec::new();
        // Most histories begin well; what goes wrong later is more telling.
        world.take(&Step::Ask(3));
        world.take(&Step::Answer(0));
        world.take(&Step::Connect);
        for step in &steps {
            world.take(step);
            world.bury();
            world.judge(&mut known);
        }
        world.heal();
        world.judge(&mut known);
    }
}
