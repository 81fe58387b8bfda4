//! Signing.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ML_DSA_65_SIGNING,
    PqdsaKeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::write::EncoderStringWriter;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::{Algorithm, JoseError, Jwk};

/// A private key and its id.
pub struct SigningKey {
    kid: String,
    pair: Pair,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
    Ps256(RsaKeyPair),
    MlDsa65(PqdsaKeyPair),
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
}

impl SigningKey {
    /// A new key, and its private part for keeping: of Ed25519 and ML-DSA-65 the 32-byte seed, of the
    /// others PKCS#8 DER. RSA has 2,048 bits and takes a tenth of a second or several.
    ///
    /// The randomness is aws-lc's own: RSA and EC keys cannot be made from any that is handed in.
    pub fn generate(
        algorithm: Algorithm,
        kid: impl Into<String>,
    ) -> Result<(Self, Zeroizing<Vec<u8>>), JoseError> {
        const FAILED: JoseError = JoseError::UnusableKey("it could not be made");
        let private = match algorithm {
            Algorithm::Ed25519 | Algorithm::MlDsa65 => {
                let mut seed = Zeroizing::new(vec![0; 32]);
                SystemRandom::new().fill(&mut seed).map_err(|_| FAILED)?;
                seed
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
                let der = pair.and_then(|pair| pair.to_pkcs8v1());
                Zeroizing::new(der.map_err(|_| FAILED)?.as_ref().to_vec())
            }
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048);
                let der = pair.and_then(|pair| pair.as_der());
                Zeroizing::new(der.map_err(|_| FAILED)?.as_ref().to_vec())
            }
        };
        let key = Self::from_private(algorithm, kid, &private)?;
        Ok((key, private))
    }

    /// The key of a private part as [`Self::generate`] gives it.
    pub fn from_private(
        algorithm: Algorithm,
        kid: impl Into<String>,
        private: &[u8],
    ) -> Result<Self, JoseError> {
        let seed = || {
            <&[u8; 32]>::try_from(private)
                .map_err(|_| JoseError::UnusableKey("the seed is not 32 bytes"))
        };
        let rejected = |_| JoseError::UnusableKey("the private part makes no key");
        let pair = match algorithm {
            Algorithm::Ed25519 => return Self::from_seed(kid, seed()?),
            Algorithm::Es256 => Pair::Es256(
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, private)
                    .map_err(rejected)?,
            ),
            Algorithm::Rs256 => Pair::Rs256(RsaKeyPair::from_pkcs8(private).map_err(rejected)?),
            Algorithm::Ps256 => Pair::Ps256(RsaKeyPair::from_pkcs8(private).map_err(rejected)?),
            Algorithm::MlDsa65 => Pair::MlDsa65(
                PqdsaKeyPair::from_seed(&ML_DSA_65_SIGNING, seed()?).map_err(rejected)?,
            ),
        };
        let kid = kid.into();
        let key = Self { kid, pair };
        // What cannot be verified with must not sign: aws-lc would sign with shorter RSA keys.
        key.public_jwk().check()?;
        Ok(key)
    }

    /// The Ed25519 key of a 32-byte seed (RFC 8032, 5.1.5).
    pub fn from_seed(kid: impl Into<String>, seed: &[u8; 32]) -> Result<Self, JoseError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed)
            .map_err(|_| JoseError::UnusableKey("the seed makes no key"))?;
        Ok(Self {
            kid: kid.into(),
            pair: Pair::Ed25519(pair),
        })
    }

    /// The key's id.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The key's algorithm.
    pub const fn algorithm(&self) -> Algorithm {
        match self.pair {
            Pair::Ed25519(_) => Algorithm::Ed25519,
            Pair::Es256(_) => Algorithm::Es256,
            Pair::Rs256(_) => Algorithm::Rs256,
            Pair::Ps256(_) => Algorithm::Ps256,
            Pair::MlDsa65(_) => Algorithm::MlDsa65,
        }
    }

    /// The public part, for this algorithm only.
    pub fn public_jwk(&self) -> Jwk {
        let text = |bytes: &[u8]| Some(URL_SAFE_NO_PAD.encode(bytes));
        let common = Jwk {
            kid: Some(self.kid.clone()),
            alg: Some(self.algorithm().name().into()),
            usage: Some("sig".into()),
            ..Jwk::default()
        };
        match &self.pair {
            Pair::Ed25519(pair) => Jwk {
                kty: "OKP".into(),
                crv: Some("Ed25519".into()),
                x: text(pair.public_key().as_ref()),
                ..common
            },
            Pair::Es256(pair) => {
                // The uncompressed point: 4, x, y.
                let point = pair.public_key().as_ref();
                Jwk {
                    kty: "EC".into(),
                    crv: Some("P-256".into()),
                    x: point.get(1..33).and_then(text),
                    y: point.get(33..).and_then(text),
                    ..common
                }
            }
            Pair::Rs256(pair) | Pair::Ps256(pair) => {
                let public = pair.public_key();
                Jwk {
                    kty: "RSA".into(),
                    n: text(public.modulus().big_endian_without_leading_zero()),
                    e: text(public.exponent().big_endian_without_leading_zero()),
                    ..common
                }
            }
            Pair::MlDsa65(pair) => Jwk {
                kty: "AKP".into(),
                public: text(pair.public_key().as_ref()),
                ..common
            },
        }
    }

    /// A compact JWS of `claims`, of type `typ`.
    pub fn sign<C: Serialize>(&self, typ: &str, claims: &C) -> Result<String, JoseError> {
        let header = Header {
            alg: self.algorithm().name(),
            kid: &self.kid,
            typ,
        };
        self.sign_with_header(&header, claims)
    }

    /// As [`Self::sign`], of claims that may be long: they are encoded as they are written, into room for
    /// `capacity` bytes, so that they are not in memory twice.
    pub fn sign_long<C: Serialize>(
        &self,
        typ: &str,
        claims: &C,
        capacity: usize,
    ) -> Result<String, JoseError> {
        let header = Header {
            alg: self.algorithm().name(),
            kid: &self.kid,
            typ,
        };
        let mut token = String::with_capacity(capacity);
        token.push_str(&encode(&header)?);
        token.push('.');
        let mut payload = EncoderStringWriter::from_consumer(&mut token, &URL_SAFE_NO_PAD);
        serde_json::to_writer(&mut payload, claims).map_err(|_| UNWRITABLE)?;
        payload.into_inner();
        self.finish(token)
    }

    /// A compact JWS of `claims` under exactly this header, which must name the key's algorithm: for
    /// types that say more in it than [`Self::sign`] does, such as a DPoP proof its `jwk`.
    pub fn sign_with_header<H: Serialize, C: Serialize>(
        &self,
        header: &H,
        claims: &C,
    ) -> Result<String, JoseError> {
        let mut token = encode(header)?;
        token.push('.');
        token.push_str(&encode(claims)?);
        self.finish(token)
    }

    /// The header and the payload, signed.
    fn finish(&self, mut token: String) -> Result<String, JoseError> {
        let signature = self.signature(token.as_bytes())?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }

    fn signature(&self, input: &[u8]) -> Result<Vec<u8>, JoseError> {
        const FAILED: JoseError = JoseError::UnusableKey("it could not sign");
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ed25519(pair) => Ok(pair.sign(input).as_ref().to_vec()),
            // FIXED: r and s one after the other, 32 bytes each (RFC 7518, 3.4), not ASN.1.
            Pair::Es256(pair) => {
                let signature = pair.sign(&random, input).map_err(|_| FAILED)?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, input, &mut signature)
                    .map_err(|_| FAILED)?;
                Ok(signature)
            }
            Pair::Ps256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PSS_SHA256, &random, input, &mut signature)
                    .map_err(|_| FAILED)?;
                Ok(signature)
            }
            Pair::MlDsa65(pair) => {
                let mut signature = vec![0; ML_DSA_65_SIGNING.signature_len()];
                pair.sign(input, &mut signature).map_err(|_| FAILED)?;
                Ok(signature)
            }
        }
    }
}

const UNWRITABLE: JoseError = JoseError::Malformed("claims cannot be written as JSON");

fn encode<T: Serialize>(value: &T) -> Result<String, JoseError> {
    let json = serde_json::to_vec(value).map_err(|_| UNWRITABLE)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

#[cfg(test)]
mod tests;
