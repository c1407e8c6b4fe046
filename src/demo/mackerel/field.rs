//! Reads typed fields out of JSON that a client sent, and turns what is missing or of the wrong type
//! into a 400 that names the field, such as "`[3].value` must be a number".

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::demo::mackerel::error::Refusal;

/// A JSON object of a request, with its place in the body for messages.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    /// Such as `reports[3].source.`; empty for the body itself.
    place: Cow<'static, str>,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    /// The body as an object.
    pub fn of_body(body: &'a Value) -> Result<Self, Refusal> {
        let map = body
            .as_object()
            .ok_or_else(|| Refusal::bad_request("the body must be a JSON object"))?;
        Ok(Self {
            place: Cow::Borrowed(""),
            map,
        })
    }

    /// The element `index` of the array called `list`, which is empty where the body itself is the array.
    pub fn of_element(list: &str, index: usize, element: &'a Value) -> Result<Self, Refusal> {
        let map = element
            .as_object()
            .ok_or_else(|| Refusal::bad_request(format!("`{list}[{index}]` must be an object")))?;
        Ok(Self {
            place: Cow::Owned(format!("{list}[{index}].")),
            map,
        })
    }

    /// A required object, whose own fields are then named with this key before them.
    pub fn nested(&self, key: &str) -> Result<Fields<'a>, Refusal> {
        Ok(self.within(key, self.object(key)?))
    }

    /// An object as [`Self::nested`] gives it, or nothing where the field is absent or `null`.
    pub fn optional_nested(&self, key: &str) -> Result<Option<Fields<'a>>, Refusal> {
        let map = self.optional(key, "an object", Value::as_object)?;
        Ok(map.map(|map| self.within(key, map)))
    }

    /// The objects of an array; none where the field is absent or `null`.
    pub fn optional_elements(&self, key: &str) -> Result<Vec<Fields<'a>>, Refusal> {
        let list = self.optional_list(key)?.unwrap_or_default();
        let name = format!("{}{key}", self.place);
        list.iter()
            .enumerate()
            .map(|(index, element)| Self::of_element(&name, index, element))
            .collect()
    }

    fn within(&self, key: &str, map: &'a Map<String, Value>) -> Fields<'a> {
        Fields {
            place: Cow::Owned(format!("{}{key}.", self.place)),
            map,
        }
    }

    /// Whether the key is there at all, `null` included.
    pub fn has(&self, key: &str) -> bool {
        self.map.contains_key(key)
    }

    /// A required string.
    pub fn text(&self, key: &str) -> Result<&'a str, Refusal> {
        self.required(key, "a string", self.optional_text(key)?)
    }

    /// A string, or nothing where the field is absent or `null`.
    pub fn optional_text(&self, key: &str) -> Result<Option<&'a str>, Refusal> {
        self.optional(key, "a string", Value::as_str)
    }

    /// A required number; JSON cannot hold one that is not finite.
    pub fn number(&self, key: &str) -> Result<f64, Refusal> {
        self.required(
            key,
            "a number",
            self.optional(key, "a number", Value::as_f64)?,
        )
    }

    /// A number, or nothing where the field is absent or `null`.
    pub fn optional_number(&self, key: &str) -> Result<Option<f64>, Refusal> {
        self.optional(key, "a number", Value::as_f64)
    }

    /// A whole number, or nothing where the field is absent or `null`. `3.0` is whole as well.
    pub fn optional_whole(&self, key: &str) -> Result<Option<i64>, Refusal> {
        let whole = |value: &'a Value| {
            value.as_i64().or_else(|| {
                let number = value.as_f64()?;
                (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
            })
        };
        self.optional(key, "a whole number", whole)
    }

    /// A required time in epoch seconds. A fraction is cut off: fractional times have been seen to be accepted.
    pub fn time(&self, key: &str) -> Result<i64, Refusal> {
        let whole = |value: &'a Value| {
            value
                .as_i64()
                .or_else(|| value.as_f64().map(|seconds| seconds.floor() as i64))
        };
        self.required(key, "a number", self.optional(key, "a number", whole)?)
    }

    /// A boolean, or nothing where the field is absent or `null`.
    pub fn optional_flag(&self, key: &str) -> Result<Option<bool>, Refusal> {
        self.optional(key, "a boolean", Value::as_bool)
    }

    /// A required object.
    pub fn object(&self, key: &str) -> Result<&'a Map<String, Value>, Refusal> {
        self.required(
            key,
            "an object",
            self.optional(key, "an object", Value::as_object)?,
        )
    }

    /// A required array.
    pub fn list(&self, key: &str) -> Result<&'a [Value], Refusal> {
        self.required(key, "an array", self.optional_list(key)?)
    }

    /// An array, or nothing where the field is absent or `null`.
    pub fn optional_list(&self, key: &str) -> Result<Option<&'a [Value]>, Refusal> {
        self.optional(key, "an array", |value| value.as_array().map(Vec::as_slice))
    }

    /// An array of strings, or nothing where the field is absent or `null`.
    pub fn optional_texts(&self, key: &str) -> Result<Option<Vec<&'a str>>, Refusal> {
        let Some(list) = self.optional_list(key)? else {
            return Ok(None);
        };
        let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
        texts
            .map(Some)
            .ok_or_else(|| self.refuse(key, "must be an array of strings"))
    }

    /// A 400 that says what is wrong with this field.
    pub fn refuse(&self, key: &str, wrong: &str) -> Refusal {
        Refusal::bad_request(format!("`{}{key}` {wrong}", self.place))
    }

    fn required<T>(&self, key: &str, kind: &str, value: Option<T>) -> Result<T, Refusal> {
        value.ok_or_else(|| self.refuse(key, &format!("is required and must be {kind}")))
    }

    fn optional<T>(
        &self,
        key: &str,
        kind: &str,
        read: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, Refusal> {
        match self.map.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => read(value)
                .map(Some)
                .ok_or_else(|| self.refuse(key, &format!("must be {kind}"))),
        }
    }
}

/// The body as an array.
pub fn elements(body: &Value) -> Result<&[Value], Refusal> {
    body.as_array()
        .map(Vec::as_slice)
        .ok_or_else(|| Refusal::bad_request("the body must be a JSON array"))
}
