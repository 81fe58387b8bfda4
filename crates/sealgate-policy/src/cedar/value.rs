//! What applications tell of a resource, and how it becomes what policies see: by the declared types, so that a
//! value of another type is refused before any policy looks at it.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use cedar_policy::{Entity, EntityUid, RestrictedExpression};

use super::compile::Types;
use super::decide::QuestionError;
use super::kind::{Attributes, Kind};
use super::shape::ROUTE;
use super::source::PolicySource;

/// The most values in one question.
pub(crate) const VALUES_MOST: usize = 1_000;
/// The longest text or id, in bytes.
pub(crate) const TEXT_MOST: usize = 16 << 10;
/// How deep values and resources may be within each other.
pub(crate) const DEPTH_MOST: usize = 16;

/// A value, as an application tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text. Where a kind of actor or resource is declared it is the id of one.
    Text(String),
    /// An integer.
    Long(i64),
    /// True or false.
    Bool(bool),
    /// A number with a point, as text: `12.50`.
    Decimal(String),
    /// An address or a network, as text.
    Ip(String),
    /// Milliseconds since 1970 began, in UTC.
    Moment(i64),
    /// Milliseconds.
    Duration(i64),
    /// Several, in no order.
    Set(Vec<Value>),
    /// Several by name.
    Record(BTreeMap<String, Value>),
    /// A resource or an actor.
    Entity(Resource),
}

/// A resource, as an application tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The name of its kind: `Expense`.
    pub kind: String,
    /// Its id among those of its kind.
    pub id: String,
    /// What is known of it. Of a mere reference nothing is, and policies that ask for more deny.
    pub attributes: BTreeMap<String, Value>,
    /// What it lies in.
    pub parents: Vec<Resource>,
}

impl Resource {
    /// One of this kind and id, of which nothing more is told.
    pub fn new(kind: impl Into<String>, id: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            id: id.into(),
            attributes: BTreeMap::new(),
            parents: Vec::new(),
        }
    }

    /// A route, by its methods and its path as the application writes it: `GET /expenses/{id}`.
    pub fn route(name: &str) -> Self {
        let (method, path) = name.split_once(' ').unwrap_or(("", name));
        let text = |text: &str| Value::Text(text.to_owned());
        Self {
            attributes: BTreeMap::from([
                ("method".to_owned(), text(method)),
                ("path".to_owned(), text(path)),
            ]),
            ..Self::new(ROUTE, name)
        }
    }

    fn is_bare(&self) -> bool {
        self.attributes.is_empty() && self.parents.is_empty()
    }
}

/// Makes of what is told what policies see.
pub(crate) struct Maker<'a> {
    source: &'a PolicySource,
    types: &'a Types,
    made: HashMap<EntityUid, (&'a Resource, Entity)>,
    count: usize,
}

impl<'a> Maker<'a> {
    pub(crate) fn new(source: &'a PolicySource, types: &'a Types) -> Self {
        Self {
            source,
            types,
            made: HashMap::new(),
            count: 0,
        }
    }

    /// Every entity that was made.
    pub(crate) fn entities(self) -> impl Iterator<Item = Entity> {
        self.made.into_values().map(|(_, entity)| entity)
    }

    /// The resource that a question is about: all of its required attributes are there.
    pub(crate) fn subject(&mut self, resource: &'a Resource) -> Result<EntityUid, QuestionError> {
        let uid = self.uid(&resource.kind, &resource.id, "resource")?;
        self.whole(resource, &uid, "resource", 0)?;
        Ok(uid)
    }

    fn uid(&self, kind: &str, id: &str, place: &str) -> Result<EntityUid, QuestionError> {
        if id.len() > TEXT_MOST {
            return Err(QuestionError::Oversize);
        }
        let uid = self.types.uid(kind, id);
        uid.ok_or_else(|| QuestionError::Kind {
            place: place.to_owned(),
            kind: kind.to_owned(),
        })
    }

    fn step(&mut self, depth: usize) -> Result<(), QuestionError> {
        self.count += 1;
        if self.count > VALUES_MOST || depth > DEPTH_MOST {
            return Err(QuestionError::Oversize);
        }
        Ok(())
    }

    /// A resource that something else refers to. Of one that is told of, everything required is.
    fn referred(
        &mut self,
        resource: &'a Resource,
        place: &str,
        depth: usize,
    ) -> Result<EntityUid, QuestionError> {
        self.step(depth)?;
        let uid = self.uid(&resource.kind, &resource.id, place)?;
        if !resource.is_bare() {
            self.whole(resource, &uid, place, depth)?;
        }
        Ok(uid)
    }

