//! Any sequence of acts leaves the revocation log that a few lines of plain Rust say it should.

mod plain;

use proptest::prelude::*;
use sealgate_model::{ClientId, GrantId};
use sealgate_store::{
    Delegated, GrantDetails, NewDelegation, Redeemed, Revocation, RevokeReason, SessionSelector,
    StoreError, UserRow,
};

use self::plain::{AGENT, Model, RESOURCES};
use crate::world::{MINUTE, World};

#[derive(Debug, Clone)]
enum Act {
    SignIn {
        user: usize,
    },
    Start {
        sign_in: usize,
        client: usize,
        resources: usize,
        lasting: bool,
    },
    Delegate {
        session: usize,
        resource: usize,
    },
    Serve {
        resource: usize,
        client: Option<usize>,
    },
    Revoke {
        session: usize,
    },
    EndSignIn {
        sign_in: usize,
    },
    EndBrowsers {
        user: usize,
    },
    EndEverything {
        user: usize,
    },
    WithdrawAgents {
        user: usize,
    },
    ReuseCode {
        session: usize,
    },
    Disable {
        user: usize,
    },
    Enable {
        user: usize,
    },
    TakenAddress {
        user: usize,
    },
    SignOut {
        session: usize,
    },
    Withdraw {
        user: usize,
        client: usize,
    },
    RevokeMany {
        select: Select,
        minutes: u32,
    },
    Wait {
        minutes: u32,
    },
    Sweep,
}

/// Whose sessions are revoked together.
#[derive(Debug, Clone, Copy)]
enum Select {
    All,
    User(usize),
    Client(usize),
    UserOnClient(usize, usize),
}

