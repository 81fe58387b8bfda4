//! A file as it is read: TOML, each table of a known name, each member of a known form.
//!
//! What is wrong is told with its place in the file. Other tables may stand in the same file where the reader
//! is told of their names: those of the control plane's settings.

use std::collections::BTreeMap;

use sealgate_policy::{PolicyError, cedar, mapping};
use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

use crate::error::{Fault, Position, ReadError};
use crate::state::{Policy, Schedule, State};
use crate::{secrets, sound};

/// The most bytes of a declared file.
pub const FILE_LIMIT: usize = 1 << 20;

/// The most things that one file declares, and that a server's state is told of.
pub const MOST_THINGS: usize = 4096;

/// The name of a declaration that does not say its own.
pub const DEFAULT_NAME: &str = "default";

/// The names at the top of a file that declare something.
pub const TABLES: [&str; 11] = [
    "declaration",
    "prune",
    "client",
    "machine",
    "resource",
    "role",
    "scope",
    "keys",
    "policy",
    "mapping",
    "mapping_of",
];

/// What a file declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declaration {
    /// Its name: what was declared under it before and is not any more goes.
    pub name: String,
    /// Whether what nothing declares goes, too.
    pub prune: bool,
    /// What it declares.
    pub state: State,
}

/// A file that was read, before those that it names are.
#[derive(Debug, Clone)]
pub struct Draft {
    file: String,
    at: Option<Position>,
    declaration: Declaration,
    policies: Option<cedar::Declared>,
    mapping: Option<mapping::Mapping>,
}

/// Whether a declaration can have this name: 1 to 64 of `A-Z a-z 0-9 - _ .`.
pub fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Reads `text`, named `file` in what is said of it. Tables named in `settings` are somebody else's.
///
/// # Errors
/// [`Fault::TooLarge`] before anything is parsed, and the other faults with their place.
pub fn read(text: &str, file: &str, settings: &[&str]) -> Result<Draft, ReadError> {
    let reader = Reader { text, file };
    if text.len() > FILE_LIMIT {
        let said = format!("a declared file has at most {FILE_LIMIT} bytes");
        return Err(reader.error(Fault::TooLarge, None, said));
    }
    let document = DeTable::parse(text).map_err(|error| reader.unreadable(&error))?;
    let table = document.get_ref();
    for (key, _) in table {
        let name: &str = key.get_ref();
        if !TABLES.contains(&name) && !settings.contains(&name) {
            let near = TABLES.iter().find(|known| {
                name.eq_ignore_ascii_case(known)
                    || name.strip_suffix('s') == Some(known)
                    || name
                        .strip_suffix("ies")
                        .map(|stem| format!("{stem}y"))
                        .as_deref()
                        == Some(known)
            });
            let said = match near {
                Some(known) => format!("there is no table {name:?}; did you mean {known}?"),
                None => format!(
                    "there is no table {name:?}: {} declare something",
                    TABLES.join(", ")
                ),
            };
            return Err(reader.error(Fault::Unknown, Some(key.span().start), said));
        }
    }
    for (key, value) in table {
        let name: &str = key.get_ref();
        if !TABLES.contains(&name) {
            continue;
        }
        let named = !matches!(name, "policy" | "mapping" | "mapping_of" | "role" | "scope");
        // The names under it are those of things; only what is inside them are members.
        let found = match value.get_ref() {
            DeValue::Table(things) if named => things.iter().find_map(|(id, value)| {
                secrets::find(
                    id.get_ref(),
                    value,
                    !matches!(value.get_ref(), DeValue::String(_)),
                    false,
                )
            }),
            _ => secrets::find(name, value, false, false),
        };
        if let Some((at, member)) = found {
            let said = format!(
                "{member:?} looks like a secret, and none belongs in a declared file: the control plane makes secrets and tells them once"
            );
            return Err(reader.error(Fault::Secret, Some(at), said));
        }
    }
    let mut state = State::default();
    macro_rules! things {
        ($($part:ident),*) => {$(
            reader.each(table, stringify!($part), |name, one| {
                state.$part.insert(name, one);
            })?;
        )*};
    }
    things!(client, machine, resource, role, scope);
    for (kind, words) in [("role", &state.role), ("scope", &state.scope)] {
        for (name, word) in words {
            let at = Reader::key(table, kind, name);
            sound::word(kind, name, word)
                .map_err(|said| reader.error(Fault::Malformed, at, said))?;
        }
    }
    reader.keys(table, settings, &mut state)?;
    let declaration = reader.head(table, state)?;
    let (policies, mapping) = reader.policies(table, text)?;
    let mut draft = Draft {
        file: file.to_owned(),
        at: table
            .get("policy")
            .map(|value| Position::of(text, value.span().start)),
        declaration,
        policies,
        mapping,
    };
    let things = draft.declaration.state.len();
    if things > MOST_THINGS {
        let said = format!("a file declares at most {MOST_THINGS} things, and this one {things}");
        return Err(reader.error(Fault::TooLarge, None, said));
    }
    draft.declaration.state.settle();
    Ok(draft)
}

