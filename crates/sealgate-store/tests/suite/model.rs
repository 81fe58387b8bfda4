//! Any sequence of acts leaves the revocation log that a few lines of plain Rust say it should.

use proptest::prelude::*;
use sealgate_model::{ClientId, SessionId, Timestamp, UserId};
use sealgate_store::{
    Redeemed, Revocation, RevokeReason, Revoked, Session, SignIn, StoreError, UserRow,
};

use crate::world::{DAY, HOUR, MINUTE, World};

#[derive(Debug, Clone)]
enum Act {
    SignIn { user: usize },
    Start { sign_in: usize, client: usize },
    Revoke { session: usize },
    EndSignIn { sign_in: usize },
    ReuseCode { session: usize },
    Disable { user: usize },
    Enable { user: usize },
    TakenAddress { user: usize },
    Wait { minutes: u32 },
    Sweep,
}

fn act() -> impl Strategy<Value = Act> {
    let place = || 0..8_usize;
    prop_oneof![
        3 => place().prop_map(|user| Act::SignIn { user }),
        6 => (place(), place()).prop_map(|(sign_in, client)| Act::Start { sign_in, client }),
        3 => place().prop_map(|session| Act::Revoke { session }),
        2 => place().prop_map(|sign_in| Act::EndSignIn { sign_in }),
        2 => place().prop_map(|session| Act::ReuseCode { session }),
        2 => place().prop_map(|user| Act::Disable { user }),
        2 => place().prop_map(|user| Act::Enable { user }),
        1 => place().prop_map(|user| Act::TakenAddress { user }),
        3 => (1..20 * 60_u32).prop_map(|minutes| Act::Wait { minutes }),
        1 => Just(Act::Sweep),
    ]
}

/// What the store should have done, in the plainest terms.
#[derive(Default)]
struct Model {
    head: u64,
    log: Vec<Revocation>,
    disabled: Vec<bool>,
    /// Each sign-in, the place of its user, and whether it has ended.
    sign_ins: Vec<(SignIn, usize, bool)>,
    /// Each session, its code, and whether it is revoked.
    sessions: Vec<(Session, sealgate_store::Code, bool)>,
}

impl Model {
    fn append(
        &mut self,
        what: Revoked,
        at: Timestamp,
        client: Option<ClientId>,
        expires_at: Timestamp,
    ) {
        self.head += 1;
        self.log.push(Revocation {
            seq: self.head,
            what,
            at,
            client,
            expires_at,
        });
    }

    fn revoke(&mut self, place: usize, at: Timestamp) {
        let (session, _, revoked) = &mut self.sessions[place];
        if !std::mem::replace(revoked, true) {
            let session = session.clone();
            let what = Revoked::Session(session.id);
            self.append(what, at, Some(session.client), session.expires_at);
        }
    }

    /// Revokes the live sessions of which `which` is true, in order of id; the latest end.
    fn revoke_live(
        &mut self,
        at: Timestamp,
        which: impl Fn(&Session) -> bool,
    ) -> Option<Timestamp> {
        let mut live: Vec<(SessionId, usize)> = Vec::new();
        for (place, (session, _, revoked)) in self.sessions.iter().enumerate() {
            if !revoked && session.expires_at > at && which(session) {
                live.push((session.id, place));
            }
        }
        live.sort();
        let last = live
            .iter()
            .map(|(_, place)| self.sessions[*place].0.expires_at)
            .max();
        for (_, place) in live {
            self.revoke(place, at);
        }
        last
    }

    fn disable(&mut self, place: usize, id: UserId, at: Timestamp) {
        if std::mem::replace(&mut self.disabled[place], true) {
            return;
        }
        for (_, _, ended) in self
            .sign_ins
            .iter_mut()
            .filter(|(_, user, _)| *user == place)
        {
            *ended = true;
        }
        self.revoke_live(at, |session| session.user == id);
        let mut clients: Vec<(ClientId, Timestamp)> = Vec::new();
        for (session, ..) in self.sessions.iter().filter(|known| known.0.user == id) {
            clients.push((session.client.clone(), session.expires_at));
        }
        clients.sort();
        let mut clients = clients.into_iter().rev().collect::<Vec<_>>();
        clients.dedup_by(|one, other| one.0 == other.0);
        for (client, last) in clients.into_iter().rev() {
            let expires_at = last.max(at + DAY + HOUR);
            self.append(Revoked::User(id), at, Some(client), expires_at);
        }
    }

    fn sweep(&mut self, now: Timestamp) {
        self.log.retain(|entry| entry.expires_at >= now);
        self.sessions
            .retain(|(session, ..)| session.expires_at >= now);
        self.sign_ins
            .retain(|(sign_in, ..)| sign_in.expires_at >= now);
    }
}

struct Run {
    world: World,
    model: Model,
    users: Vec<UserRow>,
    clients: Vec<ClientId>,
}

