//! What is asked of a claim. Everything is positive: a claim that says less never fits better.

use sealgate_model::{ClaimValue, ClaimValues};
use serde_json::Value;

use super::limits::TEXT_BYTES_MOST;

/// A value that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// This one, whole.
    Whole(ClaimValue),
    /// A text that begins so; any text where it is empty.
    Prefix(String),
}

/// What is asked of a claim. All that is said has to hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// It is one of these, or a list with one of these.
    pub any: Vec<Pattern>,
    /// It is a list with each of these. A single value is a list of one.
    pub all: Vec<Pattern>,
    /// It is one of these, and no list. A `*` is an ordinary character here.
    pub is: Vec<ClaimValue>,
    /// It is a list with one of these. A `*` is an ordinary character here.
    pub has: Vec<ClaimValue>,
    /// It is there, whatever it says.
    pub present: bool,
}

/// A claim, wherever it is kept.
#[derive(Debug, Clone, Copy)]
pub enum Claim<'a> {
    /// In JSON.
    Json(&'a Value),
    /// Kept from earlier.
    Kept(&'a ClaimValues),
    /// A list of texts.
    Texts(&'a [String]),
    /// One text.
    Text(&'a str),
}

/// One value that can be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scalar<'a> {
    Flag(bool),
    Number(i64),
    Text(&'a str),
}

impl<'a> Scalar<'a> {
    /// Nothing of what is no text, integer or flag, and of texts that are too long.
    fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(Self::Flag(*flag)),
            Value::Number(number) => number.as_i64().map(Self::Number),
            Value::String(text) => Self::text(text),
            _ => None,
        }
    }

    fn text(text: &'a str) -> Option<Self> {
        (text.len() <= TEXT_BYTES_MOST).then_some(Self::Text(text))
    }

    fn kept(value: &'a ClaimValue) -> Option<Self> {
        match value {
            ClaimValue::Flag(flag) => Some(Self::Flag(*flag)),
            ClaimValue::Number(number) => Some(Self::Number(*number)),
            ClaimValue::Text(text) => Self::text(text),
        }
    }

    fn is(self, value: &ClaimValue) -> bool {
        match (self, value) {
            (Self::Flag(one), ClaimValue::Flag(other)) => one == *other,
            (Self::Number(one), ClaimValue::Number(other)) => one == *other,
            (Self::Text(one), ClaimValue::Text(other)) => one == other,
            _ => false,
        }
    }

    fn to_value(self) -> ClaimValue {
        match self {
            Self::Flag(flag) => ClaimValue::Flag(flag),
            Self::Number(number) => ClaimValue::Number(number),
            Self::Text(text) => ClaimValue::Text(text.to_owned()),
        }
    }
}

impl<'a> Claim<'a> {
    /// Whether it is a list.
    fn is_list(self) -> bool {
        match self {
            Self::Json(value) => value.is_array(),
            Self::Kept(kept) => matches!(kept, ClaimValues::Many(_)),
            Self::Texts(_) => true,
            Self::Text(_) => false,
        }
    }

    /// The first of its values for which `fits` holds.
    fn find(self, fits: impl Fn(Scalar<'a>) -> bool) -> Option<Scalar<'a>> {
        let fits = |scalar: &Scalar<'a>| fits(*scalar);
        match self {
            Self::Json(Value::Array(list)) => list.iter().filter_map(Scalar::of).find(fits),
            Self::Json(value) => Scalar::of(value).filter(fits),
            Self::Kept(kept) => kept.values().iter().filter_map(Scalar::kept).find(fits),
            Self::Texts(list) => list.iter().filter_map(|text| Scalar::text(text)).find(fits),
            Self::Text(text) => Scalar::text(text).filter(fits),
        }
    }
}

impl Pattern {
    fn fits(&self, scalar: Scalar<'_>) -> bool {
        match self {
            Self::Whole(value) => scalar.is(value),
            Self::Prefix(prefix) => {
                matches!(scalar, Scalar::Text(text) if text.starts_with(prefix.as_str()))
            }
        }
    }

    /// Whether any text fits it.
    pub fn is_any(&self) -> bool {
        matches!(self, Self::Prefix(prefix) if prefix.is_empty())
    }
}

impl Condition {
    /// One of these.
    pub fn any(any: Vec<Pattern>) -> Self {
        Self {
            any,
            ..Self::default()
        }
    }

    /// Whether nothing is asked.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it holds of a claim. It never holds of one that is not there, unless nothing is asked.
    pub fn fits(&self, claim: Option<Claim<'_>>) -> bool {
        let Some(claim) = claim else {
            return self.is_empty();
        };
        let any = |patterns: &[Pattern]| {
            let fits = |scalar| patterns.iter().any(|pattern| pattern.fits(scalar));
            claim.find(fits).is_some()
        };
        let one_of = |values: &[ClaimValue]| {
            let fits = |scalar: Scalar<'_>| values.iter().any(|value| scalar.is(value));
            claim.find(fits).is_some()
        };
        (self.any.is_empty() || any(&self.any))
            && self.all.iter().all(|one| any(std::slice::from_ref(one)))
            && (self.is.is_empty() || !claim.is_list() && one_of(&self.is))
            && (self.has.is_empty() || claim.is_list() && one_of(&self.has))
    }

    /// Whether it asks for something that not every credential has that has anything in this place.
    pub fn is_narrow(&self) -> bool {
        let narrow =
            |patterns: &[Pattern]| !patterns.is_empty() && !patterns.iter().any(Pattern::is_any);
        narrow(&self.any)
            || self.all.iter().any(|pattern| !pattern.is_any())
            || !self.is.is_empty()
            || !self.has.is_empty()
    }

    /// Adds to `kept` what of `claim` this looks at: of all values that fit a pattern the first one, and that the
    /// claim is there if that is asked.
    pub(super) fn keep(&self, claim: Claim<'_>, kept: &mut Option<ClaimValues>) {
        let mut found: Vec<Scalar<'_>> = Vec::new();
        for pattern in self.any.iter().chain(&self.all) {
            found.extend(claim.find(|scalar| pattern.fits(scalar)));
        }
        for value in self.is.iter().chain(&self.has) {
            found.extend(claim.find(|scalar| scalar.is(value)));
        }
        if found.is_empty() && !self.present {
            return;
        }
        let kept = kept.get_or_insert(ClaimValues::Many(Vec::new()));
        for value in found.into_iter().map(Scalar::to_value) {
            if !claim.is_list() {
                *kept = ClaimValues::One(value);
            } else if let ClaimValues::Many(list) = kept
                && !list.contains(&value)
            {
                list.push(value);
            }
        }
    }
}
