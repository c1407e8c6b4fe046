//! A tree of values that every protocol's input is read into and CloudWatch's output is built of:
//! JSON, CBOR and query forms become the same thing before an operation sees them.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use crate::demo::aws::error::AwsError;

/// A value of a request or an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Absent.
    Null,
    /// A boolean.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Float(f64),
    /// A text.
    Text(Cow<'static, str>),
    /// A moment, in seconds since 1970.
    Timestamp(f64),
    /// A list.
    List(Vec<Value>),
    /// A structure or a map, in the order of the wire.
    Map(Vec<(Cow<'static, str>, Value)>),
}

impl Value {
    /// A structure of an answer.
    pub fn map<const N: usize>(fields: [(&'static str, Value); N]) -> Value {
        let fields = fields.into_iter();
        Value::Map(fields.map(|(name, value)| (name.into(), value)).collect())
    }

    /// A text that is owned or part of the program.
    pub fn text_of(text: impl Into<Cow<'static, str>>) -> Value {
        Value::Text(text.into())
    }

    /// A moment of an answer.
    pub fn time_of(time: DateTime<Utc>) -> Value {
        Value::Timestamp(time.timestamp_millis() as f64 / 1000.0)
    }

    /// Reads JSON. Whole numbers stay whole; timestamps are numbers, which [`Value::time`] accepts.
    pub fn from_json(json: serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(flag) => Value::Bool(flag),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(whole) => Value::Integer(whole),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Value::Text(text.into()),
            serde_json::Value::Array(items) => {
                Value::List(items.into_iter().map(Value::from_json).collect())
            }
            serde_json::Value::Object(fields) => Value::Map(
                fields
                    .into_iter()
                    .map(|(name, value)| (name.into(), Value::from_json(value)))
                    .collect(),
            ),
        }
    }

    /// Writes JSON, timestamps as numbers of seconds.
    pub fn into_json(self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(flag) => flag.into(),
            Value::Integer(whole) => whole.into(),
            Value::Float(number) | Value::Timestamp(number) => number.into(),
            Value::Text(text) => text.into_owned().into(),
            Value::List(items) => items.into_iter().map(Value::into_json).collect(),
            Value::Map(fields) => fields
                .into_iter()
                .map(|(name, value)| (name.into_owned(), value.into_json()))
                .collect(),
        }
    }

    /// A member of a structure; none when it is absent or null.
    pub fn field(&self, name: &str) -> Option<&Value> {
        let Value::Map(fields) = self else {
            return None;
        };
        let (_, value) = fields.iter().find(|(field, _)| field == name)?;
        (*value != Value::Null).then_some(value)
    }

    /// A text member. Errors: it is something else.
    pub fn text(&self, name: &str) -> Result<Option<&str>, AwsError> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(_) => Err(AwsError::serialization(name, "a string")),
        }
    }

    /// A whole-number member. Errors: it is something else.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, AwsError> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::Integer(whole)) => Ok(Some(*whole)),
            Some(_) => Err(AwsError::serialization(name, "an integer")),
        }
    }

    /// A boolean member. Errors: it is something else.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, AwsError> {
        match self.field(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(AwsError::serialization(name, "a boolean")),
        }
    }

    /// A list member, empty when it is absent. Errors: it is something else.
    pub fn list(&self, name: &str) -> Result<&[Value], AwsError> {
        match self.field(name) {
            None => Ok(&[]),
            Some(Value::List(items)) => Ok(items),
            Some(_) => Err(AwsError::serialization(name, "a list")),
        }
    }

    /// A list member of texts, empty when it is absent. Errors: it is something else.
    pub fn texts(&self, name: &str) -> Result<Vec<&str>, AwsError> {
        let items = self.list(name)?.iter();
        items
            .map(|item| match item {
                Value::Text(text) => Ok(text.as_ref()),
                _ => Err(AwsError::serialization(name, "a list of strings")),
            })
            .collect()
    }

    /// A timestamp member: seconds since 1970 as a tagged or a plain number. Errors: it is
    /// something else or out of range.
    pub fn time(&self, name: &str) -> Result<Option<DateTime<Utc>>, AwsError> {
        let seconds = match self.field(name) {
            None => return Ok(None),
            Some(Value::Timestamp(seconds) | Value::Float(seconds)) => *seconds,
            Some(Value::Integer(seconds)) => *seconds as f64,
            Some(_) => return Err(AwsError::serialization(name, "a timestamp")),
        };
        let time = DateTime::from_timestamp_millis((seconds * 1000.0).round() as i64);
        match time.filter(|_| seconds.is_finite()) {
            Some(time) => Ok(Some(time)),
            None => Err(AwsError::serialization(name, "a timestamp")),
        }
    }
}
