//! The token exchange grant (RFC 8693, 2.1): a token for the client to act for a user at a resource, for one of
//! the user's that it has. The session stands behind both; with it, both end.

use sealgate_model::{GrantId, Timestamp};
use sealgate_oauth::{
    Act, ActorProfile, OAuthError, RefreshHandle, SubjectToken, TokenExchange, delegated_scopes,
};
use sealgate_store::{
    Audit, Client, ClientKind, Consent, Delegated, NewDelegation, Session, StoreError, UserRow,
};

use super::access_token::{self, Holder};
use super::refusal::unanswered;
use super::session::{Granted, check_alone, check_tenant};
use super::token::Issuing;
use super::tokens::{AccessClaims, Delegation, Issue, TokenAnswer};
use super::{introspect, refresh, told};
use crate::machines::uses;
use crate::{ControlPlane, admin_scopes, signals};

/// How often the delegation may turn out to be one that another exchange has just made: once, unless it was
/// swept in between.
const RACES: usize = 3;

/// On whose behalf, and how far that goes.
struct Subject {
    session: Session,
    user: UserRow,
    /// Who acted for the user before.
    act: Option<Act>,
    /// The delegations by which they did.
    grants: Vec<GrantId>,
    /// When the token that was handed in ends.
    ends_at: Timestamp,
    /// The scopes of the token that was handed in; none: it is the client's own session.
    scopes: Option<Vec<String>>,
    /// That token.
    token: Option<AccessClaims>,
}

/// Issues an access token for the user of the subject token, on record before it is given out.
pub(super) async fn exchange(
    issuing: &Issuing<'_>,
    asked: &TokenExchange,
    audit: &mut Audit,
) -> Result<TokenAnswer, OAuthError> {
    let Issuing { plane, client, .. } = *issuing;
    audit.action = "token.exchange";
    // Whoever cannot prove who they are is no actor that anybody could know again.
    if client.kind != ClientKind::Confidential {
        return Err(OAuthError::GrantNotAllowed);
    }
    let subject = match &asked.subject {
        SubjectToken::Refresh(handle) => of_session(issuing, handle, audit).await?,
        SubjectToken::Access(token) => of_token(issuing, token.expose(), audit).await?,
    };
    check_tenant(client, &subject.user)?;
    let resources = asked.resources.registered(&client.details.resources)?;
    let resources = resources.as_slice();
    check_alone(plane, resources)?;
    let own = [
        admin_scopes::resource(&plane.issuer),
        signals::resource(&plane.issuer),
    ];
    if resources.iter().any(|uri| own.contains(uri)) {
        return Err(OAuthError::ResourceNotAllowed);
    }
    let scopes = scopes(plane, client, asked, &subject).await?;
    check_consent(client, &subject, resources, &scopes)?;
    let profile = ActorProfile::of(client.details.agent);
    let act = Act::new(client.id.clone(), profile, subject.act.clone())?;
    let issue = Issue {
        client,
        scopes: &scopes,
        resources,
        key: issuing.key(),
        now: audit.at,
    };
    issuing.spend_proof()?;
    let mut own = grant(plane, client, &subject, audit).await?;
    for _ in 0..RACES {
        let grants = subject.grants.iter().copied().chain([own]).collect();
        let delegation = Delegation {
            session: &subject.session,
            user: &subject.user,
            act: act.clone(),
            grants,
            ends_at: subject.ends_at,
        };
        let answer = issue.sign_delegated(plane, delegation, audit).await?;
        let new = NewDelegation {
            id: own,
            session: subject.session.id,
            client: client.id.clone(),
            parent: subject.grants.last().copied(),
            resources: resources.to_vec(),
        };
        let on_record = plane.store.session_delegate(new, audit.clone()).await;
        match on_record.map_err(crowded)? {
            Delegated::Done => {
                uses::note(plane, client, &scopes, resources, audit.at).await;
                return settle(issuing, &subject, audit, answer).await;
            }
            Delegated::Other(id) => own = id,
            Delegated::Revoked => return Err(OAuthError::DelegationRevoked),
            Delegated::Ended if subject.scopes.is_some() => {
                return Err(OAuthError::SubjectTokenRevoked);
            }
            Delegated::Ended => return Err(OAuthError::SessionRevoked),
        }
    }
    Err(OAuthError::StoreUnavailable)
}

/// The delegation that this exchange belongs to: the one that there is, or a first one.
async fn grant(
    plane: &ControlPlane,
    client: &Client,
    subject: &Subject,
    audit: &Audit,
) -> Result<GrantId, OAuthError> {
    let parent = subject.grants.last().copied();
    let known = plane
        .store
        .delegation_of(subject.session.id, &client.id, parent);
    let known = known.await.map_err(unanswered)?;
    Ok(known.unwrap_or_else(|| GrantId::generate(audit.at, plane.random.as_ref())))
}

/// The answer, once it is on record, if its user and its client are still as it tells, and what was handed in
/// is still good. What ends from now on ends as of now or later, and so reaches this token too: also a client
/// between, of which nothing is asked when it is put on record.
async fn settle(
    issuing: &Issuing<'_>,
    subject: &Subject,
    audit: &Audit,
    answer: TokenAnswer,
) -> Result<TokenAnswer, OAuthError> {
    let Issuing { plane, client, .. } = *issuing;
    if told::changed(plane, &subject.user, client).await?.is_some() {
        // Nobody has the token, and the next one tells what is so now.
        return Err(OAuthError::StoreUnavailable);
    }
    if let Some(token) = &subject.token {
        let alive = access_token::alive(plane, token, audit.at).await;
        alive.map_err(of_subject)?;
    }
    Ok(answer)
}

