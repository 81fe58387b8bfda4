use proptest::prelude::*;
use serde_json::json;

use super::*;

fn rules(pairs: &[(&str, &str)]) -> ClaimRules {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn code(kind: IssuerKind, pairs: &[(&str, &str)]) -> &'static str {
    let domain = (kind == IssuerKind::Spiffe).then_some("acme.example");
    check_rules(kind, domain, &rules(pairs)).map_or_else(|error| error.code(), |()| "sound")
}

#[test]
fn a_rule_says_who_it_is_at_each_platform() {
    use IssuerKind::{Github, Gitlab, Kubernetes, Openid, Spiffe};
    for (kind, pairs) in [
        (Kubernetes, &[("sub", "system:serviceaccount:shop:api")][..]),
        (Kubernetes, &[("sub", "system:serviceaccount:shop:*")]),
        (Kubernetes, &[("/kubernetes.io/namespace", "shop")]),
        (
            Kubernetes,
            &[("/kubernetes.io/serviceaccount/uid", "1-2-3")],
        ),
        (Github, &[("repository", "acme/app")]),
        (
            Github,
            &[("repository", "acme/*"), ("environment", "production")],
        ),
        (Github, &[("sub", "repo:acme/app:ref:refs/heads/main")]),
        (Github, &[("sub", "repo:acme/app:*")]),
        (Github, &[("repository_id", "74")]),
        (
            Gitlab,
            &[("sub", "project_path:acme/app:ref_type:branch:ref:main")],
        ),
        (
            Gitlab,
            &[("project_path", "acme/*"), ("ref_protected", "true")],
        ),
        (Gitlab, &[("project_id", "20")]),
        (Spiffe, &[("sub", "spiffe://acme.example/ns/shop/sa/api")]),
        (Spiffe, &[("sub", "spiffe://acme.example/ns/shop/*")]),
        (Openid, &[("sub", "pipeline-7")]),
        (Openid, &[("sub", "organization:acme:*"), ("org_id", "7")]),
    ] {
        assert_eq!(code(kind, pairs), "sound", "{kind} {pairs:?}");
    }
}

#[test]
fn a_rule_that_takes_in_strangers_is_refused() {
    use IssuerKind::{Enterprise, Github, Gitlab, Kubernetes, Openid, Spiffe};
    for (kind, pairs) in [
        (Kubernetes, &[("sub", "system:*")][..]),
        (Kubernetes, &[("sub", "system:serviceaccount:*")]),
        (Kubernetes, &[("sub", "system:serviceaccount:shop")]),
        (
            Kubernetes,
            &[("/kubernetes.io/serviceaccount/name", "default")],
        ),
        (Github, &[("environment", "production")]),
        (
            Github,
            &[(
                "job_workflow_ref",
                "acme/app/.github/workflows/a.yml@refs/heads/main",
            )],
        ),
        (Github, &[("repository_owner", "acme")]),
        (Github, &[("sub", "repo:*")]),
        (Github, &[("sub", "workflow:deploy")]),
        (Github, &[("sub", "*")]),
        (Github, &[("repository", "acme")]),
        (Gitlab, &[("ref_protected", "true")]),
        (Gitlab, &[("sub", "project_path:*")]),
        (Gitlab, &[("namespace_path", "acme")]),
        (Spiffe, &[("sub", "spiffe://acme.example/*")]),
        (Spiffe, &[("sub", "spiffe://other.example/ns/shop")]),
        (Spiffe, &[("env", "production")]),
        (Openid, &[("azp", "app")]),
        (Openid, &[("sub", "*")]),
        (Openid, &[("sub", "organization:acme:*")]),
        (Openid, &[("sub", "a:*"), ("ref", "refs/*")]),
        (Enterprise, &[("sub", "00u1")]),
    ] {
        assert_eq!(code(kind, pairs), "identity_rule_broad", "{kind} {pairs:?}");
    }
    // What every token of an issuer says pins nobody, by whichever name it goes.
    let said = [
        ("sub", "organization:acme:*"),
        ("/iss", "https://ci.example"),
    ];
    assert_eq!(code(Openid, &said), "identity_rule_malformed");
    let nowhere = check_rules(Spiffe, None, &rules(&[("sub", "spiffe://acme.example/a")]));
    assert_eq!(nowhere.unwrap_err().code(), "identity_rule_broad");
}

