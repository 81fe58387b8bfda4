//! What holds of every mapping and every credential.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

const WORDS: [&str; 4] = ["a", "ab", "b", "fin"];

fn word() -> impl Strategy<Value = String> {
    prop::sample::select(&WORDS[..]).prop_map(str::to_owned)
}

/// What is asked of a claim, as a file says it.
fn asked() -> impl Strategy<Value = Value> {
    let pattern = prop_oneof![
        word().prop_map(Value::from),
        word().prop_map(|w| json!(format!("{w}*"))),
        Just(json!(1)),
        Just(json!(true))
    ];
    let list = || prop::collection::btree_set(word(), 1..3);
    prop_oneof![
        pattern,
        list().prop_map(|words| json!(words)),
        list().prop_map(|words| json!({ "all": words })),
        list().prop_map(|words| json!({ "has": words })),
        list().prop_map(|words| json!({ "is": words })),
        Just(json!({ "present": true })),
    ]
}

fn rule() -> impl Strategy<Value = Value> {
    let issuer = prop::sample::select(vec!["own", "*", FOREIGN]);
    let texts = || {
        prop_oneof![
            word().prop_map(Value::from),
            Just(json!({ "all": ["a", "b"] })),
            Just(json!("a*"))
        ]
    };
    let when = (
        issuer,
        prop::option::of(word()),
        prop::option::of(word()),
        prop::option::of(asked()),
        prop::option::of(texts()),
        prop::option::of(texts()),
        prop::option::of((prop::sample::select(vec!["x", "y.z"]), asked())),
    );
    let give = (
        prop::collection::btree_set(word(), 1..3),
        prop::collection::btree_set(word(), 0..3),
        prop::option::weighted(0.2, prop::sample::select(vec!["user", "machine", "agent"])),
    );
    (when, give).prop_map(
        |((issuer, client, tenant, group, scope, role, claim), (roles, scopes, actor))| {
            let mut when = json!({ "issuer": issuer });
            let mut put = |name: &str, value: Option<Value>| {
                if let Some(value) = value {
                    when[name] = value;
                }
            };
            put("client", client.map(Value::from));
            put("tenant", tenant.map(Value::from));
            put("group", group);
            put("scope", scope);
            put("role", role);
            put("claim", claim.map(|(name, asked)| json!({ name: asked })));
            let mut rule = json!({ "when": when, "give": { "roles": roles } });
            if !scopes.is_empty() {
                rule["give"]["scopes"] = json!(scopes);
            }
            if let Some(actor) = actor.filter(|_| issuer == FOREIGN) {
                rule["give"]["actor"] = json!(actor);
            }
            rule
        },
    )
}

/// Mappings that can be meant; kinds are mapped or told.
fn mappings() -> impl Strategy<Value = Mapping> {
    let counts = || prop::option::of(prop::sample::select(vec!["told", "mapped"]));
    (
        prop::collection::vec(rule(), 0..6),
        counts(),
        counts(),
        counts(),
    )
        .prop_filter_map(
            "a mapping that can be meant",
            |(rules, roles, scopes, actor)| {
                let mut says = Map::new();
                for (name, counts) in [("roles", roles), ("scopes", scopes), ("actor", actor)] {
                    says.extend(counts.map(|counts| (name.to_owned(), json!(counts))));
                }
                let document = json!({ "rules": rules, "of": { FOREIGN: says } });
                Mapping::try_from(document).ok()
            },
        )
}

fn claim() -> impl Strategy<Value = Value> {
    let scalar = || {
        prop_oneof![
            word().prop_map(Value::from),
            Just(json!(1)),
            Just(json!(true)),
            Just(json!(null))
        ]
    };
    prop_oneof![
        scalar(),
        prop::collection::vec(scalar(), 0..4).prop_map(Value::from),
        Just(json!({ "z": "a" }))
    ]
}

fn credentials() -> impl Strategy<Value = Credential> {
    let kinds = prop::sample::select(vec![
        (Shown::Session, ActorKind::User, true),
        (Shown::Token, ActorKind::User, true),
        (Shown::Token, ActorKind::Machine, false),
        (Shown::Token, ActorKind::Agent, false),
        (Shown::Token, ActorKind::Agent, true),
    ]);
    (
        prop::sample::select(vec![OWN, FOREIGN]),
        kinds,
        word(),
        prop::option::of(word()),
        prop::collection::vec(word(), 0..3),
        prop::collection::vec(word(), 0..3),
        prop::option::of(claim()),
        prop::option::of(claim()),
        prop::option::of(claim()),
    )
        .prop_map(
            |(issuer, (shown, kind, has_user), client, tenant, roles, scopes, groups, x, z)| {
                let mut claims = Map::new();
                claims.extend(groups.map(|value| ("groups".to_owned(), value)));
                claims.extend(x.map(|value| ("x".to_owned(), value)));
                claims.extend(z.map(|value| ("y".to_owned(), json!({ "z": value }))));
                Credential {
                    issuer,
                    shown,
                    kind,
                    has_user,
                    client,
                    tenant,
                    roles,
                    scopes,
                    claims,
                }
            },
        )
}

