//! Clients that register themselves, with tokens that the command line makes.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use serde_json::json;

use crate::harness::Home;

#[test]
fn a_client_registers_itself_with_a_token_as_often_as_it_is_good_for() {
    let home = Home::new();
    let settings = home.write("sealgate.toml", "[agents]\nregistration = \"token\"\n");
    let server = home.serve(&["--config", settings.to_str().unwrap()]);
    let metadata = server.get("/.well-known/oauth-authorization-server").json();
    assert!(
        metadata["registration_endpoint"]
            .as_str()
            .unwrap()
            .ends_with("/oauth/register")
    );
    assert_eq!(metadata["client_id_metadata_document_supported"], true);

    let made = home.json(&["registration", "token", "add", "Agents team", "--uses", "1"]);
    assert_eq!(made["in_force"], true);
    let secret = made["secret"].as_str().unwrap();
    let register = |name: &str, token: &str| {
        let body = json!({ "client_name": name, "redirect_uris": ["http://127.0.0.1/cb"] });
        let authorization = format!("Bearer {token}");
        let headers = [
            ("content-type", "application/json"),
            ("authorization", authorization.as_str()),
        ];
        server.send(
            "POST",
            "/oauth/register",
            &headers,
            body.to_string().as_bytes(),
        )
    };
    assert_eq!(register("One", "sgr_no").status, 401);
    let registered = register("One", secret);
    assert_eq!(registered.status, 201);
    let id = registered.json()["client_id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("dyn_"));
    assert_eq!(register("Two", secret).status, 401);

    let tokens = home.run(&["registration", "token", "list"]);
    assert!(tokens.stdout.contains("0 clients") && !tokens.stdout.contains(secret));
    let client = home.json(&["client", "show", &id]);
    assert_eq!(client["name"], "One");
    let token = made["id"].as_str().unwrap();
    let removed = home.json(&["registration", "token", "remove", token, "--yes"]);
    assert_eq!(removed["removed"], token);
    assert_eq!(
        register("One", secret).status,
        401,
        "not the same client either"
    );
    server.terminate();
}

/// A server of somebody else's on this machine that publishes one document; its address.
fn publish(redirect_uri: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let id = format!("http://{}/client.json", listener.local_addr().unwrap());
    let document = json!({
        "client_id": id, "client_name": "Note taker", "redirect_uris": [redirect_uri],
    })
    .to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let length = document.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{document}"
            );
        }
    });
    id
}

#[test]
fn on_this_machine_a_client_is_its_document_and_whoever_is_disabled_stays_so() {
    let home = Home::new();
    let server = home.serve(&[]);
    let notes = "http://127.0.0.1:9/mcp";
    let callback = "http://localhost:7777/cb";
    let id = publish("http://localhost/cb");
    let target = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("response_type", "code"),
            ("client_id", &id),
            ("redirect_uri", callback),
            ("scope", "notes:read offline_access"),
            ("resource", notes),
            (
                "code_challenge",
                "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
            ),
            ("code_challenge_method", "S256"),
        ])
        .finish();
    let target = format!("/oauth/authorize?{target}");
    let closed = server.get(&target);
    assert_eq!(closed.status, 400);
    assert!(closed.body.contains("resource_closed"), "{}", closed.body);
    assert_eq!(home.json(&["client", "list"]), json!([]));

    let scope = "notes:read=Read your notes";
    let opened = [
        "resource", "add", notes, "Notes", "--agents", "--scope", scope,
    ];
    assert_eq!(home.run(&opened).status, 0);
    let begun = server.get(&target);
    assert_eq!(begun.status, 303, "{}", begun.body);
    assert!(begun.header("location").unwrap().contains("/sign-in?"));
    let shown = home.json(&["client", "show", &id]);
    assert_eq!(shown["id"], id.as_str());
    assert_eq!(shown["name"], "Note taker");

    let disabled = home.run(&["client", "disable", &id]);
    assert_eq!(disabled.status, 0, "{}", disabled.stderr);
    let refused = server.get(&target);
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("client_unknown"), "{}", refused.body);
    let removed = home.run(&["client", "remove", &id, "--yes"]);
    assert_eq!(removed.status, 0, "{}", removed.stderr);
    assert_eq!(server.get(&target).status, 400);
    server.terminate();
}
