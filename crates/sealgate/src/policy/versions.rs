//! `sealgate policy list|show|diff|roll-back`: the versions that the control plane keeps, and which gates have which.

use std::fmt::Write as _;

use clap::Args;
use sealgate_policy::Document;
use sealgate_server::admin::{
    AppliedPolicy, Policies, PolicyVersionView, PolicyView, RollBackPolicy,
};

use super::{difference, written};
use crate::confirm::Sure;
use crate::door::Door;
use crate::failure::Failure;
use crate::output::{self, Text, second};
use crate::place::Place;
use crate::receipt;
use crate::screen::clean;

/// Which versions to list.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// How many, the newest first
    #[arg(long, value_name = "NUMBER", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    #[command(flatten)]
    place: Place,
}

/// Which version to show.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its number; by default the one that gates decide by
    version: Option<u64>,
    #[command(flatten)]
    place: Place,
}

/// Which versions to compare.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The one before
    #[arg(value_name = "A")]
    before: u64,
    /// The one after; by default the one that gates decide by
    #[arg(value_name = "B")]
    after: Option<u64>,
    #[command(flatten)]
    place: Place,
}

/// Which version is to count again.
#[derive(Debug, Args)]
#[command(
    after_help = "What it says becomes a new version: no number is ever used twice, and no gate decides by an old one\n\
                  again."
)]
pub(crate) struct RollBack {
    /// Its number, as `policy list` shows it
    version: u64,
    /// Why; it is kept with the version
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    sure: Sure,
    #[command(flatten)]
    wait: receipt::Wait,
    #[command(flatten)]
    place: Place,
}

const HEADINGS: [&str; 7] = [
    "VERSION",
    "APPLIED",
    "BY",
    "BYTES",
    "GATES",
    "SAYS AGAIN",
    "NOTE",
];

pub(crate) async fn list(asked: List, json: bool) -> Result<(), Failure> {
    let door = Door::open(&asked.place, None).await?;
    let query = [("limit", Some(asked.limit.to_string()))];
    let policies: Policies = door.get("/policies", &query).await?;
    output::print(json, &policies, listed)
}

pub(crate) async fn show(asked: Show, json: bool) -> Result<(), Failure> {
    let door = Door::open(&asked.place, None).await?;
    let version = match asked.version {
        Some(version) => version,
        None => current(&door).await?,
    };
    let policy = get(&door, version).await?;
    let text = text_of(&policy)?;
    output::print(json, &policy, |policy| Text {
        data: format!("{}\n{text}", said(&policy.version)),
        ..Text::default()
    })
}

pub(crate) async fn diff(asked: Diff, json: bool) -> Result<(), Failure> {
    let door = Door::open(&asked.place, None).await?;
    let after = match asked.after {
        Some(version) => version,
        None => current(&door).await?,
    };
    let (before, after) = (get(&door, asked.before).await?, get(&door, after).await?);
    let parts = difference::between(&parts_of(&before)?, &parts_of(&after)?);
    let document = serde_json::json!({
        "before": before.version.version,
        "after": after.version.version,
        "changes": parts,
    });
    let (one, other) = (before.version.version, after.version.version);
    output::print(json, &document, |_| Text {
        data: difference::text(&parts),
        talk: if parts.is_empty() {
            format!("Versions {one} and {other} say the same.\n")
        } else {
            String::new()
        },
    })
}

pub(crate) async fn roll_back(asked: RollBack, json: bool) -> Result<(), Failure> {
    let number = asked.version;
    asked.sure.ask(&format!(
        "make what version {number} says the policies of every gate"
    ))?;
    let door = Door::open(&asked.place, None).await?;
    let body = RollBackPolicy {
        before: None,
        note: asked.note,
    };
    let path = format!("/policies/{number}/roll-back");
    let applied: AppliedPolicy = door.post(&path, &body).await?;
    asked.wait.done(&door, json, &applied, rolled_back).await
}

