//! What a gate tells of how it is set up, and when.

use std::time::Duration;

use sealgate_gate::told::{Agreement, Coverage, RouteCounts, RouteTable, RouteTold, digest};
use serde_json::{Value, json};

use crate::provider::{World, cold_world};

fn table(paths: &[&str]) -> RouteTable {
    let routes: Vec<RouteTold> = paths
        .iter()
        .map(|path| RouteTold {
            methods: "GET".to_owned(),
            template: (*path).to_owned(),
            docs: false,
            coverage: Coverage::Gated,
            detail: "user".to_owned(),
        })
        .collect();
    RouteTable {
        digest: digest(&routes),
        lock_digest: None,
        agreement: Agreement::NoLockFile,
        differing: 0,
        counts: RouteCounts {
            routes: u32::try_from(routes.len()).unwrap(),
            ..RouteCounts::default()
        },
        routes: Some(routes),
    }
}

impl World {
    /// What was reported while the gate followed for so long.
    async fn reported(&self, span: Duration) -> Vec<Value> {
        let followed = tokio::time::timeout(span, self.gate.follow()).await;
        assert!(followed.is_err(), "following never ends by itself");
        std::mem::take(&mut self.state().reports)
    }
}

#[tokio::test(start_paused = true)]
async fn a_gate_tells_of_itself_at_the_start_each_minute_and_when_its_routes_change() {
    let world = cold_world(&[
        ("SEALGATE_GATE_NAME", "web-1"),
        ("SEALGATE_ON_STALE", "allow:60"),
    ]);
    world.state().takes_reports = Some(204);
    world.gate.routes_are("asgi", table(&["/a"]));
    let follow = async {
        tokio::time::sleep(Duration::from_secs(90)).await;
        // The same again is no news, another one is.
        world.gate.routes_are("asgi", table(&["/a"]));
        tokio::time::sleep(Duration::from_secs(10)).await;
        let before = world.state().reports.len();
        world.gate.routes_are("asgi", table(&["/a", "/b"]));
        tokio::time::sleep(Duration::from_secs(5)).await;
        before
    };
    let before = tokio::select! {
        before = follow => before,
        () = world.gate.follow() => unreachable!("following never ends by itself"),
    };
    let reports = std::mem::take(&mut world.state().reports);
    assert_eq!((before, reports.len()), (2, 3), "{reports:?}");
    let first = &reports[0];
    assert_eq!(
        (&first["gate"], &first["host"]),
        (&json!("web-1"), &json!("asgi"))
    );
    assert_eq!(
        (&first["on_stale"], &first["beyond"]),
        (&json!("allow"), &json!(60_000))
    );
    assert_eq!(first["table"]["routes"][0]["template"], "/a");
    // The routes are told once, and when they are others.
    assert_eq!(reports[1]["table"].get("routes"), None);
    assert_eq!(reports[1]["table"]["digest"], first["table"]["digest"]);
    assert_eq!(reports[2]["table"]["routes"].as_array().unwrap().len(), 2);
    assert_ne!(reports[2]["table"]["digest"], first["table"]["digest"]);
    let instances: Vec<&Value> = reports.iter().map(|one| &one["instance"]).collect();
    assert!(
        instances.iter().all(|one| *one == instances[0]),
        "{instances:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_not_taken_is_told_again_with_all_routes() {
    let world = cold_world(&[]);
    world.state().takes_reports = Some(204);
    world.gate.routes_are("asgi", table(&["/a"]));
    let watch = async {
        tokio::time::sleep(Duration::from_secs(30)).await;
        assert_eq!(std::mem::take(&mut world.state().reports).len(), 1);
        // A control plane whose data was put back does not know the routes.
        world.state().takes_reports = Some(409);
        tokio::time::sleep(Duration::from_secs(60)).await;
        world.state().takes_reports = Some(204);
        tokio::time::sleep(Duration::from_secs(30)).await;
    };
    tokio::select! {
        () = watch => {}
        () = world.gate.follow() => unreachable!("following never ends by itself"),
    }
    let reports = std::mem::take(&mut world.state().reports);
    let with_routes: Vec<bool> = reports
        .iter()
        .map(|one| one["table"]["routes"].is_array())
        .collect();
    assert!(with_routes.len() >= 3, "{with_routes:?}");
    assert_eq!(with_routes.first(), Some(&false));
    assert!(with_routes[1..].iter().all(|told| *told), "{with_routes:?}");
}

#[tokio::test(start_paused = true)]
async fn where_no_place_for_reports_is_told_of_none_is_made() {
    let world = cold_world(&[]);
    world.gate.routes_are("asgi", table(&["/a"]));
    assert_eq!(
        world.reported(Duration::from_secs(200)).await,
        Vec::<Value>::new()
    );
    assert!(world.gate.is_ready());
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_too_long_is_told_as_far_as_there_is_room() {
    let world = cold_world(&[]);
    world.state().takes_reports = Some(204);
    let paths: Vec<String> = (0..2_000)
        .map(|number| format!("/{number}/{}", "a".repeat(180)))
        .collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    let mut long = table(&paths);
    for route in long.routes.as_mut().unwrap() {
        route.detail = "b".repeat(200);
    }
    world.gate.routes_are("asgi", long);
    let reports = world.reported(Duration::from_secs(5)).await;
    let told = &reports[0]["table"];
    let listed = told["routes"].as_array().unwrap().len();
    assert!((100..2_000).contains(&listed), "{listed}");
    assert_eq!(told["counts"]["routes"], 2_000);
    assert!(reports[0].to_string().len() <= 64 * 1024);
}
