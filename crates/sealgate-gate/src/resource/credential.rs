//! The access token that a request carries: one, in a header (RFC 6750, 2.1; RFC 9449, 7.1).

use sealgate_jose::TOKEN_LIMIT;

use crate::cookies::Found;
use crate::denial::Denial;

/// What the gate of a resource reads of a request.
#[derive(Debug, Clone, Copy)]
pub struct ResourceRequest<'a> {
    /// The method, as it was sent.
    pub method: &'a str,
    /// The URL, as clients know it: behind a proxy not what the request line says. A query does no harm
    /// and is not looked at; a token in it is no credential (OAuth 2.1, 5.1).
    pub url: &'a str,
    /// The values of all `Authorization` headers.
    pub authorization: &'a [&'a [u8]],
    /// The values of all `DPoP` headers.
    pub dpop: &'a [&'a [u8]],
}

/// How a token is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// By whoever has it.
    Bearer,
    /// With a proof of the key it is bound to.
    Dpop,
}

impl Scheme {
    /// The scheme of an `Authorization` header, if it is one of these, and what follows it.
    pub(crate) fn of(value: &[u8]) -> Option<(Self, &[u8])> {
        let value = trim(value);
        let end = value.iter().position(|byte| *byte == b' ');
        let (name, rest) = value.split_at(end.unwrap_or(value.len()));
        if name.eq_ignore_ascii_case(b"bearer") {
            Some((Self::Bearer, rest))
        } else if name.eq_ignore_ascii_case(b"dpop") {
            Some((Self::Dpop, rest))
        } else {
            None
        }
    }
}

/// A token and its proof, as they stand in the headers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Presented<'a> {
    scheme: Scheme,
    token: &'a str,
    proof: Found<'a>,
}

impl<'a> Presented<'a> {
    /// Finds them. Two headers are refused, even two that say the same: whoever stands in front may have
    /// read the other one.
    pub(super) fn read(request: &ResourceRequest<'a>) -> Result<Self, Denial> {
        let value = match all(request.authorization) {
            Found::Nothing => return Err(Denial::CredentialMissing),
            Found::One(value) => value,
            Found::Several => return Err(Denial::CredentialSeveral),
        };
        if value.len() > TOKEN_LIMIT {
            return Err(Denial::CredentialOversize);
        }
        let (scheme, rest) = Scheme::of(value).ok_or(Denial::CredentialUnsupported)?;
        Self::new(scheme, rest, all(request.dpop))
    }

    /// The token in what follows `scheme`. A proof beside a bearer token proves nothing, and is not looked
    /// at: a token that is bound says so itself.
    pub(crate) fn new(scheme: Scheme, rest: &'a [u8], proof: Found<'a>) -> Result<Self, Denial> {
        let token = trim(rest);
        if token.len() > TOKEN_LIMIT {
            return Err(Denial::CredentialOversize);
        }
        let token = str::from_utf8(token).map_err(|_| Denial::TokenInvalid)?;
        Ok(Self {
            scheme,
            token,
            proof,
        })
    }

    pub(crate) const fn scheme(&self) -> Scheme {
        self.scheme
    }

    pub(crate) const fn token(&self) -> &'a str {
        self.token
    }

    pub(crate) const fn proof(&self) -> Found<'a> {
        self.proof
    }

    /// Whether the token is a `b64token` (RFC 6750, 2.1).
    pub(super) fn is_token(&self) -> bool {
        let body = self.token.trim_end_matches('=');
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
        !body.is_empty() && body.bytes().all(allowed)
    }
}

fn all<'a>(values: &[&'a [u8]]) -> Found<'a> {
    match values {
        [] => Found::Nothing,
        [one] => Found::One(one),
        _ => Found::Several,
    }
}

/// Without the blanks around it that HTTP allows (RFC 9110, 5.6.3).
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = value {
        value = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(authorization: &[&[u8]], dpop: &[&[u8]]) -> Result<(Scheme, String, bool), Denial> {
        let presented = Presented::read(&ResourceRequest {
            method: "GET",
            url: "https://api.example/",
            authorization,
            dpop,
        })?;
        if !presented.is_token() {
            return Err(Denial::TokenInvalid);
        }
        let proof = presented.proof() != Found::Nothing;
        Ok((presented.scheme(), presented.token().to_owned(), proof))
    }

    #[test]
    fn one_token_in_one_header_is_a_credential() {
        let bearer = |proof| Ok((Scheme::Bearer, "a.b.c".to_owned(), proof));
        for value in [
            "Bearer a.b.c",
            "bearer a.b.c",
            "BEARER   a.b.c",
            " Bearer a.b.c ",
        ] {
            assert_eq!(read(&[value.as_bytes()], &[]), bearer(false), "{value}");
        }
        assert_eq!(read(&[b"Bearer a.b.c"], &[b"proof"]), bearer(true));
        let dpop = |proof| Ok((Scheme::Dpop, "a.b.c".to_owned(), proof));
        assert_eq!(read(&[b"DPoP a.b.c"], &[b"proof"]), dpop(true));
        assert_eq!(read(&[b"DPoP a.b.c"], &[]), dpop(false));
    }

    #[test]
    fn anything_else_is_refused() {
        let long = [b"Bearer ".as_slice(), &vec![b'a'; TOKEN_LIMIT]].concat();
        let cases: [(&[&[u8]], Denial); 12] = [
            (&[], Denial::CredentialMissing),
            (&[b"Bearer a", b"Bearer a"], Denial::CredentialSeveral),
            (&[b"Bearer a", b"Basic a"], Denial::CredentialSeveral),
            (&[b"Basic a"], Denial::CredentialUnsupported),
            (&[b"Bearer\ta"], Denial::CredentialUnsupported),
            (&[b"\xff\xfe"], Denial::CredentialUnsupported),
            (&[b""], Denial::CredentialUnsupported),
            (&[b"Bearer"], Denial::TokenInvalid),
            (&[b"Bearer \xff"], Denial::TokenInvalid),
            (&[b"Bearer a, Bearer b"], Denial::TokenInvalid),
            (&[b"Bearer ="], Denial::TokenInvalid),
            (&[&long], Denial::CredentialOversize),
        ];
        for (authorization, denial) in cases {
            assert_eq!(read(authorization, &[]), Err(denial), "{authorization:?}");
        }
        assert_eq!(read(&[], &[b"proof"]), Err(Denial::CredentialMissing));
    }
}