#[test]
fn a_rule_that_cannot_be_read_is_refused() {
    let long = "a".repeat(513);
    for pairs in [
        &[][..],
        &[("repository", "acme/app"), ("", "x")],
        &[("repository", "acme/app"), ("/", "x")],
        &[("repository", "acme/app"), ("ref", "")],
        &[("repository", "acme/app"), ("ref", "a\nb")],
        &[("repository", "acme/app"), ("ref", &long)],
        &[("repository", "acme/app"), ("ref", "refs/*/main")],
        &[("repository", "acme/app"), ("ref", "refs/**")],
        &[("repository", "acme*")],
        &[("repository", "acme/app"), ("aud", "x")],
        &[("repository", "acme/app"), ("iss", "x")],
        &[("repository", "acme/app"), ("/iss", "x")],
        &[("repository", "acme/app"), ("/aud/0", "x")],
    ] {
        assert_eq!(
            code(IssuerKind::Github, pairs),
            "identity_rule_malformed",
            "{pairs:?}"
        );
    }
}

#[test]
fn an_issuer_has_a_trust_domain_if_it_gives_spiffe_ids() {
    let check = |kind, issuer: &str, domain, pairs| {
        check_issuer(kind, issuer, domain, &rules(pairs)).is_ok()
    };
    let spiffe = IssuerKind::Spiffe;
    assert!(check(
        spiffe,
        "spiffe://acme.example",
        Some("acme.example"),
        &[]
    ));
    assert!(check(
        spiffe,
        "https://spire.example",
        Some("acme.example"),
        &[]
    ));
    assert!(!check(
        spiffe,
        "spiffe://other.example",
        Some("acme.example"),
        &[]
    ));
    assert!(!check(spiffe, "https://spire.example", None, &[]));
    assert!(!check(spiffe, "https://spire.example", Some("Acme/x"), &[]));
    let github = IssuerKind::Github;
    assert!(check(
        github,
        "https://gh.example",
        None,
        &[("repository_owner", "acme")]
    ));
    assert!(!check(
        github,
        "https://gh.example",
        Some("acme.example"),
        &[]
    ));
    assert!(!check(github, "spiffe://acme.example", None, &[]));
    assert!(!check(
        github,
        "https://gh.example",
        None,
        &[("repository_owner", "*")]
    ));
}

/// A token of a Kubernetes service account, as the API server makes it.
fn pod() -> Value {
    json!({
        "aud": ["https://id.example"], "sub": "system:serviceaccount:shop:api",
        "kubernetes.io": {
            "namespace": "shop", "node": { "name": "n1" }, "pod": { "name": "api-1" },
            "serviceaccount": { "name": "api", "uid": "8e2a" },
        },
        "groups": ["a", "b", 3], "protected": true, "number": 7, "share": 0.5, "none": null,
    })
}

