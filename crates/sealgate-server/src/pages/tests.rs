//! Snapshots of every page's HTML, and what must hold for all of them.

mod agents;

use sealgate_model::{Issuer, Timestamp};

use super::error::ErrorPage;
use super::views::{LoggedOutPage, LogoutConfirmPage};
use super::*;

fn shell() -> Shell {
    let issuer: Issuer = "https://id.harbour.example/tenant".parse().unwrap();
    Shell::of(&issuer)
}

/// The page without the part of it that changes with the style sheet.
fn html(view: &impl Template) -> String {
    let html = render(view);
    let at = html.find("?v=").unwrap() + 3;
    format!("{}VERSION{}", &html[..at], &html[at + 8..])
}

fn sign_in(problems: Problems) -> SignInPage {
    SignInPage {
        shell: shell(),
        client_name: Some("Expense tracker".to_owned()),
        device: false,
        request: Some("v1.k.sealed".to_owned()),
        email: String::new(),
        problems,
    }
}

fn invitation(setup: bool, problems: Problems) -> InvitationPage {
    InvitationPage {
        shell: shell(),
        setup,
        reset: false,
        token: "TOKEN".to_owned(),
        email: "ada@harbour.example".to_owned(),
        name: "Ada Lovelace".to_owned(),
        shortest: 15,
        problems,
    }
}

fn account(sessions: Vec<SessionView>) -> AccountPage {
    AccountPage {
        shell: shell(),
        name: "Ada Lovelace".to_owned(),
        email: "ada@harbour.example".to_owned(),
        notice: (!sessions.is_empty()).then_some("The session is revoked."),
        sessions,
        more: false,
        agents: Vec::new(),
        more_agents: false,
        lasting: false,
        consents: Vec::new(),
    }
}

fn scope(text: &str, literal: bool) -> ScopeView {
    ScopeView {
        text: text.to_owned(),
        literal,
        tools: ToolsView::default(),
    }
}

fn general() -> GrantsView {
    GrantsView {
        general: vec![
            scope("Know who you are, and your roles here", false),
            scope("expenses:write", true),
        ],
        places: Vec::new(),
    }
}

fn grants() -> GrantsView {
    let place = |name: Option<&str>, uri: &str, scopes| PlaceView {
        resource: ResourceView {
            name: name.map(str::to_owned),
            uri: uri.to_owned(),
        },
        tools: ToolsView::default(),
        scopes,
    };
    GrantsView {
        places: vec![
            place(
                Some("Expenses"),
                "https://api.harbour.example",
                vec![scope("See your expenses", false)],
            ),
            place(None, "https://travel.harbour.example/mcp", Vec::new()),
        ],
        ..general()
    }
}

fn registered(name: &str) -> AskerView {
    AskerView {
        name: name.to_owned(),
        host: None,
        id: None,
        unchecked: false,
        agent: false,
        links: Vec::new(),
    }
}

fn consent(this_computer: bool) -> ConsentPage {
    ConsentPage {
        shell: shell(),
        asker: registered("Expense tracker"),
        elsewhere: false,
        this_computer,
        host: if this_computer {
            "127.0.0.1".to_owned()
        } else {
            "app.harbour.example".to_owned()
        },
        user: "00000001-0000-7000-8000-000000000000".to_owned(),
        name: "Ada Lovelace".to_owned(),
        email: "ada@harbour.example".to_owned(),
        grants: if this_computer { general() } else { grants() },
        lasts: "Until 24 hours after you signed in at the latest.".to_owned(),
        remembered: !this_computer,
        request: "v1.k.sealed".to_owned(),
    }
}

fn device(problems: Problems) -> DevicePage {
    DevicePage {
        shell: shell(),
        email: "ada@harbour.example".to_owned(),
        user_code: "WDJB-MJHT".to_owned(),
        problems,
    }
}

fn device_question(network: Option<&str>, same_network: Option<bool>) -> DeviceQuestionPage {
    let now = Timestamp::from_seconds(1_795_338_840);
    DeviceQuestionPage {
        shell: shell(),
        asker: registered("Kitchen display"),
        certain: false,
        user_code: "WDJB-MJHT".to_owned(),
        device: "00000002-0000-7000-8000-000000000000".to_owned(),
        user: "00000001-0000-7000-8000-000000000000".to_owned(),
        name: "Ada Lovelace".to_owned(),
        email: "ada@harbour.example".to_owned(),
        grants: grants(),
        network: network.map(str::to_owned),
        same_network,
        asked: Moment::new(Timestamp::from_seconds(1_795_338_840 - 70), now),
        lasts: "Until 24 hours after you signed in at the latest.".to_owned(),
    }
}

