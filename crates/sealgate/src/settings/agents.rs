//! What is decided about AI agents, and about clients that no administrator registered.

use sealgate_server::{AgentPolicy, Documents, Registration};
use serde::{Deserialize, Serialize};

use super::Span;

/// The section `agents`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Agents {
    pub(crate) documents: DocumentsWord,
    pub(crate) domains: Vec<Domain>,
    pub(crate) registration: RegistrationWord,
    pub(crate) lifetime: Span,
    pub(crate) idle: Span,
}

/// Whose client metadata documents are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum DocumentsWord {
    Off,
    Listed,
    #[default]
    Any,
}

/// Who may register clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RegistrationWord {
    #[default]
    Off,
    Token,
    Open,
}

/// A domain: labels in lower case with dots between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Domain(String);

impl TryFrom<String> for Domain {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        let of_label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(of_label);
        if text.len() <= 253 && text.split('.').all(is_label) {
            Ok(Self(text))
        } else {
            Err("not a domain in lower case")
        }
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0
    }
}

impl Default for Agents {
    fn default() -> Self {
        let built_in = AgentPolicy::default();
        Self {
            documents: DocumentsWord::default(),
            domains: Vec::new(),
            registration: RegistrationWord::default(),
            lifetime: Span(built_in.lifetime),
            idle: Span(built_in.idle),
        }
    }
}

impl Agents {
    /// As the server takes it.
    pub(crate) fn policy(&self) -> AgentPolicy {
        AgentPolicy {
            documents: match self.documents {
                DocumentsWord::Off => Documents::Off,
                DocumentsWord::Listed => Documents::Listed,
                DocumentsWord::Any => Documents::Any,
            },
            domains: self.domains.iter().cloned().map(String::from).collect(),
            registration: match self.registration {
                RegistrationWord::Off => Registration::Off,
                RegistrationWord::Token => Registration::Token,
                RegistrationWord::Open => Registration::Open,
            },
            lifetime: self.lifetime.0,
            idle: self.idle.0,
        }
    }
}
