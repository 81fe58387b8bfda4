//! Sealing and opening under a ring of keys: the first seals, all open.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_model::Random;
use zeroize::{Zeroize as _, Zeroizing};

use crate::{SealError, SealKey};

/// The longest sealed value, in bytes: with its name and attributes it still fits the 4,096 bytes that
/// browsers keep of a cookie (RFC 6265, 6.1). A browser drops a longer one without a word, so that
/// sealing refuses it instead.
pub const SEALED_LIMIT: usize = 3_800;

const VERSION: &str = "v1";
const KID_LEN: usize = 8;
const TAG_LEN: usize = 16;

/// What a sealed value is bound to. A value sealed in one context does not open in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context<'a> {
    /// What the value is for: each purpose has its own derived key.
    pub purpose: &'a str,
    /// The name of the cookie that carries it.
    pub cookie: &'a str,
    /// The client it belongs to.
    pub client: &'a str,
    /// The issuer it came from.
    pub issuer: &'a str,
}

/// A value that opened.
pub struct Opened {
    /// The content; wiped when dropped.
    pub plain: Zeroizing<Vec<u8>>,
    /// Whether it was sealed by the ring's first key. If not, it is due to be sealed again.
    pub current: bool,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Opened({} bytes)", self.plain.len())
    }
}

/// Seal keys, newest first.
#[derive(Debug, Clone)]
pub struct KeyRing {
    keys: Vec<(String, SealKey)>,
}

impl KeyRing {
    /// A ring of at least one and at most 16 different keys.
    pub fn new(keys: Vec<SealKey>) -> Result<Self, SealError> {
        if keys.is_empty() {
            return Err(SealError::BadKey("there is none"));
        }
        if keys.len() > 16 {
            return Err(SealError::BadKey("there are more than 16"));
        }
        let mut named: Vec<(String, SealKey)> = Vec::with_capacity(keys.len());
        for key in keys {
            let kid = key.kid();
            if named.iter().any(|(other, _)| *other == kid) {
                return Err(SealError::BadKey("one is there twice"));
            }
            named.push((kid, key));
        }
        Ok(Self { keys: named })
    }

    /// A ring from keys separated by commas, newest first.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let keys = text.split(',').filter(|part| !part.trim().is_empty());
        Self::new(keys.map(SealKey::parse).collect::<Result<_, _>>()?)
    }

    /// The keys, newest first.
    pub(crate) fn seal_keys(&self) -> impl Iterator<Item = &SealKey> {
        self.keys.iter().map(|(_, key)| key)
    }

    /// A ring for one purpose, whose keys are derived once instead of at every use.
    pub fn for_purpose(&self, purpose: &str) -> Result<PurposeRing, SealError> {
        let keys = self
            .keys
            .iter()
            .map(|(kid, key)| Ok((kid.clone(), derive(key, purpose)?)))
            .collect::<Result<_, SealError>>()?;
        Ok(PurposeRing {
            purpose: purpose.to_owned(),
            keys,
            limit: SEALED_LIMIT,
        })
    }

    /// Seals `plain` under the first key.
    pub fn seal(
        &self,
        context: &Context<'_>,
        random: &dyn Random,
        plain: &[u8],
    ) -> Result<String, SealError> {
        self.for_purpose(context.purpose)?
            .seal(context, random, plain)
    }

    /// Opens what any key of the ring sealed in the same context.
    pub fn open(&self, context: &Context<'_>, sealed: &str) -> Result<Opened, SealError> {
        self.for_purpose(context.purpose)?.open(context, sealed)
    }

    /// Seals what does not travel in a cookie: at most `limit` bytes sealed.
    pub fn seal_up_to(
        &self,
        limit: usize,
        context: &Context<'_>,
        random: &dyn Random,
        plain: &[u8],
    ) -> Result<String, SealError> {
        self.for_purpose(context.purpose)?
            .limited_to(limit)
            .seal(context, random, plain)
    }

    /// Opens what does not travel in a cookie: at most `limit` bytes sealed.
    pub fn open_up_to(
        &self,
        limit: usize,
        context: &Context<'_>,
        sealed: &str,
    ) -> Result<Opened, SealError> {
        self.for_purpose(context.purpose)?
            .limited_to(limit)
            .open(context, sealed)
    }
}

/// A ring whose keys are derived for one purpose.
pub struct PurposeRing {
    purpose: String,
    keys: Vec<(String, LessSafeKey)>,
    /// The most a sealed value has, in bytes.
    limit: usize,
}

