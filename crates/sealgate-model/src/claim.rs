//! Values of claims, as far as anything is decided by them.

use serde::{Deserialize, Serialize};

/// A claim's value, or one of several.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ClaimValue {
    /// `true` or `false`.
    Flag(bool),
    /// An integer.
    Number(i64),
    /// A text.
    Text(String),
}

/// What a claim says.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ClaimValues {
    /// One value.
    One(ClaimValue),
    /// A list. An empty one stands for a claim that is there, whatever it says.
    Many(Vec<ClaimValue>),
}

impl ClaimValue {
    /// About how many bytes it takes up when it is written.
    pub const fn size(&self) -> usize {
        match self {
            Self::Flag(_) => 1,
            Self::Number(_) => 9,
            Self::Text(text) => text.len() + 2,
        }
    }
}

impl ClaimValues {
    /// The values.
    pub fn values(&self) -> &[ClaimValue] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }

    /// About how many bytes it takes up when it is written.
    pub fn size(&self) -> usize {
        2 + self.values().iter().map(ClaimValue::size).sum::<usize>()
    }
}
