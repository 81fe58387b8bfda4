//! A store that does not answer, or of which nobody knows whether it wrote: never the grant's fault.

use std::sync::atomic::{AtomicU8, Ordering};

use async_trait::async_trait;
use sealgate_model::{
    ClientId, CodeId, DeviceId, InvitationId, LogoutDeliveryId, PushedId, RefreshId, SecretHash,
};
use sealgate_store::{
    Accepted, AuditFilter, Code, ConsentRow, DeviceCode, DeviceDecision, Invitation, KeyRow,
    KeyState, LogoutDelivery, Page, Polled, PushedRequest, Redeemed, RefreshState, RefreshToken,
    Resource, Revocation, Rotated, SessionFilter, SessionSelector, StoreError, Swept,
    TokenRevocation, UserChange,
};
use tokio::sync::watch;

use super::*;

const UP: u8 = 0;
const DOWN: u8 = 1;
/// Writes happen, and their answer is lost.
const UNKNOWN: u8 = 2;

/// A store with a switch.
struct Switched {
    inner: Arc<dyn Store>,
    state: Arc<AtomicU8>,
}

impl Switched {
    fn lost(&self, state: u8) -> Result<(), StoreError> {
        if self.state.load(Ordering::SeqCst) == state {
            Err(StoreError::Unavailable("switched off".into()))
        } else {
            Ok(())
        }
    }
}

macro_rules! switched {
    (
        reads { $(fn $read:ident($($ra:ident: $rt:ty),*) -> $rr:ty;)* }
        writes { $(fn $write:ident($($wa:ident: $wt:ty),*) -> $wr:ty;)* }
    ) => {
        impl sealgate_store::DelegationStore for Switched {}
        impl sealgate_store::StreamStore for Switched {}
        impl sealgate_store::ReceiverStore for Switched {}

        #[async_trait]
        impl Store for Switched {
            $(async fn $read(&self, $($ra: $rt),*) -> Result<$rr, StoreError> {
                self.lost(DOWN)?;
                self.inner.$read($($ra),*).await
            })*
            $(async fn $write(&self, $($wa: $wt),*) -> Result<$wr, StoreError> {
                self.lost(DOWN)?;
                let done = self.inner.$write($($wa),*).await?;
                self.lost(UNKNOWN)?;
                Ok(done)
            })*
            fn revocation_wakeup(&self) -> watch::Receiver<u64> {
                self.inner.revocation_wakeup()
            }
        }
    };
}

