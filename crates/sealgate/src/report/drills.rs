//! Reports of drills that were given: `sealgate-drill/1`, a JSON document with `target`, `at` in milliseconds since
//! 1970 and `cases`, each with `id` and `verdict`.

use std::path::PathBuf;

use sealgate_model::Timestamp;
use sealgate_report::{DrillFact, DrillVerdict, Seen};
use serde::Deserialize;

use super::gather::seen;
use crate::failure::Failure;

const SCHEMA: &str = "sealgate-drill/1";
/// The longest report that is read, in bytes.
const LIMIT: usize = 16 << 20;

/// A report of drills: what is needed of it. The rest is for its own readers.
#[derive(Deserialize)]
struct Document {
    schema: String,
    target: String,
    at: Timestamp,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: String,
    verdict: DrillVerdict,
}

/// Reads all of them. One that cannot be read is an error: somebody gave it.
pub(super) fn read(files: &[PathBuf]) -> Result<Seen<Vec<DrillFact>>, Failure> {
    if files.is_empty() {
        return Ok(Seen::NotShown {
            why: "no report of drills was given (--drills)".to_owned(),
        });
    }
    let mut all = Vec::new();
    for path in files {
        let shown = path.display().to_string();
        let malformed =
            |what: String| Failure::usage("drills_malformed", format!("{shown}: {what}"));
        let bytes = super::read_bounded(path, LIMIT, "drills_malformed")?;
        let document: Document =
            serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
        if document.schema != SCHEMA {
            return Err(malformed(format!("its schema is not {SCHEMA}")));
        }
        all.extend(document.cases.into_iter().map(|case| DrillFact {
            id: case.id,
            verdict: case.verdict,
            at: document.at,
            target: document.target.clone(),
        }));
    }
    let names: Vec<String> = files
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    Ok(seen(&names.join(", "), Ok(all)))
}
