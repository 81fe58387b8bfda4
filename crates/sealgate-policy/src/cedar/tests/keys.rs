//! Keys: two questions share one only where their answer cannot differ.

use proptest::prelude::*;

use super::*;

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        "[a-c]{0,2}".prop_map(Value::Text),
        (0_i64..3).prop_map(Value::Long),
        any::<bool>().prop_map(Value::Bool),
        "[a-c]{0,2}".prop_map(Value::Decimal),
        "[a-c]{0,2}".prop_map(Value::Ip),
        (0_i64..3).prop_map(Value::Moment),
        (0_i64..3).prop_map(Value::Duration),
    ];
    leaf.prop_recursive(3, 16, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::Set),
            proptest::collection::btree_map("[ab]", inner.clone(), 0..3).prop_map(Value::Record),
            (
                "[ab]",
                "[ab]{0,2}",
                proptest::collection::btree_map("[ab]", inner, 0..2)
            )
                .prop_map(|(kind, id, attributes)| Value::Entity(Resource {
                    attributes,
                    ..Resource::new(kind, id)
                })),
        ]
    })
}

fn resources() -> impl Strategy<Value = Resource> {
    (
        "[AB]",
        "[ab]{0,2}",
        proptest::collection::btree_map("[ab]", values(), 0..3),
        proptest::collection::vec(
            ("[AB]", "[ab]").prop_map(|(kind, id)| Resource::new(kind, id)),
            0..2,
        ),
    )
        .prop_map(|(kind, id, attributes, parents)| Resource {
            kind,
            id,
            attributes,
            parents,
        })
}

fn principals() -> impl Strategy<Value = Principal> {
    let lists = || proptest::collection::vec("[ab]{0,2}", 0..3);
    let optional = || proptest::option::of("[ab]{0,1}");
    let users = (
        ("[ab]{0,1}", lists(), lists(), optional()),
        (optional(), optional(), lists()),
    )
        .prop_map(|((id, scopes, roles, tenant), (acr, client, via))| User {
            id,
            scopes,
            roles,
            tenant,
            acr,
            client,
            via,
            ..User::default()
        });
    let users = users.boxed();
    let actors = prop_oneof![
        users.clone().prop_map(Actor::User),
        ("[ab]{0,1}", lists(), lists(), proptest::option::of(users)).prop_map(
            |(id, scopes, roles, user)| Actor::Agent(Agent {
                id,
                scopes,
                roles,
                user: user.map(Box::new),
                ..Agent::default()
            })
        ),
        ("[ab]{0,1}", "[ab]{0,1}", lists(), lists()).prop_map(|(id, client, scopes, roles)| {
            Actor::Machine(Machine {
                id,
                client,
                scopes,
                roles,
                tenant: None,
            })
        }),
    ];
    (actors, optional())
        .prop_map(|(actor, foreign)| Principal::new(Arc::new(actor), foreign.as_deref()))
}

proptest! {
    #[test]
    fn keys_are_equal_only_where_everything_is(
        a in (principals(), resources(), proptest::collection::btree_map("[ab]", values(), 0..2)),
        b in (principals(), resources(), proptest::collection::btree_map("[ab]", values(), 0..2)),
        actions in ("[ab]", "[ab]"),
    ) {
        let asked = |of: &(Principal, Resource, BTreeMap<String, Value>), action: &str| {
            let asked = Question { context: &of.2, ..question(&of.0, action, &of.1) };
            asked.key(&COMPILED)
        };
        let is_same = a == b && actions.0 == actions.1;
        prop_assert_eq!(asked(&a, &actions.0) == asked(&b, &actions.1), is_same);
        prop_assert_eq!(asked(&a, &actions.0), asked(&a, &actions.0));
    }
}

#[test]
fn each_bundle_has_keys_of_its_own_also_where_its_text_is_the_same() {
    let again = Policies::compile(&source_of(DECLARED, POLICIES)).unwrap();
    let (u1, list) = (user("u1", &[]), Resource::route("GET /expenses"));
    let asked = question(&u1, "expenses.list", &list);
    assert_ne!(asked.key(&COMPILED), asked.key(&again));
}

#[test]
fn the_time_counts_only_where_a_policy_may_look_at_it() {
    let (u1, list) = (user("u1", &["employee"]), Resource::route("GET /expenses"));
    let depends = |condition: &str| {
        let text = format!(
            "@id(\"a\") permit (principal in Role::\"employee\", action == Action::\"expenses.list\", resource) \
             when {{ {condition} }};"
        );
        let policies = Policies::compile(&source_of(DECLARED, &text)).unwrap();
        let asked = question(&u1, "expenses.list", &list);
        let later = Question {
            now: Timestamp::from_seconds(1_795_338_306),
            ..asked
        };
        let within = Question {
            now: Timestamp::from_millis(NOW.as_millis() + 999),
            ..asked
        };
        assert_eq!(asked.key(&policies), within.key(&policies));
        asked.key(&policies) != later.key(&policies)
    };
    assert!(!depends(
        "context.issuer == \"now\" && principal.id == \"u1\""
    ));
    assert!(depends("context.now > datetime(\"2020-01-01\")"));
    // However it is written.
    assert!(depends("context[\"n\\u{6f}w\"] > datetime(\"2020-01-01\")"));
    assert!(depends("context == context"));
    assert!(depends(
        "(if true then context else context).issuer == \"x\""
    ));
}

#[test]
fn a_policy_sees_the_second() {
    let text = "@id(\"a\") permit (principal, action == Action::\"expenses.list\", resource) \
                when { context.now < datetime(\"2026-11-22T09:05:06Z\") };";
    let policies = Policies::compile(&source_of(DECLARED, text)).unwrap();
    let (u1, list) = (user("u1", &[]), Resource::route("GET /expenses"));
    let allowed = |now| {
        let asked = Question {
            now,
            ..question(&u1, "expenses.list", &list)
        };
        policies.decide(&asked).unwrap().allowed
    };
    assert!(allowed(NOW) && allowed(Timestamp::from_millis(NOW.as_millis() + 999)));
    assert!(!allowed(Timestamp::from_millis(NOW.as_millis() + 1_000)));
}
