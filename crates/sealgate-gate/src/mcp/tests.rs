use sealgate_model::{Actor, Agent, Machine, User};

use super::*;
use crate::caller::Caller;
use crate::requirement::Kinds;
use crate::settings::tests::good;

const ISSUER: &str = "https://id.example";

fn scoped(scopes: &[&str]) -> Need {
    Need {
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        ..Need::of(Kinds::ANY)
    }
}

fn rules(path: &str) -> McpRules {
    McpRules {
        path: path.to_owned(),
        base: scoped(&["notes:read"]),
        tools: vec![
            ("list".to_owned(), scoped(&["notes:read"])),
            ("add".to_owned(), scoped(&["notes:write"])),
        ],
        prompts: None,
        resources: Some(vec![
            ("notes://public/*".to_owned(), scoped(&[])),
            ("notes://public/drafts/*".to_owned(), scoped(&["drafts"])),
            ("notes://all".to_owned(), scoped(&["all"])),
        ]),
        default: None,
        origins: Vec::new(),
        is_root: false,
        body_limit: 4_096,
    }
}

fn server(rules: McpRules) -> McpServer {
    McpServer::new(&good(&[]), rules).unwrap()
}

fn asked(server: &McpServer, method: &str, name: Option<&str>) -> Option<Vec<String>> {
    let kind = Kind::Method {
        method: method.to_owned(),
        name: name.map(str::to_owned),
    };
    let needs = server.needs(&kind)?;
    Some(needs.iter().flat_map(|need| need.scopes.clone()).collect())
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "it is compared with what may be nothing"
)]
fn scopes(scopes: &[&str]) -> Option<Vec<String>> {
    Some(scopes.iter().map(|scope| (*scope).to_owned()).collect())
}

#[test]
fn each_tool_asks_for_its_own_and_the_base_and_what_is_not_named_is_closed() {
    let closed = server(rules("/mcp"));
    let base = scopes(&["notes:read"]);
    assert_eq!(asked(&closed, "tools/call", Some("list")), base);
    assert_eq!(
        asked(&closed, "tools/call", Some("add")),
        scopes(&["notes:read", "notes:write"])
    );
    for name in ["other", "Add", "add ", "", "add*", "*"] {
        assert_eq!(asked(&closed, "tools/call", Some(name)), None, "{name:?}");
    }
    assert_eq!(asked(&closed, "tools/call", None), None);
    for method in ["initialize", "tools/list", "ping", "made/up"] {
        assert_eq!(asked(&closed, method, None), base, "{method}");
    }
    assert_eq!(asked(&closed, "prompts/get", Some("any")), base);
    let answer = closed.needs(&Kind::Answer).unwrap();
    assert_eq!(answer, [closed.base()]);
    let open = server(McpRules {
        default: Some(scoped(&["notes:admin"])),
        prompts: Some(Vec::new()),
        ..rules("/mcp")
    });
    let admin = scopes(&["notes:read", "notes:admin"]);
    assert_eq!(asked(&open, "tools/call", Some("other")), admin);
    assert_eq!(asked(&open, "prompts/get", Some("any")), admin);
    assert_eq!(asked(&open, "tools/call", Some("list")), base);
}

#[test]
fn resources_go_by_their_uri_or_its_beginning() {
    let server = server(rules("/mcp"));
    let read = |uri| asked(&server, "resources/read", Some(uri));
    assert_eq!(read("notes://all"), scopes(&["notes:read", "all"]));
    assert_eq!(read("notes://public/1"), scopes(&["notes:read"]));
    assert_eq!(
        read("notes://public/drafts/1"),
        scopes(&["notes:read", "drafts"])
    );
    for uri in [
        "NOTES://all",
        "notes://all/",
        "notes://secret",
        "notes://public",
        "notes://public/../secret",
        "notes://public/./drafts/1",
        "notes://public//drafts/1",
        "notes://public/%2e%2e/secret",
        "notes://public/..\\secret",
        "notes://public/a?b",
        "notes://public/\u{e9}",
    ] {
        assert_eq!(read(uri), None, "{uri}");
        assert_eq!(
            asked(&server, "resources/subscribe", Some(uri)),
            None,
            "{uri}"
        );
    }
}

