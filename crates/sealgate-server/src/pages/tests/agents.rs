//! The pages about AI agents.

use super::*;

fn tool(name: &str, text: &str) -> ToolView {
    ToolView {
        name: name.to_owned(),
        text: text.to_owned(),
    }
}

fn by_document() -> AskerView {
    let link = |label, host: &str| LinkView {
        label,
        host: host.to_owned(),
        href: format!("https://{host}/about"),
    };
    AskerView {
        name: "Note taker".to_owned(),
        host: Some("agent.example".to_owned()),
        id: Some("https://agent.example/oauth/client.json".to_owned()),
        unchecked: true,
        agent: true,
        links: vec![
            link("Home page", "agent.example"),
            link("Terms", "terms.example"),
        ],
    }
}

fn notes() -> GrantsView {
    let write = ScopeView {
        tools: ToolsView {
            first: vec![
                tool("add_note", "Add a note"),
                tool("drop_note", "Throw a note away"),
            ],
            more: Vec::new(),
        },
        ..scope("Change your notes", false)
    };
    let read = ScopeView {
        tools: ToolsView {
            first: vec![tool("find", "Find notes")],
            more: vec![tool("count", "Count notes"), tool("export", "Export notes")],
        },
        ..scope("Read your notes", false)
    };
    GrantsView {
        general: vec![scope(
            "Stay connected while you are not using it, until the session ends",
            false,
        )],
        places: vec![PlaceView {
            resource: ResourceView {
                name: Some("Notes".to_owned()),
                uri: "https://notes.harbour.example/mcp".to_owned(),
            },
            tools: ToolsView {
                first: vec![tool("ping", "Ask whether it is there")],
                more: Vec::new(),
            },
            scopes: vec![read, write],
        }],
    }
}

fn agent_consent(asker: AskerView, this_computer: bool) -> ConsentPage {
    ConsentPage {
        asker,
        elsewhere: !this_computer,
        host: if this_computer {
            "127.0.0.1"
        } else {
            "other.example"
        }
        .to_owned(),
        grants: notes(),
        lasts: "Until you take it back.".to_owned(),
        ..consent(this_computer)
    }
}

fn agent(number: usize, asker: AskerView, connections: usize) -> AgentView {
    let now = Timestamp::from_seconds(1_795_338_840);
    let ago = |seconds: i64| Moment::new(Timestamp::from_seconds(1_795_338_840 - seconds), now);
    let connection = |number: usize| ConnectionView {
        id: format!("0000000{number}-0000-7000-8000-000000000000"),
        number,
        started: ago(90_000),
        renewed: ago(130),
        network: (number == 1).then(|| "203.0.113.9".to_owned()),
        ends: Moment::ahead(Timestamp::from_seconds(1_795_338_840 + 600_000), now),
        extends: number == 1,
    };
    AgentView {
        number,
        client: asker.id.clone().unwrap_or("helper".to_owned()),
        asker,
        grants: notes(),
        granted: Some(ago(90_060)),
        sessions: (1..=connections).map(connection).collect(),
        more: connections > 1,
    }
}

fn account_with_agents() -> AccountPage {
    let itself = AskerView {
        host: None,
        id: None,
        ..by_document()
    };
    AccountPage {
        agents: vec![
            agent(1, by_document(), 2),
            agent(2, itself, 1),
            agent(
                3,
                AskerView {
                    agent: true,
                    ..registered("House helper")
                },
                0,
            ),
        ],
        more_agents: true,
        lasting: true,
        ..account(Vec::new())
    }
}

/// Every page about agents, with a name.
pub(super) fn all() -> Vec<(&'static str, String)> {
    let itself = AskerView {
        host: None,
        id: None,
        links: Vec::new(),
        ..by_document()
    };
    vec![
        ("account_with_agents", html(&account_with_agents())),
        (
            "consent_for_agent",
            html(&agent_consent(by_document(), false)),
        ),
        (
            "consent_for_agent_on_this_computer",
            html(&agent_consent(by_document(), true)),
        ),
        (
            "consent_for_agent_by_itself",
            html(&agent_consent(itself, true)),
        ),
        (
            "device_question_of_agent",
            html(&DeviceQuestionPage {
                asker: by_document(),
                grants: notes(),
                ..device_question(None, None)
            }),
        ),
    ]
}