    fn whole(
        &mut self,
        resource: &'a Resource,
        uid: &EntityUid,
        place: &str,
        depth: usize,
    ) -> Result<(), QuestionError> {
        if let Some((before, _)) = self.made.get(uid) {
            return if *before == resource {
                Ok(())
            } else {
                Err(QuestionError::Conflict(format!(
                    "{}::{:?}",
                    resource.kind, resource.id
                )))
            };
        }
        self.step(depth)?;
        let source = self.source;
        let route = &*ROUTE_ATTRIBUTES;
        let (attributes, parents) = match source.resources.get(&resource.kind) {
            Some(kind) => (&kind.attributes, Some(&kind.parents)),
            None if resource.kind == ROUTE => (route, None),
            // What actors, roles and tenants are comes from credentials, and never from an application.
            None => {
                return Err(QuestionError::Kind {
                    place: place.to_owned(),
                    kind: resource.kind.clone(),
                });
            }
        };
        let fields = self.record(attributes, &resource.attributes, place, depth + 1)?;
        let mut above = std::collections::HashSet::new();
        for (at, parent) in resource.parents.iter().enumerate() {
            let place = format!("{place}.parents[{at}]");
            if !parents.is_some_and(|parents| parents.contains(&parent.kind)) {
                return Err(QuestionError::Type {
                    place,
                    expected: "one of the kinds that are declared as parents".to_owned(),
                });
            }
            above.insert(self.referred(parent, &place, depth + 1)?);
        }
        let entity = Entity::new(uid.clone(), fields.collect(), above)
            .map_err(|error| QuestionError::Value(place.to_owned(), error.to_string()))?;
        self.made.insert(uid.clone(), (resource, entity));
        Ok(())
    }

    /// The named values that are declared: all that have to be there, and none besides.
    pub(crate) fn record(
        &mut self,
        declared: &Attributes,
        told: &'a BTreeMap<String, Value>,
        place: &str,
        depth: usize,
    ) -> Result<impl Iterator<Item = (String, RestrictedExpression)> + use<>, QuestionError> {
        if let Some(name) = told.keys().find(|name| !declared.0.contains_key(*name)) {
            return Err(QuestionError::Undeclared(format!("{place}.{name}")));
        }
        let mut fields = Vec::with_capacity(told.len());
        for (name, attribute) in &declared.0 {
            match told.get(name) {
                None if attribute.required => {
                    return Err(QuestionError::Missing(format!("{place}.{name}")));
                }
                None => {}
                Some(value) => {
                    let place = format!("{place}.{name}");
                    fields.push((
                        name.clone(),
                        self.value(&attribute.kind, value, &place, depth)?,
                    ));
                }
            }
        }
        Ok(fields.into_iter())
    }

    fn value(
        &mut self,
        kind: &Kind,
        value: &'a Value,
        place: &str,
        depth: usize,
    ) -> Result<RestrictedExpression, QuestionError> {
        self.step(depth)?;
        if let Value::Text(text) | Value::Decimal(text) | Value::Ip(text) = value
            && text.len() > TEXT_MOST
        {
            return Err(QuestionError::Oversize);
        }
        Ok(match (kind, value) {
            (Kind::Text, Value::Text(text)) => RestrictedExpression::new_string(text.clone()),
            (Kind::Long, Value::Long(number)) => RestrictedExpression::new_long(*number),
            (Kind::Bool, Value::Bool(truth)) => RestrictedExpression::new_bool(*truth),
            (Kind::Decimal, Value::Decimal(text)) => {
                if let Some(text) = decimal(text) {
                    RestrictedExpression::new_decimal(text)
                } else {
                    let wrong = "a decimal has four digits after the point at most".to_owned();
                    return Err(QuestionError::Value(place.to_owned(), wrong));
                }
            }
            (Kind::Decimal, Value::Long(number)) => {
                if let Some(text) = decimal(&number.to_string()) {
                    RestrictedExpression::new_decimal(text)
                } else {
                    let wrong = "it is beyond what a decimal can be".to_owned();
                    return Err(QuestionError::Value(place.to_owned(), wrong));
                }
            }
            (Kind::Ip, Value::Ip(text) | Value::Text(text)) => {
                if !is_network(text) {
                    let wrong = "it is no address and no network".to_owned();
                    return Err(QuestionError::Value(place.to_owned(), wrong));
                }
                RestrictedExpression::new_ip(text)
            }
            (Kind::Moment, Value::Moment(millis)) => {
                if let Some(text) = moment(*millis) {
                    RestrictedExpression::new_datetime(text)
                } else {
                    let wrong = "it is before the year 1 or after 9999".to_owned();
                    return Err(QuestionError::Value(place.to_owned(), wrong));
                }
            }
            (Kind::Duration, Value::Duration(millis)) => {
                RestrictedExpression::new_duration(format!("{millis}ms"))
            }
            (Kind::Set(of), Value::Set(values)) => {
                let mut set = Vec::with_capacity(values.len());
                for (at, value) in values.iter().enumerate() {
                    set.push(self.value(of, value, &format!("{place}[{at}]"), depth + 1)?);
                }
                RestrictedExpression::new_set(set)
            }
            (Kind::Record(declared), Value::Record(told)) => {
                let fields = self.record(declared, told, place, depth + 1)?;
                RestrictedExpression::new_record(fields)
                    .map_err(|error| QuestionError::Value(place.to_owned(), error.to_string()))?
            }
            (Kind::Entity(name), Value::Text(id)) => {
                RestrictedExpression::new_entity_uid(self.uid(name, id, place)?)
            }
            (Kind::Entity(name), Value::Entity(resource)) if resource.kind == *name => {
                RestrictedExpression::new_entity_uid(self.referred(resource, place, depth + 1)?)
            }
            _ => {
                return Err(QuestionError::Type {
                    place: place.to_owned(),
                    expected: kind.to_string(),
                });
            }
        })
    }
}

