//! Whatever stands in policies and in what is declared for them: they compile, or there is a finding or an error,
//! within a thread's stack. What compiles answers every question, and gives the same answer twice.
#![no_main]

use std::collections::BTreeMap;
use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use sealgate_model::{Actor, Timestamp, User};
use sealgate_policy::cedar::{
    Level, Policies, PolicySource, Principal, Question, Resource, Value, analyse, explained, read,
};

const DECLARED: &str = r#"
[policy]
roles = ["r"]
[policy.actions]
list = {}
[policy.resource.Note]
attributes = { owner = "User", "size?" = "Long" }
actions = ["read"]
"#;

fn source(declared: &str, text: &str) -> Option<PolicySource> {
    let declared = read(&declared.parse().ok()?).ok()?;
    let files = BTreeMap::from([("p.cedar".to_owned(), text.to_owned())]);
    declared.with(files, &BTreeMap::new()).ok()
}

fn look(source: &PolicySource) {
    let json = serde_json::to_string(source).expect("a source is JSON");
    let again: PolicySource = serde_json::from_str(&json).expect("what was written is read");
    assert_eq!(*source, again);
    let Ok(found) = analyse(source) else { return };
    let compiled = Policies::compile(source);
    if found.iter().all(|finding| finding.level != Level::Error) {
        assert!(compiled.is_ok(), "nothing was found, and it does not compile");
    }
    let Ok(policies) = compiled else { return };
    let user = User {
        id: "u".to_owned(),
        roles: vec!["r".to_owned()],
        ..User::default()
    };
    let principal = Principal::new(Arc::new(Actor::User(user)), None);
    let mut note = Resource::new("Note", "n");
    note.attributes.insert("owner".to_owned(), Value::Text("u".to_owned()));
    for (action, resource) in [("read", note), ("list", Resource::route("GET /"))] {
        let question = Question {
            principal: &principal,
            action,
            resource: &resource,
            context: &BTreeMap::new(),
            credential: "session",
            issuer: "https://id.example",
            now: Timestamp::from_seconds(1_800_000_000),
        };
        let Ok(verdict) = policies.decide(&question) else { continue };
        assert!(!verdict.allowed || verdict.errors.is_empty());
        assert!(!verdict.allowed || !verdict.determining.is_empty(), "nothing permitted it");
        assert_eq!(policies.decide(&question).as_ref(), Ok(&verdict));
        let told = policies.explain(&question).expect("what is decided is explained");
        assert_eq!(told.allowed, verdict.allowed);
        explained(&told, true);
    }
}

fuzz_target!(|input: (&str, &str)| {
    let (declared, text) = input;
    if let Some(source) = source(DECLARED, text) {
        look(&source);
    }
    if let Some(source) = source(declared, "@id(\"a\") permit (principal is User, action, resource);") {
        look(&source);
    }
});
