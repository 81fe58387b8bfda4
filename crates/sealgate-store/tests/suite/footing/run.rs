//! One run of acts, remembered in plain Rust, and what it expects of the store.

use proptest::prelude::*;
use sealgate_model::{ClientId, GrantId, TenantId, Timestamp, UserId};
use sealgate_store::{
    Delegated, Fallen, Footing, GrantDetails, NewDelegation, Redeemed, RevokeReason, Session,
    SessionSelector, TokenFooting, TokenRevocation, UserChange, UserRow,
};

use crate::world::{DAY, MINUTE, World};

#[derive(Debug, Clone)]
pub(super) enum Act {
    Start {
        user: usize,
        client: usize,
        tenant: usize,
    },
    Exchange {
        token: usize,
        client: usize,
    },
    RevokeMany {
        select: Select,
        minutes: u32,
    },
    RevokeSession {
        token: usize,
    },
    RevokeGrant {
        token: usize,
    },
    RevokeToken {
        token: usize,
    },
    Roles {
        user: usize,
    },
    Less {
        client: usize,
    },
    Wait {
        minutes: u32,
    },
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Select {
    All,
    Tenant(usize),
    Client(usize),
    User(usize),
    UserOnClient(usize, usize),
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    let place = || 0..6_usize;
    let select = prop_oneof![
        Just(Select::All),
        place().prop_map(Select::Tenant),
        place().prop_map(Select::Client),
        place().prop_map(Select::User),
        (place(), place()).prop_map(|(user, client)| Select::UserOnClient(user, client)),
    ];
    prop_oneof![
        6 => (place(), place(), place())
            .prop_map(|(user, client, tenant)| Act::Start { user, client, tenant }),
        6 => (place(), place()).prop_map(|(token, client)| Act::Exchange { token, client }),
        3 => (select, 0..3_u32).prop_map(|(select, minutes)| Act::RevokeMany { select, minutes }),
        1 => place().prop_map(|token| Act::RevokeSession { token }),
        2 => place().prop_map(|token| Act::RevokeGrant { token }),
        1 => place().prop_map(|token| Act::RevokeToken { token }),
        1 => place().prop_map(|user| Act::Roles { user }),
        1 => place().prop_map(|client| Act::Less { client }),
        2 => prop_oneof![1..5_u32, Just(24 * 60)].prop_map(|minutes| Act::Wait { minutes }),
    ]
}

/// What was revoked, as it was said.
#[derive(Debug, Clone, PartialEq)]
enum Said {
    All(Timestamp),
    Tenant(TenantId, Timestamp),
    Client(ClientId, Timestamp),
    User(UserId, Option<ClientId>, Timestamp),
    Grant(GrantId),
    Session(usize),
    Token(String),
    Roles(UserId, Timestamp),
    Less(ClientId, Timestamp),
}

#[derive(Debug, Clone)]
struct Token {
    session: usize,
    actors: Vec<ClientId>,
    grants: Vec<GrantId>,
    jti: String,
    issued_at: Timestamp,
}

pub(super) struct Run {
    world: World,
    users: Vec<UserRow>,
    clients: Vec<ClientId>,
    tenants: Vec<TenantId>,
    sessions: Vec<Session>,
    tokens: Vec<Token>,
    said: Vec<Said>,
}

impl Run {
    pub(super) async fn new() -> Self {
        let world = World::new();
        let mut users = Vec::new();
        for email in ["ada@example.com", "bob@example.com"] {
            users.push(world.user(email).await);
        }
        let mut clients = Vec::new();
        for id in ["app", "api", "web"] {
            clients.push(world.client(id).await.id);
        }
        Self {
            world,
            users,
            clients,
            tenants: ["acme", "globex"].map(|one| one.parse().unwrap()).to_vec(),
            sessions: Vec::new(),
            tokens: Vec::new(),
            said: Vec::new(),
        }
    }