switched! {
    reads {
        fn epoch() -> String;
        fn user_by_email(email: &str) -> Option<UserRow>;
        fn user(id: UserId) -> Option<UserRow>;
        fn users(page: Page) -> Vec<UserRow>;
        fn admin_exists() -> bool;
        fn invitation(id: InvitationId) -> Option<Invitation>;
        fn client(id: &ClientId) -> Option<Client>;
        fn clients() -> Vec<Client>;
        fn resource(uri: &str) -> Option<Resource>;
        fn resources() -> Vec<Resource>;
        fn consent(user: UserId, client: &ClientId) -> Option<ConsentRow>;
        fn consents_of(user: UserId) -> Vec<ConsentRow>;
        fn pushed(id: PushedId) -> Option<PushedRequest>;
        fn device(id: DeviceId) -> Option<DeviceCode>;
        fn device_by_user_code(user_code: &str) -> Option<DeviceCode>;
        fn deliveries_due(now: Timestamp, limit: u32, each: u32) -> Vec<LogoutDelivery>;
        fn sign_in(id: SignInId) -> Option<SignIn>;
        fn code(id: CodeId) -> Option<Code>;
        fn session(id: SessionId) -> Option<Session>;
        fn sessions(filter: SessionFilter, page: Page) -> Vec<Session>;
        fn refresh_token(id: RefreshId) -> Option<RefreshToken>;
        fn refresh_state(id: RefreshId) -> Option<RefreshState>;
        fn keys() -> Vec<KeyRow>;
        fn token_revoked(jti: &str) -> bool;
        fn not_before(user: Option<UserId>, client: Option<&ClientId>) -> Option<Timestamp>;
        fn revocation_head() -> u64;
        fn revocations_after(seq: u64, limit: u32) -> Vec<Revocation>;
        fn revocations_live(now: Timestamp) -> (u64, Vec<Revocation>);
        fn audit_after(number: i64, limit: u32) -> Vec<AuditRow>;
        fn audit_list(filter: AuditFilter, limit: u32) -> Vec<AuditRow>;
    }
    writes {
        fn user_create(user: UserRow, invitation: Option<Invitation>, audit: Audit) -> ();
        fn user_disable(id: UserId, audit: Audit) -> bool;
        fn user_enable(id: UserId, audit: Audit) -> bool;
        fn user_update(id: UserId, change: UserChange, audit: Audit) -> bool;
        fn invitation_create(invitation: Invitation, before: Option<UserRow>, audit: Audit) -> ();
        fn invitation_accept(id: InvitationId, user: UserRow, sign_in: SignIn, audit: Audit) -> Accepted;
        fn client_create(client: Client, audit: Audit) -> ();
        fn client_update(before: Client, client: Client, audit: Audit) -> bool;
        fn client_disable(id: &ClientId, audit: Audit) -> bool;
        fn client_enable(id: &ClientId, audit: Audit) -> bool;
        fn client_set_secret(id: &ClientId, scopes: Vec<String>, secret_hash: SecretHash, audit: Audit) -> bool;
        fn client_remove(id: &ClientId, audit: Audit) -> bool;
        fn resource_create(resource: Resource, audit: Audit) -> ();
        fn resource_update(before: Resource, resource: Resource, audit: Audit) -> bool;
        fn resource_remove(uri: &str, audit: Audit) -> bool;
        fn consent_grant(consent: ConsentRow, audit: Audit) -> ();
        fn consent_withdraw(user: UserId, client: &ClientId, audit: Audit) -> bool;
        fn pushed_create(request: PushedRequest, audit: Audit) -> ();
        fn pushed_take(id: PushedId, client: &ClientId, now: Timestamp) -> Option<PushedRequest>;
        fn assertion_use(client: &ClientId, jti_hash: [u8; 32], expires_at: Timestamp, now: Timestamp) -> bool;
        fn device_create(device: DeviceCode, audit: Audit) -> ();
        fn device_decide(id: DeviceId, decision: DeviceDecision, audit: Audit) -> bool;
        fn device_poll(id: DeviceId, now: Timestamp) -> Option<Polled>;
        fn device_redeem(id: DeviceId, session: Session, refresh: Option<RefreshToken>, audit: Audit) -> Redeemed;
        fn sign_in_create(sign_in: SignIn, audit: Audit) -> ();
        fn sign_in_replace(before: SignInId, sign_in: SignIn, audit: Audit) -> ();
        fn user_sign_out(user: UserId, reason: RevokeReason, audit: Audit) -> ();
        fn sign_in_end(id: SignInId, reason: RevokeReason, audit: Audit) -> ();
        fn code_create(code: Code, audit: Audit) -> ();
        fn code_redeem(id: CodeId, session: Session, refresh: Option<RefreshToken>, audit: Audit, on_reuse: Audit) -> Redeemed;
        fn session_revoke(id: SessionId, reason: RevokeReason, audit: Audit) -> bool;
        fn session_sign_out(id: SessionId, reason: RevokeReason, audit: Audit) -> bool;
        fn sessions_revoke(selector: SessionSelector, reason: RevokeReason, audit: Audit) -> u64;
        fn delivery_done(id: LogoutDeliveryId, audit: Audit) -> bool;
        fn delivery_failed(id: LogoutDeliveryId, next_try_at: Timestamp) -> bool;
        fn session_delegate(id: SessionId, resources: Vec<String>, audit: Audit) -> bool;
        fn refresh_rotate(id: RefreshId, successor: RefreshToken, answer: String, audit: Audit) -> Rotated;
        fn keys_change(new: Vec<KeyRow>, moves: Vec<(String, KeyState)>, audit: Audit) -> ();
        fn key_revoke(kid: &str, new: Vec<KeyRow>, moves: Vec<(String, KeyState)>, expires_at: Timestamp, audit: Audit) -> bool;
        fn token_revoke(token: TokenRevocation, audit: Audit) -> bool;
        fn record(audit: Audit) -> ();
        fn sweep(now: Timestamp) -> Swept;
        fn try_write() -> ();
    }
}

async fn house() -> (House, Arc<AtomicU8>) {
    let state = Arc::new(AtomicU8::new(UP));
    let switch = Arc::clone(&state);
    let house = House::with_store(|inner| Arc::new(Switched { inner, state })).await;
    (house, switch)
}

async fn assert_unavailable(response: Response) {
    assert_eq!(response.headers()["retry-after"], "1");
    assert_refused(
        response,
        StatusCode::SERVICE_UNAVAILABLE,
        "temporarily_unavailable",
        "store_unavailable",
    )
    .await;
}

