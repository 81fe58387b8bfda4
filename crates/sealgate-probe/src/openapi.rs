//! What the application says of itself: an operation's smallest valid request, and its schemes.
//!
//! A gate that stands in a handler is asked only after the framework has accepted parameters and body, so
//! that without valid ones no request gets as far as the gate.

mod sample;

use serde_json::Value;

use crate::request::{Body, Header, Request, encode};
use crate::slot::Slot;
use crate::template;
use sample::sample;

/// Between the parts of a form with files.
const BOUNDARY: &str = "sealgate-probe-part";

/// An `OpenAPI` document.
#[derive(Clone, Debug)]
pub struct Document(Value);

impl Document {
    /// Takes a document of version 3. Of what it lacks, nothing is known.
    pub fn new(document: Value) -> Self {
        Self(document)
    }

    /// Where the document's security schemes put credentials.
    pub(crate) fn slots(&self) -> Vec<Slot> {
        let schemes = self.0.pointer("/components/securitySchemes");
        let schemes = schemes.and_then(Value::as_object);
        let schemes = schemes.into_iter().flat_map(|schemes| schemes.values());
        schemes.filter_map(slot).collect()
    }

    /// What stands in an operation's path for one of its parameters.
    pub(crate) fn path_value(&self, path: &str, method: &str, name: &str) -> Option<String> {
        let parameters = self.parameters(path, method);
        let parameter = parameters
            .iter()
            .find(|parameter| parameter["in"] == "path" && parameter["name"] == name)?;
        self.value(parameter).filter(|value| !value.is_empty())
    }

    /// The request with everything that the operation requires, in its smallest form. `None` where that is
    /// nothing, or nothing is known of it.
    pub(crate) fn filled(&self, path: &str, request: &Request) -> Option<Request> {
        let mut filled = request.clone();
        for parameter in self.parameters(path, &request.method) {
            let (Some(name), true) = (parameter["name"].as_str(), parameter["required"] == true)
            else {
                continue;
            };
            let value = self.value(parameter).unwrap_or_else(|| "1".to_owned());
            filled = match parameter["in"].as_str() {
                Some("query") => filled.with_pair(name, &value, &value),
                Some("header") => filled.with(Header::plain(name, &value)),
                Some("cookie") => filled.with_cookie(name, &value, &value),
                _ => filled,
            };
        }
        filled.body = self.body(path, &request.method);
        (filled != *request).then_some(filled)
    }

    fn operation(&self, path: &str, method: &str) -> Option<&Value> {
        let item = self.0["paths"].get(template::without_convertors(path))?;
        item.get(method.to_ascii_lowercase())
    }

    fn parameters(&self, path: &str, method: &str) -> Vec<&Value> {
        let item = self.0["paths"].get(template::without_convertors(path));
        let lists = [
            item.and_then(|item| item.get("parameters")),
            self.operation(path, method)
                .and_then(|operation| operation.get("parameters")),
        ];
        let lists = lists.into_iter().flatten().filter_map(Value::as_array);
        lists
            .flatten()
            .map(|one| sample::resolved(&self.0, one))
            .collect()
    }

    fn value(&self, parameter: &Value) -> Option<String> {
        let example = parameter.get("example").cloned();
        let value = example.or_else(|| Some(sample(&self.0, parameter.get("schema")?)))?;
        Some(text(&value))
    }

    fn body(&self, path: &str, method: &str) -> Option<Body> {
        let body = self.operation(path, method)?.get("requestBody")?;
        let content = sample::resolved(&self.0, body)
            .get("content")?
            .as_object()?;
        let preferred = [
            "application/json",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
        ];
        let known = preferred
            .iter()
            .find_map(|kind| content.get_key_value(*kind));
        let (kind, media) = known.or_else(|| content.iter().next())?;
        let schema = media.get("schema").unwrap_or(&Value::Null);
        let value = media.get("example").cloned();
        let value = value.unwrap_or_else(|| sample(&self.0, schema));
        Some(match kind.as_str() {
            "application/x-www-form-urlencoded" => Body {
                content_type: kind.clone(),
                bytes: form(&value).into_bytes(),
            },
            "multipart/form-data" => Body {
                content_type: format!("{kind}; boundary={BOUNDARY}"),
                bytes: multipart(&self.0, schema, &value).into_bytes(),
            },
            kind => Body {
                content_type: kind.to_owned(),
                bytes: serde_json::to_vec(&value).unwrap_or_default(),
            },
        })
    }
}

