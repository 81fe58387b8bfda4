//! Values among claims that each provider keeps in a place of its own. What is there has its type, or the
//! token is refused.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::preset::Path;

/// All claims of a token. One that is there twice refuses it.
#[derive(Debug, Default)]
pub(crate) struct Claims(HashMap<String, Value>);

impl Claims {
    /// The claim of this name.
    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Whether it is there, whatever it says.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Once)
    }
}

struct Once;

impl<'de> Visitor<'de> for Once {
    type Value = Claims;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Claims, A::Error> {
        let mut claims = HashMap::new();
        while let Some((name, value)) = map.next_entry()? {
            if claims.insert(name, value).is_some() {
                return Err(A::Error::custom("a claim is there twice"));
            }
        }
        Ok(Claims(claims))
    }
}

/// The most texts of one kind that are looked at.
const MOST: usize = 256;
/// The longest name of a client or an organisation, in bytes.
const LONGEST: usize = 255;

/// A claim that is not of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrongType;

/// The text in the first of `names` that is there.
pub(crate) fn first_text<'a>(
    claims: &'a Claims,
    names: &[&str],
) -> Result<Option<&'a str>, WrongType> {
    let found = names.iter().find_map(|name| claims.get(name));
    let found = found.map(text).transpose()?;
    if found.is_some_and(|text| text.len() > LONGEST) {
        return Err(WrongType);
    }
    Ok(found)
}

/// The texts at each of `paths`, where they are a list, or one text; each once.
pub(crate) fn texts(claims: &Claims, paths: &[Path]) -> Result<Vec<String>, WrongType> {
    let mut all = Vec::new();
    for value in paths.iter().filter_map(|path| at(claims, path)) {
        match value {
            Value::Array(list) => {
                for value in list {
                    add(&mut all, text(value)?)?;
                }
            }
            one => add(&mut all, text(one)?)?,
        }
    }
    Ok(all)
}

/// The words in each of `names`, where they are a list, or one text with blanks between them.
pub(crate) fn words(claims: &Claims, names: &[&str]) -> Result<Vec<String>, WrongType> {
    let mut all = Vec::new();
    for value in names.iter().filter_map(|name| claims.get(name)) {
        match value {
            Value::Array(list) => {
                for value in list {
                    add(&mut all, text(value)?)?;
                }
            }
            Value::String(list) => {
                for word in list.split(' ').filter(|word| !word.is_empty()) {
                    add(&mut all, word)?;
                }
            }
            _ => return Err(WrongType),
        }
    }
    Ok(all)
}

fn at(claims: &Claims, path: Path) -> Option<&Value> {
    let (first, rest) = path.split_first()?;
    rest.iter()
        .try_fold(claims.get(first)?, |value, name| value.get(name))
}

fn add(all: &mut Vec<String>, text: &str) -> Result<(), WrongType> {
    if !all.iter().any(|known| known == text) {
        all.push(text.to_owned());
    }
    if all.len() > MOST {
        Err(WrongType)
    } else {
        Ok(())
    }
}

fn text(value: &Value) -> Result<&str, WrongType> {
    let text = value.as_str().ok_or(WrongType)?;
    if text.is_empty() || text.contains(char::is_control) {
        Err(WrongType)
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn claims(value: Value) -> Claims {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_claim_that_is_there_twice_refuses_the_token() {
        assert!(serde_json::from_str::<Claims>(r#"{"a":1,"b":2}"#).is_ok());
        assert!(serde_json::from_str::<Claims>(r#"{"typ":"ID","typ":"Bearer"}"#).is_err());
        assert!(serde_json::from_str::<Claims>("[]").is_err());
    }

    #[test]
    fn values_are_found_where_the_provider_keeps_them() {
        let token = claims(json!({
            "azp": "app", "scope": "a b  a", "permissions": ["c"], "role": "admin",
            "realm_access": { "roles": ["x", "y", "x"] },
        }));
        assert_eq!(first_text(&token, &["client_id", "azp"]), Ok(Some("app")));
        assert_eq!(first_text(&token, &["client_id"]), Ok(None));
        let found = words(&token, &["scope", "permissions"]).unwrap();
        assert_eq!(found, ["a", "b", "c"]);
        let paths: &[Path] = &[&["realm_access", "roles"], &["roles"], &["role"]];
        assert_eq!(texts(&token, paths).unwrap(), ["x", "y", "admin"]);
    }

    #[test]
    fn another_type_is_refused_and_never_read_as_nothing() {
        for value in [
            json!(1),
            json!(null),
            json!({}),
            json!([1]),
            json!(""),
            json!("a\n"),
        ] {
            let token = claims(json!({ "c": value }));
            assert!(texts(&token, &[&["c"]]).is_err(), "{value}");
        }
        for value in [json!(1), json!(null), json!({}), json!([["a"]])] {
            let token = claims(json!({ "c": value }));
            assert!(words(&token, &["c"]).is_err(), "{value}");
            assert!(first_text(&token, &["c", "d"]).is_err(), "{value}");
        }
        let long = claims(json!({ "c": "a".repeat(256) }));
        assert!(first_text(&long, &["c"]).is_err());
        let many: Vec<_> = (0..257).map(|n| n.to_string()).collect();
        assert!(texts(&claims(json!({ "c": many })), &[&["c"]]).is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_found_that_is_not_there(list in proptest::collection::vec("[a-z]{1,3}", 0..20)) {
            let token = claims(json!({ "scope": list.join(" "), "scp": list }));
            for found in [words(&token, &["scope"]), words(&token, &["scp"]), texts(&token, &[&["scp"]])] {
                let found = found.unwrap();
                prop_assert!(found.iter().all(|text| list.contains(text)));
                prop_assert!(list.iter().all(|text| found.contains(text)));
            }
        }
    }
}
