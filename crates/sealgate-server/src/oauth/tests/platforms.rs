//! Tokens in the shapes of GitHub, GitLab and SPIFFE.

use std::collections::BTreeMap;

use sealgate_jose::Algorithm;
use sealgate_model::IssuerKind;
use serde_json::json as value;

use super::machines::{key, set};
use super::workloads::merge;
use super::*;

const GITHUB: &str = "https://token.actions.githubusercontent.com";
const GITLAB: &str = "https://gitlab.example";
const DOMAIN: &str = "spiffe://acme.example";

/// Claims with the times of a token that was just made.
fn fresh(house: &House, mut claims: Value) -> Value {
    let now = house.clock.now().as_seconds();
    merge(
        &mut claims,
        &value!({ "exp": now + 300, "iat": now, "nbf": now - 5 }),
    );
    claims
}

async fn is(house: &House, assertion: &str, machine: &str) {
    let given = tokens(house.vouch(assertion, &[]).await).await;
    assert_eq!(claims(&given.access)["sub"], machine);
}

#[tokio::test]
async fn a_job_at_github_is_known_by_its_repository_and_environment() {
    let house = House::new().await;
    let rsa = key(Algorithm::Rs256);
    let keys = Some(set(&[rsa.public_jwk()]));
    house
        .add_issuer(GITHUB, IssuerKind::Github, keys, |details| {
            details.claims = BTreeMap::from([("repository_owner".to_owned(), "acme".to_owned())]);
        })
        .await;
    let deploy = [("repository", "acme/shop"), ("environment", "production")];
    house.add_workload("deploy", GITHUB, &deploy).await;
    let job = |owner: &str, environment: &str| {
        let claims = value!({
            "iss": GITHUB, "aud": ISSUER, "jti": "6ad2e8b1",
            "sub": format!("repo:{owner}/shop:environment:{environment}"),
            "environment": environment, "ref": "refs/heads/main", "ref_protected": "true",
            "repository": format!("{owner}/shop"), "repository_owner": owner, "repository_id": "74",
            "run_id": "29679449", "workflow": "deploy", "event_name": "push",
            "job_workflow_ref": format!("{owner}/shop/.github/workflows/d.yml@refs/heads/main"),
        });
        rsa.sign("JWT", &fresh(&house, claims)).unwrap()
    };
    is(&house, &job("acme", "production"), "deploy").await;
    house
        .refused_vouch(&job("acme", "staging"), "identity_unmatched")
        .await;
    house
        .refused_vouch(&job("acme-evil", "production"), "identity_subject_wrong")
        .await;
    // Two hours are too long for a job's token.
    let now = house.clock.now().as_seconds();
    let mut long: Value = claims(&job("acme", "production"));
    long["exp"] = value!(now + 7200);
    let long = rsa.sign("JWT", &long).unwrap();
    house.refused_vouch(&long, "identity_long_lived").await;
}

#[tokio::test]
async fn a_job_at_gitlab_is_known_by_its_subject() {
    let house = House::new().await;
    let rsa = key(Algorithm::Rs256);
    let keys = Some(set(&[rsa.public_jwk()]));
    house
        .add_issuer(GITLAB, IssuerKind::Gitlab, keys, |_| {})
        .await;
    let branch = [("sub", "project_path:acme/shop:ref_type:branch:ref:main")];
    house.add_workload("release", GITLAB, &branch).await;
    let job = |sub: &str| {
        let claims = value!({
            "iss": GITLAB, "aud": ISSUER, "sub": sub, "jti": "31", "namespace_id": "72",
            "namespace_path": "acme", "project_id": "20", "project_path": "acme/shop", "user_id": "1",
            "user_login": "ada", "pipeline_source": "web", "ref": "main", "ref_type": "branch",
            "ref_protected": "true", "groups_direct": ["acme/a", "acme/b"],
        });
        rsa.sign("JWT", &fresh(&house, claims)).unwrap()
    };
    is(&house, &job(branch[0].1), "release").await;
    let other = job("project_path:acme/shop:ref_type:branch:ref:main2");
    house.refused_vouch(&other, "identity_unmatched").await;
}

#[tokio::test]
async fn a_workload_of_a_trust_domain_is_known_by_its_spiffe_id() {
    let house = House::new().await;
    let (ec, okp) = (key(Algorithm::Es256), key(Algorithm::Ed25519));
    let for_svids = |key: &sealgate_jose::SigningKey, usage: &str| {
        let mut jwk = serde_json::to_value(key.public_jwk()).unwrap();
        jwk["use"] = value!(usage);
        jwk
    };
    let bundle = value!({
        "keys": [for_svids(ec, "jwt-svid"), for_svids(okp, "jwt-svid"),
                 for_svids(key(Algorithm::Rs256), "x509-svid")],
        "spiffe_sequence": 1, "spiffe_refresh_hint": 300,
    });
    house
        .add_issuer(DOMAIN, IssuerKind::Spiffe, Some(bundle), |details| {
            details.trust_domain = Some("acme.example".to_owned());
        })
        .await;
    let shop = [("sub", "spiffe://acme.example/ns/shop/*")];
    house.add_workload("billing", DOMAIN, &shop).await;
    let billing = "spiffe://acme.example/ns/shop/sa/billing";
    let svid = |sub: &str| {
        fresh(
            &house,
            value!({ "sub": sub, "aud": [ISSUER, "https://b.example"] }),
        )
    };
    for typ in ["JWT", "JOSE"] {
        is(&house, &ec.sign(typ, &svid(billing)).unwrap(), "billing").await;
    }
    let mut named = svid(billing);
    named["iss"] = value!(DOMAIN);
    is(&house, &ec.sign("JWT", &named).unwrap(), "billing").await;

    let other = |sub: &str| ec.sign("JWT", &svid(sub)).unwrap();
    for (token, reason) in [
        (
            ec.sign("at+jwt", &svid(billing)).unwrap(),
            "identity_unverified",
        ),
        // An algorithm that JWT-SVIDs do not have, and a key that is for certificates.
        (
            okp.sign("JWT", &svid(billing)).unwrap(),
            "identity_unverified",
        ),
        (
            key(Algorithm::Rs256).sign("JWT", &svid(billing)).unwrap(),
            "identity_unverified",
        ),
        (
            other("spiffe://acme.example/ns/other/sa/billing"),
            "identity_unmatched",
        ),
        (
            other("spiffe://acme.example/ns/shop/../other"),
            "identity_malformed",
        ),
        (
            other("spiffe://other.example/ns/shop/sa/billing"),
            "identity_issuer_unknown",
        ),
    ] {
        house.refused_vouch(&token, reason).await;
    }
    named["sub"] = value!("spiffe://other.example/ns/shop/sa/billing");
    let foreign = ec.sign("JWT", &named).unwrap();
    house
        .refused_vouch(&foreign, "identity_subject_wrong")
        .await;
}
