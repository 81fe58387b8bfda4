//! Where a module's text comes from.

use std::fs::File;
use std::io::{Read, Result};
use std::path::{Path, PathBuf};

use super::parse::LARGEST;

#[derive(Debug)]
pub(super) enum Origin {
    File(PathBuf),
    Memory(Vec<u8>),
}

impl Origin {
    /// The bytes, to keep.
    pub(super) fn read(&self) -> Option<Vec<u8>> {
        match self {
            Self::Memory(bytes) => Some(bytes.clone()),
            Self::File(path) => {
                let mut bytes = Vec::new();
                read(path, &mut bytes).ok()?;
                Some(bytes)
            }
        }
    }

    /// The bytes, for a moment. `buffer` is used for many files.
    pub(super) fn look<'a>(&'a self, buffer: &'a mut Vec<u8>) -> Result<&'a [u8]> {
        match self {
            Self::Memory(bytes) => Ok(bytes),
            Self::File(path) => {
                buffer.clear();
                read(path, buffer)?;
                Ok(buffer)
            }
        }
    }
}

/// Reads a file, but of one that is too large only enough to tell.
fn read(path: &Path, bytes: &mut Vec<u8>) -> Result<()> {
    let file = File::open(path)?;
    let size = usize::try_from(file.metadata()?.len()).unwrap_or(LARGEST);
    bytes.reserve(size.min(LARGEST) + 1);
    file.take(LARGEST as u64 + 1).read_to_end(bytes)?;
    Ok(())
}
