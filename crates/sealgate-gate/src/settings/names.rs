//! The names of settings.

/// Every setting, as the environment calls it.
pub(super) const NAMES: [&str; 29] = [
    "SEALGATE_ISSUER",
    "SEALGATE_CLIENT_ID",
    "SEALGATE_CLIENT_SECRET",
    "SEALGATE_BASE_URL",
    "SEALGATE_SEAL_KEYS",
    "SEALGATE_SCOPES",
    "SEALGATE_UNMARKED",
    "SEALGATE_STALENESS_BOUND",
    "SEALGATE_ON_STALE",
    "SEALGATE_SESSION_LIFETIME",
    "SEALGATE_IDLE_LIMIT",
    "SEALGATE_AFTER_LOGOUT",
    "SEALGATE_UNTYPED_LOGOUT",
    "SEALGATE_AUTHORITY_FILE",
    "SEALGATE_AUDIENCES",
    "SEALGATE_ALLOWED_ORIGINS",
    "SEALGATE_DOCS",
    "SEALGATE_DOCS_CLIENT_ID",
    "SEALGATE_UNKNOWN_PATHS",
    "SEALGATE_PROVIDER",
    "SEALGATE_TRUSTED_ISSUERS",
    "SEALGATE_SHARED_VIEW",
    "SEALGATE_GATE_NAME",
    "SEALGATE_ROUTES",
    "SEALGATE_DECISIONS_ALLOWED",
    "SEALGATE_DECISIONS_NETWORK",
    "SEALGATE_SPOOL",
    "SEALGATE_SPOOL_LIMIT",
    "SEALGATE_POLICY_FILE",
];

/// The secrets, each with the name of a file that holds it: containers are handed secrets so.
pub(super) const SECRETS: [(&str, &str); 2] = [
    ("SEALGATE_CLIENT_SECRET", "SEALGATE_CLIENT_SECRET_FILE"),
    ("SEALGATE_SEAL_KEYS", "SEALGATE_SEAL_KEYS_FILE"),
];

/// Settings that are paths of files. In a file they are relative to it.
pub(super) const PATHS: [&str; 6] = [
    "SEALGATE_ROUTES",
    "SEALGATE_SPOOL",
    "SEALGATE_POLICY_FILE",
    "SEALGATE_AUTHORITY_FILE",
    "SEALGATE_CLIENT_SECRET_FILE",
    "SEALGATE_SEAL_KEYS_FILE",
];

/// What all names begin with.
pub(super) const PREFIX: &str = "SEALGATE_";

fn every() -> impl Iterator<Item = &'static str> {
    let files = SECRETS.into_iter().map(|(_, file)| file);
    NAMES.into_iter().chain(files)
}

/// The name, if there is such a setting.
pub(super) fn known(name: &str) -> Option<&'static str> {
    every().find(|known| *known == name)
}

/// The name that was probably meant: one that three letters make of it.
pub(super) fn nearest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_uppercase();
    let apart = every().map(|known| (distance(&name, known), known)).min();
    apart
        .filter(|(apart, _)| *apart <= 3)
        .map(|(_, known)| known)
}

/// How many letters must be changed, put in or left out to make one of the other (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, one) in left.bytes().enumerate() {
        let mut diagonal = line;
        row[0] = line + 1;
        for (column, other) in right.bytes().enumerate() {
            let changed = diagonal + usize::from(one != other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    use super::*;
    use crate::settings::Settings;

    #[test]
    fn every_setting_that_is_read_is_known() {
        let read = RefCell::new(BTreeSet::new());
        Settings::from_lookup(|name| {
            read.borrow_mut().insert(name.to_owned());
            let good = crate::settings::tests::GOOD;
            let found = good.into_iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.to_owned())
        })
        .unwrap();
        let known: BTreeSet<String> = NAMES.into_iter().map(str::to_owned).collect();
        assert_eq!(read.into_inner(), known, "settings/names.rs lists them");
    }

    #[test]
    fn a_misspelt_name_is_recognised() {
        assert_eq!(nearest("SEALGATE_ISUER"), Some("SEALGATE_ISSUER"));
        assert_eq!(nearest("sealgate_scope"), Some("SEALGATE_SCOPES"));
        assert_eq!(nearest("SEALGATE_DATA_DIR"), None);
    }
}