#[test]
fn completing_and_watching_ask_for_what_all_of_it_asks_for() {
    let server = server(rules("/mcp"));
    let scopes_of = |kind: &Kind| {
        let needs = server.needs(kind)?;
        let mut scopes: Vec<String> = needs.iter().flat_map(|need| need.scopes.clone()).collect();
        scopes.sort_unstable();
        scopes.dedup();
        Some(scopes)
    };
    let complete = |uri: &str| scopes_of(&Kind::Complete(Reference::Resource(uri.to_owned())));
    assert_eq!(
        complete("notes://public/{id}"),
        scopes(&["drafts", "notes:read"])
    );
    assert_eq!(complete("notes://public/x/{id}"), scopes(&["notes:read"]));
    assert_eq!(complete("notes://public/1"), scopes(&["notes:read"]));
    assert_eq!(complete("notes://all"), scopes(&["all", "notes:read"]));
    for uri in [
        "notes://{any}",
        "{any}",
        "notes://all{any}",
        "notes://public/../{any}",
        "",
    ] {
        assert_eq!(complete(uri), None, "{uri}");
    }
    let listen = |uris: &[&str]| {
        let uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
        scopes_of(&Kind::Listen(uris))
    };
    assert_eq!(listen(&[]), scopes(&["notes:read"]));
    assert_eq!(
        listen(&["notes://all", "notes://public/drafts/1"]),
        scopes(&["all", "drafts", "notes:read"])
    );
    assert_eq!(listen(&["notes://all", "notes://own"]), None);
    // No list of prompts: any asks for the base.
    let prompt = Kind::Complete(Reference::Prompt("any".to_owned()));
    assert_eq!(scopes_of(&prompt), scopes(&["notes:read"]));
}

#[test]
fn what_a_server_could_read_as_another_uri_does_not_fall_to_the_default() {
    let server = server(McpRules {
        default: Some(scoped(&[])),
        ..rules("/mcp")
    });
    let read = |uri| asked(&server, "resources/read", Some(uri));
    assert_eq!(read("notes://other"), scopes(&["notes:read"]));
    for uri in [
        "NOTES://all",
        "notes://public/x/../drafts/1",
        "notes://public/%64rafts/1",
        "notes://public//drafts/1",
        "notes://all#a",
        " notes://all",
        "https://HOST/all",
        "https://host",
        "all",
    ] {
        assert_eq!(read(uri), None, "{uri}");
    }
}

#[test]
fn rules_that_cannot_be_meant_are_refused() {
    let refused = |change: &dyn Fn(&mut McpRules)| {
        let mut rules = rules("/mcp");
        change(&mut rules);
        McpServer::new(&good(&[]), rules).err()
    };
    for path in [
        "",
        "/",
        "mcp",
        "/mcp/",
        "//mcp",
        "/a/../b",
        "/{id}",
        "/m%63p",
        "/a b",
        "/mcp?x",
        "/mcp#x",
        "/\u{e9}",
        "/.well-known/mcp",
        "/auth/login",
        "/auth",
    ] {
        let error = refused(&|rules| path.clone_into(&mut rules.path));
        assert_eq!(error, Some(McpError::Path(path.to_owned())), "{path:?}");
    }
    let offline = Some(McpError::Scope("offline_access".to_owned()));
    assert_eq!(
        refused(&|rules| rules.base = scoped(&["a", "offline_access"])),
        offline
    );
    assert_eq!(
        refused(&|rules| rules.default = Some(scoped(&["offline_access"]))),
        offline
    );
    let twice = refused(&|rules| rules.tools.push(("add".to_owned(), scoped(&[]))));
    assert_eq!(twice, Some(McpError::Twice("add".to_owned())));
    for name in ["add*", "*", ""] {
        let error = Some(McpError::Name(name.to_owned()));
        assert_eq!(
            refused(&|rules| rules.tools.push((name.to_owned(), scoped(&[])))),
            error
        );
        let prompts = Some(vec![(name.to_owned(), scoped(&[]))]);
        assert_eq!(refused(&|rules| rules.prompts.clone_from(&prompts)), error);
    }
    for pattern in [
        "*",
        "a*b",
        "a**",
        "",
        "notes://{id}",
        "notes://{id}/*",
        "all",
        "NOTES://all",
        "NOTES://all/*",
        "https://host",
        "https://host*",
        "notes://a b/*",
    ] {
        let error =
            refused(&|rules| rules.resources = Some(vec![(pattern.to_owned(), scoped(&[]))]));
        assert_eq!(error, Some(McpError::Pattern(pattern.to_owned())));
    }
    for origin in ["https://a.example/", "a.example", "null", "*"] {
        let error = refused(&|rules| rules.origins = vec![origin.to_owned()]);
        assert_eq!(error, Some(McpError::Origin(origin.to_owned())));
    }
    for limit in [0, 1_023, 64 * 1_024 * 1_024 + 1] {
        let error = refused(&|rules| rules.body_limit = limit);
        assert_eq!(error, Some(McpError::BodyLimit(limit)));
    }
    assert_eq!(refused(&|_| {}), None);
}