fn rolled_back(applied: &AppliedPolicy) -> Text {
    let version = applied.version.version;
    let data = if applied.changed {
        format!("Version {version} counts now.\n")
    } else {
        format!("Version {version} says the same already; nothing was changed.\n")
    };
    Text {
        data,
        ..Text::default()
    }
}

pub(super) async fn get(door: &Door, version: u64) -> Result<PolicyView, Failure> {
    door.get(&format!("/policies/{version}"), &[]).await
}

/// The version that gates decide by.
pub(super) async fn current(door: &Door) -> Result<u64, Failure> {
    let query = [("limit", Some("1".to_owned()))];
    let newest: Policies = door.get("/policies", &query).await?;
    let newest = newest.policies.first().map(|version| version.version);
    newest.ok_or_else(|| {
        Failure::refused("policy_unknown", "no policies were applied yet")
            .with_hint("declare them, and apply the file: sealgate apply FILE")
    })
}

fn listed(policies: &Policies) -> Text {
    let rows: Vec<_> = policies.policies.iter().map(row).collect();
    output::table(HEADINGS, &rows, "No policies were applied yet.")
}

fn row(version: &PolicyVersionView) -> [String; 7] {
    let mark = if version.current { " *" } else { "" };
    [
        format!("{}{mark}", version.version),
        second(version.made_at),
        clean(&version.by).into_owned(),
        version.bytes.to_string(),
        version.gates.to_string(),
        version
            .repeats
            .map(|repeats| repeats.to_string())
            .unwrap_or_default(),
        version
            .note
            .as_deref()
            .map(|note| clean(note).into_owned())
            .unwrap_or_default(),
    ]
}

fn said(version: &PolicyVersionView) -> String {
    let counts = if version.current {
        ", by which gates decide"
    } else {
        ""
    };
    let repeats = version
        .repeats
        .map(|repeats| format!("# It says what version {repeats} says.\n"));
    let note = version
        .note
        .as_deref()
        .map(|note| format!("# {}\n", clean(note)));
    format!(
        "# Version {}{counts}: applied {} by {}, sha256 {}\n{}{}",
        version.version,
        second(version.made_at),
        clean(&version.by),
        version.digest,
        repeats.unwrap_or_default(),
        note.unwrap_or_default(),
    )
}

fn parts_of(policy: &PolicyView) -> Result<Vec<(String, String)>, Failure> {
    let document: Document = serde_json::from_value(policy.document.clone()).map_err(|error| {
        Failure::unavailable(
            "policy_unusable",
            format!("this program does not understand that version: {error}"),
        )
        .with_hint("use the program that the server runs, or --json")
    })?;
    Ok(written::parts(&document))
}

fn text_of(policy: &PolicyView) -> Result<String, Failure> {
    let mut text = String::new();
    for (name, part) in parts_of(policy)? {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n# {}\n{}", clean(&name), clean_lines(&part));
    }
    Ok(text)
}

/// The text line by line, for a screen.
fn clean_lines(text: &str) -> String {
    let lines: Vec<_> = text.trim_end().lines().map(clean).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use sealgate_model::Timestamp;

    use super::*;

    fn version(number: u64, current: bool) -> PolicyVersionView {
        PolicyVersionView {
            version: number,
            made_at: Timestamp::from_millis(1_795_338_305_037),
            digest: "ab".repeat(32),
            bytes: 1_204,
            by: "operator".to_owned(),
            note: (!current).then(|| "accountants\u{1b} may approve".to_owned()),
            repeats: current.then_some(2),
            current,
            gates: u64::from(current) * 3,
        }
    }

    #[test]
    fn versions_are_listed_with_who_decides_by_them() {
        let policies = Policies {
            policies: vec![version(4, true), version(3, false)],
            next: None,
        };
        insta::assert_snapshot!(listed(&policies).data);
    }

    #[test]
    fn a_version_is_introduced_with_where_it_comes_from() {
        insta::assert_snapshot!(said(&version(3, false)) + &said(&version(4, true)));
    }
}
