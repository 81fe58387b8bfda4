//! Strangers by the thousand, against a real store on fake time.

use sealgate_host::{FakeClock, FakeRandom};
use sealgate_model::{ClientId, Clock, Random, Timestamp};
use sealgate_session::{KeyRing, SealKey};
use sealgate_store::{AuditRow, Client, ClientDetails, SqliteStore, Store};
use std::sync::Arc;

use super::*;
use crate::{Host, Lifetimes, PasswordQueue, Policy};

struct House {
    plane: ControlPlane,
    clock: Arc<FakeClock>,
    _dir: tempfile::TempDir,
}

impl House {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let fake = Arc::new(FakeClock::at(Timestamp::from_seconds(1_800_000_000)));
        let clock: Arc<dyn Clock> = Arc::clone(&fake) as Arc<dyn Clock>;
        let random: Arc<dyn Random> = Arc::new(FakeRandom::default());
        let store: Arc<dyn Store> =
            Arc::new(SqliteStore::open(dir.path(), &*clock, &*random).unwrap());
        let master = KeyRing::new(vec![SealKey::generate(&*random)]).unwrap();
        let plane = ControlPlane::new(
            "https://id.example".parse().unwrap(),
            store,
            master,
            Host {
                clock,
                random,
                outbound: Arc::new(sealgate_host::FakeOutbound::new()),
            },
            Lifetimes::default(),
            Policy::default(),
        );
        let plane = ControlPlane {
            passwords: PasswordQueue::new(0, 0),
            ..plane.await.unwrap()
        };
        Self {
            plane,
            clock: fake,
            _dir: dir,
        }
    }

    async fn refuse(&self, actor: AuditActor, reason: &str, network: &str) {
        let now = self.plane.clock.now();
        let audit = Audit {
            network: Some(network.to_owned()),
            ..Audit::denied(now, actor, "code.issue", reason)
        };
        self.plane.refusals.record(&self.plane, audit).await;
    }

    async fn rows(&self) -> Vec<AuditRow> {
        let rows = self.plane.store.audit_after(0, 100_000).await.unwrap();
        rows.into_iter()
            .filter(|row| row.action == "code.issue")
            .collect()
    }
}

fn total(rows: &[AuditRow]) -> u32 {
    rows.iter().map(|row| row.count).sum()
}

#[tokio::test]
async fn strangers_are_recorded_one_by_one_while_few_and_together_with_their_number_when_many() {
    let house = House::new().await;
    let client: ClientId = "expenses".parse().unwrap();
    for number in 0..1_000 {
        let network = format!("2001:db8:1:2::{number:x}");
        house
            .refuse(AuditActor::Anonymous, "client_unknown", &network)
            .await;
    }
    house
        .refuse(AuditActor::Anonymous, "client_unknown", "192.0.2.1")
        .await;
    house
        .refuse(AuditActor::Client(client), "client_unknown", "192.0.2.1")
        .await;
    assert_eq!(total(&house.rows().await), 7);
    house.plane.refusals.flush(&house.plane).await;
    assert_eq!(house.rows().await.len(), 7, "the minute is not over");

    house.clock.advance(PERIOD);
    house.plane.refusals.flush(&house.plane).await;
    let rows = house.rows().await;
    assert_eq!((rows.len(), total(&rows)), (8, 1_002));
    let sum = rows.last().unwrap();
    assert_eq!((sum.count, &*sum.actor), (995, "anonymous"));
    assert_eq!(sum.network.as_deref(), Some("2001:db8:1:2::/64"));
    assert_eq!((&*sum.outcome, &*sum.reason), ("denied", "client_unknown"));
    house
        .refuse(AuditActor::Anonymous, "client_unknown", "2001:db8:1:2::1")
        .await;
    assert_eq!(house.rows().await.len(), 9, "a new minute begins anew");
}

#[tokio::test]
async fn strangers_from_everywhere_fill_neither_the_memory_nor_the_disk_and_are_all_counted() {
    let house = House::new().await;
    for number in 0..5_000_u32 {
        let network = std::net::Ipv4Addr::from_bits(number).to_string();
        house
            .refuse(AuditActor::Anonymous, "client_unknown", &network)
            .await;
    }
    assert_eq!(house.rows().await.len(), BURST as usize);
    assert_eq!(house.plane.refusals.state().tallies.len(), KINDS + 1);
    house.plane.refusals.flush_all(&house.plane).await;
    let rows = house.rows().await;
    assert_eq!(total(&rows), 5_000);
    assert!(rows.len() <= BURST as usize + KINDS + 1, "{}", rows.len());
    assert!(house.plane.refusals.state().tallies.is_empty());
}

#[tokio::test]
async fn what_somebody_known_is_refused_is_always_a_record_of_its_own() {
    let house = House::new().await;
    let client = |id: &str, kind| Client {
        id: id.parse().unwrap(),
        name: id.to_owned(),
        kind,
        secret_hash: None,
        redirect_uris: Vec::new(),
        logout_uris: Vec::new(),
        scopes: Vec::new(),
        details: ClientDetails::for_kind(kind),
        created_at: house.plane.clock.now(),
        disabled_at: None,
    };
    for (id, kind, expected) in [
        ("app", ClientKind::Confidential, 50),
        // Anybody can say that they are a public client.
        ("native", ClientKind::Public, SINGLY as usize),
    ] {
        let client = client(id, kind);
        let actor = AuditActor::Client(client.id.clone());
        let audit = Audit::allowed(client.created_at, AuditActor::Operator, "client.create");
        let store = &house.plane.store;
        store.client_create(client, audit).await.unwrap();
        for _ in 0..50 {
            house
                .refuse(actor.clone(), "code_unknown", "192.0.2.1")
                .await;
        }
        let name = format!("client:{id}");
        let rows = house.rows().await;
        let own = rows.iter().filter(|row| row.actor == name).count();
        assert_eq!(own, expected, "{id}");
    }
}