    pub(super) async fn act(&mut self, act: &Act) {
        // Two acts of one second are for other tests: nobody could say which was first.
        self.world.clock.advance(std::time::Duration::from_secs(1));
        let world = &self.world;
        match *act {
            Act::Wait { minutes } => world.clock.advance(minutes * MINUTE),
            Act::Start {
                user,
                client,
                tenant,
            } => self.start(user, client, tenant).await,
            Act::RevokeMany { select, minutes } => self.revoke_many(select, minutes).await,
            Act::Roles { user } => {
                let user = &mut self.users[user % 2];
                user.roles.push(format!("role-{}", user.roles.len()));
                let change = UserChange {
                    roles: Some(user.roles.clone()),
                    ..UserChange::default()
                };
                let audit = world.audit("user.update");
                assert!(
                    world
                        .store
                        .user_update(user.id, change, audit)
                        .await
                        .unwrap()
                );
                self.said.push(Said::Roles(user.id, world.now()));
            }
            Act::Less { client } => {
                let id = self.clients[client % self.clients.len()].clone();
                let before = world.store.client(&id).await.unwrap().unwrap();
                let mut after = before.clone();
                after.details.agent = !after.details.agent;
                let audit = world.audit("client.update");
                let done = world.store.client_update(before, after, audit).await;
                assert!(done.unwrap());
                self.said.push(Said::Less(id, world.now()));
            }
            Act::Exchange { token, client } => self.exchange(token, client).await,
            Act::RevokeSession { token } => {
                let Some(token) = pick(&self.tokens, token) else {
                    return;
                };
                let id = self.sessions[token.session].id;
                let audit = world.audit("session.revoke");
                let done = world.store.session_revoke(id, RevokeReason::Admin, audit);
                assert!(done.await.unwrap());
                self.said.push(Said::Session(token.session));
            }
            Act::RevokeGrant { token } => {
                let Some(token) = pick(&self.tokens, token) else {
                    return;
                };
                let Some(id) = token.grants.last().copied() else {
                    return;
                };
                let audit = world.audit("delegation.revoke");
                let done = world
                    .store
                    .delegation_revoke(id, RevokeReason::Admin, audit);
                assert!(done.await.unwrap());
                self.said.push(Said::Grant(id));
            }
            Act::RevokeToken { token } => {
                let Some(token) = pick(&self.tokens, token) else {
                    return;
                };
                let given_up = TokenRevocation {
                    jti: token.jti.clone(),
                    client: self.clients[0].clone(),
                    others: Some(Vec::new()),
                    expires_at: world.now() + DAY,
                };
                let audit = world.audit("token.revoke");
                world.store.token_revoke(given_up, audit).await.unwrap();
                self.said.push(Said::Token(token.jti.clone()));
            }
        }
    }

    async fn start(&mut self, user: usize, client: usize, tenant: usize) {
        let world = &self.world;
        let sign_in = world.sign_in(self.users[user % 2].id).await;
        let client = &self.clients[client % self.clients.len()];
        let details = GrantDetails {
            tenant: self.tenants.get(tenant % 3).cloned(),
            ..GrantDetails::default()
        };
        let code = world.code_with(&sign_in, client, details).await;
        let session = world.session_for(&code);
        let redeemed = world.redeem(&code, &session, None).await;
        assert_eq!(redeemed.unwrap(), Redeemed::Started);
        self.tokens.push(Token {
            session: self.sessions.len(),
            actors: vec![client.clone()],
            grants: Vec::new(),
            jti: format!("token {}", self.tokens.len()),
            issued_at: whole_second(world.now()),
        });
        self.sessions.push(session);
    }

    /// Gives a client a token for one that there is, exactly if its session and the delegations stand.
    async fn exchange(&mut self, token: usize, client: usize) {
        let world = &self.world;
        let Some(subject) = pick(&self.tokens, token).cloned() else {
            return;
        };
        let client = self.clients[client % self.clients.len()].clone();
        let session = self.sessions[subject.session].id;
        let parent = subject.grants.last().copied();
        let known = world.store.delegation_of(session, &client, parent);
        let fresh = GrantId::generate(world.now(), &world.random);
        let id = known.await.unwrap().unwrap_or(fresh);
        let new = NewDelegation {
            id,
            session,
            client: client.clone(),
            parent,
            resources: Vec::new(),
        };
        let done = world
            .store
            .session_delegate(new, world.audit("token.exchange"));
        let next = Token {
            actors: [vec![client], subject.actors.clone()].concat(),
            grants: [subject.grants.clone(), vec![id]].concat(),
            jti: format!("token {}", self.tokens.len()),
            issued_at: whole_second(world.now()),
            ..subject
        };
        // What is said of who acts is said of tokens from before, and this one is issued now.
        let ground = Token {
            actors: Vec::new(),
            ..next.clone()
        };
        let stands = self.expected(&ground, world.now()).is_none();
        let done = done.await.unwrap();
        assert_eq!(done == Delegated::Done, stands, "{done:?} {:?}", self.said);
        if done == Delegated::Done {
            self.tokens.push(next);
        }
    }

