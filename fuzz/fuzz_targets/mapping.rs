//! Whatever stands in a file that declares a mapping, in a bundle or in a credential: a mapping is read back as it was
//! written, gives the same twice, and gives no more to whoever tells less.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealgate_model::ActorKind;
use sealgate_policy::mapping::{Mapping, NoClaims, Shown, Told, read_text, to_table};
use serde_json::{Map, Value};

const ISSUER: &str = "https://id.example";

fuzz_target!(|input: (&str, &[u8], u8)| {
    let (text, claims, how) = input;
    let from_bundle = || serde_json::from_str::<Mapping>(text).ok();
    let Some(mapping) = read_text(text).ok().or_else(from_bundle) else {
        return;
    };
    let json = serde_json::to_string(&mapping).expect("a mapping is JSON");
    assert_eq!(
        serde_json::from_str::<Mapping>(&json).expect("it is read back"),
        mapping
    );
    let file = toml::to_string(&to_table(&mapping)).expect("a mapping is TOML");
    let again = read_text(&file).expect("a file is read back");
    assert_eq!(again.rules(), mapping.rules());

    let claims: Map<String, Value> = serde_json::from_slice(claims).unwrap_or_default();
    let list = |name: &str| {
        let list = claims
            .get(name)
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        list.filter_map(Value::as_str)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let (roles, scopes) = (list("roles"), list("scopes"));
    let kind = [ActorKind::User, ActorKind::Machine, ActorKind::Agent][usize::from(how) % 3];
    let told = Told {
        issuer: ISSUER,
        own: how & 4 != 0,
        shown: if how & 8 == 0 {
            Shown::Token
        } else {
            Shown::Session
        },
        kind,
        has_user: kind == ActorKind::User || how & 16 != 0,
        client: "cli",
        tenant: claims.get("tenant").and_then(Value::as_str),
        roles: &roles,
        scopes: &scopes,
        claims: &claims,
    };
    let whole = mapping.judge(&told);
    assert_eq!(whole, mapping.judge(&told));
    assert_eq!(whole, mapping.explain(&told).outcome);
    let kept = mapping.keep(told.issuer, told.own, &claims);
    assert_eq!(
        whole,
        mapping.judge(&Told {
            claims: &kept,
            ..told
        })
    );
    let less = Told {
        tenant: None,
        roles: &[],
        scopes: &[],
        claims: &NoClaims,
        ..told
    };
    if let (Ok(whole), Ok(less)) = (whole, mapping.judge(&less)) {
        assert_eq!(whole.kind, less.kind);
        assert!(less.roles.iter().all(|role| whole.roles.contains(role)));
        assert!(less.scopes.iter().all(|scope| whole.scopes.contains(scope)));
    }
});