impl Draft {
    /// The files with policies that it names, relative to itself; names may hold `*`.
    pub fn policy_files(&self) -> &[String] {
        self.policies.as_ref().map_or(&[], |one| &one.files)
    }

    /// The lock files of routes that it names, relative to itself.
    pub fn lock_files(&self) -> &[String] {
        self.policies.as_ref().map_or(&[], |one| &one.routes)
    }

    /// The declaration, with the texts of the files that it names, each by its name.
    ///
    /// # Errors
    /// Where those are more than is taken, or a lock file is none.
    pub fn with(
        self,
        files: BTreeMap<String, String>,
        locks: &BTreeMap<String, String>,
    ) -> Result<Declaration, ReadError> {
        let Self {
            file,
            at,
            mut declaration,
            policies,
            mapping,
        } = self;
        if policies.is_none() && mapping.is_none() {
            return Ok(declaration);
        }
        let policies = match policies {
            None => cedar::PolicySource::default(),
            Some(declared) => declared.with(files, locks).map_err(|error| ReadError {
                file,
                at,
                fault: Fault::Malformed,
                said: error.to_string(),
            })?,
        };
        declaration.state.policy = Some(Policy {
            mapping: mapping.unwrap_or_default(),
            policies,
        });
        Ok(declaration)
    }
}

fn start<T>(spanned: &Spanned<T>) -> usize {
    spanned.span().start
}

/// A text and its name, for what is said of it.
struct Reader<'t> {
    text: &'t str,
    file: &'t str,
}

impl<'t> Reader<'t> {
    fn error(&self, fault: Fault, at: Option<usize>, said: String) -> ReadError {
        ReadError {
            file: self.file.to_owned(),
            at: at.map(|offset| Position::of(self.text, offset)),
            fault,
            said,
        }
    }

    fn unreadable(&self, error: &toml::de::Error) -> ReadError {
        let at = error.span().map(|span| span.start);
        let said = error.message().replace('\n', ", ");
        let fault = if said.starts_with("unknown field") {
            Fault::Unknown
        } else {
            Fault::Malformed
        };
        self.error(fault, at, said)
    }

    /// One value as what it is to be.
    fn one<T: DeserializeOwned>(
        &self,
        place: &str,
        value: &Spanned<DeValue<'t>>,
    ) -> Result<T, ReadError> {
        T::deserialize(ValueDeserializer::from(value.clone())).map_err(|error| {
            let mut told = self.unreadable(&error);
            told.at = told
                .at
                .or_else(|| Some(Position::of(self.text, value.span().start)));
            told.said = format!("{place}: {}", told.said);
            told
        })
    }

    /// Each thing in the table `name`, by its key.
    fn each<T: DeserializeOwned>(
        &self,
        table: &DeTable<'t>,
        name: &str,
        mut take: impl FnMut(String, T),
    ) -> Result<(), ReadError> {
        let Some(value) = table.get(name) else {
            return Ok(());
        };
        let DeValue::Table(things) = value.get_ref() else {
            let said = format!("{name} is a table: write [{name}.NAME]");
            return Err(self.error(Fault::Malformed, Some(start(value)), said));
        };
        for (key, value) in things {
            let id: String = key.get_ref().to_string();
            sound::name(name, &id)
                .map_err(|said| self.error(Fault::Malformed, Some(start(key)), said))?;
            let one = self.one(&format!("{name}.{id:?}"), value)?;
            take(id, one);
        }
        Ok(())
    }

