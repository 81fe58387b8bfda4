//! What kind of issuer it is whose identities are taken.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A platform, or an enterprise's identity provider. It decides which claims must be pinned and whom the
/// issuer may vouch for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssuerKind {
    /// A Kubernetes cluster: the tokens of its service accounts.
    Kubernetes,
    /// GitHub Actions.
    Github,
    /// GitLab CI.
    Gitlab,
    /// A SPIFFE trust domain: JWT-SVIDs.
    Spiffe,
    /// Any other issuer of signed tokens about workloads.
    Openid,
    /// An enterprise's identity provider, which vouches for people (ID-JAG).
    Enterprise,
}

impl IssuerKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Kubernetes,
        Self::Github,
        Self::Gitlab,
        Self::Spiffe,
        Self::Openid,
        Self::Enterprise,
    ];

    /// The word for it in stored rows, JSON, the command line and output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Spiffe => "spiffe",
            Self::Openid => "openid",
            Self::Enterprise => "enterprise",
        }
    }

    /// Whether it vouches for people. The others vouch for machines.
    pub const fn is_about_people(self) -> bool {
        matches!(self, Self::Enterprise)
    }
}

impl fmt::Display for IssuerKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for IssuerKind {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or("an issuer is kubernetes, github, gitlab, spiffe, openid or enterprise")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_written_and_read_by_its_word() {
        for kind in IssuerKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
            let text = serde_json::to_string(&kind).unwrap();
            assert_eq!(text, format!("\"{kind}\""));
        }
        assert!("GitHub".parse::<IssuerKind>().is_err());
    }
}
