//! The vault on real files, and on the keyring of the machine where it has one.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use sealgate_host::SystemRandom;
use sealgate_model::Secret;

use super::*;

const PHRASE: &str = "correct horse battery";
const TOKEN: &str = "a-token-that-must-not-be-read";

/// A keyring in memory, shared by the vaults of a test.
#[derive(Clone, Default)]
struct Ring(Arc<Mutex<BTreeMap<String, String>>>);

impl Keyring for Ring {
    fn get(&self, name: &str) -> Result<Option<Secret>, VaultError> {
        Ok(self.0.lock().unwrap().get(name).map(Secret::new))
    }
    fn put(&self, name: &str, secret: &Secret) -> Result<(), VaultError> {
        let text = secret.expose().to_owned();
        self.0.lock().unwrap().insert(name.to_owned(), text);
        Ok(())
    }
    fn forget(&self, name: &str) -> Result<(), VaultError> {
        self.0.lock().unwrap().remove(name);
        Ok(())
    }
}

struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("tokens").join("vault")
    }

    fn vault(&self, keyring: Option<&Ring>, phrase: Option<&'static str>) -> Vault {
        let keys = Keys {
            keyring: keyring.map(|ring| Box::new(ring.clone()) as Box<dyn Keyring>),
            passphrase: Box::new(move |_| phrase.map(Secret::new)),
            prefer_passphrase: false,
        };
        Vault::new(self.path(), keys)
    }
}

fn keep(vault: &Vault, name: &str, value: &str) -> Result<(), VaultError> {
    vault.change(&SystemRandom, |content| {
        content.put(name, Secret::new(value))
    })
}

fn kept(vault: &Vault, name: &str) -> Option<String> {
    let content = vault.read().unwrap();
    content.get(name).map(|value| value.expose().to_owned())
}