fn device_done(connected: bool) -> DeviceDonePage {
    DeviceDonePage {
        shell: shell(),
        client_name: "Kitchen display".to_owned(),
        connected,
    }
}

fn granting_account() -> AccountPage {
    let now = Timestamp::from_seconds(1_795_338_840);
    AccountPage {
        consents: vec![ConsentView {
            client: "expenses".to_owned(),
            client_name: "Expense tracker".to_owned(),
            grants: grants(),
            granted: Moment::new(Timestamp::from_seconds(1_795_338_840 - 7_300), now),
        }],
        ..account(Vec::new())
    }
}

fn session(number: u8, here: bool) -> SessionView {
    let now = Timestamp::from_seconds(1_795_338_840);
    let ago = |seconds: i64| Moment::new(Timestamp::from_seconds(1_795_338_840 - seconds), now);
    SessionView {
        id: format!("0000000{number}-0000-7000-8000-000000000000"),
        client_name: "Expense tracker".to_owned(),
        here,
        started: ago(7_300),
        renewed: ago(130),
    }
}

fn wrong(fields: &[(&'static str, &'static str)]) -> Problems {
    let mut problems = Problems::none();
    for (field, text) in fields {
        problems.add(field, *text);
    }
    problems
}

/// Every page, with a name.
fn all() -> Vec<(&'static str, String)> {
    let mut all = agents::all();
    all.extend(others());
    all
}

fn others() -> Vec<(&'static str, String)> {
    let refused = wrong(&[(
        "password",
        "The e-mail address or the password is not right.",
    )]);
    let several = wrong(&[
        ("email", "Enter an e-mail address, like name@example.com."),
        ("password", "Use at least 15 characters."),
        ("repeated", "The two passwords differ."),
    ]);
    let alone = SignInPage {
        client_name: None,
        request: None,
        ..sign_in(Problems::none())
    };
    let for_device = SignInPage {
        client_name: None,
        device: true,
        ..sign_in(Problems::none())
    };
    let unknown = wrong(&[("user_code", "No device waits with this code.")]);
    let confirm = LogoutConfirmPage {
        shell: shell(),
        client_name: Some("Expense tracker".to_owned()),
        fields: vec![("confirmed".to_owned(), "v1.k.sealed".to_owned())],
    };
    let error = ErrorPage::new(
        StatusCode::BAD_REQUEST,
        "This request cannot be answered",
        "The application sent something else than it is registered for.",
        "redirect_uri_unregistered",
    );
    let traced = Shell {
        trace: Some("4f2a9c1e7b8d4e05a1c3f6b2d9e80714".to_owned()),
        ..shell()
    };
    let error = error.html(traced);
    let at = error.find("?v=").unwrap() + 3;
    let error = format!("{}VERSION{}", &error[..at], &error[at + 8..]);
    vec![
        ("sign_in", html(&sign_in(Problems::none()))),
        ("sign_in_alone", html(&alone)),
        ("sign_in_refused", html(&sign_in(refused))),
        ("invitation", html(&invitation(false, Problems::none()))),
        ("setup", html(&invitation(true, Problems::none()))),
        ("setup_refused", html(&invitation(true, several))),
        (
            "account",
            html(&account(vec![session(2, true), session(1, false)])),
        ),
        ("account_without_sessions", html(&account(Vec::new()))),
        ("account_with_consents", html(&granting_account())),
        ("consent", html(&consent(false))),
        ("consent_to_this_computer", html(&consent(true))),
        ("sign_in_for_device", html(&for_device)),
        ("device", html(&device(Problems::none()))),
        ("device_refused", html(&device(unknown))),
        (
            "device_question",
            html(&device_question(Some("203.0.113.9"), Some(false))),
        ),
        (
            "device_question_from_nowhere",
            html(&device_question(None, None)),
        ),
        ("device_connected", html(&device_done(true))),
        ("device_denied", html(&device_done(false))),
        ("logout_confirm", html(&confirm)),
        (
            "logged_out",
            html(&LoggedOutPage {
                shell: shell(),
                everywhere: false,
            }),
        ),
        ("error", error),
    ]
}

#[test]
fn every_page_reads_as_recorded() {
    for (name, html) in all() {
        insta::assert_snapshot!(name, html);
    }
}

