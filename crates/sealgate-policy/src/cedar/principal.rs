//! The actor as policies see it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use cedar_policy::{Entity, EntityUid, RestrictedExpression};
use sealgate_model::{Actor, ActorKind, User};

use super::compile::Types;
use super::decide::QuestionError;
use super::key::Key;
use super::value::moment;

/// Who asks, with everything that an answer may depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Everything of it in one text of bytes: equal ones are equal in all of it.
    pub(crate) key: Box<[u8]>,
    actor: Arc<Actor>,
    foreign: Option<String>,
}

impl Principal {
    /// `actor`. Where another issuer vouches for it than the one where users sign in, `foreign` names that: ids are
    /// one issuer's, and policies see those of others as `issuer#id`.
    pub fn new(actor: Arc<Actor>, foreign: Option<&str>) -> Self {
        let mut key = Key::default();
        key.optional(foreign);
        key_of(&mut key, &actor);
        Self {
            key: key.into_bytes(),
            foreign: foreign.map(str::to_owned),
            actor,
        }
    }

    /// What kind of actor it is.
    pub fn kind(&self) -> ActorKind {
        self.actor.kind()
    }

    /// The actor.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The id by which policies know an actor of this one's issuer.
    pub fn qualified(&self, id: &str) -> String {
        qualified(self.foreign.as_deref(), id)
    }

    /// It, and the user for whom it acts, as policies see them.
    pub(crate) fn entities(
        &self,
        types: &Types,
    ) -> Result<(EntityUid, Vec<Entity>), QuestionError> {
        let maker = Maker {
            types,
            foreign: self.foreign.as_deref(),
        };
        maker.actor(&self.actor)
    }
}

/// The id by which policies know `id`: as it is, or with the issuer before it where that is another one than the one
/// where users sign in.
pub fn qualified(foreign: Option<&str>, id: &str) -> String {
    match foreign {
        Some(issuer) => format!("{issuer}#{id}"),
        None => id.to_owned(),
    }
}

fn key_of(key: &mut Key, actor: &Actor) {
    match actor {
        Actor::User(user) => {
            key.tag(0);
            key_of_user(key, user);
        }
        Actor::Machine(machine) => {
            key.tag(1);
            key.text(&machine.id);
            key.text(&machine.client);
            key.texts(&machine.scopes);
            key.texts(&machine.roles);
            key.optional(machine.tenant.as_deref());
        }
        Actor::Agent(agent) => {
            key.tag(2);
            key.text(&agent.id);
            key.texts(&agent.scopes);
            key.texts(&agent.roles);
            key.optional(agent.tenant.as_deref());
            key.texts(&agent.via);
            key.tag(u8::from(agent.user.is_some()));
            if let Some(user) = &agent.user {
                key_of_user(key, user);
            }
        }
    }
}

fn key_of_user(key: &mut Key, user: &User) {
    // By its fields, so that a new one is not forgotten here.
    let User {
        id,
        email,
        name,
        scopes,
        roles,
        tenant,
        acr,
        authenticated_at,
        client,
        via,
    } = user;
    key.text(id);
    key.optional(email.as_deref());
    key.optional(name.as_deref());
    key.texts(scopes);
    key.texts(roles);
    key.optional(tenant.as_deref());
    key.optional(acr.as_deref());
    key.tag(u8::from(authenticated_at.is_some()));
    if let Some(at) = authenticated_at {
        key.number(at.as_millis());
    }
    key.optional(client.as_deref());
    key.texts(via);
}

struct Maker<'a> {
    types: &'a Types,
    foreign: Option<&'a str>,
}

type Fields = HashMap<String, RestrictedExpression>;

