use proptest::prelude::*;

use super::*;

fn parse(field: &str) -> Option<Vec<Challenge>> {
    Challenge::parse(field.as_bytes())
}

fn challenge(scheme: &str, parameters: &[(&str, &str)]) -> Challenge {
    Challenge {
        scheme: scheme.to_owned(),
        parameters: parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
    }
}

#[test]
fn several_challenges_in_one_field_are_told_apart() {
    // The first is RFC 9110's own example.
    let field = r#"Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"""#;
    let expected = [
        challenge("basic", &[("realm", "simple")]),
        challenge(
            "newauth",
            &[
                ("realm", "apps"),
                ("type", "1"),
                ("title", r#"Login to "apps""#),
            ],
        ),
    ];
    assert_eq!(parse(field).unwrap(), expected);
    let field =
        r#", DPoP algs="ES256" ,,Bearer , Negotiate a2b+/==, Bearer error = "invalid_token""#;
    let expected = [
        challenge("dpop", &[("algs", "ES256")]),
        challenge("bearer", &[]),
        challenge("negotiate", &[]),
        challenge("bearer", &[("error", "invalid_token")]),
    ];
    assert_eq!(parse(field).unwrap(), expected);
    assert_eq!(parse("").unwrap(), []);
    assert_eq!(parse("Bearer").unwrap(), [challenge("bearer", &[])]);
}

#[test]
fn what_is_not_written_as_it_should_be_counts_for_nothing() {
    for wrong in [
        "Bearer scope=\"a",
        "Bearer scope=\"a\" scope2=\"b\"",
        "Bearer scope=\"a\", scope=\"b\"",
        "Bearer scope=\"a\"b",
        "Bearer scope=\"a\\",
        "Bearer/x",
        "=",
        "\"Bearer\"",
        "Bearer a=\"\u{7}\"",
        "Bearer scope=\"a\", SCOPE=\"b\"",
    ] {
        assert_eq!(parse(wrong), None, "{wrong}");
    }
    assert_eq!(Challenge::parse(b"Bearer realm=\"\xff\""), None);
    let many = "Bearer, ".repeat(MOST + 1);
    assert_eq!(parse(&many), None);
    let parameters: Vec<String> = (0..=MOST).map(|n| format!("p{n}=1")).collect();
    assert_eq!(parse(&format!("Bearer {}", parameters.join(", "))), None);
    assert_eq!(parse(&"a".repeat(CHALLENGES_LIMIT + 1)), None);
}

fn demand(fields: &[&str], scheme: Option<&str>) -> Demand {
    Demand::read(fields.iter().map(|field| field.as_bytes()), scheme)
}

#[test]
fn a_demand_is_what_all_challenges_say_together() {
    let told = demand(
        &[
            "Basic realm=\"x\", scope=\"not-ours\"",
            "Bearer error=\"unterminated",
            r#"Bearer scope="a b", error="invalid_token""#,
            r#"DPoP error="use_dpop_nonce", resource_metadata="https://api.example/meta", scope="c""#,
        ],
        Some("DPoP"),
    );
    assert!(told.bearer && told.dpop);
    assert_eq!(told.error.as_deref(), Some("use_dpop_nonce"));
    assert_eq!(told.scopes, Some(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(told.metadata.unwrap().as_str(), "https://api.example/meta");
}

#[test]
fn metadata_at_a_place_that_is_never_followed_is_not_told() {
    for url in [
        "http://api.example/meta",
        "file:///etc/passwd",
        "https://a@b.example/",
    ] {
        let told = demand(&[&format!("Bearer resource_metadata=\"{url}\"")], None);
        assert_eq!(told.metadata, None, "{url}");
    }
}

#[test]
fn fields_beyond_the_limit_are_not_looked_at() {
    let long = format!("Bearer realm=\"{}\"", "a".repeat(CHALLENGES_LIMIT - 20));
    let told = demand(&[&long, "Bearer scope=\"late, but here\""], None);
    assert!(told.bearer);
    assert_eq!(told.scopes, None);
}

proptest! {
    #[test]
    fn any_bytes_give_challenges_or_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Challenge::parse(&bytes);
    }

    #[test]
    fn near_misses_are_read_without_harm(text in "[A-Za-z \t,=\"\\\\]{0,60}") {
        for challenge in parse(&text).unwrap_or_default() {
            prop_assert!(!challenge.scheme.is_empty());
        }
    }

    #[test]
    fn what_is_written_well_is_read_as_it_was_meant(
        challenges in proptest::collection::vec(
            ("[a-z]{1,8}", proptest::collection::btree_map("[a-z_]{1,8}", "[ -~]{0,20}", 0..5)),
            0..5,
        ),
    ) {
        let quote = |value: &str| format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
        let field: Vec<String> = challenges
            .iter()
            .map(|(scheme, parameters)| {
                let all: Vec<_> = parameters.iter().map(|(n, v)| format!("{n}={}", quote(v))).collect();
                format!("{scheme} {}", all.join(", ")).trim_end().to_owned()
            })
            .collect();
        let expected: Vec<Challenge> = challenges
            .iter()
            .map(|(scheme, parameters)| Challenge {
                scheme: scheme.clone(),
                parameters: parameters.clone().into_iter().collect(),
            })
            .collect();
        prop_assert_eq!(parse(&field.join(", ")).unwrap(), expected);
    }
}