/// `credential` with less in it: what `at` points to is taken away.
fn less(credential: &Credential, at: usize) -> Credential {
    let mut less = credential.clone();
    match at % 6 {
        0 => less.tenant = None,
        1 if !less.roles.is_empty() => {
            less.roles.remove(at % credential.roles.len());
        }
        2 if !less.scopes.is_empty() => {
            less.scopes.remove(at % credential.scopes.len());
        }
        place => {
            let Some(name) = less.claims.keys().nth(place % 3).cloned() else {
                return less;
            };
            match less.claims.get_mut(&name) {
                Some(Value::Array(list)) if !list.is_empty() => {
                    list.remove(at % list.len());
                }
                _ => {
                    less.claims.remove(&name);
                }
            }
        }
    }
    less
}

fn within(part: &[String], whole: &[String]) -> bool {
    part.iter().all(|one| whole.contains(one))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn knowing_less_never_gives_more(mapping in mappings(), credential in credentials(), cuts in prop::collection::vec(any::<usize>(), 1..4)) {
        let whole = mapping.judge(&credential.told());
        let part = cuts.into_iter().fold(credential, |credential, at| less(&credential, at));
        // A contradiction may be cut away, and what is left is then one of the kinds that were given.
        if let (Ok(whole), Ok(part)) = (whole, mapping.judge(&part.told())) {
            prop_assert_eq!(whole.kind, part.kind);
            prop_assert!(within(&part.roles, &whole.roles));
            prop_assert!(within(&part.scopes, &whole.scopes));
        }
    }

    #[test]
    fn a_credential_that_no_rule_gives_a_kind_gets_none_by_saying_less(mapping in mappings(), credential in credentials(), at in any::<usize>()) {
        if mapping.judge(&credential.told()) == Err(Refusal::Unmapped) {
            prop_assert_eq!(mapping.judge(&less(&credential, at).told()), Err(Refusal::Unmapped));
        }
    }

    #[test]
    fn the_order_of_rules_does_not_matter(mapping in mappings(), credential in credentials(), turn in any::<usize>()) {
        let mut rules = mapping.rules().to_vec();
        if !rules.is_empty() {
            let by = turn % rules.len();
            rules.rotate_left(by);
            if turn % 2 == 0 {
                rules.reverse();
            }
        }
        let turned = Mapping::new(rules, mapping.of().clone()).unwrap();
        prop_assert_eq!(turned.judge(&credential.told()), mapping.judge(&credential.told()));
        prop_assert_eq!(mapping.judge(&credential.told()), mapping.judge(&credential.told()));
    }

    #[test]
    fn more_rules_take_nothing_away_from_our_own(mapping in mappings(), more in mappings(), credential in credentials()) {
        let rules = [mapping.rules(), more.rules()].concat();
        let Ok(both) = Mapping::new(rules, mapping.of().clone()) else {
            return Ok(());
        };
        let own = Credential { issuer: OWN, ..credential };
        let (few, many) = (mapping.judge(&own.told()).unwrap(), both.judge(&own.told()).unwrap());
        prop_assert!(within(&few.roles, &many.roles) && within(&few.scopes, &many.scopes));
    }

    #[test]
    fn what_is_kept_gives_the_same_here_and_no_more_elsewhere(mapping in mappings(), other in mappings(), credential in credentials()) {
        let told = credential.told();
        let kept = mapping.keep(told.issuer, told.own, &credential.claims);
        let by_kept = Told { claims: &kept, ..told };
        prop_assert_eq!(mapping.judge(&by_kept), mapping.judge(&told));
        let again = mapping.keep(told.issuer, told.own, &kept);
        prop_assert_eq!(&again, &kept);
        if let (Ok(part), Ok(whole)) = (other.judge(&by_kept), other.judge(&told)) {
            prop_assert_eq!(part.kind, whole.kind);
            prop_assert!(within(&part.roles, &whole.roles) && within(&part.scopes, &whole.scopes));
        }
    }

    #[test]
    fn a_mapping_is_read_back_from_the_bundle_and_from_a_file(mapping in mappings()) {
        let json = serde_json::to_string(&mapping).unwrap();
        let read: Mapping = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&read, &mapping);
        prop_assert_eq!(serde_json::to_string(&read).unwrap(), json);
        let text = toml::to_string(&to_table(&mapping)).unwrap();
        // A table of an issuer that says nothing is left out of a file as it is of nothing else.
        prop_assert_eq!(&read_text(&text).unwrap(), &mapping);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(\\[\\[mapping\\]\\]\n|when\\.|issuer|claim|group|\\.x|give|roles|scopes|=|'[a-z*/.]{0,4}'|\\{|\\}|\\[|\\]|,|\n|1|true){0,24}") {
        if let Ok(mapping) = read_text(&text) {
            let json = serde_json::to_string(&mapping).unwrap();
            prop_assert_eq!(serde_json::from_str::<Mapping>(&json).unwrap(), mapping);
        }
    }
}
