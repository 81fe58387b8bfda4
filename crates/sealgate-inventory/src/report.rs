//! What an inventory looks like to whom: people at a terminal, programs, and the machines of code hosts.
//!
//! File names, paths and messages come from whatever code was looked at, which may be written by an attacker:
//! each format keeps them from being anything but text.

mod clean;
mod excerpt;
mod fingerprint;
mod github;
mod junit;
mod markdown;
mod sarif;
mod table;
#[cfg(test)]
mod tests;
mod text;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use crate::{Finding, Inventory, Place, Rule, Severity};

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people at a terminal.
    Text,
    /// The inventory itself.
    Json,
    /// SARIF 2.1.0, which code hosts show beside the code.
    Sarif,
    /// Workflow commands of GitHub Actions, which it shows beside the code.
    Github,
    /// A comment on a pull request.
    Markdown,
    /// `JUnit`'s XML, as GitLab and Jenkins read it.
    Junit,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Text,
        Self::Json,
        Self::Sarif,
        Self::Github,
        Self::Markdown,
        Self::Junit,
    ];

    /// What it is called on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Sarif => "sarif",
            Self::Github => "github",
            Self::Markdown => "markdown",
            Self::Junit => "junit",
        }
    }

    /// Whether its places are looked up in the repository and not from where the reader stands.
    pub fn is_from_the_repository(self) -> bool {
        matches!(
            self,
            Self::Sarif | Self::Github | Self::Markdown | Self::Junit
        )
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|one| one.as_str() == text);
        found.ok_or_else(|| format!("{text} is no format of a report"))
    }
}

/// The texts that findings point into.
pub trait Sources {
    /// The whole text of `file`, which is named as places name it. None where it cannot be had; then the
    /// finding is shown without an excerpt.
    fn text(&self, file: &str) -> Option<Arc<str>>;
}

/// No texts at all.
#[derive(Clone, Copy, Debug)]
pub struct NoSources;

impl Sources for NoSources {
    fn text(&self, _file: &str) -> Option<Arc<str>> {
        None
    }
}

/// What a report needs to know besides the inventory.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// Every rule that was asked.
    pub rules: &'a [&'static Rule],
    /// What excerpts are taken from.
    pub sources: &'a dyn Sources,
    /// What stands before a place's file so that the reader finds it: the way to what was looked at, from the
    /// reader's directory, or from the root of the repository ([`Format::is_from_the_repository`]). Empty, or with a
    /// `/` at its end.
    pub prefix: &'a str,
    /// Whether all routes are told, and not only what was found.
    pub all: bool,
    /// Whether text has colours.
    pub color: bool,
    /// The version of this program.
    pub version: &'a str,
}

impl View<'_> {
    /// The file of `place` as the reader finds it.
    fn file(&self, place: &Place) -> String {
        let (mut prefix, mut file) = (self.prefix, place.file.as_str());
        if file.starts_with('/') {
            return file.to_owned();
        }
        // A configuration may stand above what was looked at.
        while let Some(rest) = file.strip_prefix("../") {
            let Some(above) = above(prefix) else { break };
            (prefix, file) = (above, rest);
        }
        format!("{prefix}{file}")
    }
}

/// The folder above `prefix`, where its name tells that.
fn above(prefix: &str) -> Option<&str> {
    let folder = prefix.strip_suffix('/')?;
    let start = folder.rfind('/').map_or(0, |at| at + 1);
    (folder.len() > start && &folder[start..] != "..").then(|| &folder[..start])
}

/// The report on `inventory`, with its line end.
pub fn render(inventory: &Inventory, format: Format, view: &View<'_>) -> String {
    match format {
        Format::Text => text::render(inventory, view),
        Format::Json => json(inventory),
        Format::Sarif => sarif::render(inventory, view),
        Format::Github => github::render(inventory, view),
        Format::Markdown => markdown::render(inventory, view),
        Format::Junit => junit::render(inventory, view),
    }
}

/// One indented JSON document.
fn json<T: serde::Serialize>(document: &T) -> String {
    // Structs of strings, numbers and lists always serialise.
    let mut text = serde_json::to_string_pretty(document).unwrap_or_default();
    text.push('\n');
    // GitHub's runner takes this for a command wherever it stands; only strings can hold it.
    text.replace("##[", "##\\u005b")
}

/// The findings, the worst first, and otherwise in the document's order.
fn by_severity(inventory: &Inventory) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = inventory.findings.iter().collect();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

/// `2 errors, 1 warning`; empty without findings.
fn counted(inventory: &Inventory) -> String {
    let words = [
        (Severity::Error, "error", "errors"),
        (Severity::Warning, "warning", "warnings"),
        (Severity::Note, "note", "notes"),
    ];
    let parts: Vec<String> = words
        .into_iter()
        .filter_map(|(severity, one, many)| {
            let same = |finding: &&Finding| finding.severity == severity;
            match inventory.findings.iter().filter(same).count() {
                0 => None,
                1 => Some(format!("1 {one}")),
                count => Some(format!("{count} {many}")),
            }
        })
        .collect();
    parts.join(", ")
}

/// `2 findings accepted`; empty without any.
fn accepted(inventory: &Inventory) -> Option<String> {
    let count = inventory.accepted.len();
    (count > 0).then(|| format!("{} accepted", plural(count, "finding", "findings")))
}

/// `1 route`, `2 routes`.
fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}
