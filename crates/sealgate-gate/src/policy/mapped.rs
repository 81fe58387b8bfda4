//! What the mapping makes of a caller (docs/reference/mapping.md): other roles and scopes, or another kind of
//! actor. The credential stays what it is, for revocations, records and onward calls.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use sealgate_jose::Verified;
use sealgate_model::{Actor, ActorKind, Agent, ClaimValues, Machine, User};
use sealgate_policy::mapping::{
    Claim, ClaimPath, Claims, Mapping, MappingMark, NoClaims, Outcome, Refusal, Shown, Told, within,
};

use super::Loaded;
use crate::caller::{Caller, CredentialKind};
use crate::common::Common;
use crate::denial::Denial;
use crate::issuer;

/// What the last mapping has made of one credential. Of each only the newest is kept.
#[derive(Debug, Default)]
pub(crate) struct Remembered(ArcSwapOption<Made>);

#[derive(Debug)]
struct Made {
    mark: MappingMark,
    caller: Result<Caller, Denial>,
}

impl Remembered {
    /// The caller that the mapping of `loaded` makes of `told`; `make` is asked where that is not known yet.
    pub(crate) fn caller(
        &self,
        told: &Caller,
        loaded: Option<&Loaded>,
        make: impl FnOnce(&Mapping) -> Result<Caller, Denial>,
    ) -> Result<Caller, Denial> {
        let Some(mapping) = mapping_of(loaded) else {
            return Ok(told.clone());
        };
        if let Some(made) = self
            .0
            .load()
            .as_ref()
            .filter(|made| made.mark == *mapping.mark())
        {
            return made.caller.clone();
        }
        let new = Made {
            mark: *mapping.mark(),
            caller: make(mapping),
        };
        let caller = new.caller.clone();
        self.0.store(Some(Arc::new(new)));
        caller
    }
}

/// The mapping, if it changes anything.
pub(crate) fn mapping_of(loaded: Option<&Loaded>) -> Option<&Mapping> {
    loaded
        .map(|loaded| &loaded.mapping)
        .filter(|mapping| !mapping.is_empty())
}

/// Why what the mapping has made of `caller` counts no more, or nothing: for connections that last. What it would
/// make of them now is not known without the credential.
pub(crate) fn outdated(common: &Common, caller: &Caller) -> Option<Denial> {
    if caller.credential.kind == CredentialKind::Test {
        return None;
    }
    match common.policy().current() {
        Err(denial) => Some(denial),
        Ok(loaded) => outdated_by(loaded.as_deref(), caller),
    }
}

/// The same by `loaded`: whoever another mapping has made is none of whom its policies can be asked.
pub(crate) fn outdated_by(loaded: Option<&Loaded>, caller: &Caller) -> Option<Denial> {
    let denial = match caller.credential.kind {
        CredentialKind::Test => return None,
        CredentialKind::Session => Denial::SessionOutdated,
        CredentialKind::Bearer | CredentialKind::Dpop => Denial::TokenOutdated,
    };
    let mark = mapping_of(loaded).map(Mapping::mark);
    (mark != caller.mapping.as_deref()).then_some(denial)
}

/// The caller that `mapping` makes of one whose access token is verified. `own` says whether it is the control
/// plane's that the gate follows.
pub(crate) fn of_token(mapping: &Mapping, told: &Caller, own: bool) -> Result<Caller, Denial> {
    let token = told.credential.subject_token.as_ref();
    // Claims that cannot be read are none: less is never more.
    match token.and_then(|token| claims_in(token.expose())) {
        Some(claims) => mapped(mapping, told, own, &claims),
        None => mapped(mapping, told, own, &NoClaims),
    }
}

/// The caller that `mapping` makes of one who comes with a session, which has kept `claims`.
pub(crate) fn of_session(
    mapping: &Mapping,
    told: &Caller,
    own: bool,
    claims: &[(String, ClaimValues)],
) -> Result<Caller, Denial> {
    mapped(mapping, told, own, &KeptClaims(claims))
}

/// What a session has to keep of the ID token that it is made of, for the mapping that is at hand. Rules of a later
/// one ask in vain for other claims until the session is renewed: a claim that is absent gives nothing.
pub(crate) async fn kept(common: &Common, id_token: &Verified) -> Vec<(String, ClaimValues)> {
    common.policy().have().await;
    let loaded = common.policy().current().ok().flatten();
    let Some(mapping) = mapping_of(loaded.as_deref()) else {
        return Vec::new();
    };
    let own = common.provider().preset().has_feed;
    let issuer = common.settings().issuer.as_str();
    match id_token.claims::<issuer::Claims>() {
        Ok(claims) => mapping.keep(issuer, own, &claims).into_iter().collect(),
        Err(_) => Vec::new(),
    }
}

