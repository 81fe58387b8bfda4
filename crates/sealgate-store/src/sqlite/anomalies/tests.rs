//! Anomalies and reports of gates, in a real file.

use std::time::Duration;

use sealgate_audit::anomaly::{Raise, Severity};
use sealgate_host::{FakeClock, FakeRandom};
use sealgate_model::{Clock as _, Timestamp};
use serde_json::json;

use crate::{
    AnomalyFilter, AnomalyProgress, AnomalyRaise, AnomalyRaised, AnomalyRow, AnomalyState, Audit,
    AuditActor, GateReportRow, GateRoutes, OTHERS, SqliteStore, Store,
};

const START: Timestamp = Timestamp::from_seconds(1_795_338_305);

struct House {
    store: SqliteStore,
    clock: FakeClock,
    _dir: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = FakeClock::at(START);
        let store = SqliteStore::open(dir.path(), &clock, &FakeRandom::default()).unwrap();
        Self {
            store,
            clock,
            _dir: dir,
        }
    }

    fn store(&self) -> &dyn Store {
        &self.store
    }

    fn act(&self, action: &'static str) -> Audit {
        Audit::allowed(self.clock.now(), AuditActor::System, action)
    }

    async fn raise(
        &self,
        subject: &str,
        numbers: &[i64],
        lasting: bool,
        room: u32,
    ) -> AnomalyRaised {
        let raise = AnomalyRaise {
            raise: Raise {
                rule: "password_guessing".to_owned(),
                severity: Severity::Medium,
                subject: subject.to_owned(),
                at: self.clock.now(),
                count: 10,
                evidence: numbers.to_vec(),
                detail: "10 within 15m".to_owned(),
            },
            lasting,
            room,
        };
        let act = self.act("anomaly.raise");
        self.store().anomaly_raise(raise, act).await.unwrap()
    }

    async fn all(&self) -> Vec<AnomalyRow> {
        let filter = AnomalyFilter::default();
        self.store().anomalies(filter, 1000).await.unwrap()
    }

    async fn records(&self) -> Vec<(String, Option<String>)> {
        let rows = self.store().audit_after(0, 1000).await.unwrap();
        rows.into_iter()
            .map(|row| (row.action, row.object))
            .collect()
    }

    async fn report(&self, gate: &str, instance: &str, digest: Option<&str>, routes: bool) -> bool {
        let row = GateReportRow {
            client: "app".parse().unwrap(),
            gate: gate.to_owned(),
            instance: instance.to_owned(),
            first_seen: self.clock.now(),
            last_seen: self.clock.now(),
            digest: digest.map(str::to_owned),
            report: json!({ "version": "1" }),
        };
        let routes = digest.filter(|_| routes).map(|digest| GateRoutes {
            digest: digest.to_owned(),
            routes: json!([digest]),
        });
        self.store().gate_report(row, routes, 3).await.unwrap()
    }
}

#[tokio::test]
async fn an_anomaly_that_is_open_gets_more_and_one_that_was_seen_to_is_followed_by_another() {
    let house = House::new();
    assert_eq!(
        house.raise("user=ada", &[3, 4], false, 9).await,
        AnomalyRaised::New(1)
    );
    // The same records judged again, after a crash.
    assert_eq!(
        house.raise("user=ada", &[3, 4], false, 9).await,
        AnomalyRaised::Known(1)
    );
    house.clock.advance(Duration::from_secs(60));
    assert_eq!(
        house.raise("user=ada", &[4, 9], false, 9).await,
        AnomalyRaised::Again(1)
    );
    let row = house.store().anomaly(1).await.unwrap().unwrap();
    assert_eq!(
        (row.count, row.evidence.as_slice()),
        (20, [3, 4, 9].as_slice())
    );
    assert_eq!((row.since, row.last_at), (START, house.clock.now()));
    assert_eq!(row.state, AnomalyState::Open);
    assert_eq!(
        house.records().await,
        [(
            "anomaly.raise".to_owned(),
            Some("password_guessing 1 user=ada".to_owned())
        )]
    );

    let act = house.act("anomaly.acknowledge");
    let store = house.store();
    assert!(
        store
            .anomaly_acknowledge(1, "operator", "a drill", act.clone())
            .await
            .unwrap()
    );
    assert!(
        !store
            .anomaly_acknowledge(2, "operator", "a drill", act)
            .await
            .unwrap()
    );
    assert_eq!(
        house.raise("user=ada", &[9], false, 9).await,
        AnomalyRaised::Known(1)
    );
    assert_eq!(
        house.raise("user=ada", &[12], false, 9).await,
        AnomalyRaised::New(2)
    );
    let states: Vec<AnomalyState> = house.all().await.iter().map(|row| row.state).collect();
    assert_eq!(states, [AnomalyState::Open, AnomalyState::Acknowledged]);
    let counts = store.anomaly_counts().await.unwrap();
    assert_eq!(
        counts,
        [
            (
                "password_guessing".to_owned(),
                AnomalyState::Acknowledged,
                1
            ),
            ("password_guessing".to_owned(), AnomalyState::Open, 1),
        ]
    );
}

