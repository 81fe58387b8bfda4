//! A fresh private key in a file that nobody else can read.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use sealgate_jose::{Algorithm, SigningKey};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// What goes before the seed of an Ed25519 key in PKCS #8 (RFC 8410, 7).
const ED25519: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// The kind of key.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Kind {
    /// The usual one
    #[value(name = "EdDSA", alias = "Ed25519")]
    Ed25519,
    /// Where Ed25519 is not understood: P-256
    #[value(name = "ES256")]
    Es256,
}

/// A key that was made here, and the file it is in. Unless it is kept, the file goes with it.
pub(super) struct Made {
    pub(super) key: SigningKey,
    path: PathBuf,
    kept: bool,
}

impl Made {
    /// Makes a key in a new file at `path` (mode 0600). A file that is there stays as it is.
    pub(super) fn at(path: &Path, kind: Kind) -> Result<Self, Failure> {
        let unwritten = |error: std::io::Error| {
            let said = format!("cannot make {}: {error}", path.display());
            let failure = Failure::usage("key_file_unwritten", said);
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                failure.with_hint(
                    "a key file is never overwritten: name another, or move that one away",
                )
            } else {
                failure
            }
        };
        let algorithm = match kind {
            Kind::Ed25519 => Algorithm::Ed25519,
            Kind::Es256 => Algorithm::Es256,
        };
        let unmade =
            |error| Failure::unavailable("key_unusable", format!("no key could be made: {error}"));
        let (key, private) = SigningKey::generate(algorithm, "unnamed").map_err(unmade)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(path).map_err(unwritten)?;
        let made = Self {
            key,
            path: path.to_owned(),
            kept: false,
        };
        let text = pem(algorithm, &private);
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(unwritten)?;
        Ok(made)
    }

    /// Leaves the file where it is: the key is of use, or may be.
    pub(super) fn keep(mut self) {
        self.kept = true;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        if !self.kept {
            // Nobody knows this key, and nobody else wrote this file.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// PKCS #8 in PEM (RFC 7468, 10).
fn pem(algorithm: Algorithm, private: &[u8]) -> Zeroizing<String> {
    let mut der = Zeroizing::new(Vec::with_capacity(ED25519.len() + private.len()));
    if algorithm == Algorithm::Ed25519 {
        der.extend_from_slice(&ED25519);
    }
    der.extend_from_slice(private);
    let text = Zeroizing::new(STANDARD.encode(&*der));
    let mut pem = Zeroizing::new(String::with_capacity(text.len() + 80));
    pem.push_str("-----BEGIN PRIVATE KEY-----\n");
    for line in text.as_bytes().chunks(64) {
        // base64 is ASCII.
        pem.push_str(std::str::from_utf8(line).unwrap_or_default());
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::remote::signing_key;

    #[test]
    fn a_key_is_written_for_its_owner_alone_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        for kind in [Kind::Ed25519, Kind::Es256] {
            let path = folder.path().join(format!("{kind:?}.pem"));
            let made = Made::at(&path, kind).unwrap();
            let rights = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(rights & 0o777, 0o600);
            let thumbprint = made.key.public_jwk().thumbprint().unwrap();
            made.keep();
            let read = signing_key(&path).unwrap();
            assert_eq!(read.public_jwk().thumbprint().unwrap(), thumbprint);
        }
    }

    #[test]
    fn a_file_that_is_there_stays_and_one_of_no_use_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        std::fs::write(&path, "mine").unwrap();
        let refused = Made::at(&path, Kind::Ed25519).err().unwrap();
        assert!(
            refused
                .text()
                .contains("(key_file_unwritten)\nhint: a key file is never")
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        let other = folder.path().join("other.pem");
        drop(Made::at(&other, Kind::Ed25519).unwrap());
        assert!(!other.exists());
        assert!(Made::at(&folder.path().join("none/key.pem"), Kind::Ed25519).is_err());
    }
}
