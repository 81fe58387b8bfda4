use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};

use sealgate_host::{
    FakeClock, FakeRandom, Fetch, FetchError, FetchRequest, FetchResponse, StreamBody,
};
use sealgate_jose::{Expect, JoseError, SigningKey};
use sealgate_model::{Issuer, Timestamp};
use serde_json::json;

use super::*;

mod heeded;

const NAME: &str = "https://t.example/";
const SECOND: Duration = Duration::from_secs(1);

/// An issuer in memory.
struct House {
    /// The numbers of the keys in its set.
    listed: Mutex<Vec<u8>>,
    max_age: Mutex<Option<Duration>>,
    down: Mutex<bool>,
    /// How long an answer takes, in turns of the scheduler.
    slow: AtomicUsize,
    asked: AtomicUsize,
    urls: Mutex<Vec<String>>,
}

impl House {
    fn list(&self, keys: &[u8]) {
        *self.listed.lock().unwrap() = keys.to_vec();
    }

    fn goes_down(&self, down: bool) {
        *self.down.lock().unwrap() = down;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn answer(&self, url: &str) -> Result<FetchResponse, FetchError> {
        self.urls.lock().unwrap().push(url.to_owned());
        let is_keys = url.ends_with("/jwks");
        self.asked
            .fetch_add(usize::from(is_keys), Ordering::Relaxed);
        if *self.down.lock().unwrap() {
            return Err(FetchError::TimedOut);
        }
        let body = if is_keys {
            let keys = self.listed.lock().unwrap();
            let keys: Vec<_> = keys.iter().map(|n| key(*n).public_jwk()).collect();
            json!({ "keys": keys })
        } else {
            json!({ "issuer": NAME, "jwks_uri": "https://t.example/jwks" })
        };
        Ok(FetchResponse {
            status: 200,
            body: body.to_string().into_bytes(),
            max_age: *self.max_age.lock().unwrap(),
            ..FetchResponse::default()
        })
    }
}

impl Fetch for House {
    fn send(
        &self,
        request: FetchRequest,
    ) -> Pin<Box<dyn Future<Output = Result<FetchResponse, FetchError>> + Send + '_>> {
        Box::pin(async move {
            for _ in 0..self.slow.load(Ordering::Relaxed) {
                tokio::task::yield_now().await;
            }
            self.answer(&request.url)
        })
    }

    fn open(
        &self,
        _: FetchRequest,
    ) -> Pin<Box<dyn Future<Output = Result<StreamBody, FetchError>> + Send + '_>> {
        Box::pin(std::future::ready(Err(FetchError::TimedOut)))
    }
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_seed(format!("k{number}"), &[number; 32]).unwrap()
}

fn token(number: u8) -> String {
    key(number).sign("at+jwt", &json!({})).unwrap()
}

const EXPECT: Expect<'static> = Expect {
    types: &["at+jwt"],
    type_optional: false,
    kid_optional: true,
    limit: sealgate_jose::TOKEN_LIMIT,
};

fn cold() -> (Arc<KeySource>, Arc<House>, Arc<FakeClock>) {
    let house = Arc::new(House {
        listed: Mutex::new(vec![1]),
        max_age: Mutex::default(),
        down: Mutex::default(),
        slow: AtomicUsize::new(0),
        asked: AtomicUsize::new(0),
        urls: Mutex::default(),
    });
    let clock = Arc::new(FakeClock::at(Timestamp::from_seconds(1_790_000_000)));
    let outside = Outside {
        clock: clock.clone(),
        random: Arc::new(FakeRandom::seeded(3)),
        fetch: house.clone(),
    };
    let name = Issuer::foreign(NAME).unwrap();
    let discovery = Discovery::new(name, false, house.clone(), clock.clone());
    let source = KeySource::new(Arc::new(discovery), outside);
    (Arc::new(source), house, clock)
}

async fn warm() -> (Arc<KeySource>, Arc<House>, Arc<FakeClock>) {
    let (source, house, clock) = cold();
    background(&source).await;
    assert_eq!(house.asked(), 1);
    (source, house, clock)
}

/// Lets the background do what is due.
async fn background(source: &Arc<KeySource>) {
    let followed = tokio::time::timeout(Duration::from_millis(100), source.follow()).await;
    assert!(followed.is_err(), "following never ends by itself");
}