#[test]
fn claims_fit_whole_or_after_a_star_nested_or_in_a_list() {
    let fit = |pairs: &[(&str, &str)]| fits(&rules(pairs), &pod());
    assert!(fit(&[("sub", "system:serviceaccount:shop:api")]));
    assert!(fit(&[("sub", "system:serviceaccount:shop:*")]));
    assert!(fit(&[
        ("/kubernetes.io/serviceaccount/name", "api"),
        ("/kubernetes.io/namespace", "shop")
    ]));
    assert!(fit(&[
        ("groups", "b"),
        ("protected", "true"),
        ("number", "7")
    ]));
    assert!(fit(&[("groups", "3")]));
    for pairs in [
        &[][..],
        &[("sub", "system:serviceaccount:shop:ap")],
        &[("sub", "System:serviceaccount:shop:api")],
        &[("sub", "system:serviceaccount:shop:api*")],
        &[("sub", "system:serviceaccount:sho:*")],
        &[("sub", "*")],
        &[("kubernetes.io", "shop")],
        &[("/kubernetes.io/serviceaccount", "api")],
        &[("/kubernetes.io/serviceaccount/secret", "api")],
        &[("kubernetes.io/namespace", "shop")],
        &[("groups", "c")],
        &[("groups", "b"), ("number", "8")],
        &[("protected", "tru*")],
        &[("share", "0.5")],
        &[("none", "null")],
        &[("missing", "x")],
    ] {
        assert!(!fit(pairs), "{pairs:?}");
    }
}

fn vouched(sub: &str) -> VouchedClaims {
    let text = json!({ "sub": sub, "aud": "x", "exp": 1, "org": "acme" }).to_string();
    VouchedClaims::read(text.as_bytes()).unwrap()
}

#[test]
fn a_subject_is_one_that_its_platform_gives() {
    let check = |kind, sub: &str, pairs: &[(&str, &str)]| {
        let domain = (kind == IssuerKind::Spiffe).then_some("acme.example");
        check_subject(kind, domain, &rules(pairs), &vouched(sub)).is_ok()
    };
    assert!(check(
        IssuerKind::Kubernetes,
        "system:serviceaccount:a:b",
        &[]
    ));
    assert!(!check(IssuerKind::Kubernetes, "admin", &[]));
    assert!(check(IssuerKind::Spiffe, "spiffe://acme.example/a", &[]));
    assert!(!check(IssuerKind::Spiffe, "spiffe://other.example/a", &[]));
    assert!(!check(IssuerKind::Spiffe, "acme.example/a", &[]));
    assert!(check(IssuerKind::Openid, "anything", &[("org", "acme")]));
    assert!(!check(IssuerKind::Openid, "anything", &[("org", "other")]));
}

proptest! {
    #[test]
    fn a_value_fits_itself_and_nothing_else(value in "[a-c/:*]{1,8}", other in "[a-c/:*]{1,8}") {
        let rule = rules(&[("sub", &value)]);
        let exact = !value.ends_with('*');
        prop_assert_eq!(fits(&rule, &json!({ "sub": &value })), exact || value.len() > 1);
        let found = fits(&rule, &json!({ "sub": &other }));
        let expected = match value.strip_suffix('*') {
            None => value == other,
            Some(beginning) => !beginning.is_empty() && other.len() > beginning.len() && other.starts_with(beginning),
        };
        prop_assert_eq!(found, expected);
    }

    /// Whatever rules are taken at GitHub, a token of an owner that they do not name fits none of them.
    #[test]
    fn no_sound_rule_takes_in_another_owner(
        name in "sub|repository|repository_id|ref", value in "(repo:)?(acme|\\*)?[/:]?(app|\\*)?[/:]?\\*?"
    ) {
        let rules = rules(&[(&name, &value)]);
        if check_rules(IssuerKind::Github, None, &rules).is_ok() {
            let stranger = json!({
                "sub": "repo:acme-evil/app:ref:refs/heads/main", "repository": "acme-evil/app",
                "repository_id": "666", "ref": "refs/heads/main",
            });
            prop_assert!(!fits(&rules, &stranger), "{:?}", rules);
        }
    }

    #[test]
    fn any_rule_and_any_claims_are_judged(name in "\\PC{0,20}|/[a-z/~01]{0,20}", value in "\\PC{0,20}", text in "\\PC{0,200}") {
        let rules = rules(&[(&name, &value)]);
        for kind in IssuerKind::ALL {
            let _ = check_rules(kind, Some("acme.example"), &rules);
        }
        if let Ok(claims) = serde_json::from_str::<Value>(&text) {
            let _ = fits(&rules, &claims);
        }
        let _ = fits(&rules, &pod());
    }
}