/// The caller that `mapping` makes of `told`, whose credential says `claims` besides.
fn mapped(
    mapping: &Mapping,
    told: &Caller,
    own: bool,
    claims: &dyn Claims,
) -> Result<Caller, Denial> {
    let (actor, credential) = (&told.actor, &told.credential);
    let outcome = mapping.judge(&Told {
        issuer: &credential.issuer,
        own,
        shown: match credential.kind {
            CredentialKind::Session => Shown::Session,
            CredentialKind::Bearer | CredentialKind::Dpop | CredentialKind::Test => Shown::Token,
        },
        kind: actor.kind(),
        has_user: actor.human().is_some(),
        client: &credential.client,
        tenant: actor.tenant(),
        roles: actor.roles(),
        scopes: actor.scopes(),
        claims,
    })?;
    let actor = turned(actor, outcome, &credential.client).ok_or(Denial::ActorContradictory)?;
    Ok(Caller {
        actor: Arc::new(actor),
        credential: Arc::clone(credential),
        mapping: Some(Arc::new(*mapping.mark())),
        decided_by: None,
    })
}

impl From<Refusal> for Denial {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Contradictory => Self::ActorContradictory,
            Refusal::Unmapped => Self::ActorUnmapped,
        }
    }
}

/// The actor with what counts of it. Nothing where it would be of a kind that it cannot be of.
fn turned(actor: &Actor, outcome: Outcome, client: &str) -> Option<Actor> {
    let Outcome {
        kind,
        roles,
        scopes,
    } = outcome;
    let client = client.to_owned();
    Some(match (actor, kind) {
        (Actor::User(user), ActorKind::User) => Actor::User(User {
            roles,
            scopes,
            ..user.clone()
        }),
        (Actor::User(user), ActorKind::Agent) => {
            Actor::Agent(agent_for(user, client, roles, scopes))
        }
        (Actor::Agent(agent), ActorKind::Agent) => {
            let user = agent.user.as_deref().map(|user| User {
                roles: roles.clone(),
                scopes: scopes.clone(),
                ..user.clone()
            });
            Actor::Agent(Agent {
                roles,
                scopes,
                user: user.map(Box::new),
                ..agent.clone()
            })
        }
        (Actor::Machine(machine), ActorKind::Agent) => Actor::Agent(Agent {
            id: client,
            roles,
            scopes,
            tenant: machine.tenant.clone(),
            user: None,
            via: Vec::new(),
        }),
        (actor, ActorKind::Machine) => {
            // An agent that acts for somebody stays one.
            if actor.kind() == ActorKind::Agent && actor.human().is_some() {
                return None;
            }
            Actor::Machine(Machine {
                id: actor.id().to_owned(),
                client,
                roles,
                scopes,
                tenant: actor.tenant().map(str::to_owned),
            })
        }
        (Actor::Machine(_) | Actor::Agent(_), ActorKind::User) => return None,
    })
}

/// The client as an agent that acts for the user who is told. Those behind it passed the call on to it, as
/// where the token itself says which of them is the agent.
fn agent_for(user: &User, client: String, roles: Vec<String>, scopes: Vec<String>) -> Agent {
    let at = user.via.iter().position(|via| *via == client);
    let (before, behind) = match at {
        Some(at) => (user.via[..at].to_vec(), user.via[at + 1..].to_vec()),
        None => (Vec::new(), user.via.clone()),
    };
    Agent {
        id: client,
        tenant: user.tenant.clone(),
        user: Some(Box::new(User {
            roles: roles.clone(),
            scopes: scopes.clone(),
            via: behind,
            ..user.clone()
        })),
        roles,
        scopes,
        via: before,
    }
}

/// The claims of a token that was verified before, from its own text.
fn claims_in(token: &str) -> Option<issuer::Claims> {
    use base64::Engine as _;
    let payload = token.split('.').nth(1)?;
    let payload = base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(payload)
        .ok()?;
    serde_json::from_slice(&payload).ok()
}

/// What a session has kept.
struct KeptClaims<'a>(&'a [(String, ClaimValues)]);

impl Claims for KeptClaims<'_> {
    fn claim(&self, path: &ClaimPath) -> Option<Claim<'_>> {
        let pointer = path.to_string();
        let (_, values) = self.0.iter().find(|(kept, _)| *kept == pointer)?;
        Some(Claim::Kept(values))
    }
}

impl Claims for issuer::Claims {
    fn claim(&self, path: &ClaimPath) -> Option<Claim<'_>> {
        let (first, rest) = path.split();
        within(self.get(first)?, rest).map(Claim::Json)
    }
}
