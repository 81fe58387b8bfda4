//! What a session keeps of its ID token's claims, because roles are given by them.

use minicbor::data::Type;
use minicbor::decode::Error as ReadError;
use minicbor::encode::{Error as WriteError, Write};
use minicbor::{Decode, Decoder, Encode, Encoder};
use sealgate_model::{ClaimValue, ClaimValues};

/// The most bytes that the claims of a session take up.
pub const CLAIMS_LIMIT: usize = 1_024;
/// The most claims that a session keeps.
const CLAIMS_MOST: u64 = 64;
/// The most values of one claim.
const VALUES_MOST: u64 = 64;

/// Claims, each under its path as a JSON pointer; in the order in which they are written.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Claims(pub(crate) Vec<(String, ClaimValues)>);

impl Claims {
    /// The claims in the order of the deterministic encoding (RFC 8949, 4.2.1): by the bytes of their names, after
    /// the length that stands before them.
    pub(crate) fn sorted(mut claims: Vec<(String, ClaimValues)>) -> Self {
        claims.sort_by(|(one, _), (other, _)| (one.len(), one).cmp(&(other.len(), other)));
        Self(claims)
    }
}

impl<C> Encode<C> for Claims {
    fn encode<W: Write>(&self, e: &mut Encoder<W>, _: &mut C) -> Result<(), WriteError<W::Error>> {
        e.map(length(self.0.len()))?;
        for (path, values) in &self.0 {
            e.str(path)?;
            match values {
                ClaimValues::One(value) => write(e, value)?,
                ClaimValues::Many(list) => {
                    e.array(length(list.len()))?;
                    list.iter().try_for_each(|value| write(e, value))?;
                }
            }
        }
        Ok(())
    }
}

fn length(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

fn write<W: Write>(e: &mut Encoder<W>, value: &ClaimValue) -> Result<(), WriteError<W::Error>> {
    match value {
        ClaimValue::Flag(flag) => e.bool(*flag)?,
        ClaimValue::Number(number) => e.i64(*number)?,
        ClaimValue::Text(text) => e.str(text)?,
    };
    Ok(())
}

impl<'b, C> Decode<'b, C> for Claims {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, ReadError> {
        let began = d.position();
        let mut claims: Vec<(String, ClaimValues)> = Vec::new();
        let mut left = d.map()?;
        while more(d, &mut left)? {
            let path = d.str()?.to_owned();
            if claims.iter().any(|(known, _)| *known == path) {
                return Err(ReadError::message("a claim is there twice"));
            }
            claims.push((path, values(d)?));
            if length(claims.len()) > CLAIMS_MOST || d.position() - began > CLAIMS_LIMIT {
                return Err(ReadError::message("there are more claims than are kept"));
            }
        }
        Ok(Self::sorted(claims))
    }
}

fn values(d: &mut Decoder<'_>) -> Result<ClaimValues, ReadError> {
    if !matches!(d.datatype()?, Type::Array | Type::ArrayIndef) {
        return value(d).map(ClaimValues::One);
    }
    let mut list = Vec::new();
    let mut left = d.array()?;
    while more(d, &mut left)? {
        list.push(value(d)?);
        if length(list.len()) > VALUES_MOST {
            return Err(ReadError::message("there are more values than are kept"));
        }
    }
    Ok(ClaimValues::Many(list))
}

fn value(d: &mut Decoder<'_>) -> Result<ClaimValue, ReadError> {
    match d.datatype()? {
        Type::Bool => d.bool().map(ClaimValue::Flag),
        Type::String => d.str().map(|text| ClaimValue::Text(text.to_owned())),
        _ => d.i64().map(ClaimValue::Number),
    }
}

/// Whether there is another item: `left` counts them where it is known how many there are, and else a break ends
/// them.
fn more(d: &mut Decoder<'_>, left: &mut Option<u64>) -> Result<bool, ReadError> {
    match left {
        Some(0) => Ok(false),
        Some(left) => {
            *left -= 1;
            Ok(true)
        }
        None if d.datatype()? == Type::Break => d.skip().map(|()| false),
        None => Ok(true),
    }
}