    async fn revoke_many(&mut self, select: Select, minutes: u32) {
        let world = &self.world;
        let before = world.now() - minutes * MINUTE;
        let user = |place: usize| self.users[place % 2].id;
        let client = |place: usize| self.clients[place % self.clients.len()].clone();
        let tenant = |place: usize| self.tenants[place % 2].clone();
        let (user, client, tenant) = match select {
            Select::All => (None, None, None),
            Select::Tenant(place) => (None, None, Some(tenant(place))),
            Select::Client(place) => (None, Some(client(place)), None),
            Select::User(place) => (Some(user(place)), None, None),
            Select::UserOnClient(one, other) => (Some(user(one)), Some(client(other)), None),
        };
        let said = match (user, &client, &tenant) {
            (Some(user), client, _) => Said::User(user, client.clone(), before),
            (None, Some(client), _) => Said::Client(client.clone(), before),
            (None, None, Some(tenant)) => Said::Tenant(tenant.clone(), before),
            (None, None, None) => Said::All(before),
        };
        let selector = SessionSelector {
            user,
            client,
            tenant,
            started_at_or_before: before,
        };
        let audit = world.audit("session.revoke");
        let reason = RevokeReason::Admin;
        world
            .store
            .sessions_revoke(selector, reason, audit)
            .await
            .unwrap();
        self.said.push(said);
    }

    /// By what a token has fallen, in the plainest terms.
    fn expected(&self, token: &Token, now: Timestamp) -> Option<Fallen> {
        let session = &self.sessions[token.session];
        let began = session.created_at;
        let mut by = Vec::new();
        if session.expires_at <= now {
            by.push(Fallen::Session);
        }
        for said in &self.said {
            by.extend(match said {
                Said::All(at) => (began <= *at).then_some(Fallen::All),
                Said::Tenant(tenant, at) => (session.details.tenant.as_ref() == Some(tenant)
                    && began <= *at)
                    .then_some(Fallen::Tenant),
                Said::Client(client, at) if *client == session.client => {
                    (began <= *at).then_some(Fallen::Client)
                }
                Said::Client(client, at) => (token.actors.contains(client)
                    && token.issued_at <= *at)
                    .then_some(Fallen::Client),
                Said::User(user, client, at) => (*user == session.user
                    && client
                        .as_ref()
                        .is_none_or(|client| *client == session.client)
                    && began <= *at)
                    .then_some(Fallen::User),
                Said::Grant(id) => token.grants.contains(id).then_some(Fallen::Grant),
                Said::Session(place) => (*place == token.session).then_some(Fallen::Session),
                Said::Token(jti) => (*jti == token.jti).then_some(Fallen::Token),
                Said::Roles(user, at) => {
                    (*user == session.user && token.issued_at <= *at).then_some(Fallen::Outdated)
                }
                Said::Less(client, at) => ((*client == session.client
                    || token.actors.contains(client))
                    && token.issued_at <= *at)
                    .then_some(Fallen::Outdated),
            });
        }
        by.into_iter().min()
    }

    pub(super) async fn compare(&self) {
        for token in &self.tokens {
            let footing = Footing {
                grants: token.grants.clone(),
                token: Some(TokenFooting {
                    jti: token.jti.clone(),
                    issued_at: token.issued_at,
                    actors: token.actors.clone(),
                }),
                ..Footing::of(&self.sessions[token.session])
            };
            let now = self.world.now();
            let found = self.world.store.fallen(footing, now).await.unwrap();
            assert_eq!(
                found,
                self.expected(token, now),
                "{token:?} {:?}",
                self.said
            );
        }
    }
}

fn pick(tokens: &[Token], place: usize) -> Option<&Token> {
    tokens.get(place.checked_rem(tokens.len())?)
}

fn whole_second(time: Timestamp) -> Timestamp {
    Timestamp::from_seconds(time.as_seconds())
}