#[test]
fn an_application_that_takes_its_tokens_everywhere_has_no_such_server() {
    let own = "https://app.example/mcp";
    let settings = good(&[(
        "SEALGATE_AUDIENCES",
        "https://app.example https://app.example/mcp",
    )]);
    let error = settings.add_mcp_server(rules("/mcp")).err();
    assert_eq!(error, Some(McpError::Audience(own.to_owned())));
    assert!(settings.add_mcp_server(rules("/notes")).is_ok());
    let again = settings.clone().add_mcp_server(rules("/notes")).err();
    assert_eq!(again, Some(McpError::PathTaken("/notes".to_owned())));
    let root = |path| McpRules {
        is_root: true,
        ..rules(path)
    };
    assert!(settings.add_mcp_server(root("/a")).is_ok());
    let second = settings.add_mcp_server(root("/b")).err();
    assert_eq!(second, Some(McpError::RootTaken));
}

#[test]
fn what_is_written_of_a_server_is_what_clients_see() {
    for base in ["https://app.example", "https://app.example/tools"] {
        let settings = good(&[("SEALGATE_BASE_URL", base)]);
        let server = McpServer::new(&settings, rules("/mcp")).unwrap();
        assert_eq!(server.audience(), format!("{base}/mcp"));
        let below = base.strip_prefix("https://app.example").unwrap();
        assert_eq!(
            server.metadata_url(),
            format!("https://app.example/.well-known/oauth-protected-resource{below}/mcp")
        );
    }
}

#[test]
fn a_session_is_its_callers_alone() {
    let settings = good(&[]);
    let server = McpServer::new(&settings, rules("/mcp")).unwrap();
    let user = |id: &str, client: &str| {
        let user = User {
            id: id.to_owned(),
            client: Some(client.to_owned()),
            ..User::default()
        };
        Caller::for_test(Actor::User(user), ISSUER)
    };
    let ada = user("ada", "desktop");
    let elsewhere = Actor::User(User {
        id: "ada".to_owned(),
        client: Some("desktop".to_owned()),
        tenant: Some("acme".to_owned()),
        ..User::default()
    });
    let bound = server.sessions.bind(&ada, "s1").unwrap();
    assert_eq!(server.sessions.open(&ada, bound.as_bytes()), Some("s1"));
    let agent = |human: Option<&str>| {
        let user = human.map(|id| {
            Box::new(User {
                id: id.to_owned(),
                ..User::default()
            })
        });
        let agent = Agent {
            id: "desktop".to_owned(),
            user,
            ..Agent::default()
        };
        Caller::for_test(Actor::Agent(agent), ISSUER)
    };
    let machine = Machine {
        id: "ada".to_owned(),
        client: "desktop".to_owned(),
        ..Machine::default()
    };
    for other in [
        user("bob", "desktop"),
        user("ada", "phone"),
        user("", "adesktop"),
        agent(Some("ada")),
        agent(None),
        Caller::for_test(Actor::Machine(machine), ISSUER),
        Caller::for_test((*ada.actor).clone(), "https://other.example"),
        Caller::for_test(elsewhere, ISSUER),
    ] {
        assert_eq!(
            server.sessions.open(&other, bound.as_bytes()),
            None,
            "{other:?}"
        );
    }
    let elsewhere = McpServer::new(&settings, rules("/other")).unwrap();
    assert_eq!(elsewhere.sessions.open(&ada, bound.as_bytes()), None);
    let (_, code) = bound.split_once('.').unwrap();
    for changed in [
        "",
        "s1",
        "s1.",
        &format!("s2.{code}"),
        &format!("s1.{code}A"),
        &format!(".{code}"),
        code,
    ] {
        assert_eq!(
            server.sessions.open(&ada, changed.as_bytes()),
            None,
            "{changed}"
        );
    }
    assert_eq!(server.sessions.open(&ada, b"\xff.\xff"), None);
    for id in ["", "a b", "a\u{e9}", &"x".repeat(513)] {
        assert_eq!(server.sessions.bind(&ada, id), None, "{id:?}");
    }
    let dotted = server.sessions.bind(&ada, "a.b.c").unwrap();
    assert_eq!(server.sessions.open(&ada, dotted.as_bytes()), Some("a.b.c"));
}

#[test]
fn a_host_is_what_comes_before_its_port() {
    for (authority, host) in [
        ("http://127.0.0.1:8000", "127.0.0.1"),
        ("http://localhost", "localhost"),
        ("http://[::1]:8000", "[::1]"),
        ("[::1]", "[::1]"),
        ("evil.example:80", "evil.example"),
        ("localhost.evil.example", "localhost.evil.example"),
    ] {
        assert_eq!(host_of(authority), host);
    }
}
