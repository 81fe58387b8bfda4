//! Whom an event is about: subject identifiers (RFC 9493), and the complex subjects and further formats of
//! the Shared Signals Framework 1.0 (3.2 and 3.4).

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::SignalError;
use crate::json::{self, JsonFault, JsonLimits};

/// A subject alone, as it stands in a request.
const LIMITS: JsonLimits = JsonLimits {
    bytes: 16 * 1024,
    depth: 6,
    values: 256,
};

/// Bytes of one text in an identifier.
const LONGEST: usize = 1024;
/// Identifiers in one `aliases`, addresses in one `ip-addresses`, members of a complex subject.
const MOST: usize = 16;

/// A simple subject identifier. An identifier has the members of its format and no others (RFC 9493, 3).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SubjectId {
    /// `account` (RFC 9493, 3.2.1): an `acct` URI (RFC 7565).
    Account(String),
    /// `email` (3.2.2).
    Email(String),
    /// `iss_sub` (3.2.3): a subject at an issuer.
    IssSub {
        /// The issuer.
        iss: String,
        /// The subject.
        sub: String,
    },
    /// `opaque` (3.2.4): what sender and receiver understand alone.
    Opaque(String),
    /// `phone_number` (3.2.5), in the form of E.164.
    PhoneNumber(String),
    /// `did` (3.2.6): a DID URL.
    Did(String),
    /// `uri` (3.2.7).
    Uri(String),
    /// `aliases` (3.2.8): the same subject in several formats, none of them this one.
    Aliases(Vec<SubjectId>),
    /// `jwt_id` (SSF 1.0, 3.4.1): a token.
    JwtId {
        /// Its issuer.
        iss: String,
        /// Its id.
        jti: String,
    },
    /// `saml_assertion_id` (SSF 1.0, 3.4.2).
    SamlAssertionId {
        /// Its issuer.
        issuer: String,
        /// Its id.
        assertion_id: String,
    },
    /// `ip-addresses` (SSF 1.0, 3.4.3).
    IpAddresses(Vec<IpAddr>),
}

impl SubjectId {
    /// Reads an identifier.
    ///
    /// # Errors
    /// [`SignalError::Subject`] if the format is not known, or a member is missing, of another type, empty,
    /// too long, or none of the format's.
    pub fn read(value: &Value) -> Result<Self, SignalError> {
        let members = value.as_object().ok_or(SignalError::Subject(OBJECT))?;
        let format = members.get("format").and_then(Value::as_str);
        let format = format.ok_or(SignalError::Subject("format is missing"))?;
        let names: &[&str] = match format {
            "account" | "uri" => &["uri"],
            "email" => &["email"],
            "iss_sub" => &["iss", "sub"],
            "opaque" => &["id"],
            "phone_number" => &["phone_number"],
            "did" => &["url"],
            "aliases" => return aliases(members),
            "jwt_id" => &["iss", "jti"],
            "saml_assertion_id" => &["issuer", "assertion_id"],
            "ip-addresses" => return addresses(members),
            _ => return Err(SignalError::Subject("the format is not known")),
        };
        only(members, names)?;
        let text = |name: &str| text(members, name);
        Ok(match format {
            "account" => Self::Account(text("uri")?),
            "email" => Self::Email(text("email")?),
            "iss_sub" => Self::IssSub {
                iss: text("iss")?,
                sub: text("sub")?,
            },
            "opaque" => Self::Opaque(text("id")?),
            "phone_number" => Self::PhoneNumber(text("phone_number")?),
            "did" => Self::Did(text("url")?),
            "jwt_id" => Self::JwtId {
                iss: text("iss")?,
                jti: text("jti")?,
            },
            "saml_assertion_id" => Self::SamlAssertionId {
                issuer: text("issuer")?,
                assertion_id: text("assertion_id")?,
            },
            _ => Self::Uri(text("uri")?),
        })
    }

    /// The identifier as JSON.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Account(uri) => json!({ "format": "account", "uri": uri }),
            Self::Email(email) => json!({ "format": "email", "email": email }),
            Self::IssSub { iss, sub } => json!({ "format": "iss_sub", "iss": iss, "sub": sub }),
            Self::Opaque(id) => json!({ "format": "opaque", "id": id }),
            Self::PhoneNumber(number) => {
                json!({ "format": "phone_number", "phone_number": number })
            }
            Self::Did(url) => json!({ "format": "did", "url": url }),
            Self::Uri(uri) => json!({ "format": "uri", "uri": uri }),
            Self::Aliases(all) => {
                let all: Vec<_> = all.iter().map(Self::to_json).collect();
                json!({ "format": "aliases", "identifiers": all })
            }
            Self::JwtId { iss, jti } => json!({ "format": "jwt_id", "iss": iss, "jti": jti }),
            Self::SamlAssertionId {
                issuer,
                assertion_id,
            } => json!({
                "format": "saml_assertion_id", "issuer": issuer, "assertion_id": assertion_id,
            }),
            Self::IpAddresses(all) => {
                json!({ "format": "ip-addresses", "ip-addresses": all })
            }
        }
    }
}

/// A subject of several simple ones that together are one principal (SSF 1.0, 3.2): at least one member,
/// by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ComplexSubject(BTreeMap<String, SubjectId>);

impl ComplexSubject {
    /// The subject with these members; the names that the framework defines are `user`, `device`,
    /// `session`, `application`, `tenant`, `org_unit` and `group`.
    pub fn of<const N: usize>(members: [(&str, SubjectId); N]) -> Self {
        Self(
            members
                .into_iter()
                .map(|(name, id)| (name.to_owned(), id))
                .collect(),
        )
    }