impl std::fmt::Debug for PurposeRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PurposeRing({}, {} keys)", self.purpose, self.keys.len())
    }
}

impl PurposeRing {
    fn limited_to(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// Seals `plain` under the first key.
    pub fn seal(
        &self,
        context: &Context<'_>,
        random: &dyn Random,
        plain: &[u8],
    ) -> Result<String, SealError> {
        let (kid, key) = self.keys.first().ok_or(SealError::UnknownKey)?;
        let nonce: [u8; NONCE_LEN] = random.bytes();
        let mut bytes = Vec::with_capacity(NONCE_LEN + plain.len() + TAG_LEN);
        bytes.extend_from_slice(&nonce);
        bytes.extend_from_slice(plain);
        let aad = Aad::from(associated_data(kid, context));
        let tag = key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                aad,
                &mut bytes[NONCE_LEN..],
            )
            .map_err(|_| SealError::Broken);
        let tag = match tag {
            Ok(tag) => tag,
            Err(error) => {
                bytes.zeroize();
                return Err(error);
            }
        };
        bytes.extend_from_slice(tag.as_ref());
        let mut sealed = format!("{VERSION}.{kid}.");
        URL_SAFE_NO_PAD.encode_string(&bytes, &mut sealed);
        if sealed.len() > self.limit {
            return Err(SealError::TooLong {
                length: sealed.len(),
                limit: self.limit,
            });
        }
        Ok(sealed)
    }

    /// Opens what any key of the ring sealed in the same context.
    pub fn open(&self, context: &Context<'_>, sealed: &str) -> Result<Opened, SealError> {
        if context.purpose != self.purpose {
            return Err(SealError::Broken);
        }
        if sealed.len() > self.limit {
            return Err(SealError::TooLong {
                length: sealed.len(),
                limit: self.limit,
            });
        }
        let rest = sealed
            .strip_prefix(VERSION)
            .and_then(|rest| rest.strip_prefix('.'));
        let (kid, body) = rest
            .and_then(|rest| rest.split_once('.'))
            .ok_or(SealError::Malformed)?;
        if kid.len() != KID_LEN {
            return Err(SealError::Malformed);
        }
        let mut bytes = Zeroizing::new(
            URL_SAFE_NO_PAD
                .decode(body)
                .map_err(|_| SealError::Malformed)?,
        );
        if bytes.len() < NONCE_LEN + TAG_LEN {
            return Err(SealError::Malformed);
        }
        let place = self
            .keys
            .iter()
            .position(|(name, _)| name == kid)
            .ok_or(SealError::UnknownKey)?;
        let nonce = Nonce::try_assume_unique_for_key(&bytes[..NONCE_LEN])
            .map_err(|_| SealError::Malformed)?;
        let aad = Aad::from(associated_data(kid, context));
        let length = self.keys[place]
            .1
            .open_in_place(nonce, aad, &mut bytes[NONCE_LEN..])
            .map_err(|_| SealError::Broken)?
            .len();
        bytes.copy_within(NONCE_LEN..NONCE_LEN + length, 0);
        bytes.truncate(length);
        Ok(Opened {
            plain: bytes,
            current: place == 0,
        })
    }
}

/// Version, key id, cookie, client and issuer, each behind its length, so that no two contexts give
/// the same bytes.
fn associated_data(kid: &str, context: &Context<'_>) -> Vec<u8> {
    let parts = [VERSION, kid, context.cookie, context.client, context.issuer];
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        32
    }
}

/// HKDF-SHA256 (RFC 5869) with an empty salt and `info` = "sealgate v1 " ‖ purpose.
pub(crate) fn derive_bytes(key: &SealKey, purpose: &str) -> Result<Zeroizing<[u8; 32]>, SealError> {
    let pseudo_random = Salt::new(HKDF_SHA256, &[]).extract(key.bytes());
    let info = [b"sealgate v1 ".as_slice(), purpose.as_bytes()];
    let mut bytes = Zeroizing::new([0; 32]);
    pseudo_random
        .expand(&info, KeyLength)
        .and_then(|output| output.fill(bytes.as_mut_slice()))
        .map_err(|_| SealError::BadKey("it derives no key"))?;
    Ok(bytes)
}

fn derive(key: &SealKey, purpose: &str) -> Result<LessSafeKey, SealError> {
    let bytes = derive_bytes(key, purpose)?;
    let unbound = UnboundKey::new(&AES_256_GCM_SIV, bytes.as_slice())
        .map_err(|_| SealError::BadKey("it derives no key"))?;
    Ok(LessSafeKey::new(unbound))
}

#[cfg(test)]
mod tests;