#[test]
fn no_page_has_script_inline_style_or_a_foreign_address() {
    // What a client says of itself may be read, and tells nobody who read it.
    const OUTSIDE: &str = r#"<a rel="noopener noreferrer nofollow" href="https://"#;
    for (name, html) in all() {
        let html = html.replace(OUTSIDE, "<a href=\"/");
        // The id of a client that is an address is no link.
        let html = html.replace(
            r#"name="client" value="https://"#,
            r#"name="client" value=""#,
        );
        for forbidden in [
            "<script",
            "javascript:",
            " style=",
            "<style",
            " onclick",
            " onsubmit",
            "=\"http",
            "=\"//",
        ] {
            assert!(!html.contains(forbidden), "{name} has {forbidden}");
        }
        assert_eq!(html.matches("href=\"/tenant/assets/").count(), 2, "{name}");
    }
}

#[test]
fn the_page_that_posts_an_answer_reads_as_recorded_and_has_the_one_script() {
    let view = views::FormPostPage {
        shell: shell(),
        action: "https://app.harbour.example/cb?a=1".to_owned(),
        host: "app.harbour.example".to_owned(),
        fields: vec![
            ("code", "CODE".to_owned()),
            ("state", r#""><script>alert(1)</script>"#.to_owned()),
        ],
    };
    let html = html(&view);
    let script = format!("<script>{}</script>", headers::SUBMIT);
    assert!(html.contains(&script), "{html}");
    assert_eq!(html.matches("<script").count(), 1);
    insta::assert_snapshot!("form_post", html);
}

#[test]
fn every_described_by_and_every_summary_link_points_to_something_on_the_page() {
    for (name, html) in all() {
        let named = |attribute: &str| {
            let parts = html.split(attribute).skip(1);
            parts
                .filter_map(|rest| rest.split('"').next())
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let described = named("aria-describedby=\"")
            .into_iter()
            .chain(named("aria-labelledby=\""));
        let targets =
            described.flat_map(|ids| ids.split(' ').map(str::to_owned).collect::<Vec<_>>());
        for id in targets
            .chain(named("href=\"#"))
            .chain(named("<label for=\""))
        {
            assert_eq!(
                html.matches(&format!(" id=\"{id}\"")).count(),
                1,
                "{name}: {id}"
            );
        }
    }
}

#[test]
fn what_people_and_clients_are_called_is_escaped() {
    let name = r#"<img src=x onerror="alert(1)">"#.to_owned();
    let page = SignInPage {
        client_name: Some(name.clone()),
        email: name,
        ..sign_in(Problems::none())
    };
    let html = render(&page);
    assert!(!html.contains("<img"), "{html}");
    assert!(!html.contains(r#"onerror=""#), "{html}");
}

#[test]
fn a_problem_for_a_program_becomes_a_sentence_for_a_person() {
    let problem = Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "there is nothing at this address",
    );
    let html = ErrorPage::from(&problem).html(shell());
    assert!(html.contains("There is nothing at this address."), "{html}");
    assert!(html.contains("<code>not_found</code>"), "{html}");
}

#[test]
fn a_browser_gets_pages_and_a_program_does_not() {
    let accept = |value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, value.parse().unwrap());
        accepts_page(&headers)
    };
    assert!(accept(
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    ));
    assert!(!accept("*/*"));
    assert!(!accept("application/json"));
    assert!(!accepts_page(&HeaderMap::new()));
}

#[test]
fn what_any_program_on_the_computer_could_take_is_this_computer_under_whatever_name() {
    for here in [
        "http://127.0.0.1:9000/cb",
        "http://[::1]:9000/cb",
        "http://localhost:9000/cb",
        "https://localhost./cb",
        "https://agent.localhost/cb",
        "https://0.0.0.0/cb",
        "https://[::ffff:127.0.0.1]/cb",
        "com.example.app:/cb",
        "cursor://anysphere.cursor-mcp/oauth/callback",
        "cursor://claude.ai/cb",
    ] {
        assert!(is_this_computer(here), "{here}");
    }
    for elsewhere in [
        "https://agent.example/cb",
        "https://notlocalhost/cb",
        "https://localhost.example/cb",
    ] {
        assert!(!is_this_computer(elsewhere), "{elsewhere}");
    }
    assert_eq!(host_of("cursor://claude.ai/cb"), "cursor");
    assert_eq!(host_of("com.example.app:/cb"), "com.example.app");
    assert_eq!(host_of("https://agent.example:8443/cb"), "agent.example");
}
