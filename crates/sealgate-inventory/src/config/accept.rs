//! Findings that are accepted: `[[tool.sealgate.routes.accept]]`.

use jiff::civil::Date;

use super::RoutePattern;
use crate::{Finding, Methods};

/// A finding that is accepted, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptEntry {
    /// The id of its rule.
    pub rule: String,
    /// The routes that it is about. None: any, and none.
    pub route: Option<RoutePattern>,
    /// The files that it stands in. None: any, and none. One of the two is always said.
    pub file: Option<FilePattern>,
    /// Why it is accepted. Not blank.
    pub reason: String,
    /// Who answers for it.
    pub owner: Option<String>,
    /// The last day on which it counts.
    pub expires: Option<Date>,
    /// Its line in the configuration, from 1.
    pub line: u32,
}

impl AcceptEntry {
    /// Whether a finding of its rule stands where it says.
    pub fn covers(&self, finding: &Finding) -> bool {
        let route = self.route.as_ref().is_none_or(|pattern| {
            let key = finding.route.as_ref();
            key.and_then(|key| Some((key, Methods::parse(&key.methods)?)))
                .is_some_and(|(key, methods)| pattern.covers(&key.path, &methods))
        });
        let file = self.file.as_ref().is_none_or(|pattern| {
            let place = finding.place.as_ref();
            place.is_some_and(|place| pattern.covers(&place.file))
        });
        route && file
    }
}

/// A file, or with `/**` at its end a folder with all that is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilePattern {
    path: String,
    below: bool,
}

impl FilePattern {
    /// Reads `a/b.py` or `a/**`. None for anything else, and for what means every file.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (path, below) = match text.strip_suffix("/**") {
            Some(path) => (path, true),
            None => (text, false),
        };
        let plain = path.split('/').all(|part| !part.is_empty() && part != ".");
        (plain && path.trim() == path && !path.contains(['*', '\\'])).then(|| Self {
            path: path.to_owned(),
            below,
        })
    }

    fn covers(&self, file: &str) -> bool {
        match file.strip_prefix(&self.path) {
            Some("") => true,
            Some(rest) => self.below && rest.starts_with('/'),
            None => false,
        }
    }
}