impl Maker<'_> {
    fn actor(&self, actor: &Actor) -> Result<(EntityUid, Vec<Entity>), QuestionError> {
        match actor {
            Actor::User(user) => {
                let entity = self.user(user)?;
                Ok((entity.uid(), vec![entity]))
            }
            Actor::Machine(machine) => {
                let mut fields = common(&machine.id, &machine.scopes, &machine.roles);
                fields.insert("client".to_owned(), self.client(&machine.client)?);
                let tenant = machine.tenant.as_deref();
                let entity = self.entity("Machine", &machine.id, fields, &machine.roles, tenant)?;
                Ok((entity.uid(), vec![entity]))
            }
            Actor::Agent(agent) => {
                let mut fields = common(&agent.id, &agent.scopes, &agent.roles);
                fields.insert("client".to_owned(), self.client(&agent.id)?);
                fields.insert("via".to_owned(), self.clients(&agent.via)?);
                let mut entities = Vec::with_capacity(2);
                if let Some(user) = &agent.user {
                    let user = self.user(user)?;
                    let uid = RestrictedExpression::new_entity_uid(user.uid());
                    fields.insert("user".to_owned(), uid);
                    entities.push(user);
                }
                let tenant = agent.tenant.as_deref();
                let entity = self.entity("Agent", &agent.id, fields, &agent.roles, tenant)?;
                let uid = entity.uid();
                entities.push(entity);
                Ok((uid, entities))
            }
        }
    }

    fn user(&self, user: &User) -> Result<Entity, QuestionError> {
        let mut fields = common(&user.id, &user.scopes, &user.roles);
        let mut text = |name: &str, value: Option<&String>| {
            if let Some(value) = value {
                let value = RestrictedExpression::new_string(value.clone());
                fields.insert(name.to_owned(), value);
            }
        };
        text("acr", user.acr.as_ref());
        text("email", user.email.as_ref());
        if let Some(client) = &user.client {
            fields.insert("client".to_owned(), self.client(client)?);
        }
        if let Some(at) = user.authenticated_at.and_then(|at| moment(at.as_millis())) {
            let at = RestrictedExpression::new_datetime(at);
            fields.insert("authenticated_at".to_owned(), at);
        }
        fields.insert("via".to_owned(), self.clients(&user.via)?);
        self.entity(
            "User",
            &user.id,
            fields,
            &user.roles,
            user.tenant.as_deref(),
        )
    }

    fn entity(
        &self,
        kind: &str,
        id: &str,
        mut fields: Fields,
        roles: &[String],
        tenant: Option<&str>,
    ) -> Result<Entity, QuestionError> {
        let mut above = HashSet::with_capacity(roles.len() + 1);
        for role in roles {
            above.insert(self.uid("Role", role)?);
        }
        if let Some(tenant) = tenant {
            // What another issuer calls an organisation is no organisation of ours, also where it is called the same.
            let tenant = self.uid("Tenant", &qualified(self.foreign, tenant))?;
            fields.insert(
                "tenant".to_owned(),
                RestrictedExpression::new_entity_uid(tenant.clone()),
            );
            above.insert(tenant);
        }
        let uid = self.uid(kind, &qualified(self.foreign, id))?;
        Entity::new(uid, fields, above)
            .map_err(|error| QuestionError::Value("principal".to_owned(), error.to_string()))
    }

    fn client(&self, id: &str) -> Result<RestrictedExpression, QuestionError> {
        let id = qualified(self.foreign, id);
        self.uid("Client", &id)
            .map(RestrictedExpression::new_entity_uid)
    }

    fn clients(&self, ids: &[String]) -> Result<RestrictedExpression, QuestionError> {
        let clients: Result<Vec<_>, _> = ids.iter().map(|id| self.client(id)).collect();
        clients.map(RestrictedExpression::new_set)
    }

    fn uid(&self, kind: &str, id: &str) -> Result<EntityUid, QuestionError> {
        let uid = self.types.uid(kind, id);
        uid.ok_or_else(|| QuestionError::Kind {
            place: "principal".to_owned(),
            kind: kind.to_owned(),
        })
    }
}

/// What every actor has.
fn common(id: &str, scopes: &[String], roles: &[String]) -> Fields {
    HashMap::from([
        (
            "id".to_owned(),
            RestrictedExpression::new_string(id.to_owned()),
        ),
        ("scopes".to_owned(), texts(scopes)),
        ("roles".to_owned(), texts(roles)),
    ])
}

fn texts(names: &[String]) -> RestrictedExpression {
    let names = names
        .iter()
        .map(|name| RestrictedExpression::new_string(name.clone()));
    RestrictedExpression::new_set(names)
}