fn verifies(source: &Arc<KeySource>, number: u8) -> bool {
    source.verify_now(&token(number), &EXPECT).is_ok()
}

async fn refused(source: &Arc<KeySource>, number: u8) -> bool {
    let verified = source.verify(&token(number), &EXPECT).await;
    match verified {
        Err(Unverified::Refused(error)) => error == JoseError::UnknownKey,
        Err(Unverified::Unavailable(_)) => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn the_slash_belongs_to_the_issuer_and_not_to_the_place_of_its_metadata() {
    let (_, house, _) = warm().await;
    let urls = house.urls.lock().unwrap();
    assert_eq!(
        urls[0],
        "https://t.example/.well-known/openid-configuration"
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_at_hand_answers_without_asking() {
    let (source, house, _) = warm().await;
    for _ in 0..100 {
        assert!(verifies(&source, 1));
    }
    assert_eq!(house.asked(), 1);
    // The one key for its algorithm is meant by a token that names none.
    let header = json!({ "alg": "EdDSA", "typ": "at+jwt" });
    let silent = key(1).sign_with_header(&header, &json!({})).unwrap();
    assert!(source.verify_now(&silent, &EXPECT).is_ok());
    let strict = Expect {
        kid_optional: false,
        ..EXPECT
    };
    let verified = source.verify_now(&silent, &strict);
    assert!(
        matches!(verified, Err(Unverified::Refused(_))),
        "{verified:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_cold_start_asks_once_for_however_many_wait() {
    let (source, house, _) = cold();
    house.slow.store(20, Ordering::Relaxed);
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let source = Arc::clone(&source);
        all.spawn(async move { source.verify(&token(1), &EXPECT).await.is_ok() });
    }
    assert!(all.join_all().await.into_iter().all(|verified| verified));
    assert_eq!(house.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_so_many_wait_and_the_others_are_told_to_come_back() {
    let (source, house, _) = cold();
    house.slow.store(1_000, Ordering::Relaxed);
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let source = Arc::clone(&source);
        all.spawn(async move { source.verify(&token(1), &EXPECT).await });
    }
    let all = all.join_all().await;
    let (good, sent): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
    assert_eq!(good.len(), WAITING_MOST);
    assert!(
        sent.iter()
            .all(|one| *one == Err(Unverified::Unavailable(SECOND)))
    );
    assert_eq!(house.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_keys_nothing_is_refused_and_the_next_try_is_a_second_away() {
    let (source, house, clock) = cold();
    house.goes_down(true);
    for _ in 0..5 {
        let verified = source.verify(&token(1), &EXPECT).await;
        assert!(
            matches!(verified, Err(Unverified::Unavailable(_))),
            "{verified:?}"
        );
    }
    assert_eq!(house.urls.lock().unwrap().len(), 1);
    house.goes_down(false);
    assert!(matches!(
        source.look_up(Some("k1")),
        LookUp::Unavailable { retry_after } if retry_after == SECOND
    ));
    clock.advance(SECOND);
    assert!(source.verify(&token(1), &EXPECT).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn strangers_make_the_gate_ask_once_in_ten_seconds_whatever_they_send() {
    let (source, house, clock) = warm().await;
    let mut asked = house.asked();
    for round in 0..5 {
        clock.advance(Duration::from_secs(10));
        for number in 0..1_000 {
            let kid = format!("{round}-{number}");
            source.settle(Some(&kid)).await;
            clock.advance(Duration::from_millis(1));
            assert!(verifies(&source, 1));
        }
        assert_eq!(house.asked(), asked + 1);
        asked = house.asked();
        clock.advance(Duration::from_secs(9));
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_a_newer_set_does_not_have_is_refused_from_memory() {
    let (source, house, clock) = warm().await;
    clock.advance(Duration::from_secs(10));
    assert!(refused(&source, 9).await);
    assert_eq!(house.asked(), 2);
    // Seen after that set was asked for, so nothing is known of it, and it may not be asked for yet.
    clock.advance(SECOND);
    assert!(!refused(&source, 8).await);
    assert!(refused(&source, 9).await);
    clock.advance(Duration::from_secs(9));
    assert!(refused(&source, 8).await && refused(&source, 9).await);
    assert_eq!(house.asked(), 3);
    // A minute after its first sight it is looked for once more: a cache on the way may have been behind.
    clock.advance(Duration::from_secs(50));
    house.list(&[1, 9]);
    assert!(source.verify(&token(9), &EXPECT).await.is_ok());
    assert_eq!(house.asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_published_before_it_signs_is_there_when_it_does() {
    let (source, house, clock) = warm().await;
    house.list(&[1, 2]);
    clock.advance(Duration::from_secs(331));
    background(&source).await;
    assert_eq!(house.asked(), 2);
    house.goes_down(true);
    assert!(verifies(&source, 1) && verifies(&source, 2));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_signs_at_once_is_asked_for_once() {
    let (source, house, clock) = warm().await;
    clock.advance(Duration::from_secs(10));
    house.list(&[2]);
    assert!(
        matches!(source.verify_now(&token(2), &EXPECT), Err(Unverified::Ask(Some(kid))) if kid == "k2")
    );
    assert!(source.verify(&token(2), &EXPECT).await.is_ok());
    // What the set does not list any more is not believed any more.
    assert!(refused(&source, 1).await || !verifies(&source, 1));
    assert_eq!(house.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_outlive_an_outage_by_a_day_and_then_nothing_can_be_said() {
    let (source, house, clock) = warm().await;
    let generation = source.generation();
    house.goes_down(true);
    for _ in 0..(24 * 60 - 1) {
        clock.advance(Duration::from_secs(60));
        background(&source).await;
        assert!(verifies(&source, 1));
        assert_eq!(source.generation(), generation);
    }
    clock.advance(Duration::from_secs(60));
    let verified = source.verify(&token(1), &EXPECT).await;
    assert!(
        matches!(verified, Err(Unverified::Unavailable(_))),
        "{verified:?}"
    );
    assert_eq!(source.generation(), None);
    house.goes_down(false);
    clock.advance(Duration::from_secs(120));
    background(&source).await;
    assert!(verifies(&source, 1));
}

#[tokio::test(start_paused = true)]
async fn the_background_asks_when_the_issuer_says_within_bounds() {
    for (told, least, most) in [
        (None, 270, 330),
        (Some(0), 54, 66),
        (Some(600), 540, 660),
        (Some(86_400), 3_240, 3_960),
    ] {
        let (source, house, clock) = cold();
        *house.max_age.lock().unwrap() = told.map(Duration::from_secs);
        background(&source).await;
        clock.advance(Duration::from_secs(least - 1));
        background(&source).await;
        assert_eq!(house.asked(), 1, "{told:?}");
        clock.advance(Duration::from_secs(most - least + 1));
        background(&source).await;
        assert_eq!(house.asked(), 2, "{told:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_takes_nobody_with_them() {
    let (source, house, _) = cold();
    house.slow.store(50, Ordering::Relaxed);
    let impatient = {
        let source = Arc::clone(&source);
        tokio::spawn(async move { source.settle(Some("k1")).await })
    };
    tokio::task::yield_now().await;
    impatient.abort();
    assert!(source.verify(&token(1), &EXPECT).await.is_ok());
    assert_eq!(house.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_key_is_refused_at_once_though_the_set_lists_it() {
    let (source, house, clock) = warm().await;
    house.list(&[1, 2]);
    clock.advance(Duration::from_secs(400));
    background(&source).await;
    let generation = source.generation();
    source.distrust("k1");
    assert!(refused(&source, 1).await && verifies(&source, 2));
    assert_ne!(source.generation(), generation);
    clock.advance(Duration::from_secs(400));
    background(&source).await;
    assert!(refused(&source, 1).await && verifies(&source, 2));
}

#[tokio::test(start_paused = true)]
async fn what_the_issuer_hands_over_is_asked_for_though_strangers_may_not_be() {
    let (source, house, _) = warm().await;
    house.list(&[1, 2]);
    assert!(source.verify_own(&token(2), &EXPECT).await.is_ok());
    assert_eq!(house.asked(), 2);
    let unknown = source.verify_own(&token(3), &EXPECT).await;
    assert!(
        matches!(unknown, Err(ProviderError::Unacceptable(_))),
        "{unknown:?}"
    );
}
