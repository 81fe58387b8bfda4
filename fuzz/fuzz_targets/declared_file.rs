//! Any text is a declaration or a refusal with its place. What was read is written so that it reads as the same, and
//! planning it on any server that has it leaves nothing to do.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use sealgate_plan::{Around, Moment, Others, Paint, State, plan, read, render, write};

fuzz_target!(|text: &str| {
    let draft = match read(text, "x", &["keys", "keys.rotate_every", "issuer"]) {
        Ok(draft) => draft,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let files = draft.policy_files().iter().cloned();
    let files: BTreeMap<String, String> = files.map(|name| (name, String::new())).collect();
    let Ok(declaration) = draft.with(files, &BTreeMap::new()) else {
        return;
    };
    assert!(declaration.state.check().is_ok());
    let around = Around { access: 300, session: 86_400, rotate_every: 0, now: Moment(0) };
    let others = Others::new();
    if let Ok(first) = plan(&declaration, &State::default(), None, &others, &around) {
        render(&first, Paint::Plain);
    }
    let same = plan(&declaration, &declaration.state, None, &others, &around);
    assert!(same.is_ok_and(|plan| plan.is_empty()) || declaration.state.machine.keys().any(|id| declaration.state.client.contains_key(id)));
    let written = write(&declaration.state, &declaration.name);
    let again = read(&written.text, "y", &[]).unwrap();
    let mut again = again.with(written.files, &BTreeMap::new()).unwrap().state;
    // Keys that a service account registers are its own affair.
    for (id, machine) in &mut again.machine {
        machine.jwks = declaration.state.machine[id].jwks.clone();
    }
    if declaration.state.policy.is_none() {
        assert_eq!(again, declaration.state);
    }
});