    /// The member of that name.
    pub fn get(&self, name: &str) -> Option<&SubjectId> {
        self.0.get(name)
    }

    /// Every member, by name.
    pub fn members(&self) -> impl Iterator<Item = (&str, &SubjectId)> {
        self.0.iter().map(|(name, id)| (name.as_str(), id))
    }

    fn read(members: &Map<String, Value>) -> Result<Self, SignalError> {
        if !(2..=MOST + 1).contains(&members.len()) {
            return Err(SignalError::Subject(
                "a complex subject has 1 to 16 members",
            ));
        }
        let others = members.iter().filter(|(name, _)| *name != "format");
        let read = others.map(|(name, id)| Ok((name.clone(), SubjectId::read(id)?)));
        read.collect::<Result<_, _>>().map(Self)
    }
}

/// Whom an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// One identifier.
    Simple(SubjectId),
    /// Several that together are one principal.
    Complex(ComplexSubject),
}

impl Subject {
    /// Reads a subject out of JSON that has been read.
    ///
    /// # Errors
    /// [`SignalError::Subject`]; see [`SubjectId::read`]. Members of a complex subject that nobody has
    /// defined are taken if they are identifiers.
    pub fn read(value: &Value) -> Result<Self, SignalError> {
        let members = value.as_object().ok_or(SignalError::Subject(OBJECT))?;
        if members.get("format").and_then(Value::as_str) == Some("complex") {
            ComplexSubject::read(members).map(Self::Complex)
        } else {
            SubjectId::read(value).map(Self::Simple)
        }
    }

    /// Reads a subject as text, within limits; no name may stand twice.
    ///
    /// # Errors
    /// As [`Self::read`], and [`SignalError::TooLarge`] or [`SignalError::Malformed`].
    pub fn parse(text: &[u8]) -> Result<Self, SignalError> {
        let value = json::parse(text, LIMITS).map_err(|fault| match fault {
            JsonFault::TooLarge => SignalError::TooLarge,
            JsonFault::Malformed => SignalError::Malformed("not JSON, or a name stands twice"),
        })?;
        Self::read(&value)
    }

    /// The subject as JSON.
    pub fn to_json(&self) -> Value {
        match self {
            Self::Simple(id) => id.to_json(),
            Self::Complex(ComplexSubject(members)) => {
                let mut object = Map::new();
                object.insert("format".to_owned(), "complex".into());
                let members = members
                    .iter()
                    .map(|(name, id)| (name.clone(), id.to_json()));
                object.extend(members);
                Value::Object(object)
            }
        }
    }

    /// What it says of the user: the member `user` of a complex subject, a simple one as a whole.
    pub fn user(&self) -> Option<&SubjectId> {
        match self {
            Self::Simple(id) => Some(id),
            Self::Complex(complex) => complex.get("user"),
        }
    }

    /// Whether two subjects match (SSF 1.0, 8.1.3.1): simple ones if they are identical; complex ones if
    /// every member that both have is. A simple one and a complex one do not.
    pub fn matches(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Simple(one), Self::Simple(other)) => one == other,
            (Self::Complex(one), Self::Complex(other)) => one
                .members()
                .all(|(name, id)| other.get(name).is_none_or(|theirs| theirs == id)),
            _ => false,
        }
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, writer: S) -> Result<S::Ok, S::Error> {
        self.to_json().serialize(writer)
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        let value = json::strict(reader, LIMITS)?;
        Self::read(&value).map_err(D::Error::custom)
    }
}

const OBJECT: &str = "it is no object";

/// Whether there are no members but these and `format`.
fn only(members: &Map<String, Value>, names: &[&str]) -> Result<(), SignalError> {
    let known = |name: &String| name == "format" || names.contains(&name.as_str());
    if members.keys().all(known) {
        Ok(())
    } else {
        Err(SignalError::Subject("a member is none of its format's"))
    }
}

fn text(members: &Map<String, Value>, name: &str) -> Result<String, SignalError> {
    let text = members.get(name).and_then(Value::as_str);
    let text = text.ok_or(SignalError::Subject(
        "a member is missing or of another type",
    ))?;
    let sound = (1..=LONGEST).contains(&text.len()) && !text.contains(char::is_control);
    if sound {
        Ok(text.to_owned())
    } else {
        Err(SignalError::Subject(
            "a text has 1 to 1024 bytes and no control characters",
        ))
    }
}

fn list<'m>(members: &'m Map<String, Value>, name: &str) -> Result<&'m [Value], SignalError> {
    only(members, &[name])?;
    let list = members.get(name).and_then(Value::as_array);
    list.filter(|list| (1..=MOST).contains(&list.len()))
        .map(Vec::as_slice)
        .ok_or(SignalError::Subject("a list has 1 to 16 members"))
}

fn aliases(members: &Map<String, Value>) -> Result<SubjectId, SignalError> {
    let all = list(members, "identifiers")?.iter().map(SubjectId::read);
    let all = all.collect::<Result<Vec<_>, _>>()?;
    // RFC 9493, 3.2.8: they must not be nested.
    if all.iter().any(|id| matches!(id, SubjectId::Aliases(_))) {
        return Err(SignalError::Subject("aliases stand inside aliases"));
    }
    Ok(SubjectId::Aliases(all))
}

fn addresses(members: &Map<String, Value>) -> Result<SubjectId, SignalError> {
    let all = list(members, "ip-addresses")?.iter().map(|address| {
        let read = address.as_str().and_then(|text| text.parse().ok());
        read.ok_or(SignalError::Subject("an address is none"))
    });
    all.collect::<Result<_, _>>().map(SubjectId::IpAddresses)
}