fn slot(scheme: &Value) -> Option<Slot> {
    let name = || scheme["name"].as_str().map(str::to_owned);
    Some(match (scheme["type"].as_str()?, scheme["in"].as_str()) {
        ("http", _) => {
            let scheme = scheme["scheme"].as_str()?;
            match scheme.to_ascii_lowercase().as_str() {
                "bearer" => Slot::Bearer,
                "basic" => Slot::Basic,
                _ => Slot::Scheme {
                    name: scheme.to_owned(),
                },
            }
        }
        // Authorization with a scheme that the application writes by hand: Bearer, nearly always.
        ("apiKey", Some("header")) if name()?.eq_ignore_ascii_case("authorization") => Slot::Bearer,
        ("apiKey", Some("header")) => Slot::Header { name: name()? },
        ("apiKey", Some("query")) => Slot::Query { name: name()? },
        ("apiKey", Some("cookie")) => Slot::Cookie { name: name()? },
        ("oauth2" | "openIdConnect", _) => Slot::Bearer,
        _ => return None,
    })
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.first().map(text).unwrap_or_default(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, String)> {
    let fields = value.as_object().into_iter().flatten();
    fields.map(|(name, value)| (name, text(value)))
}

fn form(value: &Value) -> String {
    let pairs = fields(value).map(|(name, value)| format!("{}={}", encode(name), encode(&value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn multipart(document: &Value, schema: &Value, value: &Value) -> String {
    let schema = sample::resolved(document, schema);
    let mut parts: Vec<String> = Vec::new();
    for (name, value) in fields(value) {
        let field = sample::resolved(document, &schema["properties"][name.as_str()]);
        let field = if field["type"] == "array" {
            &field["items"]
        } else {
            field
        };
        let is_file = field["format"] == "binary" || field.get("contentMediaType").is_some();
        let file = if is_file { "; filename=\"a.txt\"" } else { "" };
        parts.push(format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{value}\r\n"
        ));
    }
    parts.push(format!("--{BOUNDARY}--\r\n"));
    parts.concat()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::request::Channel;

    fn document() -> Document {
        Document::new(json!({
            "paths": {"/items/{id}": {"post": {
                "parameters": [
                    {"in": "path", "name": "id", "required": true, "schema": {"type": "string", "format": "uuid"}},
                    {"in": "query", "name": "kind", "required": true, "schema": {"enum": ["a", "b"]}},
                    {"in": "query", "name": "more", "schema": {"type": "string"}},
                    {"in": "header", "name": "x-tenant", "required": true, "schema": {"type": "string"}},
                ],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Item"}}}},
            }}, "/upload": {"post": {"requestBody": {"content": {"multipart/form-data": {"schema": {
                "type": "object", "required": ["file", "name"],
                "properties": {"file": {"type": "string", "format": "binary"}, "name": {"type": "string"}},
            }}}}}}},
            "components": {
                "schemas": {"Item": {"type": "object", "required": ["name", "size", "owner"], "properties": {
                    "name": {"type": "string", "minLength": 3}, "size": {"type": "integer", "exclusiveMinimum": 5},
                    "owner": {"anyOf": [{"type": "null"}, {"$ref": "#/components/schemas/Owner"}]},
                    "note": {"type": "string"},
                }}, "Owner": {"type": "object", "required": ["mail", "self"], "properties": {
                    "mail": {"type": "string", "format": "email"}, "self": {"$ref": "#/components/schemas/Owner"},
                }}},
                "securitySchemes": {
                    "a": {"type": "http", "scheme": "bearer"}, "b": {"type": "apiKey", "in": "header", "name": "X-Key"},
                    "c": {"type": "apiKey", "in": "cookie", "name": "sid"}, "d": {"type": "mutualTLS"},
                },
            },
        }))
    }

    #[test]
    fn a_request_gets_all_that_is_required_and_no_more() {
        let request = Request::new(Channel::Http, "POST", "/items/1");
        let filled = document().filled("/items/{id:uuid}", &request).unwrap();
        assert_eq!(filled.query_text(), "kind=a");
        assert_eq!(filled.headers, [Header::plain("x-tenant", "x")]);
        let body = filled.body.unwrap();
        assert_eq!(body.content_type, "application/json");
        let body: Value = serde_json::from_slice(&body.bytes).unwrap();
        assert_eq!(body["name"], "xxx");
        assert_eq!(body["size"], 6);
        assert_eq!(body["owner"]["mail"], "probe@example.com");
        assert!(body.get("note").is_none());
        let unknown = document().filled("/other", &request);
        assert!(unknown.is_none());
    }

    #[test]
    fn a_form_with_files_is_sent_as_one() {
        let request = Request::new(Channel::Http, "POST", "/upload");
        let body = document()
            .filled("/upload", &request)
            .unwrap()
            .body
            .unwrap();
        assert_eq!(
            body.content_type,
            "multipart/form-data; boundary=sealgate-probe-part"
        );
        let text = String::from_utf8(body.bytes).unwrap();
        assert!(
            text.contains("name=\"file\"; filename=\"a.txt\"\r\n\r\nx\r\n"),
            "{text}"
        );
        assert!(text.contains("name=\"name\"\r\n\r\nx\r\n"), "{text}");
    }

    #[test]
    fn schemes_say_where_credentials_are_put() {
        let name = |name: &str| name.to_owned();
        let slots = document().slots();
        assert_eq!(
            slots,
            [
                Slot::Bearer,
                Slot::Header {
                    name: name("X-Key")
                },
                Slot::Cookie { name: name("sid") }
            ]
        );
        let value = document().path_value("/items/{id}", "POST", "id");
        assert_eq!(value.unwrap(), "00000000-0000-4000-8000-000000000001");
    }
}