#[test]
fn what_is_kept_is_read_by_another_process_and_is_not_in_the_file() {
    let (home, ring) = (Home::new(), Ring::default());
    keep(&home.vault(Some(&ring), None), "work", TOKEN).unwrap();
    keep(&home.vault(Some(&ring), None), "home", "other").unwrap();
    let vault = home.vault(Some(&ring), None);
    assert_eq!(kept(&vault, "work").as_deref(), Some(TOKEN));
    assert_eq!(
        vault.read().unwrap().names().collect::<Vec<_>>(),
        ["home", "work"]
    );
    let file = fs::read_to_string(home.path()).unwrap();
    assert!(file.starts_with("sealgate-vault 1 keyring\nv1."), "{file}");
    assert!(!file.contains(TOKEN) && !file.contains("work"));
    assert_eq!(
        fs::metadata(home.path()).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    let folder = fs::metadata(home.path().parent().unwrap()).unwrap();
    assert_eq!(folder.permissions().mode() & 0o7777, 0o700);
    // One key, however often it was written.
    assert_eq!(ring.0.lock().unwrap().len(), 1);
}

#[test]
fn a_passphrase_opens_what_it_closed_and_no_other_does() {
    let home = Home::new();
    keep(&home.vault(None, Some(PHRASE)), "work", TOKEN).unwrap();
    let file = fs::read_to_string(home.path()).unwrap();
    assert!(
        file.starts_with("sealgate-vault 1 argon2id m=65536,t=3,p=1 "),
        "{file}"
    );
    assert_eq!(
        kept(&home.vault(None, Some(PHRASE)), "work").as_deref(),
        Some(TOKEN)
    );
    let wrong = home.vault(None, Some("incorrect horse battery"));
    assert!(matches!(wrong.read(), Err(VaultError::Broken)));
    // Nor does one change it.
    assert!(matches!(keep(&wrong, "work", "x"), Err(VaultError::Broken)));
    assert_eq!(fs::read_to_string(home.path()).unwrap(), file);
    let nobody = home.vault(None, None);
    assert!(matches!(nobody.read(), Err(VaultError::PassphraseMissing)));
}

#[test]
fn a_file_is_made_of_the_primitives_as_its_specification_says() {
    let home = Home::new();
    let vault = home.vault(None, Some(PHRASE));
    keep(&vault, "a", "b").unwrap();
    let text = fs::read_to_string(home.path()).unwrap();
    let sealed = Sealed::parse(&text).unwrap();
    let Kept::Passphrase(argon) = sealed.kept else {
        panic!("{text}");
    };
    // The same, from argon2id and a sealed value alone.
    let params = argon2::Params::new(argon.memory, argon.passes, argon.lanes, Some(32)).unwrap();
    let mut key = [0; 32];
    argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
        .hash_password_into(PHRASE.as_bytes(), &argon.salt, &mut key)
        .unwrap();
    let ring = sealgate_session::KeyRing::new(vec![SealKey::from_bytes(key)]).unwrap();
    let (head, seal) = text.split_once('\n').unwrap();
    let context = sealgate_session::Context {
        purpose: "vault",
        cookie: "",
        client: head,
        issuer: "",
    };
    let plain = ring.open(&context, seal.trim_end()).unwrap().plain;
    assert_eq!(plain.as_slice(), b"\0\0\0\x01\0\0\0\x01a\0\0\0\x01b");
}

#[test]
fn where_there_is_nothing_to_keep_with_nothing_is_kept() {
    let home = Home::new();
    assert!(matches!(
        keep(&home.vault(None, None), "a", TOKEN),
        Err(VaultError::NothingToKeepWith)
    ));
    assert!(!home.path().exists());
    let short = keep(&home.vault(None, Some("too short")), "a", TOKEN);
    assert!(matches!(short, Err(VaultError::PassphraseShort(12))));
    assert!(!home.path().exists());
}

#[test]
fn a_key_that_is_gone_is_told_and_only_then_may_one_start_anew() {
    let (home, ring) = (Home::new(), Ring::default());
    let vault = home.vault(Some(&ring), None);
    keep(&vault, "a", TOKEN).unwrap();
    vault.start_anew().unwrap();
    assert_eq!(kept(&vault, "a").as_deref(), Some(TOKEN));
    assert!(matches!(
        home.vault(None, Some(PHRASE)).read(),
        Err(VaultError::KeyringMissing)
    ));
    assert!(matches!(
        home.vault(None, None).start_anew(),
        Err(VaultError::KeyringMissing)
    ));
    assert!(home.path().exists());

    ring.0.lock().unwrap().clear();
    let vault = home.vault(Some(&ring), None);
    assert!(matches!(vault.read(), Err(VaultError::KeyGone)));
    assert!(matches!(keep(&vault, "b", "x"), Err(VaultError::KeyGone)));
    vault.start_anew().unwrap();
    keep(&vault, "b", "x").unwrap();
    assert_eq!(vault.read().unwrap().names().collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_key_under_the_name_of_another_is_no_key() {
    let (home, ring) = (Home::new(), Ring::default());
    keep(&home.vault(Some(&ring), None), "a", TOKEN).unwrap();
    let other = SealKey::generate(&SystemRandom).to_text();
    ring.0
        .lock()
        .unwrap()
        .values_mut()
        .for_each(|key| other.expose().clone_into(key));
    assert!(matches!(
        home.vault(Some(&ring), None).read(),
        Err(VaultError::KeyGone)
    ));
}

#[test]
fn a_destroyed_vault_leaves_neither_file_nor_key() {
    let (home, ring) = (Home::new(), Ring::default());
    let vault = home.vault(Some(&ring), None);
    keep(&vault, "a", TOKEN).unwrap();
    vault.destroy().unwrap();
    assert!(!home.path().exists() && ring.0.lock().unwrap().is_empty());
    assert_eq!(kept(&vault, "a"), None);
    // The next one has a key of its own, which the keyring knows.
    keep(&vault, "b", "x").unwrap();
    assert_eq!(
        kept(&home.vault(Some(&ring), None), "b").as_deref(),
        Some("x")
    );
}

#[test]
fn a_file_that_others_could_read_or_that_is_a_link_is_refused() {
    let (home, ring) = (Home::new(), Ring::default());
    let vault = home.vault(Some(&ring), None);
    keep(&vault, "a", TOKEN).unwrap();
    let path = home.path();
    let told = |expected: &str| {
        let error = vault.read().unwrap_err();
        assert_eq!(error.code(), "vault_exposed", "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(matches!(
            keep(&vault, "b", "x"),
            Err(VaultError::Exposed(..))
        ));
    };
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        told("open to other users");
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let folder = path.parent().unwrap().to_owned();
    fs::set_permissions(&folder, Permissions::from_mode(0o770)).unwrap();
    told("can be changed by other users");
    fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap();
    assert_eq!(kept(&vault, "a").as_deref(), Some(TOKEN));

    let away = home.0.path().join("away");
    fs::rename(&path, &away).unwrap();
    symlink(&away, &path).unwrap();
    told("symbolic link");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    told("no plain file");
}

#[test]
fn a_file_that_was_changed_anywhere_does_not_open() {
    let (home, ring) = (Home::new(), Ring::default());
    let vault = home.vault(Some(&ring), None);
    keep(&vault, "a", TOKEN).unwrap();
    let good = fs::read(home.path()).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(home.path(), &bad).unwrap();
        assert!(vault.read().is_err(), "byte {at}");
    }
    for length in 0..good.len() {
        fs::write(home.path(), &good[..length]).unwrap();
        assert!(vault.read().is_err(), "{length} bytes");
    }
    let long = vec![b'x'; FILE_LIMIT + 1];
    fs::write(home.path(), long).unwrap();
    assert_eq!(vault.read().unwrap_err().code(), "vault_malformed");
}

#[test]
fn a_crash_between_draft_and_rename_leaves_the_old_file_and_no_obstacle() {
    let (home, ring) = (Home::new(), Ring::default());
    let vault = home.vault(Some(&ring), None);
    keep(&vault, "a", TOKEN).unwrap();
    fs::write(home.path().with_file_name("vault.new"), "half").unwrap();
    assert_eq!(kept(&vault, "a").as_deref(), Some(TOKEN));
    keep(&vault, "b", "x").unwrap();
    assert_eq!(vault.read().unwrap().names().count(), 2);
    assert!(!home.path().with_file_name("vault.new").exists());
}

#[test]
fn changes_made_at_once_are_all_kept() {
    let (home, ring) = (Home::new(), Ring::default());
    keep(&home.vault(Some(&ring), None), "first", "x").unwrap();
    std::thread::scope(|scope| {
        for number in 0..8 {
            let vault = home.vault(Some(&ring), None);
            scope.spawn(move || keep(&vault, &number.to_string(), "x").unwrap());
        }
    });
    assert_eq!(
        home.vault(Some(&ring), None)
            .read()
            .unwrap()
            .names()
            .count(),
        9
    );
}

#[test]
fn a_held_entry_is_held_from_others_and_no_other_entry_is() {
    let (home, ring) = (Home::new(), Ring::default());
    let held = home.vault(Some(&ring), None).hold("a").unwrap();
    let other = home.vault(Some(&ring), None);
    drop(other.hold("b").unwrap());
    // Changes of the file do not wait for it.
    keep(&other, "a", "x").unwrap();
    let (sender, receiver) = std::sync::mpsc::channel();
    let waiting = std::thread::spawn(move || {
        let _held = other.hold("a").unwrap();
        sender.send(()).unwrap();
    });
    assert!(
        receiver
            .recv_timeout(std::time::Duration::from_millis(100))
            .is_err()
    );
    drop(held);
    receiver
        .recv_timeout(std::time::Duration::from_secs(10))
        .unwrap();
    waiting.join().unwrap();
}

#[test]
fn limits_are_told_before_anything_is_written() {
    let mut content = Content::default();
    for (name, length) in [("", 1), (&*"n".repeat(201), 1), ("n", VALUE_LIMIT + 1)] {
        let value = Secret::new("v".repeat(length));
        assert_eq!(content.put(name, value).unwrap_err().code(), "vault_full");
    }
    for number in 0..ENTRY_LIMIT {
        content.put(&number.to_string(), Secret::new("v")).unwrap();
    }
    assert_eq!(
        content
            .put("one more", Secret::new("v"))
            .unwrap_err()
            .code(),
        "vault_full"
    );
    content.put("0", Secret::new("another")).unwrap();
    assert!(content.remove("0") && !content.remove("0"));

    let (home, ring) = (Home::new(), Ring::default());
    let vault = home.vault(Some(&ring), None);
    let refused = vault.change(&SystemRandom, |content| {
        (0..20).try_for_each(|number| {
            content.put(&number.to_string(), Secret::new("v".repeat(VALUE_LIMIT)))
        })
    });
    assert_eq!(refused.unwrap_err().code(), "vault_full");
    assert!(!home.path().exists());
}

#[test]
fn costs_that_would_exhaust_the_machine_or_help_to_guess_are_no_vault() {
    let salt = "AAAAAAAAAAAAAAAAAAAAAA";
    let with = |costs: &str, salt: &str| {
        format!("sealgate-vault 1 argon2id {costs} {salt}\nv1.00112233.AAAA\n")
    };
    assert!(Sealed::parse(&with("m=65536,t=3,p=1", salt)).is_ok());
    for costs in [
        "m=4294967295,t=3,p=1",
        "m=262145,t=3,p=1",
        "m=8,t=3,p=1",
        "m=65536,t=1,p=1",
        "m=65536,t=17,p=1",
        "m=65536,t=3,p=0",
        "m=65536,t=3,p=255",
        "m=065536,t=3,p=1",
        "m=+65536,t=3,p=1",
        "m=65536,t=3",
        "m=65536,t=3,p=1,x=1",
        "t=3,m=65536,p=1",
    ] {
        assert!(Sealed::parse(&with(costs, salt)).is_err(), "{costs}");
    }
    for salt in [
        "",
        "AAAA",
        "AAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAB",
    ] {
        assert!(
            Sealed::parse(&with("m=65536,t=3,p=1", salt)).is_err(),
            "{salt}"
        );
    }
}

/// On a machine whose kernel has no keyring for us, there is nothing to try.
#[test]
fn the_keyring_of_the_machine_keeps_and_forgets() {
    let Some(keyring) = system_keyring() else {
        return;
    };
    let key = SealKey::generate(&SystemRandom);
    let name = key.kid();
    assert!(keyring.get(&name).unwrap().is_none());
    keyring.put(&name, &key.to_text()).unwrap();
    // Another look, as another process has it.
    let other = system_keyring().unwrap();
    assert_eq!(
        other.get(&name).unwrap().unwrap().expose(),
        key.to_text().expose()
    );
    other.forget(&name).unwrap();
    assert!(keyring.get(&name).unwrap().is_none());
    keyring.forget(&name).unwrap();
}

#[test]
fn nothing_of_a_vault_is_printed() {
    let (home, ring) = (Home::new(), Ring::default());
    let vault = home.vault(Some(&ring), Some(PHRASE));
    keep(&vault, "a", TOKEN).unwrap();
    let printed = format!("{vault:?} {:?} {:?}", vault.keys, vault.read().unwrap());
    assert!(
        !printed.contains(TOKEN) && !printed.contains(PHRASE),
        "{printed}"
    );
}

proptest! {
    #[test]
    fn content_decodes_to_what_was_encoded(
        entries in prop::collection::btree_map("[ -~é]{1,20}", "\\PC{0,40}", 0..8)
    ) {
        let mut content = Content::default();
        for (name, value) in &entries {
            content.put(name, Secret::new(value)).unwrap();
        }
        let bytes = content.encode();
        let again = Content::decode(&bytes).unwrap();
        prop_assert_eq!(again.names().collect::<Vec<_>>(), entries.keys().collect::<Vec<_>>());
        for (name, value) in &entries {
            prop_assert_eq!(again.get(name).unwrap().expose(), value);
        }
        prop_assert_eq!(&*again.encode(), &*bytes);
        // The exact size was known before.
        prop_assert_eq!(bytes.capacity(), bytes.len());
        for length in 0..bytes.len() {
            prop_assert!(Content::decode(&bytes[..length]).is_err());
        }
    }

    #[test]
    fn any_bytes_are_content_in_one_form_only(bytes in prop::collection::vec(0_u8..3, 0..40)) {
        if let Ok(content) = Content::decode(&bytes) {
            prop_assert_eq!(&*content.encode(), &bytes);
        }
    }

    #[test]
    fn a_file_reads_to_what_writes_it(memory in 19_456_u32..=262_144, passes in 2_u32..=16, salt: [u8; 16]) {
        let argon = Argon { memory, passes, lanes: 1, salt };
        let key = SealKey::from_bytes(std::array::from_fn(|at| u8::try_from(at).unwrap()));
        let ring = sealgate_session::KeyRing::new(vec![key]).unwrap();
        for kept in [Kept::Keyring, Kept::Passphrase(argon)] {
            let text = Sealed::seal(kept, &ring, &SystemRandom, b"plain").unwrap();
            let sealed = Sealed::parse(&text).unwrap();
            prop_assert_eq!(sealed.kept, kept);
            let plain = sealed.open(&ring).unwrap();
            prop_assert_eq!(plain.as_slice(), b"plain");
        }
    }

    #[test]
    fn no_text_makes_the_parser_stumble(text in "(sealgate-vault 1 (keyring|argon2id [mtp=,0-9]{0,20} [A-Za-z0-9_-]{0,24})\n)?\\PC{0,40}\n?") {
        if let Ok(sealed) = Sealed::parse(&text) {
            let key = SealKey::from_bytes([7; 32]);
            prop_assert!(sealed.open(&sealgate_session::KeyRing::new(vec![key]).unwrap()).is_err());
        }
    }
}

#[test]
fn many_who_look_for_the_keyring_at_once_all_find_it() {
    if system_keyring().is_none() {
        return;
    }
    let looking = (0..8)
        .map(|_| std::thread::spawn(|| (0..200).filter(|_| system_keyring().is_none()).count()));
    let looking: Vec<_> = looking.collect();
    let missed: usize = looking.into_iter().map(|one| one.join().unwrap()).sum();
    assert_eq!(missed, 0);
}
