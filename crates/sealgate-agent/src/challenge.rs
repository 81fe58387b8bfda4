//! What a resource answers to a request without a token that is good enough (RFC 9110, 11.6.1; RFC 6750, 3; RFC
//! 9728, 5.1; RFC 9449, 7.1).

use crate::WebUrl;

/// Bytes of all `WWW-Authenticate` fields together that are looked at.
pub const CHALLENGES_LIMIT: usize = 16 * 1024;

/// Challenges in one answer, and parameters of one challenge.
const MOST: usize = 32;

/// One challenge: a scheme and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme, in lower case.
    pub scheme: String,
    /// The parameters, names in lower case, in the order they came in. No name is there twice.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.parameters.iter().filter(|(known, _)| known == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// Reads the value of one `WWW-Authenticate` field, which may hold several challenges. None if it is not
    /// written as RFC 9110 says, or says a parameter of one challenge twice: which one counts would be a guess.
    pub fn parse(field: &[u8]) -> Option<Vec<Self>> {
        if field.len() > CHALLENGES_LIMIT {
            return None;
        }
        Reader {
            rest: str::from_utf8(field).ok()?,
        }
        .challenges()
    }
}

/// What a resource asks for, from all its challenges of the schemes that a token can answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    /// Where it says its metadata is.
    pub metadata: Option<WebUrl>,
    /// The scopes that it asks for.
    pub scopes: Option<Vec<String>>,
    /// Its error code.
    pub error: Option<String>,
    /// Whether it takes tokens that are bound to a key.
    pub dpop: bool,
    /// Whether it takes tokens that are not.
    pub bearer: bool,
}

impl Demand {
    /// Reads every value of `WWW-Authenticate`. A field that cannot be read counts for nothing, and neither do
    /// schemes other than `Bearer` and `DPoP`. Where both say the same thing, the first one counts, but for the
    /// error: that of `scheme`, if given, goes first, since it is about the token that was sent.
    pub fn read<'a>(fields: impl IntoIterator<Item = &'a [u8]>, scheme: Option<&str>) -> Self {
        let mut left = CHALLENGES_LIMIT;
        let mut demand = Self::default();
        let mut of_scheme = None;
        for field in fields {
            let Some(rest) = left.checked_sub(field.len()) else {
                break;
            };
            left = rest;
            for challenge in Challenge::parse(field).unwrap_or_default() {
                match challenge.scheme.as_str() {
                    "bearer" => demand.bearer = true,
                    "dpop" => demand.dpop = true,
                    _ => continue,
                }
                if scheme.is_some_and(|scheme| challenge.scheme.eq_ignore_ascii_case(scheme)) {
                    of_scheme = of_scheme.or_else(|| challenge.get("error").map(str::to_owned));
                }
                demand.take(&challenge);
            }
        }
        demand.error = of_scheme.or(demand.error);
        demand
    }

    fn take(&mut self, challenge: &Challenge) {
        let metadata = || WebUrl::parse(challenge.get("resource_metadata")?).ok();
        let scopes = || scopes(challenge.get("scope")?);
        let error = || challenge.get("error").map(str::to_owned);
        self.metadata = self.metadata.take().or_else(metadata);
        self.scopes = self.scopes.take().or_else(scopes);
        self.error = self.error.take().or_else(error);
    }
}

/// The tokens of a `scope` parameter; none if one of them is no scope token, or there is none.
fn scopes(text: &str) -> Option<Vec<String>> {
    let scopes: sealgate_oauth::Scopes = text.parse().ok()?;
    Some(scopes.into_vec())
}

/// Reads a field from its beginning; what was read is gone from `rest`.
struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn challenges(mut self) -> Option<Vec<Challenge>> {
        let mut all: Vec<Challenge> = Vec::new();
        loop {
            // A list may have empty elements (RFC 9110, 5.6.1).
            self.skip_list();
            if self.rest.is_empty() {
                return Some(all);
            }
            if all.len() == MOST {
                return None;
            }
            all.push(self.challenge()?);
        }
    }

    fn challenge(&mut self) -> Option<Challenge> {
        let mut challenge = Challenge {
            scheme: self.token()?.to_ascii_lowercase(),
            parameters: Vec::new(),
        };
        if !self.rest.starts_with([' ', '\t']) {
            // Nothing may follow a scheme directly but the next element of the list.
            return (self.rest.is_empty() || self.rest.starts_with(',')).then_some(challenge);
        }
        self.skip_space();
        if self.token68() {
            return Some(challenge);
        }
        loop {
            let before = self.rest;
            self.skip_list();
            let Some((name, value)) = self.parameter()? else {
                // The next challenge's scheme: it must be apart by a comma.
                let apart = challenge.parameters.is_empty() || before != self.rest;
                return (self.rest.is_empty() || apart).then_some(challenge);
            };
            let again = challenge.parameters.iter().any(|(known, _)| *known == name);
            if again || challenge.parameters.len() == MOST {
                return None;
            }
            challenge.parameters.push((name, value));
            self.skip_space();
            if !(self.rest.is_empty() || self.rest.starts_with(',')) {
                return None;
            }
        }
    }

    /// A parameter; `Some(None)` when what follows is none, and `None` when it is broken.
    #[expect(
        clippy::option_option,
        reason = "broken, absent and there are three things"
    )]
    fn parameter(&mut self) -> Option<Option<(String, String)>> {
        let mut ahead = Reader { rest: self.rest };
        let Some(name) = ahead.token() else {
            return self.rest.is_empty().then_some(None);
        };
        ahead.skip_space();
        let Some(rest) = ahead.rest.strip_prefix('=') else {
            return Some(None);
        };
        ahead.rest = rest;
        ahead.skip_space();
        let value = if ahead.rest.starts_with('"') {
            ahead.quoted()?
        } else {
            ahead.token()?.to_owned()
        };
        self.rest = ahead.rest;
        Some(Some((name.to_ascii_lowercase(), value)))
    }

    /// Credentials without parameters, such as `Negotiate` has: nothing of ours. Whether there were any.
    fn token68(&mut self) -> bool {
        let is_one = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
        let end = self.rest.bytes().position(|b| !is_one(b));
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let after = rest.trim_start_matches('=');
        let closed = after.trim_start_matches([' ', '\t']);
        // A parameter has a value after its one equals sign; a scheme that follows has none of its own before it.
        let is_end = closed.is_empty() || closed.starts_with(',');
        if text.is_empty() || !is_end {
            return false;
        }
        self.rest = closed;
        true
    }

    fn token(&mut self) -> Option<&'a str> {
        let is_one = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        let end = self.rest.bytes().position(|b| !is_one(b));
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        (!text.is_empty()).then_some(text)
    }

    fn quoted(&mut self) -> Option<String> {
        let mut value = String::new();
        let mut letters = self.rest.strip_prefix('"')?.char_indices();
        let inside = &self.rest[1..];
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' => {
                    self.rest = &inside[at + 1..];
                    return Some(value);
                }
                '\\' => value.push(letters.next()?.1),
                // Control characters end up in messages and logs.
                c if c.is_control() && c != '\t' => return None,
                c => value.push(c),
            }
        }
        None
    }

    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    fn skip_list(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', ',']);
    }
}

#[cfg(test)]
mod tests;