/// What is told of every route.
static ROUTE_ATTRIBUTES: std::sync::LazyLock<Attributes> = std::sync::LazyLock::new(|| {
    let text = || super::kind::Attribute {
        kind: Kind::Text,
        required: true,
    };
    Attributes(BTreeMap::from([
        ("method".to_owned(), text()),
        ("path".to_owned(), text()),
    ]))
});

/// `text` as Cedar writes a decimal: one digit after the point at least, and four at most.
fn decimal(text: &str) -> Option<String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let part = if part.len() > 4 {
        part.trim_end_matches('0')
    } else {
        part
    };
    let part = if part.is_empty() { "0" } else { part };
    if !is_number(digits) || !is_number(part) || part.len() > 4 || digits.len() > 15 {
        return None;
    }
    // 2^63 - 1 of ten-thousandths is the most.
    let scaled: i128 = format!("{digits}{part:0<4}").parse().ok()?;
    (scaled <= i128::from(i64::MAX)).then(|| format!("{whole}.{part}"))
}

fn is_network(text: &str) -> bool {
    let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
    let Ok(address) = address.parse::<IpAddr>() else {
        return false;
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let is_plain = |prefix: &str| prefix.bytes().all(|byte| byte.is_ascii_digit());
    !text.contains('/')
        || (is_plain(prefix) && prefix.parse::<u8>().is_ok_and(|prefix| prefix <= most))
}

/// Milliseconds since 1970 began as Cedar writes a moment, in UTC.
pub(crate) fn moment(millis: i64) -> Option<String> {
    let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    // The days are counted from the first of March of the year 0, in eras of 400 years, so that the day that a leap
    // year adds is the last one of its year.
    let shifted = days.checked_add(719_468)?;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if !(1..=9999).contains(&year) {
        return None;
    }
    let (seconds, millis) = (rest / 1_000, rest % 1_000);
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{millis:03}Z",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_the_calendar_has_them() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_795_338_305_007, "2026-11-22T09:05:05.007Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(moment(millis).unwrap(), text);
        }
        assert_eq!(moment(i64::MAX), None);
        assert_eq!(moment(i64::MIN), None);
        assert_eq!(moment(253_402_300_800_000), None);
    }

    #[test]
    fn decimals_have_a_point_and_four_digits_at_most() {
        for (told, written) in [
            ("1", Some("1.0")),
            ("-12.5", Some("-12.5")),
            ("1.230000", Some("1.23")),
            ("922337203685477.5807", Some("922337203685477.5807")),
            ("922337203685477.5808", None),
            ("1.23456", None),
            ("1e5", None),
            ("NaN", None),
            ("", None),
            (".5", None),
            ("--1", None),
        ] {
            assert_eq!(decimal(told).as_deref(), written, "{told}");
        }
    }

    #[test]
    fn addresses_and_networks_are_told_from_other_things() {
        for text in ["10.0.0.1", "10.0.0.0/8", "::1", "fe80::/10"] {
            assert!(is_network(text), "{text}");
        }
        for text in [
            "",
            "10.0.0",
            "10.0.0.0/33",
            "10.0.0.0/",
            "::/129",
            "10.0.0.0/+8",
            "a",
        ] {
            assert!(!is_network(text), "{text}");
        }
    }
}
