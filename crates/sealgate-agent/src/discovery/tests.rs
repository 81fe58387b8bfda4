use super::*;
use crate::fake::FakeHttp;
use proptest::prelude::*;

fn url(text: &str) -> WebUrl {
    WebUrl::parse(text).unwrap()
}

fn texts(urls: &[WebUrl]) -> Vec<&str> {
    urls.iter().map(WebUrl::as_str).collect()
}

const MCP: &str = "https://api.example/mcp";
const ID: &str = "https://id.example/tenant";

fn resource(named: &str, issuer: &str) -> String {
    serde_json::json!({"resource": named, "authorization_servers": [issuer]}).to_string()
}

fn server(issuer: &str) -> String {
    serde_json::json!({"issuer": issuer, "token_endpoint": "https://id.example/token"}).to_string()
}

async fn find(http: &FakeHttp, told: Option<&str>) -> Result<Discovered, AgentError> {
    let demand = Demand {
        metadata: told.map(url),
        ..Demand::default()
    };
    discover(http, &url(MCP), &demand, &[]).await
}

#[test]
fn places_come_in_the_order_of_the_rfcs() {
    assert_eq!(
        texts(&resource_places(&url(MCP), None).unwrap()),
        [
            "https://api.example/.well-known/oauth-protected-resource/mcp",
            "https://api.example/.well-known/oauth-protected-resource"
        ]
    );
    assert_eq!(
        texts(&resource_places(&url("https://api.example/"), None).unwrap()),
        ["https://api.example/.well-known/oauth-protected-resource"]
    );
    assert_eq!(
        texts(&server_places(ID).unwrap()),
        [
            "https://id.example/.well-known/oauth-authorization-server/tenant",
            "https://id.example/.well-known/openid-configuration/tenant",
            "https://id.example/tenant/.well-known/openid-configuration"
        ]
    );
    assert!(server_places("http://id.example").is_err());
    assert!(server_places("https://id.example?x").is_err());
}

#[tokio::test]
async fn each_place_is_asked_until_one_answers() {
    let http = FakeHttp::new();
    http.serve(
        "https://api.example/.well-known/oauth-protected-resource",
        &resource("https://api.example", ID),
    );
    http.serve(
        "https://id.example/tenant/.well-known/openid-configuration",
        &server(ID),
    );
    let found = find(&http, None).await.unwrap();
    assert_eq!(found.resource_id(), Some("https://api.example"));
    assert_eq!(found.server.issuer, ID);
    assert_eq!(http.asked().len(), 5);
}

#[tokio::test]
async fn what_the_resource_says_itself_is_the_only_place_asked() {
    let http = FakeHttp::new();
    http.serve(
        "https://api.example/.well-known/oauth-protected-resource/mcp",
        &resource(MCP, ID),
    );
    let missing = find(&http, Some("https://api.example/custom")).await;
    assert!(
        matches!(missing, Err(AgentError::MetadataUnacceptable(_))),
        "{missing:?}"
    );
    assert_eq!(http.asked(), ["https://api.example/custom"]);
}

#[tokio::test]
async fn without_metadata_the_origin_is_the_server() {
    let http = FakeHttp::new();
    let found = find(&http, None).await.unwrap();
    assert_eq!(found.resource, None);
    assert_eq!(
        found.server.token_url().unwrap().as_str(),
        "https://api.example/token"
    );
    http.serve(
        "https://api.example/.well-known/oauth-authorization-server",
        &server("https://api.example"),
    );
    let found = find(&http, None).await.unwrap();
    assert_eq!(
        found.server.token_url().unwrap().as_str(),
        "https://id.example/token"
    );
}

#[tokio::test]
async fn a_server_that_cannot_answer_is_not_one_without_metadata() {
    let http = FakeHttp::new();
    http.status(
        "https://api.example/.well-known/oauth-protected-resource/mcp",
        503,
    );
    let found = find(&http, None).await;
    assert!(
        matches!(found, Err(AgentError::Unavailable(_))),
        "{found:?}"
    );
}

#[tokio::test]
async fn metadata_of_another_issuer_end_the_search() {
    let http = FakeHttp::new();
    http.serve(
        "https://api.example/.well-known/oauth-protected-resource/mcp",
        &resource(MCP, ID),
    );
    http.serve(
        "https://id.example/.well-known/oauth-authorization-server/tenant",
        &server("https://evil.example"),
    );
    http.serve(
        "https://id.example/tenant/.well-known/openid-configuration",
        &server(ID),
    );
    assert_eq!(
        find(&http, None).await,
        Err(AgentError::IssuerMismatch(ID.to_owned()))
    );
}

#[test]
fn metadata_speak_for_the_url_or_for_the_parent_whose_they_are() {
    let check = |at: &str, named: &str| {
        let metadata = ResourceMetadata::parse(resource(named, ID).as_bytes()).unwrap();
        check_resource(&url(MCP), &url(at), &metadata).is_ok()
    };
    let (own, root) = (
        "https://api.example/.well-known/oauth-protected-resource/mcp",
        "https://api.example/.well-known/oauth-protected-resource",
    );
    assert!(check(own, MCP));
    assert!(check(own, "https://api.example/mcp/"));
    assert!(check("https://api.example/custom", MCP));
    assert!(check(root, "https://api.example"));
    assert!(check(root, "https://api.example/"));
    // Whoever serves /mcp may not speak for the whole host.
    assert!(!check(own, "https://api.example"));
    assert!(!check(
        "https://api.example/mcp/metadata",
        "https://api.example"
    ));
    assert!(!check(root, "https://api.example/other"));
    assert!(!check(own, "https://evil.example/mcp"));
    assert!(!check(own, "https://api.example/mc"));
}

#[tokio::test]
async fn an_issuer_with_known_credentials_goes_first() {
    let http = FakeHttp::new();
    let document = serde_json::json!({
        "resource": MCP, "authorization_servers": ["https://a.example", "https://b.example"],
    });
    http.serve(
        "https://api.example/.well-known/oauth-protected-resource/mcp",
        &document.to_string(),
    );
    for issuer in ["https://a.example", "https://b.example"] {
        http.serve(&format!("{issuer}{SERVER}"), &server(issuer));
    }
    let known = ["https://b.example".to_owned()];
    let found = discover(&http, &url(MCP), &Demand::default(), &known)
        .await
        .unwrap();
    assert_eq!(found.server.issuer, "https://b.example");
    let found = discover(&http, &url(MCP), &Demand::default(), &[])
        .await
        .unwrap();
    assert_eq!(found.server.issuer, "https://a.example");
}

proptest! {
    #[test]
    fn places_stay_at_their_origin(path in "(/[a-z0-9._~-]{1,8}){0,4}/?") {
        let place = url(&format!("https://api.example{path}"));
        for found in resource_places(&place, None).unwrap() {
            prop_assert_eq!(found.origin(), place.origin());
        }
        for found in server_places(place.as_str()).unwrap() {
            prop_assert_eq!(found.origin(), place.origin());
        }
    }
}
