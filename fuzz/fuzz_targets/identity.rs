//! Any text is an assertion of another issuer or a refusal, any rules are sound or refused, and what fits was pinned:
//! no sound rule for GitHub takes in a repository of an owner that it does not name.
#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use sealgate_model::{IssuerKind, Timestamp};
use sealgate_oauth::identity::{
    Claimed, IdJag, VouchedClaims, check_rules, check_subject, fits, trust_domain_of,
};

fuzz_target!(|bytes: &[u8]| {
    let now = Timestamp::from_seconds(1_000_000);
    let life = Duration::from_secs(3600);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Claimed::of(text);
        if let Some(domain) = trust_domain_of(text) {
            assert!(text.starts_with(&format!("spiffe://{domain}/")));
        }
        rules(text);
    }
    let Ok(claims) = VouchedClaims::read(bytes) else {
        return;
    };
    if claims.check_times(life, now).is_ok() {
        let end = claims.expires_at.as_seconds();
        assert!((999_940..=1_003_660).contains(&end));
    }
    let _ = IdJag::read(&claims);
    for kind in IssuerKind::ALL {
        let _ = check_subject(kind, Some("acme.example"), &BTreeMap::new(), &claims);
    }
});

/// A line for each claim: its name, a space, and its value.
fn rules(text: &str) {
    let pairs = text.lines().filter_map(|line| line.split_once(' '));
    let rules: BTreeMap<_, _> = pairs
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for kind in IssuerKind::ALL {
        let sound = check_rules(kind, Some("acme.example"), &rules).is_ok();
        let names_us = rules.values().any(|value| value.contains("nobody-names-this"));
        let stranger = serde_json::json!({
            "sub": "repo:nobody-names-this/app:ref:refs/heads/main", "ref": "refs/heads/main",
            "repository": "nobody-names-this/app", "repository_id": "nobody-names-this",
            "environment": "production", "list": ["a", 1, true],
        });
        if sound && kind == IssuerKind::Github && !names_us {
            assert!(!fits(&rules, &stranger), "{rules:?}");
        }
    }
}
