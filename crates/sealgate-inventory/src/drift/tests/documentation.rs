use super::*;
use crate::Kind;

fn docs(app: &str, path: &str) -> Route {
    Route {
        app: app.to_owned(),
        kind: Kind::Docs,
        ..route("GET", path).known(Evidence::Open, Some("it is open to everybody"))
    }
}

fn application() -> Inventory {
    let pages = ["/docs", "/docs/oauth2-redirect", "/openapi.json", "/redoc"];
    let mut routes: Vec<Route> = pages.map(|path| docs("main:app", path)).to_vec();
    routes.push(docs("other:app", "/docs"));
    routes.push(gated("/expenses"));
    routes.push(route("POST", "/expenses"));
    scanned(routes)
}

#[test]
fn the_open_documentation_of_an_application_is_one_finding() {
    let config = Config::default();
    insta::assert_snapshot!(told(&coverage(&application(), &config, TODAY)));
}

#[test]
fn documentation_that_is_new_is_one_finding() {
    let lock = lock_of(&scanned(vec![gated("/expenses")]));
    insta::assert_snapshot!(told(&compared(&lock, &application())));
}

#[test]
fn documentation_that_is_not_proven_is_one_finding_for_each_reason() {
    let mut inventory = application();
    for route in &mut inventory.routes {
        if route.kind == Kind::Docs {
            let why = if route.path == "/redoc" {
                "another"
            } else {
                "a middleware"
            };
            *route = route.clone().known(Evidence::Unresolved, Some(why));
        }
    }
    insta::assert_snapshot!(told(&coverage(&inventory, &Config::default(), TODAY)));
}

#[test]
fn each_page_has_its_block_and_one_entry_declares_them() {
    assert_eq!(lock_of(&application()).entries.len(), 7);
    let text = "[[public]]\nroute = ['/docs/*', '/openapi.json', '/redoc']\nreason = 'it is'\n";
    let config = Config::from_text(text).unwrap();
    let findings = coverage(&application(), &config, TODAY);
    assert_eq!(ids(&findings), ["open-route"]);
}