#[tokio::test]
async fn a_store_that_is_down_is_never_an_invalid_grant() {
    let (house, switch) = house().await;
    let given = house.tokens("app", "openid").await;
    let code = house.code("app", "openid").await;
    switch.store(DOWN, Ordering::SeqCst);
    assert_unavailable(house.redeem("app", &code).await).await;
    assert_unavailable(house.refresh("app", &given.refresh).await).await;
    assert_unavailable(
        house
            .post("/oauth/revoke", Some("app"), &[("token", &given.refresh)])
            .await,
    )
    .await;
    assert_unavailable(userinfo::ask(&house, &given.access).await).await;
    let page = house.get(&authorize(&wish("app")), None).await;
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        house.get("/oauth/jwks", None).await.status(),
        StatusCode::OK
    );
    switch.store(UP, Ordering::SeqCst);
    assert_eq!(house.redeem("app", &code).await.status(), StatusCode::OK);
    assert_eq!(
        house.refresh("app", &given.refresh).await.status(),
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_renewal_of_unknown_result_can_be_asked_for_again() {
    let (house, switch) = house().await;
    let given = house.tokens("app", "openid").await;
    switch.store(UNKNOWN, Ordering::SeqCst);
    assert_unavailable(house.refresh("app", &given.refresh).await).await;
    switch.store(UP, Ordering::SeqCst);
    let next = tokens(house.refresh("app", &given.refresh).await).await;
    assert_eq!(
        house.refresh("app", &next.refresh).await.status(),
        StatusCode::OK
    );
    assert_eq!(house.revoked_for(&given.access).await, None);
}

#[tokio::test]
async fn a_rotation_of_unknown_result_is_caught_up_with() {
    let (house, switch) = house().await;
    switch.store(UNKNOWN, Ordering::SeqCst);
    let failed = house.plane.keys.rotate(None, false, house.audit()).await;
    assert_eq!(failed.unwrap_err().code(), "store_unavailable");
    switch.store(UP, Ordering::SeqCst);
    house.plane.keys.tick().await.unwrap();
    let active = house
        .plane
        .store
        .keys()
        .await
        .unwrap()
        .into_iter()
        .find(|row| row.state == KeyState::Active);
    let given = house.tokens("app", "openid").await;
    assert_eq!(
        house
            .plane
            .keys
            .verifying()
            .verify(&given.access, &["at+jwt"])
            .unwrap()
            .kid,
        active.unwrap().kid
    );
}

#[tokio::test]
async fn a_key_whose_revocation_may_have_been_written_stays_down_until_that_is_known() {
    let (house, switch) = house().await;
    let keys = &house.plane.keys;
    let given = house.tokens("app", "openid").await;
    let sign = || keys.sign(sealgate_jose::Algorithm::Ed25519, "at+jwt", &1);
    let kid = |token: &str| {
        let verified = keys.verifying().verify(token, &["at+jwt"]);
        verified.map(|verified| verified.kid)
    };
    let leaked = kid(&given.access).unwrap();
    switch.store(DOWN, Ordering::SeqCst);
    let failed = keys.revoke(&leaked, house.audit()).await;
    assert_eq!(failed.unwrap_err().code(), "store_unavailable");
    assert_eq!(
        kid(&sign().unwrap()).unwrap(),
        leaked,
        "nothing was asked of it yet"
    );

    switch.store(UNKNOWN, Ordering::SeqCst);
    let failed = keys.revoke(&leaked, house.audit()).await;
    assert_eq!(failed.unwrap_err().code(), "store_unavailable");
    assert!(kid(&given.access).is_err());
    assert_ne!(kid(&sign().unwrap()).unwrap(), leaked);
    switch.store(UP, Ordering::SeqCst);
    keys.tick().await.unwrap();
    assert!(kid(&given.access).is_err());
    let again = keys.revoke(&leaked, house.audit()).await;
    assert_eq!(again.unwrap_err().code(), "key_unknown");
}

#[tokio::test]
async fn a_store_that_can_be_read_and_not_written_is_not_ready() {
    let (house, switch) = house().await;
    let app = crate::app(Arc::clone(&house.plane));
    let ready = async || {
        let request = Request::get("/ready").body(Body::empty()).unwrap();
        app.clone().oneshot(request).await.unwrap().status()
    };
    assert_eq!(ready().await, StatusCode::OK);
    for state in [UNKNOWN, DOWN] {
        switch.store(state, Ordering::SeqCst);
        house.clock.advance(std::time::Duration::from_secs(5));
        assert_eq!(ready().await, StatusCode::SERVICE_UNAVAILABLE);
        switch.store(UP, Ordering::SeqCst);
        assert_eq!(
            ready().await,
            StatusCode::SERVICE_UNAVAILABLE,
            "tried every five seconds, not at every question"
        );
        house.clock.advance(std::time::Duration::from_secs(5));
        assert_eq!(ready().await, StatusCode::OK);
    }
}

#[tokio::test]
async fn an_exchange_that_may_not_be_on_record_gives_nothing_out() {
    let (house, switch) = house().await;
    house.add_api().await;
    house
        .change_client("app", |client| {
            client
                .details
                .grants
                .push(sealgate_model::Grant::TokenExchange);
            client.details.resources = vec![machines::API.to_owned()];
        })
        .await;
    let own = house.tokens("app", "openid").await;
    let exchange = async || {
        let to = [("resource", machines::API)];
        house
            .exchange("app", token_exchange::REFRESH, &own.refresh, &to)
            .await
    };
    switch.store(UNKNOWN, Ordering::SeqCst);
    assert_unavailable(exchange().await).await;
    switch.store(UP, Ordering::SeqCst);
    assert_eq!(exchange().await.status(), StatusCode::OK);
}