#[tokio::test]
async fn a_state_is_one_anomaly_until_it_is_mended_whoever_has_seen_to_it() {
    let house = House::new();
    let store = house.store();
    assert_eq!(
        house.raise("client=a", &[], true, 9).await,
        AnomalyRaised::New(1)
    );
    let act = house.act("anomaly.acknowledge");
    assert!(
        store
            .anomaly_acknowledge(1, "operator", "known", act)
            .await
            .unwrap()
    );
    assert_eq!(
        house.raise("client=a", &[], true, 9).await,
        AnomalyRaised::Again(1)
    );
    let row = store.anomaly(1).await.unwrap().unwrap();
    assert_eq!((row.count, row.state), (10, AnomalyState::Acknowledged));
    assert!(
        store
            .anomaly_resolve(1, house.act("anomaly.resolve"))
            .await
            .unwrap()
    );
    assert!(
        !store
            .anomaly_resolve(1, house.act("anomaly.resolve"))
            .await
            .unwrap()
    );
    assert_eq!(
        house.raise("client=a", &[], true, 9).await,
        AnomalyRaised::New(2)
    );
    let kinds: Vec<String> = house
        .records()
        .await
        .into_iter()
        .map(|(action, _)| action)
        .collect();
    assert_eq!(
        kinds,
        [
            "anomaly.raise",
            "anomaly.acknowledge",
            "anomaly.resolve",
            "anomaly.raise"
        ]
    );
    let only = AnomalyFilter {
        states: vec![AnomalyState::Resolved],
        ..AnomalyFilter::default()
    };
    assert_eq!(store.anomalies(only, 10).await.unwrap().len(), 1);
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(store.anomalies_forget(house.clock.now()).await.unwrap(), 1);
    assert_eq!(house.all().await.len(), 1);
}

#[tokio::test]
async fn what_there_is_no_room_for_is_told_of_together() {
    let house = House::new();
    for number in 1..=6 {
        house
            .raise(&format!("network={number}"), &[number], false, 2)
            .await;
    }
    let all = house.all().await;
    let told: Vec<(&str, u64)> = all
        .iter()
        .map(|row| (row.subject.as_str(), row.count))
        .collect();
    assert_eq!(told, [(OTHERS, 40), ("network=2", 10), ("network=1", 10)]);
    assert_eq!(all[0].evidence, [3, 4, 5, 6]);
    assert_eq!(
        house.raise("network=1", &[7], false, 2).await,
        AnomalyRaised::Again(1)
    );
}

#[tokio::test]
async fn how_far_records_were_judged_is_kept() {
    let house = House::new();
    let store = house.store();
    assert_eq!(
        store.anomaly_progress().await.unwrap(),
        AnomalyProgress::default()
    );
    for number in [7, 9] {
        let progress = AnomalyProgress {
            number,
            memory: vec![1, 2, 3],
        };
        store.anomaly_progress_keep(progress.clone()).await.unwrap();
        assert_eq!(store.anomaly_progress().await.unwrap(), progress);
    }
}

#[tokio::test]
async fn a_gate_is_kept_with_its_routes_and_goes_when_it_was_not_heard_of() {
    let house = House::new();
    let store = house.store();
    let app = "app".parse().unwrap();
    assert!(!house.report("web", "1", Some("d1"), false).await);
    assert_eq!(
        store.gate_reports(Timestamp::from_millis(0)).await.unwrap(),
        []
    );
    assert!(house.report("web", "1", Some("d1"), true).await);
    house.clock.advance(Duration::from_secs(60));
    // Another process has the same table, and the first one reports again without it.
    assert!(house.report("web", "2", Some("d1"), false).await);
    assert!(house.report("web", "1", Some("d1"), false).await);
    let rows = store.gate_reports(Timestamp::from_millis(0)).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(
        (rows[0].first_seen, rows[0].last_seen),
        (START, house.clock.now())
    );
    assert_eq!(
        store.gate_routes(&app, "d1").await.unwrap(),
        Some(json!(["d1"]))
    );

    // A table that changed takes the place of the one before, once nobody has that any more.
    assert!(house.report("web", "1", Some("d2"), true).await);
    assert!(store.gate_routes(&app, "d1").await.unwrap().is_some());
    assert!(house.report("web", "2", Some("d2"), true).await);
    assert_eq!(store.gate_routes(&app, "d1").await.unwrap(), None);

    // There is room for three of one client.
    for instance in ["3", "4"] {
        house.clock.advance(Duration::from_secs(1));
        assert!(house.report("web", instance, None, false).await);
    }
    let rows = store.gate_reports(Timestamp::from_millis(0)).await.unwrap();
    assert_eq!(rows.len(), 3);
    house.clock.advance(Duration::from_secs(60));
    assert_eq!(
        store.gate_reports_forget(house.clock.now()).await.unwrap(),
        3
    );
    assert_eq!(store.gate_routes(&app, "d2").await.unwrap(), None);
}
