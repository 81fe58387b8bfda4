//! What holds for every operation, read from the description itself.

use http::Method;
use serde_json::{Value, json};

use crate::plane::{ISSUER, Plane};

/// One operation of the description, with an address at which there may be nothing.
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Option<Value>,
    /// The scope it needs; none: it is public.
    pub(crate) scope: Option<String>,
}

/// Every operation that the API describes.
pub(crate) async fn operations(plane: &Plane) -> Vec<Operation> {
    let document: Value = plane.get("/openapi.json").await.read();
    let mut all = Vec::new();
    for (template, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let path = template
                .replace("{id}", "01890a5d-ac96-774b-bcce-b302099a8057")
                .replace("{client}", "nobody")
                .replace("{kid}", "nothing");
            let query = match template.as_str() {
                "/resource" => "?uri=https://nowhere.example",
                "/issuer/links" if method == "delete" => {
                    "?issuer=https://nowhere.example&user=01890a5d-ac96-774b-bcce-b302099a8057"
                }
                path if path.starts_with("/issuer") && path != "/issuers" => {
                    "?issuer=https://nowhere.example"
                }
                _ => "",
            };
            let body = operation.get("requestBody");
            all.push(Operation {
                name: format!("{} {template}", method.to_uppercase()),
                method: method.to_uppercase().parse().unwrap(),
                path: format!("{path}{query}"),
                body: body.map(|_| json!({})),
                scope: operation["security"][0]["oauth2"][0]
                    .as_str()
                    .map(str::to_owned),
            });
        }
    }
    assert!(all.len() >= 33);
    all
}

/// What needs no token. This list may only become shorter.
const PUBLIC: [&str; 1] = ["GET /openapi.json"];

#[tokio::test]
async fn every_operation_but_the_description_needs_its_scope_on_the_network() {
    let plane = Plane::open().await;
    let operations = operations(&plane).await;
    let mut scopes: Vec<&str> = operations
        .iter()
        .filter_map(|operation| operation.scope.as_deref())
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    let machine = plane.add_machine("machine", &scopes).await;
    let elsewhere: Value = plane.token(&machine, &[("scope", scopes[0])]).await.read();
    let elsewhere = format!("Bearer {}", elsewhere["access_token"].as_str().unwrap());
    for operation in &operations {
        let Some(scope) = operation.scope.as_deref() else {
            assert!(
                PUBLIC.contains(&operation.name.as_str()),
                "{}",
                operation.name
            );
            continue;
        };
        let ask = async |authorization: Option<&str>| {
            let (method, body) = (operation.method.clone(), operation.body.clone());
            plane
                .network(method, &operation.path, body, authorization)
                .await
        };
        ask(None).await.refused(401, "credential_missing");
        ask(Some("Basic bWFjaGluZTp4"))
            .await
            .refused(401, "credential_unsupported");
        ask(Some("Bearer a.b.c"))
            .await
            .refused(401, "token_invalid");
        ask(Some(&elsewhere))
            .await
            .refused(401, "token_audience_wrong");
        let others: Vec<&str> = scopes.iter().copied().filter(|one| *one != scope).collect();
        let others = plane.bearer(&machine, &others.join(" ")).await;
        ask(Some(&others)).await.refused(403, "scope_missing");
        // What is everything is told and planned for those who may see and change each part of it.
        let parts = " sealgate:clients:read sealgate:keys:read sealgate:users:write";
        let parts = if operation.path.starts_with("/state") {
            parts
        } else {
            ""
        };
        let enough = plane.bearer(&machine, &format!("{scope}{parts}")).await;
        let answer = ask(Some(&enough)).await;
        assert!(
            !matches!(answer.status.as_u16(), 401 | 403 | 405 | 500..),
            "{}: {}",
            operation.name,
            answer.body
        );
    }
    let expiring = plane.bearer(&machine, "").await;
    plane.clock.advance(plane.plane.lifetimes.access);
    for operation in operations.iter().filter(|one| one.scope.is_some()) {
        let (method, body) = (operation.method.clone(), operation.body.clone());
        let answer = plane
            .network(method, &operation.path, body, Some(&expiring))
            .await;
        answer.refused(401, "token_expired");
    }
}

#[tokio::test]
async fn what_is_public_is_only_what_is_listed() {
    let plane = Plane::open().await;
    for operation in operations(&plane).await {
        let is_public = operation.scope.is_none();
        assert_eq!(
            PUBLIC.contains(&operation.name.as_str()),
            is_public,
            "{}",
            operation.name
        );
    }
    let described = plane
        .network(Method::GET, "/openapi.json", None, None)
        .await;
    let document: Value = described.read();
    assert_eq!(document["servers"][0]["url"], format!("{ISSUER}/api/v1"));
}

#[tokio::test]
async fn without_the_setting_nothing_of_it_is_on_the_network() {
    let plane = Plane::new().await;
    for operation in operations(&plane).await {
        let (method, body) = (operation.method, operation.body);
        let answer = plane.network(method, &operation.path, body, None).await;
        answer.refused(404, "not_found");
    }
}

#[tokio::test]
async fn what_is_not_described_needs_a_token_too() {
    let plane = Plane::open().await;
    let machine = plane.add_machine("machine", &["sealgate:users:read"]).await;
    let token = plane.bearer(&machine, "").await;
    for (method, path, status) in [
        (Method::GET, "/nowhere", 404),
        (Method::GET, "/users/", 404),
        (Method::PUT, "/users", 405),
        (Method::OPTIONS, "/users", 405),
        (Method::POST, "/openapi.json", 405),
    ] {
        let ask = async |token| plane.network(method.clone(), path, None, token).await;
        assert_eq!(ask(None).await.status, 401, "{method} {path}");
        assert_eq!(
            ask(Some(token.as_str())).await.status,
            status,
            "{method} {path}"
        );
    }
}
