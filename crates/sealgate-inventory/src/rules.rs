//! The rules about coverage and drift: what each finding of [`crate::drift`] means.
//!
//! Their examples are whole programs with the lock file beside them. A line `# file: NAME` begins each file.

mod accepting;
mod coverage;
mod entries;
mod gates;
mod page;
mod public;

pub use accepting::{EXPIRED_ACCEPTANCE, UNUSED_ACCEPTANCE};
pub use coverage::{FEWER_ROUTES, OPEN_ROUTE, UNRESOLVED_ROUTE};
pub use entries::{DEAD_APP, DEAD_ENTRY, NEW_ROUTE, NOW_GATED, NOW_PUBLIC, OUTDATED_ENTRY};
pub use gates::{EVIDENCE_LOST, GATE_CHANGED, LOST_GATE, WEAK_FOR_CLASS, WEAKER_GATE};
pub use page::page;
pub use public::{EXPIRED_ENTRY, PUBLIC_READ, PUBLIC_SECRET, PUBLIC_WITHOUT_REASON, PUBLIC_WRITE};

use crate::Rule;

/// All rules about coverage and drift, by id.
pub const ALL: &[&Rule] = &[
    &DEAD_APP,
    &DEAD_ENTRY,
    &EVIDENCE_LOST,
    &EXPIRED_ACCEPTANCE,
    &EXPIRED_ENTRY,
    &FEWER_ROUTES,
    &GATE_CHANGED,
    &LOST_GATE,
    &NEW_ROUTE,
    &NOW_GATED,
    &NOW_PUBLIC,
    &OPEN_ROUTE,
    &OUTDATED_ENTRY,
    &PUBLIC_READ,
    &PUBLIC_SECRET,
    &PUBLIC_WITHOUT_REASON,
    &PUBLIC_WRITE,
    &UNRESOLVED_ROUTE,
    &UNUSED_ACCEPTANCE,
    &WEAK_FOR_CLASS,
    &WEAKER_GATE,
];

/// The files of an example, each with its name.
pub fn files(example: &str) -> Vec<(&str, &str)> {
    let mut files = Vec::new();
    for part in example.split("# file: ").skip(1) {
        if let Some((name, text)) = part.split_once('\n') {
            files.push((name, text.trim_end_matches('\n')));
        }
    }
    files
}

/// The beginning of each example's program: an application without documentation pages, and its gates.
macro_rules! program {
    ($routes:literal) => {
        concat!(
            r#"# file: main.py
from fastapi import Depends, FastAPI, HTTPException, Request

app = FastAPI(openapi_url=None)
ROLES = {"Bearer ann": "admin", "Bearer ben": "clerk"}


def signed_in(request: Request) -> str:
    role = ROLES.get(request.headers.get("authorization", ""))
    if role is None:
        raise HTTPException(401)
    return role


def administrator(role: str = Depends(signed_in)) -> None:
    if role != "admin":
        raise HTTPException(403)


"#,
            $routes
        )
    };
    ($lock:literal, $routes:literal) => {
        concat!(
            "# file: sealgate.routes.toml\nversion = 1\nlens = \"scan\"\n\n",
            $lock,
            "\n",
            program!($routes)
        )
    };
}
pub(crate) use program;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock;

    #[test]
    fn ids_are_words_with_dashes_in_order_and_each_there_once() {
        let ids: Vec<&str> = ALL.iter().map(|rule| rule.id).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
        for id in ids {
            assert!(
                id.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                "{id}"
            );
        }
    }

    #[test]
    fn examples_are_whole_programs_with_lock_files_as_they_are_written() {
        for rule in ALL {
            assert_ne!(rule.broken, rule.fixed, "{}", rule.id);
            for example in [rule.broken, rule.fixed] {
                let files = files(example);
                assert!(
                    files.iter().any(|(name, _)| *name == "main.py"),
                    "{}",
                    rule.id
                );
                for (name, text) in files {
                    if name == lock::LOCK_FILE {
                        let read = lock::read(text).unwrap_or_else(|error| {
                            panic!("{}: {error}\n{text}", rule.id);
                        });
                        let written = read.to_text();
                        let (_, written) = written.split_once('\n').unwrap();
                        assert_eq!(written.trim_end(), text.trim_end(), "{}", rule.id);
                    }
                }
            }
        }
    }

    #[test]
    fn each_rule_has_its_page() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/rules");
        for rule in ALL {
            let file = format!("{folder}/{}.md", rule.id);
            if std::env::var_os("SEALGATE_WRITE_PAGES").is_some() {
                std::fs::create_dir_all(folder).unwrap();
                std::fs::write(&file, page(rule)).unwrap();
            }
            let written = std::fs::read_to_string(&file).unwrap_or_default();
            assert_eq!(written, page(rule), "run with SEALGATE_WRITE_PAGES=1");
        }
    }

    #[test]
    fn explanations_say_why() {
        for rule in ALL {
            assert!(rule.explanation.len() > 100, "{}", rule.id);
            assert!(!rule.title.ends_with('.'), "{}", rule.id);
            assert!(rule.explanation.ends_with('.'), "{}", rule.id);
        }
    }
}
