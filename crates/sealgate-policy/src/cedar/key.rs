//! Everything that an answer depends on, as bytes: two questions have the same ones only where nothing about them
//! differs. Each part says how long it is, so that no two lists of parts run into the same bytes.

use std::collections::BTreeMap;

use super::value::{Resource, Value};

/// Bytes that are being put together.
#[derive(Debug, Default)]
pub(crate) struct Key(Vec<u8>);

impl Key {
    pub(crate) fn into_bytes(self) -> Box<[u8]> {
        self.0.into_boxed_slice()
    }

    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    pub(crate) fn tag(&mut self, tag: u8) {
        self.0.push(tag);
    }

    pub(crate) fn number(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn length(&mut self, length: usize) {
        // A usize has 64 bits at most.
        self.0.extend_from_slice(&(length as u64).to_le_bytes());
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    pub(crate) fn optional(&mut self, text: Option<&str>) {
        self.tag(u8::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }

    pub(crate) fn texts(&mut self, texts: &[String]) {
        self.length(texts.len());
        for text in texts {
            self.text(text);
        }
    }

    pub(crate) fn fields(&mut self, fields: &BTreeMap<String, Value>) {
        self.length(fields.len());
        for (name, value) in fields {
            self.text(name);
            self.value(value);
        }
    }

    pub(crate) fn resource(&mut self, resource: &Resource) {
        let Resource {
            kind,
            id,
            attributes,
            parents,
        } = resource;
        self.text(kind);
        self.text(id);
        self.fields(attributes);
        self.length(parents.len());
        for parent in parents {
            self.resource(parent);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Text(text) => {
                self.tag(0);
                self.text(text);
            }
            Value::Long(number) => {
                self.tag(1);
                self.number(*number);
            }
            Value::Bool(truth) => self.tag(2 + u8::from(*truth)),
            Value::Decimal(text) => {
                self.tag(4);
                self.text(text);
            }
            Value::Ip(text) => {
                self.tag(5);
                self.text(text);
            }
            Value::Moment(millis) => {
                self.tag(6);
                self.number(*millis);
            }
            Value::Duration(millis) => {
                self.tag(7);
                self.number(*millis);
            }
            Value::Set(values) => {
                self.tag(8);
                self.length(values.len());
                for value in values {
                    self.value(value);
                }
            }
            Value::Record(fields) => {
                self.tag(9);
                self.fields(fields);
            }
            Value::Entity(resource) => {
                self.tag(10);
                self.resource(resource);
            }
        }
    }
}
