//! The frameworks and their controls, which are data: what each asks, in our words, and the checks it stands on.

use serde::{Deserialize, Serialize};

/// A framework, and those of its controls that concern identity and access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Framework {
    /// Its short name, in ids: `csf`.
    pub id: String,
    /// Its name and edition.
    pub name: String,
    /// Its controls, in its own order.
    #[serde(rename = "control")]
    pub controls: Vec<Control>,
}

/// A control.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Its id in the framework.
    pub id: String,
    /// What it asks, in our words.
    pub asks: String,
    /// The checks it stands on; all of them have to be shown.
    #[serde(default)]
    pub checks: Vec<String>,
    /// What this report cannot show of it, whatever is measured. It then is partly shown at best.
    #[serde(default)]
    pub beyond: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalogue {
    framework: Vec<Framework>,
}

const TEXT: &str = include_str!("catalogue.toml");

/// All frameworks.
pub(crate) fn frameworks() -> Vec<Framework> {
    // The text is ours and a test reads it: one that cannot be read would be a report without controls, which
    // says itself that nothing is shown.
    toml::from_str(TEXT).map_or_else(|_| Vec::new(), |read: Catalogue| read.framework)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use super::*;
    use crate::checks;
    use crate::samples;

    #[test]
    fn the_catalogue_reads_and_names_only_checks_that_there_are() {
        let read: Catalogue = toml::from_str(TEXT).unwrap();
        let mut ids = BTreeSet::new();
        for framework in &read.framework {
            for control in &framework.controls {
                assert!(
                    ids.insert((framework.id.clone(), control.id.clone())),
                    "{}",
                    control.id
                );
                assert!(
                    !control.asks.is_empty() && !control.asks.ends_with('.'),
                    "{}",
                    control.id
                );
                assert!(
                    !control.checks.is_empty() || control.beyond.is_some(),
                    "{} says nothing of how it could be shown",
                    control.id
                );
                for check in &control.checks {
                    assert!(
                        checks::run(check, &samples::good()).is_some(),
                        "{}: {check}",
                        control.id
                    );
                }
            }
        }
        let names: Vec<&str> = read.framework.iter().map(|one| one.id.as_str()).collect();
        assert_eq!(names, ["csf", "800-207", "800-63-4", "asvs", "nhi"]);
    }

    /// The reference page lists what there is. `SEALGATE_WRITE_DOCS=1` writes it anew.
    #[test]
    fn the_reference_page_lists_every_control() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/reference/evidence-report.md"
        );
        let page = std::fs::read_to_string(path).unwrap();
        let mark = "<!-- controls -->\n";
        let (head, _) = page.split_once(mark).unwrap();
        let mut made = format!("{head}{mark}");
        for framework in frameworks() {
            let _ = write!(made, "\n## {}\n\n", framework.name);
            made.push_str(
                "| control | asks | stands on | beyond this report |\n| --- | --- | --- | --- |\n",
            );
            for control in framework.controls {
                let checks: Vec<String> = control
                    .checks
                    .iter()
                    .map(|check| format!("`{check}`"))
                    .collect();
                let _ = writeln!(
                    made,
                    "| {} | {} | {} | {} |",
                    control.id,
                    control.asks,
                    checks.join(" "),
                    control.beyond.unwrap_or_default()
                );
            }
        }
        if std::env::var_os("SEALGATE_WRITE_DOCS").is_some() {
            std::fs::write(path, &made).unwrap();
        }
        assert!(page == made, "run this test with SEALGATE_WRITE_DOCS=1");
    }
}
