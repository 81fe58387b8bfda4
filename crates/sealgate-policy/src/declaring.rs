//! A declaring file, as far as a bundle is made from it.

use std::collections::BTreeMap;

use crate::cedar::{self, Declared};
use crate::mapping::{self, Mapping};
use crate::{Document, PolicyError};

/// What a declaring file says of mappings and policies, before the files that it names are read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaring {
    mapping: Mapping,
    policies: Declared,
}

impl Declaring {
    /// Reads `[policy]` and `[[mapping]]` of a whole file; its other tables are left alone.
    ///
    /// # Errors
    /// If it is no TOML, or one of the two says what is not understood.
    pub fn read(text: &str) -> Result<Self, PolicyError> {
        let document: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            PolicyError::Malformed(error.to_string().trim().replace('\n', " "))
        })?;
        Ok(Self {
            mapping: mapping::read(&document)?,
            policies: cedar::read(&document)?,
        })
    }

    /// The files with policies that it names, relative to it; one `*` may stand in the last part of a name.
    pub fn files(&self) -> &[String] {
        &self.policies.files
    }

    /// The lock files of routes that it names, likewise.
    pub fn routes(&self) -> &[String] {
        &self.policies.routes
    }

    /// The document, with the texts of those files by their names.
    ///
    /// # Errors
    /// If there is too much of it, or a lock file is none.
    pub fn with(
        self,
        files: BTreeMap<String, String>,
        locks: &BTreeMap<String, String>,
    ) -> Result<Document, PolicyError> {
        Ok(Document {
            mapping: self.mapping,
            policies: self.policies.with(files, locks)?,
        })
    }
}
