//! Verification: of the running control plane, of a database that is only read, of an exported file.

use std::io::{BufRead, Read as _};
use std::path::Path;
use std::sync::Arc;

use sealgate_audit::chain::{LINE_LIMIT, Line, Report, Retired, Stamp, Verifier};
use sealgate_store::{Audit, ChainFile, JudgeCheckpoint, StoreError};

use super::Judge;
use crate::{ControlPlane, DataDir, ServeError, metrics};

impl ControlPlane {
    /// Verifies every record, with the checkpoint beside the database and those in `external`. `audit` is
    /// completed with what came of it, and written.
    pub(crate) async fn verify_audit(
        &self,
        external: &[String],
        audit: Audit,
    ) -> Result<Report, StoreError> {
        let _turn = self.chain.verifying.lock().await;
        let keys = self.store.audit_keys().await?;
        let judge = Arc::new(Judge::of_sealed(&keys, Some(&self.master)));
        let beside = self.store.checkpoint_beside().await?;
        let stamps = stamps(&judge, beside.as_ref(), external);
        let report = self.store.audit_verify(stored(judge), stamps).await?;
        metrics::audit_verified(report.is_sound());
        let found: u64 = report.counts.values().sum();
        let reason = if report.is_sound() {
            ""
        } else {
            "chain_broken"
        };
        let told = Audit {
            outcome: if report.is_sound() {
                sealgate_store::Outcome::Allowed
            } else {
                sealgate_store::Outcome::Denied
            },
            reason: reason.to_owned(),
            object: Some(format!(
                "records={} last={} findings={found}",
                report.records, report.last
            )),
            ..audit
        };
        self.store.record(told).await?;
        Ok(report)
    }
}

fn stored(judge: Arc<Judge>) -> JudgeCheckpoint {
    Arc::new(move |number, token| judge.stored(number, token))
}

fn stamps(judge: &Judge, beside: Option<&String>, external: &[String]) -> Vec<Stamp> {
    let tokens = external.iter().chain(beside);
    tokens.map(|token| judge.external(token)).collect()
}

/// Verifies the records of the database `file`, which is only read: of a data directory, whether or not a
/// server runs there, or a copy. The master key beside it opens the keys of checkpoints; `keys` are believed
/// besides. Blocks.
///
/// # Errors
/// [`ServeError::Store`] if the file cannot be read or has no chain, and those of reading a master key.
pub fn verify_database(
    file: &Path,
    keys: Judge,
    external: &[String],
) -> Result<Report, ServeError> {
    let chain = ChainFile::open(file)?;
    let master = match file.parent().filter(|dir| dir.join("master.key").exists()) {
        Some(dir) => DataDir::existing(dir)?.master_key()?,
        None => None,
    };
    let judge = Arc::new(Judge::of_sealed(&chain.keys()?, master.as_ref()).and(keys));
    let stamps = stamps(&judge, chain.beside()?.as_ref(), external);
    Ok(chain.verify(&stored(judge), stamps)?)
}

/// Verifies the lines of an exported chain, read twice: first for the ranges and the checkpoints, which may
/// stand anywhere. `keys` are those of its checkpoints. Blocks.
///
/// # Errors
/// Those of reading; `InvalidData` for a line that is none of an exported chain, with its number.
pub fn verify_lines<R: BufRead>(
    mut open: impl FnMut() -> std::io::Result<R>,
    keys: &Judge,
    external: &[String],
) -> std::io::Result<Report> {
    let (mut ranges, mut stamps, mut first) = (Vec::new(), Vec::new(), None);
    each(open()?, |line| match line {
        Line::Retired(range) => ranges.push(range),
        Line::Checkpoint(token) => {
            let stamp = keys.external(&token);
            stamps.push(Stamp {
                external: false,
                ..stamp
            });
        }
        Line::Record(record) => first = first.or(Some(record.number)),
        Line::Left { number, .. } => first = first.or(Some(number)),
    })?;
    let begins = |range: &Retired| range.first == 1;
    let whole = first.is_none_or(|first| first == 1) || ranges.iter().any(begins);
    stamps.extend(external.iter().map(|token| keys.external(token)));
    let mut verifier = if whole {
        Verifier::new(ranges, stamps)
    } else {
        Verifier::of_part(ranges, stamps)
    };
    let mut scratch = Vec::with_capacity(512);
    each(open()?, |line| match line {
        Line::Record(record) => {
            let content = record.content(&mut scratch);
            let says = (record.action.as_str(), record.object.as_deref());
            verifier.record(record.number, record.hash, &content, Some(says));
        }
        Line::Left {
            number,
            hash,
            content,
        } => verifier.record(number, Some(hash), &content, None),
        Line::Retired(_) | Line::Checkpoint(_) => {}
    })?;
    Ok(verifier.finish())
}

/// Reads line by line, none longer than there may be.
fn each<R: BufRead>(mut from: R, mut take: impl FnMut(Line)) -> std::io::Result<()> {
    let (mut line, mut number) = (String::new(), 0_u64);
    loop {
        line.clear();
        number += 1;
        let limit = LINE_LIMIT as u64 + 1;
        if (&mut from).take(limit).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let text = line.trim_end_matches(['\n', '\r']);
        if text.is_empty() {
            continue;
        }
        let invalid = |error| {
            let said = format!("line {number}: {error}");
            std::io::Error::new(std::io::ErrorKind::InvalidData, said)
        };
        take(Line::parse(text).map_err(invalid)?);
    }
}
