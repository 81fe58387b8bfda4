//! What holds of any state: what was planned and done leaves nothing to do, what is written reads as the same, and
//! no text makes the reader panic.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use sealgate_model::Grant;
use sealgate_plan::{
    Action, Around, Client, ClientKind, Declaration, Kind, Machine, Moment, Others, Paint, Plan,
    Resource, Schedule, Span, State, Tool, Word, drift, plan, read, render, write,
};

const AROUND: Around = Around {
    access: 300,
    session: 86_400,
    rotate_every: 90 * 86_400,
    now: Moment(1_795_338_305_000),
};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z][a-zA-Z ]{0,11}",
        Just("quote \" back \\ slash".to_owned()),
        Just("Zoë\u{202e}\u{1f980}".to_owned()),
        Just("[client.x]".to_owned()),
        Just("'''\"\"\"#".to_owned()),
    ]
}

fn names() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-d]:[a-c]", 0..4)
}

prop_compose! {
    fn client()(
        name in text(),
        public in any::<bool>(),
        uris in proptest::collection::vec("https://[a-c]\\.example/cb", 0..3),
        scopes in names(),
        resources in names(),
        flags in any::<[bool; 5]>(),
        lifetime in proptest::option::of(60_u64..4000),
        may_act in proptest::option::of("[a-c]{1,3}"),
        grants in proptest::option::of(proptest::sample::subsequence(Grant::ALL.to_vec(), 0..4)),
        keys in 0..3,
    ) -> Client {
        let kind = if public { ClientKind::Public } else { ClientKind::Confidential };
        let mut client = Client {
            redirect_uris: uris,
            scopes,
            resources,
            require_dpop: flags[0],
            require_pushed: flags[1],
            agent: flags[2],
            disabled: flags[3],
            endpoint_audience: flags[4],
            access_lifetime: lifetime.map(Span),
            may_act: may_act.map(|id| id.parse().unwrap()),
            jwks_uri: (keys == 1).then(|| "https://a.example/keys".to_owned()),
            authentication: None,
            grants,
            ..Client::bare(&name, kind)
        };
        client.settle();
        client
    }
}

prop_compose! {
    fn machine()(
        words in (text(), text()),
        end in 0_i64..4_000_000_000_000,
        scopes in names(),
        disabled in any::<bool>(),
        vouched in any::<bool>(),
    ) -> Machine {
        Machine {
            name: None,
            owner: words.0,
            purpose: words.1,
            environment: None,
            expires_at: Moment(end),
            grants: None,
            scopes,
            resources: Vec::new(),
            jwks: None,
            jwks_uri: None,
            identities: if vouched {
                vec![sealgate_plan::Identity {
                    issuer: "https://i.example".to_owned(),
                    claims: BTreeMap::from([("/a b".to_owned(), "x\"*".to_owned())]),
                }]
            } else {
                Vec::new()
            },
            require_dpop: false,
            access_lifetime: None,
            algorithm: None,
            disabled,
        }
    }
}

prop_compose! {
    fn resource()(
        name in text(),
        scopes in proptest::collection::btree_map("[a-d]:[a-c]", text(), 0..3),
        flags in any::<[bool; 2]>(),
        tool in proptest::option::of(text()),
    ) -> Resource {
        let tools = tool.map(|description| {
            let scopes = scopes.keys().cloned().collect();
            ("a.tool".to_owned(), Tool { description, scopes })
        });
        Resource {
            name,
            client: None,
            scopes,
            status_list: flags[0],
            agents: flags[1],
            tools: tools.into_iter().collect(),
        }
    }
}

prop_compose! {
    fn state()(
        client in proptest::collection::btree_map("c[a-c]", client(), 0..3),
        machine in proptest::collection::btree_map("m[a-c]", machine(), 0..3),
        resource in proptest::collection::btree_map("https://[a-c]\\.example/", resource(), 0..3),
        role in proptest::collection::btree_map("[a-c.:]{1,3}", text(), 0..3),
        scope in proptest::collection::btree_map("[a-c]:[!#-\\[]{1,2}", text(), 0..3),
        keys in proptest::collection::btree_map(prop_oneof!["EdDSA", "ML-DSA-65"], 0_u64..1000, 0..2),
        rule in any::<bool>(),
    ) -> State {
        let word = |(name, description)| (name, Word { description });
        let mut state = State {
            client,
            machine,
            resource,
            role: role.into_iter().map(word).collect(),
            scope: scope.into_iter().map(word).collect(),
            keys: keys
                .into_iter()
                .map(|(name, every)| (name, Schedule { rotate_every: Span(every) }))
                .collect(),
            policy: rule.then(policy),
        };
        if let Some(policy) = &mut state.policy {
            // A file's policies may name the roles that it declares.
            policy.policies.roles = state.role.keys().cloned().collect();
        }
        state.settle();
        state
    }
}