/// What a session has too many of are its delegations.
fn crowded(error: StoreError) -> OAuthError {
    match error {
        StoreError::TooMany(_) => OAuthError::DelegationsFull,
        error => unanswered(error),
    }
}

/// The client's own session, by its refresh token, which is neither spent nor replaced. One that was spent
/// is taken as long as its grace window lasts; after that it may be stolen, and the session ends.
async fn of_session(
    issuing: &Issuing<'_>,
    handle: &RefreshHandle,
    audit: &mut Audit,
) -> Result<Subject, OAuthError> {
    let token = refresh::known(issuing, handle, audit).await?;
    let (session, user) = refresh::alive(issuing, &token, audit).await?;
    refresh::check_key(issuing, &session)?;
    if token.used_at.is_some() && !refresh::in_grace(issuing.plane, &token, audit.at) {
        return Err(refresh::end(issuing.plane, &session, audit).await);
    }
    Ok(Subject {
        ends_at: session.expires_at,
        session,
        user,
        act: None,
        grants: Vec::new(),
        scopes: None,
        token: None,
    })
}

/// The user of an access token that the client may exchange. It is held against all
/// that introspection holds it against.
async fn of_token(
    issuing: &Issuing<'_>,
    token: &str,
    audit: &mut Audit,
) -> Result<Subject, OAuthError> {
    let Issuing { plane, client, .. } = *issuing;
    let claims = access_token::read(plane, token, audit.at).map_err(of_subject)?;
    if let Some(of_user) = &claims.of_user {
        audit.session = Some(of_user.sid);
    }
    // From whom the token came is part of the record, whatever becomes of it.
    audit.through = Some(claims.client_id.clone());
    check_actor(plane, client, &claims).await?;
    let alive = access_token::alive(plane, &claims, audit.at).await;
    let (_, holder) = alive.map_err(of_subject)?;
    let Holder::User(who) = holder else {
        return Err(OAuthError::SubjectTokenUserless);
    };
    let (session, user) = *who;
    audit.user = Some(user.id);
    Ok(Subject {
        session,
        user,
        act: claims.act.clone(),
        grants: claims.grants.clone(),
        ends_at: Timestamp::from_seconds(claims.exp),
        scopes: Some(claims.scope.split(' ').map(str::to_owned).collect()),
        token: Some(claims),
    })
}

/// Whether the client may exchange a token: if it names one that may act (RFC 8693, 4.4), that one and nobody
/// else, whatever the token is for; otherwise whoever serves a resource that it was sent to.
async fn check_actor(
    plane: &ControlPlane,
    client: &Client,
    claims: &AccessClaims,
) -> Result<(), OAuthError> {
    match &claims.may_act {
        Some(named) if named.sub == client.id => Ok(()),
        Some(_) => Err(OAuthError::SubjectTokenReserved),
        None if introspect::serves(plane, client, claims).await? => Ok(()),
        None => Err(OAuthError::SubjectTokenForeign),
    }
}

/// What is wrong with a token that is handed in is wrong with the request (RFC 8693, 2.2.2), not with how
/// somebody came here.
fn of_subject(error: OAuthError) -> OAuthError {
    match error {
        OAuthError::TokenInvalid => OAuthError::SubjectTokenInvalid,
        OAuthError::TokenExpired => OAuthError::SubjectTokenExpired,
        OAuthError::TokenRevoked => OAuthError::SubjectTokenRevoked,
        OAuthError::TokenOutdated => OAuthError::SubjectTokenOutdated,
        other => other,
    }
}

/// The scopes of the new token. Administration is never among them: whoever administers for a user does so by
/// a token that the user was asked for.
async fn scopes(
    plane: &ControlPlane,
    client: &Client,
    asked: &TokenExchange,
    subject: &Subject,
) -> Result<Vec<String>, OAuthError> {
    let named = asked.scopes.as_ref();
    if named.is_some_and(|named| named.as_slice().iter().any(|one| admin_scopes::is_one(one))) {
        return Err(OAuthError::ExchangeScopeRefused);
    }
    let mut known = Vec::new();
    for uri in asked.resources.as_slice() {
        let resource = plane.store.resource(uri).await.map_err(unanswered)?;
        let scopes = resource.into_iter().flat_map(|resource| resource.scopes);
        known.extend(scopes.map(|scope| scope.name));
    }
    let registered = admin_scopes::without(&client.scopes);
    let scopes = delegated_scopes(named, &registered, &known, subject.scopes.as_deref())?;
    Ok(scopes.into_vec())
}

/// A client whose users are asked gets no more of its own session than they have granted, by whichever of the
/// session's tokens it asks.
fn check_consent(
    client: &Client,
    subject: &Subject,
    resources: &[String],
    scopes: &[String],
) -> Result<(), OAuthError> {
    if client.details.consent == Consent::Trusted || subject.session.client != client.id {
        return Ok(());
    }
    let granted = Granted::of(&subject.session, client)?;
    if resources.iter().any(|uri| !granted.resources.contains(uri)) {
        return Err(OAuthError::ResourceWidened);
    }
    if scopes.iter().any(|scope| !granted.scopes.contains(scope)) {
        return Err(OAuthError::ScopeWidened);
    }
    Ok(())
}
