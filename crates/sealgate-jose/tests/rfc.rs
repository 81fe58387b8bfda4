//! The examples of the specifications.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use sealgate_jose::{Algorithm, Expect, JoseError, Jwk, JwkSet, Verified, VerifyingKeys};
use serde_json::{Value, json};

/// RFC 7515, A.2: RSA.
const RSA_7515: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
const RS256_7515: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/// RFC 7515, A.3: P-256.
const EC_7515: [&str; 2] = [
    "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
];
const ES256_7515: &str = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";

/// RFC 8037, A.
const OKP_8037: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
const EDDSA_8037: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

fn key(jwk: &Value) -> Jwk {
    Jwk::parse(jwk.to_string().as_bytes()).unwrap()
}

fn verify(jwk: &Value, token: &str) -> Result<Verified, JoseError> {
    let keys = VerifyingKeys::from_jwks(&JwkSet {
        keys: vec![key(jwk)],
    });
    let expect = Expect {
        types: &[],
        type_optional: true,
        kid_optional: true,
        limit: sealgate_jose::TOKEN_LIMIT,
    };
    keys.verify_as(token, &expect)
}

#[test]
fn rfc_7515_a_2_rs256() {
    let jwk = json!({"kty": "RSA", "n": RSA_7515, "e": "AQAB"});
    let verified = verify(&jwk, RS256_7515).unwrap();
    assert_eq!(verified.algorithm, Algorithm::Rs256);
    assert_eq!(verified.claims::<Value>().unwrap()["iss"], "joe");
    assert_eq!(
        verify(&jwk, &RS256_7515.replace(".cC4hiU", ".cC4hiV")),
        Err(JoseError::BadSignature)
    );
}

#[test]
fn rfc_7515_a_3_es256() {
    let [x, y] = EC_7515;
    let jwk = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y});
    let verified = verify(&jwk, ES256_7515).unwrap();
    assert_eq!(verified.algorithm, Algorithm::Es256);
    assert_eq!(verified.claims::<Value>().unwrap()["exp"], 1_300_819_380);
    let swapped = json!({"kty": "EC", "crv": "P-256", "x": y, "y": x});
    assert_eq!(verify(&swapped, ES256_7515), Err(JoseError::UnknownKey));
}

#[test]
fn rfc_8037_a_4_eddsa() {
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": OKP_8037});
    let verified = verify(&jwk, EDDSA_8037).unwrap();
    assert_eq!(verified.algorithm, Algorithm::Ed25519);
    assert_eq!(verified.payload, b"Example of Ed25519 signing");
}

#[test]
fn rfc_8037_a_4_is_what_we_sign() {
    // A.1: the seed. Ed25519 is deterministic.
    let seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
    let seed: Vec<u8> = (0..32)
        .map(|at| u8::from_str_radix(&seed[at * 2..at * 2 + 2], 16).unwrap())
        .collect();
    let signer =
        sealgate_jose::SigningKey::from_seed("rfc", seed.as_slice().try_into().unwrap()).unwrap();
    assert_eq!(signer.public_jwk().x.as_deref(), Some(OKP_8037));
}

#[test]
fn rfc_7638_3_1_thumbprint() {
    let jwk = json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
        "alg": "RS256",
        "kid": "2011-04-29",
    });
    assert_eq!(
        key(&jwk).thumbprint().unwrap(),
        "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
    );
}

#[test]
fn rfc_8037_a_3_thumbprint() {
    let jwk = json!({"kty": "OKP", "crv": "Ed25519", "x": OKP_8037});
    assert_eq!(
        key(&jwk).thumbprint().unwrap(),
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    );
}

#[test]
fn rfc_9449_6_1_thumbprint() {
    let jwk = json!({
        "kty": "EC",
        "crv": "P-256",
        "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
        "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
    });
    assert_eq!(
        key(&jwk).thumbprint().unwrap(),
        "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
    );
}

#[test]
fn rfc_9964_a_1_ml_dsa_65() {
    // As the working group publishes it (cose-wg/draft-ietf-cose-dilithium, examples/jose). The seed is 32
    // zeros; the key's id is its thumbprint.
    let id = "Suiu29qbfuaBaR4Ats-c6XQBePB_OpAxAwcTR_0KXVM";
    let signer = sealgate_jose::SigningKey::from_private(Algorithm::MlDsa65, id, &[0; 32]).unwrap();
    let jwk = signer.public_jwk();
    assert_eq!(jwk.thumbprint().unwrap(), id);
    let token = include_str!("vectors/rfc9964-ml-dsa-65.jws").trim_end();
    let verified = verify(&serde_json::to_value(jwk).unwrap(), token).unwrap();
    assert_eq!(verified.kid, id);
    assert_eq!(verified.algorithm, Algorithm::MlDsa65);
    assert_eq!(
        verified.payload,
        b"It\xe2\x80\x99s a dangerous business, Frodo, going out your door."
    );
}