/// Policies in a file, and a rule.
fn policy() -> sealgate_plan::Policy {
    let text = "[policy]\nfiles = [\"a.cedar\"]\n[policy.actions]\n\"e.read\" = {}\n\
                [[mapping]]\nwhen = { issuer = \"https://idp.example\", group = \"g\" }\ngive = { roles = [\"r\"] }\n";
    let files = BTreeMap::from([(
        "a.cedar".to_owned(),
        "permit (principal, action, resource);".to_owned(),
    )]);
    let declared = read(text, "x", &[])
        .unwrap()
        .with(files, &BTreeMap::new())
        .unwrap();
    declared.state.policy.unwrap()
}

fn declaration(state: &State, prune: bool) -> Declaration {
    Declaration {
        name: "default".to_owned(),
        prune,
        state: state.clone(),
    }
}

/// What a server has when a plan was done.
fn done(actual: &State, declared: &State, plan: &Plan) -> State {
    let mut after = actual.clone();
    for change in &plan.changes {
        let id = &change.id;
        macro_rules! put {
            ($part:ident) => {
                if change.action == Action::Remove {
                    after.$part.remove(id).unwrap();
                } else {
                    after.$part.insert(id.clone(), declared.$part[id].clone());
                }
            };
        }
        match change.kind {
            Kind::Client => put!(client),
            Kind::Machine => put!(machine),
            Kind::Resource => put!(resource),
            Kind::Role => put!(role),
            Kind::Scope => put!(scope),
            Kind::Keys => put!(keys),
            Kind::Mapping | Kind::Policy => {
                let new = declared.policy.clone().unwrap_or_default();
                let place = after.policy.get_or_insert_default();
                if change.kind == Kind::Mapping {
                    place.mapping = new.mapping;
                } else {
                    place.policies = new.policies;
                }
            }
        }
    }
    after
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn what_was_planned_and_done_leaves_nothing_to_do(
        mut actual in state(), declared in state(), last in proptest::option::of(state()), prune in any::<bool>(),
    ) {
        // A client keeps its kind, which no plan changes.
        for (id, client) in &declared.client {
            if let Some(was) = actual.client.get_mut(id) {
                was.kind = client.kind;
                was.authentication = None;
                was.consent = None;
                was.settle();
            }
        }
        let wanted = declaration(&declared, prune);
        let first = plan(&wanted, &actual, last.as_ref(), &Others::new(), &AROUND).unwrap();
        // Whatever it is, it can be read out and sent.
        let sent = serde_json::to_string(&first).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Plan>(&sent).unwrap(), &first);
        let told = render(&first, Paint::Plain);
        prop_assert!(told.chars().all(|c| c == '\n' || !c.is_control()));
        let summary = first.summary();
        prop_assert_eq!(summary.create + summary.change + summary.remove, first.changes.len());
        for change in &first.changes {
            let says = !change.fields.is_empty() || change.action == Action::Remove;
            prop_assert!(says, "{:?} says nothing", change);
        }
        let after = done(&actual, &declared, &first);
        let again = plan(&wanted, &after, Some(&declared), &Others::new(), &AROUND).unwrap();
        prop_assert!(again.is_empty(), "{:?}", again);
        prop_assert!(drift(&declared, &after, &AROUND).is_empty());
        if prune {
            prop_assert_eq!(first.left_alone, 0);
            prop_assert_eq!(&after.role, &declared.role);
        }

    }

    #[test]
    fn what_is_written_reads_as_the_same(state in state(), name in "[a-c]{1,3}") {
        let written = write(&state, &name);
        let draft = read(&written.text, "x", &[]);
        let draft = draft.map_err(|error| TestCaseError::fail(format!("{error}\n{}", written.text)))?;
        prop_assert!(draft.policy_files().iter().all(|file| written.files.contains_key(file)));
        let policies: BTreeMap<String, String> = written.files.clone();
        let again = draft.with(policies, &BTreeMap::new()).unwrap();
        prop_assert_eq!(again.name, name);
        prop_assert_eq!(again.state, state, "{}", written.text);
    }

    #[test]
    fn a_state_travels_as_json(state in state()) {
        let json = serde_json::to_string(&state).unwrap();
        let mut again: State = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&again, &state);
        again.settle();
        prop_assert_eq!(again, state);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\[{1,2}(client|machine|keys|policy|mapping|role)(\\.[a-z\"\\\\.]{0,5})?\\]{1,2}\n|[a-z_]{1,8} ?= ?[\"\\[{0-9a-z:\\-]{0,10}\n|\\PC{0,6}){0,12}") {
        if let Err(error) = read(&text, "x", &["keys", "issuer"]) {
            prop_assert!(!error.code().is_empty());
            if let Some(at) = error.at {
                prop_assert!(at.line <= text.matches('\n').count() + 1);
            }
        }
    }
}
