//! The texts that excerpts are taken from.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sealgate_inventory::report::Sources;

/// The longest file that an excerpt is taken from, in bytes.
const MOST: u64 = 8 << 20;

/// The files below a folder, each read once.
pub(super) struct Files {
    root: PathBuf,
    read: RefCell<HashMap<String, Option<Arc<str>>>>,
}

impl Files {
    pub(super) fn below(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            read: RefCell::default(),
        }
    }
}

impl Sources for Files {
    fn text(&self, file: &str) -> Option<Arc<str>> {
        let mut read = self.read.borrow_mut();
        let text = read
            .entry(file.to_owned())
            .or_insert_with(|| text(&self.root.join(file)));
        text.clone()
    }
}

fn text(path: &Path) -> Option<Arc<str>> {
    let told = fs::metadata(path).ok()?;
    if !told.is_file() || told.len() > MOST {
        return None;
    }
    let bytes = fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).into())
}
