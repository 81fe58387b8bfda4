use super::*;

#[test]
fn every_name_is_read_as_the_algorithm_that_it_names_and_no_other() {
    for algorithm in Algorithm::ALL {
        assert_eq!(Algorithm::parse(algorithm.name()), Some(algorithm));
        assert!(Algorithm::NAMES.contains(&algorithm.name()));
        for name in Algorithm::NAMES {
            let same = Algorithm::parse(name) == Some(algorithm);
            assert_eq!(algorithm.agrees(name), same, "{algorithm:?} and {name}");
        }
    }
    assert_eq!(Algorithm::parse("Ed25519"), Some(Algorithm::Ed25519));
    for other in [
        "",
        "none",
        "None",
        "HS256",
        " ES256",
        "ES256 ",
        "es256",
        "ES256K",
        "ES384",
        "RS512",
        "eddsa",
        "Ed448",
        "ML-DSA-44",
        "ML-DSA-87",
        "RSA1_5",
    ] {
        assert_eq!(Algorithm::parse(other), None, "{other:?}");
    }
}

#[test]
fn half_hashes_are_what_other_implementations_compute() {
    // OpenID Connect Core 1.0, A.3 has the first; all are what npm `oidc-token-hash` 5.2.0 gives.
    let token = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
    for algorithm in Algorithm::ALL {
        let expected = match algorithm {
            Algorithm::Es256 | Algorithm::Rs256 | Algorithm::Ps256 => "77QmUPtjPfzWtF2AnpK9RQ",
            Algorithm::Ed25519 => "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM",
            Algorithm::MlDsa65 => "W6Ie3EoycJT-JESJ2WSAWX7LRP3FuHvmvNycBMeL-Nk",
        };
        assert_eq!(algorithm.half_hash(token), expected, "{algorithm:?}");
    }
}