/// The element that `place` means in a list of any length.
fn pick<T>(list: &[T], place: usize) -> Option<usize> {
    (!list.is_empty()).then(|| place % list.len())
}

impl Run {
    async fn new() -> Self {
        let world = World::new();
        let mut users = Vec::new();
        for number in 0..3 {
            users.push(world.user(&format!("user{number}@example.com")).await);
        }
        let clients = vec![world.client("app").await.id, world.client("web").await.id];
        let model = Model {
            disabled: vec![false; users.len()],
            ..Model::default()
        };
        Self {
            world,
            model,
            users,
            clients,
        }
    }

    async fn act(&mut self, act: Act) {
        let (world, model, at) = (&self.world, &mut self.model, self.world.now());
        match act {
            Act::SignIn { user } => {
                let user = user % self.users.len();
                let sign_in = world.sign_in(self.users[user].id).await;
                model.sign_ins.push((sign_in, user, model.disabled[user]));
            }
            Act::Start { sign_in, client } => {
                let Some(place) = pick(&model.sign_ins, sign_in) else {
                    return;
                };
                let (sign_in, user, ended) = &model.sign_ins[place];
                let client = &self.clients[client % self.clients.len()];
                let code = world.code(sign_in, client).await;
                let session = world.session_for(&code);
                let redeemed = world.redeem(&code, &session, None).await.unwrap();
                if *ended || model.disabled[*user] {
                    assert_eq!(redeemed, Redeemed::Ended);
                } else {
                    assert_eq!(redeemed, Redeemed::Started);
                    model.sessions.push((session, code, false));
                }
            }
            Act::Revoke { session } => {
                let Some(place) = pick(&model.sessions, session) else {
                    return;
                };
                let id = model.sessions[place].0.id;
                let audit = world.audit("session.revoke");
                let known = world
                    .store
                    .session_revoke(id, RevokeReason::Admin, audit)
                    .await;
                assert!(known.unwrap());
                model.revoke(place, at);
            }
            Act::EndSignIn { sign_in } => {
                let Some(place) = pick(&model.sign_ins, sign_in) else {
                    return;
                };
                let id = model.sign_ins[place].0.id;
                let audit = world.audit("sign_in.end");
                world
                    .store
                    .sign_in_end(id, RevokeReason::Logout, audit)
                    .await
                    .unwrap();
                model.sign_ins[place].2 = true;
                model.revoke_live(at, |session| session.sign_in == id);
            }
            Act::ReuseCode { session } => {
                let Some(place) = pick(&model.sessions, session) else {
                    return;
                };
                let (session, code, _) = &model.sessions[place];
                assert_eq!(
                    world.redeem(code, session, None).await.unwrap(),
                    Redeemed::Reused
                );
                model.revoke(place, at);
            }
            Act::Disable { user } => {
                let place = user % self.users.len();
                let id = self.users[place].id;
                let audit = world.audit("user.disable");
                assert!(world.store.user_disable(id, audit).await.unwrap());
                model.disable(place, id, at);
            }
            Act::Enable { user } => {
                let place = user % self.users.len();
                let id = self.users[place].id;
                assert!(
                    world
                        .store
                        .user_enable(id, world.audit("user.enable"))
                        .await
                        .unwrap()
                );
                model.disabled[place] = false;
            }
            Act::TakenAddress { user } => {
                let taken = world.user_row(&self.users[user % self.users.len()].email);
                let refused = world
                    .store
                    .user_create(taken, None, world.audit("user.create"))
                    .await;
                assert!(matches!(
                    refused,
                    Err(StoreError::Conflict("e-mail address"))
                ));
            }
            Act::Wait { minutes } => world.clock.advance(minutes * MINUTE),
            Act::Sweep => {
                world.store.sweep(at).await.unwrap();
                model.sweep(at);
            }
        }
    }

    async fn compare(&self) {
        let (world, model) = (&self.world, &self.model);
        assert_eq!(world.log().await, model.log);
        assert_eq!(world.store.revocation_head().await.unwrap(), model.head);
        assert_eq!(*world.store.revocation_wakeup().borrow(), model.head);
        let now = world.now();
        let live = model
            .log
            .iter()
            .filter(|entry| entry.expires_at > now)
            .cloned()
            .collect();
        assert_eq!(
            world.store.revocations_live(now).await.unwrap(),
            (model.head, live)
        );
        for (session, _, revoked) in &model.sessions {
            assert_eq!(
                world.session(session.id).await.revoked_at.is_some(),
                *revoked
            );
        }
        let records = world.records().await;
        for (record, number) in records.iter().zip(1..) {
            assert_eq!(record.number, number);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn the_log_is_what_the_model_says_after_any_acts(
        acts in proptest::collection::vec(act(), 1..40),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let mut run = Run::new().await;
            for act in acts {
                run.act(act).await;
                run.compare().await;
            }
        });
    }
}
