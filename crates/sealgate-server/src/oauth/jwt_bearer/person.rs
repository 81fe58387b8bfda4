//! Identity assertion authorization grants (ID-JAG): a client acts for a person because the person's enterprise says
//! that it may. What it gets belongs to a session, which can be ended like any other, and is not renewed: for more
//! there is a new assertion.

use std::time::Duration;

use sealgate_host::sha256;
use sealgate_model::{SessionId, SignInId, Timestamp};
use sealgate_oauth::identity::{IdJag, VouchedClaims, vouched_scopes};
use sealgate_oauth::{JwtBearer, OAuthError, Resources, Scopes};
use sealgate_store::{
    Audit, Client, ClientKind, GrantDetails, IdentityIssuer, Session, SignIn, UserRow, Vouched,
    VouchedFor,
};

use super::super::refusal::unanswered;
use super::super::session::{check_alone, check_tenant};
use super::super::token::Issuing;
use super::super::tokens::{About, Issue, TokenAnswer, end};
use super::super::told;
use crate::issuers::{self, Person};
use crate::{ControlPlane, admin_scopes, signals};

/// The authentication context class of such sessions: not a password typed here.
const ACR: &str = "urn:sealgate:acr:enterprise";

/// How far the clocks of an issuer and of this server may be apart, as the rules for claims have it.
const LEEWAY: Duration = Duration::from_secs(60);

/// Starts the session that the enterprise vouches for, and gives its one token.
pub(super) async fn grant(
    issuing: &Issuing<'_>,
    issuer: &IdentityIssuer,
    claims: &VouchedClaims,
    asked: &JwtBearer,
    audit: &mut Audit,
) -> Result<TokenAnswer, OAuthError> {
    let Issuing { plane, client, .. } = *issuing;
    audit.action = "session.start";
    audit.object = Some(issuers::whose_word(issuer, claims));
    if client.kind != ClientKind::Confidential {
        return Err(OAuthError::GrantNotAllowed);
    }
    let said = IdJag::read(claims)?;
    if said.client != client.id.as_str() {
        return Err(OAuthError::IdentityClient);
    }
    super::check_key(issuing, said.key.as_ref())?;
    let Person { user, link } = issuers::person(plane, issuer, claims, &said, audit.at).await?;
    audit.user = Some(user.id);
    check_tenant(client, &user)?;
    let resources = resources(plane, client, asked, said.resources.as_ref())?;
    let scopes = scopes(plane, client, asked, said.scopes.as_ref(), &resources).await?;

    let (session, sign_in) = session(issuing, &user, &said, &scopes, &resources, audit);
    audit.session = Some(session.id);
    let issue = Issue {
        client,
        scopes: scopes.as_slice(),
        resources: &resources,
        key: issuing.key(),
        now: audit.at,
    };
    let about = About {
        session: &session,
        user: &user,
        nonce: None,
        refresh: None,
    };
    let answer = issue.sign(plane, &about).await?.not_renewable();
    issuing.spend_proof()?;
    let vouched = Vouched {
        assertion: (spent(issuer, &said), claims.expires_at + LEEWAY),
        made_at: said.issued_at.min(audit.at),
        proven_at: session.auth_time,
        link,
        session,
        sign_in,
    };
    let started = plane.store.session_vouch(vouched, audit.clone()).await;
    match started.map_err(unanswered)? {
        VouchedFor::Started => {}
        VouchedFor::Reused => return Err(OAuthError::IdentityReused),
        VouchedFor::Other => return Err(OAuthError::IdentityUserLinked),
        VouchedFor::Ended => return Err(OAuthError::IdentityEnded),
    }
    match told::changed(plane, &user, client).await? {
        None => Ok(answer),
        // Nobody has the token, and the next one tells what is so now.
        Some(_) => Err(OAuthError::StoreUnavailable),
    }
}

/// What the assertion is remembered by. Clients remember theirs each for itself, and an assertion is for one client.
fn spent(issuer: &IdentityIssuer, said: &IdJag) -> [u8; 32] {
    // No issuer has a control character in its name.
    *sha256(format!("{}\n{}", issuer.issuer, said.id).as_bytes()).as_bytes()
}

/// Of what the assertion allows, what is asked for; and nothing that the client is not registered for. A token for
/// no resource would be for this server itself, which nobody vouched for.
fn resources(
    plane: &ControlPlane,
    client: &Client,
    asked: &JwtBearer,
    said: Option<&Resources>,
) -> Result<Vec<String>, OAuthError> {
    let named = match said {
        Some(said) => Resources::try_from(asked.resources.narrow(said.as_slice(), &plane.issuer)?)?,
        None => asked.resources.clone(),
    };
    if named.is_empty() {
        return Err(OAuthError::ParameterMissing("resource"));
    }
    let resources = named.registered(&client.details.resources)?.into_vec();
    check_alone(plane, &resources)?;
    let own = [
        admin_scopes::resource(&plane.issuer),
        signals::resource(&plane.issuer),
        plane.issuer.as_str().to_owned(),
    ];
    if resources.iter().any(|uri| own.contains(uri)) {
        return Err(OAuthError::ResourceNotAllowed);
    }
    Ok(resources)
}

/// The scopes of the token. Administration is never among them: nobody who administers was asked.
async fn scopes(
    plane: &ControlPlane,
    client: &Client,
    asked: &JwtBearer,
    said: Option<&Scopes>,
    resources: &[String],
) -> Result<Scopes, OAuthError> {
    let mut known = Vec::new();
    for uri in resources {
        let resource = plane.store.resource(uri).await.map_err(unanswered)?;
        let scopes = resource.into_iter().flat_map(|resource| resource.scopes);
        known.extend(scopes.map(|scope| scope.name));
    }
    let registered = admin_scopes::without(&client.scopes);
    vouched_scopes(asked.scopes.as_ref(), said, &registered, &known)
}

/// A session as long as its one token, and the sign-in that it belongs to, which no browser has.
fn session(
    issuing: &Issuing<'_>,
    user: &UserRow,
    said: &IdJag,
    scopes: &Scopes,
    resources: &[String],
    audit: &Audit,
) -> (Session, SignIn) {
    let Issuing { plane, client, .. } = *issuing;
    let (now, random) = (audit.at, plane.random.as_ref());
    let expires_at = end(plane, client, now);
    // A clock that is a little ahead proves nothing in the future.
    let proven: Timestamp = said.auth_time.unwrap_or(said.issued_at).min(now);
    let sign_in = SignIn {
        id: SignInId::generate(now, random),
        secret_hash: sha256(&random.bytes::<32>()),
        user: user.id,
        auth_time: proven,
        methods: said.methods.clone(),
        expires_at,
        ended_at: None,
    };
    let session = Session {
        id: SessionId::generate(now, random),
        user: user.id,
        client: client.id.clone(),
        sign_in: sign_in.id,
        scopes: scopes.as_slice().to_vec(),
        details: GrantDetails {
            resources: resources.to_vec(),
            acr: Some(ACR.to_owned()),
            tenant: user.tenant.clone(),
            ..GrantDetails::default()
        },
        auth_time: proven,
        methods: said.methods.clone(),
        created_at: now,
        renewed_at: now,
        network: audit.network.clone(),
        expires_at,
        revoked_at: None,
        revoked_for: None,
    };
    (session, sign_in)
}