fn select() -> impl Strategy<Value = Select> {
    let place = || 0..8_usize;
    prop_oneof![
        Just(Select::All),
        place().prop_map(Select::User),
        place().prop_map(Select::Client),
        (place(), place()).prop_map(|(user, client)| Select::UserOnClient(user, client)),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let place = || 0..8_usize;
    prop_oneof![
        3 => place().prop_map(|user| Act::SignIn { user }),
        6 => (place(), place(), place(), any::<bool>()).prop_map(
            |(sign_in, client, resources, lasting)| Act::Start { sign_in, client, resources, lasting },
        ),
        2 => (place(), place()).prop_map(|(session, resource)| Act::Delegate { session, resource }),
        1 => (place(), proptest::option::of(place()))
            .prop_map(|(resource, client)| Act::Serve { resource, client }),
        3 => place().prop_map(|session| Act::Revoke { session }),
        2 => place().prop_map(|sign_in| Act::EndSignIn { sign_in }),
        1 => place().prop_map(|user| Act::EndBrowsers { user }),
        1 => place().prop_map(|user| Act::EndEverything { user }),
        1 => place().prop_map(|user| Act::WithdrawAgents { user }),
        2 => place().prop_map(|session| Act::ReuseCode { session }),
        2 => place().prop_map(|user| Act::Disable { user }),
        2 => place().prop_map(|user| Act::Enable { user }),
        1 => place().prop_map(|user| Act::TakenAddress { user }),
        1 => place().prop_map(|session| Act::SignOut { session }),
        1 => (place(), place()).prop_map(|(user, client)| Act::Withdraw { user, client }),
        3 => (select(), prop_oneof![Just(0), 1..20 * 60_u32])
            .prop_map(|(select, minutes)| Act::RevokeMany { select, minutes }),
        3 => (1..20 * 60_u32).prop_map(|minutes| Act::Wait { minutes }),
        1 => Just(Act::Sweep),
    ]
}

/// The entries without what is only for people's eyes.
fn without_reasons(mut log: Vec<Revocation>) -> Vec<Revocation> {
    for entry in &mut log {
        assert!(entry.reason.take().is_some(), "{entry:?}");
    }
    log
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
        let mut clients = Vec::new();
        for id in ["app", AGENT, "api"] {
            let client = world.client_with(id, |details| details.agent = id == AGENT);
            clients.push(client.await.id);
        }
        for uri in RESOURCES {
            world.resource(uri, None).await;
        }
        let model = Model {
            disabled: vec![false; users.len()],
            servers: vec![None; RESOURCES.len()],
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
            Act::Start {
                sign_in,
                client,
                resources,
                lasting,
            } => self.start(sign_in, client, resources, lasting).await,
            Act::Delegate { session, resource } => self.delegate(session, resource).await,
            Act::Serve { resource, client } => self.serve(resource, client).await,
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
            Act::EndSignIn { sign_in } => self.end_sign_in(sign_in).await,
            Act::EndBrowsers { user } | Act::EndEverything { user } => {
                let everything = matches!(act, Act::EndEverything { .. });
                self.end_browsers(user, everything).await;
            }
            Act::WithdrawAgents { user } => {
                let user = self.users[user % self.users.len()].id;
                let audit = world.audit("consent.withdraw");
                let done = world.store.agents_withdraw(user, audit).await.unwrap();
                let agent = AGENT.parse().unwrap();
                assert_eq!(done, u64::from(model.withdraw(user, &agent, at)));
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
            Act::TakenAddress { user } => self.take_address(user).await,
            Act::SignOut { session } => self.sign_out(session).await,
            Act::Withdraw { user, client } => {
                let user = self.users[user % self.users.len()].id;
                let client = &self.clients[client % self.clients.len()];
                let audit = world.audit("consent.withdraw");
                let done = world.store.consent_withdraw(user, client, audit).await;
                assert_eq!(done.unwrap(), model.withdraw(user, client, at));
            }
            Act::RevokeMany { select, minutes } => self.revoke_many(select, minutes).await,
            Act::Wait { minutes } => world.clock.advance(minutes * MINUTE),
            Act::Sweep => {
                world.store.sweep(at).await.unwrap();
                model.sweep(at);
            }
        }
    }

    async fn end_sign_in(&mut self, sign_in: usize) {
        let (world, model, at) = (&self.world, &mut self.model, self.world.now());
        let Some(place) = pick(&model.sign_ins, sign_in) else {
            return;
        };
        let id = model.sign_ins[place].0.id;
        let audit = world.audit("sign_in.end");
        let ended = world.store.sign_in_end(id, RevokeReason::Logout, audit);
        ended.await.unwrap();
        model.sign_ins[place].2 = true;
        model.revoke_live(at, |session| {
            session.sign_in == id && !session.details.lasting
        });
    }

    /// Ends every browser of a user, and with `everything` what goes on without one.
    async fn end_browsers(&mut self, user: usize, everything: bool) {
        let (world, model, at) = (&self.world, &mut self.model, self.world.now());
        let place = user % self.users.len();
        let id = self.users[place].id;
        let (store, reason) = (&world.store, RevokeReason::Logout);
        let audit = world.audit("sign_in.end");
        if everything {
            store.user_sign_out(id, reason, audit).await.unwrap();
        } else {
            store.browsers_sign_out(id, reason, audit).await.unwrap();
        }
        model.end_sign_ins_of(place);
        model.revoke_live(at, |session| {
            session.user == id && (everything || !session.details.lasting)
        });
    }

    async fn take_address(&mut self, user: usize) {
        let world = &self.world;
        let taken = world.user_row(&self.users[user % self.users.len()].email);
        let audit = world.audit("user.create");
        let refused = world.store.user_create(taken, None, audit).await;
        assert!(matches!(
            refused,
            Err(StoreError::Conflict("e-mail address"))
        ));
    }

    async fn start(&mut self, sign_in: usize, client: usize, resources: usize, lasting: bool) {
        let (world, model) = (&self.world, &mut self.model);
        let Some(place) = pick(&model.sign_ins, sign_in) else {
            return;
        };
        let (sign_in, user, ended) = &model.sign_ins[place];
        let client = &self.clients[client % self.clients.len()];
        let code_made = world.now();
        let named = |place: &usize| resources >> place & 1 == 1;
        let details = GrantDetails {
            resources: (0..RESOURCES.len())
                .filter(named)
                .map(|place| RESOURCES[place].to_owned())
                .collect(),
            lasting,
            ..GrantDetails::default()
        };
        let code = world.code_with(sign_in, client, details).await;
        let session = world.session_for(&code);
        let redeemed = world.redeem(&code, &session, None).await.unwrap();
        let barred = model.bars(sign_in.user, client, code_made);
        if *ended || model.disabled[*user] || barred {
            assert_eq!(redeemed, Redeemed::Ended);
            model.codes.push(code);
        } else {
            assert_eq!(redeemed, Redeemed::Started);
            model.sessions.push((session, code, false));
        }
    }

    async fn delegate(&mut self, session: usize, resource: usize) {
        let (world, model) = (&self.world, &mut self.model);
        let Some(place) = pick(&model.sessions, session) else {
            return;
        };
        let (id, resource) = (model.sessions[place].0.id, resource % RESOURCES.len());
        let client = self.clients[0].clone();
        let known = world.store.delegation_of(id, &client, None).await.unwrap();
        let new = NewDelegation {
            id: known.unwrap_or_else(|| GrantId::generate(world.now(), &world.random)),
            session: id,
            client,
            parent: None,
            resources: vec![RESOURCES[resource].to_owned()],
        };
        let audit = world.audit("token.exchange");
        let done = world.store.session_delegate(new, audit).await.unwrap();
        let expected = if model.delegate(place, resource, world.now()) {
            Delegated::Done
        } else {
            Delegated::Ended
        };
        assert_eq!(done, expected);
    }

    async fn serve(&mut self, resource: usize, client: Option<usize>) {
        let resource = resource % RESOURCES.len();
        let client = client.map(|place| self.clients[place % self.clients.len()].clone());
        let world = &self.world;
        world.serve(RESOURCES[resource], client.as_ref()).await;
        self.model.serve(resource, client, world.now());
    }

    async fn sign_out(&mut self, session: usize) {
        let (world, model, at) = (&self.world, &mut self.model, self.world.now());
        let Some(place) = pick(&model.sessions, session) else {
            return;
        };
        let (id, from) = (model.sessions[place].0.id, model.sessions[place].0.sign_in);
        let audit = world.audit("session.sign_out");
        let reason = RevokeReason::Admin;
        let known = world.store.session_sign_out(id, reason, audit).await;
        assert!(known.unwrap());
        for (sign_in, _, ended) in &mut model.sign_ins {
            *ended |= sign_in.id == from;
        }
        model.revoke_live(at, |session| {
            session.sign_in == from && !session.details.lasting
        });
        model.revoke(place, at);
    }

    async fn revoke_many(&mut self, select: Select, minutes: u32) {
        let at = self.world.now();
        let before = at - minutes * MINUTE;
        let user = |place: usize| {
            let place = place % self.users.len();
            (place, self.users[place].id)
        };
        let client = |place: usize| self.clients[place % self.clients.len()].clone();
        let (user, client) = match select {
            Select::All => (None, None),
            Select::User(place) => (Some(user(place)), None),
            Select::Client(place) => (None, Some(client(place))),
            Select::UserOnClient(one, other) => (Some(user(one)), Some(client(other))),
        };
        let selector = SessionSelector {
            user: user.map(|(_, id)| id),
            client: client.clone(),
            tenant: None,
            started_at_or_before: before,
        };
        let count = |model: &Model| model.sessions.iter().filter(|known| known.2).count();
        let earlier = count(&self.model);
        self.model.revoke_many(user, client.as_ref(), before, at);
        let audit = self.world.audit("session.revoke_many");
        let reason = RevokeReason::Everything;
        let revoked = self.world.store.sessions_revoke(selector, reason, audit);
        let revoked = usize::try_from(revoked.await.unwrap()).unwrap();
        assert_eq!(revoked, count(&self.model) - earlier);
    }

    async fn compare(&self) {
        let (world, model) = (&self.world, &self.model);
        assert_eq!(without_reasons(world.log().await), model.log);
        assert_eq!(world.store.revocation_head().await.unwrap(), model.head);
        assert_eq!(*world.store.revocation_wakeup().borrow(), model.head);
        let now = world.now();
        let live = model
            .log
            .iter()
            .filter(|entry| entry.expires_at > now)
            .cloned()
            .collect();
        let (head, known) = world.store.revocations_live(now).await.unwrap();
        assert_eq!((head, without_reasons(known)), (model.head, live));
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
