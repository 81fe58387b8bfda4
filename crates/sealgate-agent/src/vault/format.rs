//! The vault's file, version 1. It is text of two lines:
//!
//! ```text
//! sealgate-vault 1 keyring
//! v1.<kid>.<base64url(nonce ‖ ciphertext ‖ tag)>
//! ```
//!
//! or, with a key made from a passphrase,
//!
//! ```text
//! sealgate-vault 1 argon2id m=65536,t=3,p=1 <base64url of 16 random bytes>
//! v1.<kid>.<base64url(nonce ‖ ciphertext ‖ tag)>
//! ```
//!
//! The second line is a sealed value (docs/spec/sealed-session.md): AES-256-GCM-SIV (RFC 8452), its key
//! derived by HKDF-SHA256 for the purpose `vault`, bound to the first line, which stands in the place of
//! the client. `kid` names the key: in the keyring it rests under `sealgate-vault:<kid>`, as the
//! base64url of its 32 bytes. With a passphrase, the 32 bytes are argon2id (RFC 9106), version 0x13, of
//! the passphrase and the 16 bytes; `m` is in KiB.
//!
//! Whoever can write the file chooses `m` and `t`, so that they have limits: opening must not be able to
//! exhaust the machine, and they may not be so low that the next passphrase is guessed cheaply.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sealgate_model::Random;
use sealgate_session::{Context, KeyRing, SealError};
use zeroize::Zeroizing;

use super::VaultError;

/// The longest file, in bytes.
pub const FILE_LIMIT: usize = 1024 * 1024;

const MAGIC: &str = "sealgate-vault 1 ";
const MEMORY: std::ops::RangeInclusive<u32> = 19_456..=262_144;
const PASSES: std::ops::RangeInclusive<u32> = 2..=16;
const LANES: std::ops::RangeInclusive<u32> = 1..=4;

/// How a file's key is made from a passphrase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Argon {
    /// Memory, in KiB.
    pub memory: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
    /// Random bytes, so that no two files have one key.
    pub salt: [u8; 16],
}

impl Argon {
    /// The second recommended choice of RFC 9106, 4: 64 MiB, three passes; one lane, as all is done by one
    /// thread.
    pub fn fresh(random: &dyn Random) -> Self {
        Self {
            memory: 65_536,
            passes: 3,
            lanes: 1,
            salt: random.bytes(),
        }
    }
}

/// Where a file's key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// From the keyring, by its name.
    Keyring,
    /// From a passphrase.
    Passphrase(Argon),
}

/// A file that was read and not yet opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed<'a> {
    /// Where its key comes from.
    pub kept: Kept,
    /// The key's name.
    pub kid: &'a str,
    head: &'a str,
    seal: &'a str,
}

impl<'a> Sealed<'a> {
    /// Reads a file's two lines.
    ///
    /// # Errors
    /// They are not exactly as this version writes them.
    pub fn parse(text: &'a str) -> Result<Self, VaultError> {
        const NONE: VaultError =
            VaultError::Malformed("it has another form than a vault of version 1");
        if text.len() > FILE_LIMIT {
            return Err(VaultError::Malformed("it has more than 1 MiB"));
        }
        let (head, sealed) = text.split_once('\n').ok_or(NONE)?;
        let sealed = sealed.strip_suffix('\n').ok_or(NONE)?;
        let how = head.strip_prefix(MAGIC).ok_or(NONE)?;
        let kept = if how == "keyring" {
            Kept::Keyring
        } else {
            Kept::Passphrase(argon(how).ok_or(NONE)?)
        };
        let kid = sealed
            .strip_prefix("v1.")
            .and_then(|rest| rest.get(..8))
            .ok_or(NONE)?;
        if !kid
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        {
            return Err(NONE);
        }
        // One text for one meaning: what was read is what would be written.
        if first_line(&kept) != head {
            return Err(NONE);
        }
        Ok(Self {
            kept,
            kid,
            head,
            seal: sealed,
        })
    }

    /// What was sealed.
    ///
    /// # Errors
    /// The key is another one, or either line was changed.
    pub fn open(&self, ring: &KeyRing) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        match ring.open_up_to(FILE_LIMIT, &context(self.head), self.seal) {
            Ok(opened) => Ok(opened.plain),
            Err(SealError::Malformed) => Err(VaultError::Malformed("its second line is no seal")),
            Err(_) => Err(VaultError::Broken),
        }
    }

    /// The text of a file that holds `plain`.
    ///
    /// # Errors
    /// It would be longer than a file may be.
    pub fn seal(
        kept: Kept,
        ring: &KeyRing,
        random: &dyn Random,
        plain: &[u8],
    ) -> Result<String, VaultError> {
        let head = first_line(&kept);
        let room = FILE_LIMIT - head.len() - 2;
        let sealed = ring
            .seal_up_to(room, &context(&head), random, plain)
            .map_err(|_| VaultError::Full("it has at most 1 MiB"))?;
        Ok(format!("{head}\n{sealed}\n"))
    }
}

fn context(head: &str) -> Context<'_> {
    Context {
        purpose: "vault",
        cookie: "",
        client: head,
        issuer: "",
    }
}

fn first_line(kept: &Kept) -> String {
    match kept {
        Kept::Keyring => format!("{MAGIC}keyring"),
        Kept::Passphrase(Argon {
            memory,
            passes,
            lanes,
            salt,
        }) => {
            let salt = URL_SAFE_NO_PAD.encode(salt);
            format!("{MAGIC}argon2id m={memory},t={passes},p={lanes} {salt}")
        }
    }
}

fn argon(how: &str) -> Option<Argon> {
    let (costs, salt) = how.strip_prefix("argon2id ")?.split_once(' ')?;
    let mut costs = costs.split(',');
    let mut cost = |name: &str, range: &std::ops::RangeInclusive<u32>| {
        let number: u32 = costs.next()?.strip_prefix(name)?.parse().ok()?;
        range.contains(&number).then_some(number)
    };
    let (memory, passes, lanes) = (
        cost("m=", &MEMORY)?,
        cost("t=", &PASSES)?,
        cost("p=", &LANES)?,
    );
    let salt = URL_SAFE_NO_PAD.decode(salt).ok()?.try_into().ok()?;
    Some(Argon {
        memory,
        passes,
        lanes,
        salt,
    })
}