    /// Where the key of a thing stands.
    fn key(table: &DeTable<'t>, kind: &str, name: &str) -> Option<usize> {
        let DeValue::Table(things) = table.get(kind)?.get_ref() else {
            return None;
        };
        let found = things.iter().find(|(key, _)| key.get_ref() == name);
        found.map(|(key, _)| start(key))
    }

    /// `[keys.ALGORITHM]`, beside the settings of `[keys]` where those are known.
    fn keys(
        &self,
        table: &DeTable<'t>,
        settings: &[&str],
        state: &mut State,
    ) -> Result<(), ReadError> {
        let Some(value) = table.get("keys") else {
            return Ok(());
        };
        let DeValue::Table(things) = value.get_ref() else {
            let said = "keys is a table: write [keys.EdDSA]".to_owned();
            return Err(self.error(Fault::Malformed, Some(start(value)), said));
        };
        for (key, value) in things {
            let name: &str = key.get_ref();
            if let Some(algorithm) = sound::ALGORITHMS.into_iter().find(|known| *known == name) {
                let one: Schedule = self.one(&format!("keys.{algorithm}"), value)?;
                if one.rotate_every.0 > sound::LONGEST_SCHEDULE {
                    let said = format!("keys.{algorithm}: a key signs for at most 400 days");
                    return Err(self.error(Fault::Malformed, Some(start(value)), said));
                }
                state.keys.insert(algorithm.to_owned(), one);
            } else if !settings.contains(&format!("keys.{name}").as_str()) {
                let said = format!(
                    "keys.{name:?} is no algorithm that is offered: {}",
                    sound::ALGORITHMS.join(", ")
                );
                return Err(self.error(Fault::Unknown, Some(start(key)), said));
            }
        }
        Ok(())
    }

    fn head(&self, table: &DeTable<'t>, state: State) -> Result<Declaration, ReadError> {
        let name = match table.get("declaration") {
            None => DEFAULT_NAME.to_owned(),
            Some(value) => self.one("declaration", value)?,
        };
        if !is_name(&name) {
            let at = table.get("declaration").map(start);
            let said = "declaration: a name is 1 to 64 of A-Z a-z 0-9 - _ .".to_owned();
            return Err(self.error(Fault::Malformed, at, said));
        }
        let prune = match table.get("prune") {
            None => false,
            Some(value) => self.one("prune", value)?,
        };
        Ok(Declaration { name, prune, state })
    }

    /// `[policy]` and `[[mapping]]`, as the crate of policies reads them.
    fn policies(
        &self,
        table: &DeTable<'t>,
        text: &str,
    ) -> Result<(Option<cedar::Declared>, Option<mapping::Mapping>), ReadError> {
        let rules = table.get("mapping").or_else(|| table.get("mapping_of"));
        let policies = match table.get("policy") {
            None => None,
            Some(value) => {
                let document: toml::Table =
                    text.parse().map_err(|error| self.unreadable(&error))?;
                let declared = cedar::read(&document).map_err(|error| {
                    self.error(Fault::Malformed, Some(start(value)), error.to_string())
                })?;
                Some(declared)
            }
        };
        let mapping = match rules {
            None => None,
            Some(value) => {
                Some(mapping::read_text(text).map_err(|error| self.unmapped(value, &error))?)
            }
        };
        Ok((policies, mapping))
    }

    fn unmapped(&self, value: &Spanned<DeValue<'t>>, error: &PolicyError) -> ReadError {
        let mut told = self.error(Fault::Malformed, Some(start(value)), error.to_string());
        if let PolicyError::Mapping(error) = error
            && let Some(place) = error.place()
        {
            told.at = Some(Position {
                line: place.line,
                column: place.column,
            });
            told.said = format!("mapping: {}", error.why());
        }
        told
    }
}
