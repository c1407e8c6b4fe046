//! Takes the events out of DescribeServices' answers while they arrive. ECS sends the last hundred
//! of each service with every answer, most of its bytes, and nothing here reads them: so they are
//! neither held nor parsed.

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeDeserializationInterceptorContextMut;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use http_body_util::BodyExt;
use memchr::memchr2;

/// The hook for ECS's answers.
#[derive(Debug)]
pub(super) struct DropEvents;

impl Intercept for DropEvents {
    fn name(&self) -> &'static str {
        "DropEvents"
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>();
        if operation.is_some_and(|operation| operation.name() == "DescribeServices") {
            let body = context.response_mut().body_mut();
            let whole = std::mem::replace(body, SdkBody::taken());
            let mut trim = Trim::default();
            let trimmed =
                whole.map_frame(move |frame| frame.map_data(|part| trim.take(&part).into()));
            *body = SdkBody::from_body_1_x(trimmed);
        }
        Ok(())
    }
}

/// The member whose list is emptied, as it is written.
const KEY: &[u8] = b"\"events\"";

/// How many brackets are open around it: the answer's, those of its services, and the service's.
const DEPTH: usize = 3;

/// Copies a JSON document that comes in parts, but for what is in the lists of that member. What is
/// no JSON comes out somehow, and never larger than it was.
#[derive(Debug, Default)]
struct Trim {
    depth: usize,
    place: Place,
}

/// Where in the document the next byte is.
#[derive(Debug, Clone, Copy, Default)]
enum Place {
    /// Between strings.
    #[default]
    Between,
    /// In a string, of which so many bytes are the key's; none if it is not the key.
    Text { key: Option<usize>, escaped: bool },
    /// After the key, before the colon or the list.
    Key,
    /// In the list that is dropped, with so many brackets open.
    Dropped { open: usize },
    /// In a string there.
    DroppedText { open: usize, escaped: bool },
}

impl Trim {
    /// What is kept of the next part.
    fn take(&mut self, part: &[u8]) -> Vec<u8> {
        let mut kept = Vec::new();
        let mut rest = part;
        while !rest.is_empty() {
            let (length, is_kept) = self.step(rest);
            let (done, left) = rest.split_at(length);
            if is_kept {
                kept.extend_from_slice(done);
            }
            rest = left;
        }
        kept
    }

    /// How many bytes are alike from here on, at least one, and whether they are kept.
    fn step(&mut self, rest: &[u8]) -> (usize, bool) {
        match self.place {
            Place::Between => (self.between(rest), true),
            Place::Text { key, escaped } => (self.text(rest, key, escaped), true),
            Place::Key => {
                match rest[0] {
                    b':' | b' ' | b'\t' | b'\r' | b'\n' => {}
                    b'[' => self.place = Place::Dropped { open: 1 },
                    _ => {
                        self.place = Place::Between;
                        return self.step(rest);
                    }
                }
                (1, true)
            }
            Place::Dropped { open } => self.dropped(rest, open),
            Place::DroppedText { open, escaped } => {
                let (length, place) = in_text(rest, escaped);
                self.place = match place {
                    InText::Ended => Place::Dropped { open },
                    InText::GoesOn { escaped } => Place::DroppedText { open, escaped },
                };
                (length, false)
            }
        }
    }

    fn between(&mut self, rest: &[u8]) -> usize {
        for (place, byte) in rest.iter().enumerate() {
            match byte {
                b'[' | b'{' => self.depth += 1,
                b']' | b'}' => self.depth = self.depth.saturating_sub(1),
                b'"' => {
                    self.place = Place::Text {
                        key: (self.depth == DEPTH).then_some(1),
                        escaped: false,
                    };
                    return place + 1;
                }
                _ => {}
            }
        }
        rest.len()
    }

    fn text(&mut self, rest: &[u8], key: Option<usize>, escaped: bool) -> usize {
        let (length, place) = in_text(rest, escaped);
        let text = &rest[..length];
        let key = key.filter(|so_far| KEY[*so_far..].starts_with(text));
        let key = key.map(|so_far| so_far + length);
        self.place = match place {
            InText::Ended if key == Some(KEY.len()) => Place::Key,
            InText::Ended => Place::Between,
            InText::GoesOn { escaped } => Place::Text { key, escaped },
        };
        length
    }

    fn dropped(&mut self, rest: &[u8], mut open: usize) -> (usize, bool) {
        for (place, byte) in rest.iter().enumerate() {
            match byte {
                b'[' | b'{' => open += 1,
                b']' | b'}' if open == 1 => {
                    // The bracket that ends the list is kept, as the one that began it.
                    if place == 0 {
                        self.place = Place::Between;
                        return (1, true);
                    }
                    self.place = Place::Dropped { open };
                    return (place, false);
                }
                b']' | b'}' => open -= 1,
                b'"' => {
                    self.place = Place::DroppedText {
                        open,
                        escaped: false,
                    };
                    return (place + 1, false);
                }
                _ => {}
            }
        }
        self.place = Place::Dropped { open };
        (rest.len(), false)
    }
}

enum InText {
    Ended,
    GoesOn { escaped: bool },
}

/// How many bytes belong to a string, its closing quote included, and whether it ends with them.
fn in_text(rest: &[u8], escaped: bool) -> (usize, InText) {
    let mut from = usize::from(escaped);
    loop {
        let Some(found) = rest.get(from..).and_then(|rest| memchr2(b'"', b'\\', rest)) else {
            let escaped = from > rest.len();
            return (rest.len(), InText::GoesOn { escaped });
        };
        let place = from + found;
        if rest[place] == b'"' {
            return (place + 1, InText::Ended);
        }
        from = place + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// What is left of a document that comes in parts of so many bytes.
    fn trimmed(document: &str, part: usize) -> String {
        let mut trim = Trim::default();
        let parts = document.as_bytes().chunks(part);
        let kept: Vec<u8> = parts.flat_map(|part| trim.take(part)).collect();
        String::from_utf8(kept).unwrap()
    }

    fn answer(events: Value) -> Value {
        let service = |name: &str| {
            json!({
                "serviceName": name,
                "deployments": [{"events": [1], "status": "PRIMARY", "rolloutStateReason": "a \"]"}],
                "events": events,
                "runningCount": 3,
            })
        };
        json!({
            "events": ["of the answer"],
            "services": [service("events"), service("a\\"), service("\"events\":[")],
            "failures": [{"arn": "x", "reason": "MISSING"}],
        })
    }

    #[test]
    fn events_are_dropped_and_nothing_else_however_the_parts_are_cut() {
        let events = json!([
            {"id": "1", "createdAt": 1.7e9, "message": "(service web) has \"reached\" a [steady} state\\"},
            {"id": "2", "list": [[], {"a": ["]"]}], "message": "\\\""},
            "]", [], {},
        ]);
        let (full, empty) = (answer(events), answer(json!([])));
        for document in [
            full.to_string(),
            serde_json::to_string_pretty(&full).unwrap(),
        ] {
            for part in 1..=document.len() {
                let kept = trimmed(&document, part);
                let kept: Value = serde_json::from_str(&kept).unwrap();
                assert_eq!(kept, empty, "in parts of {part}");
            }
        }
    }

    #[test]
    fn events_that_are_no_list_stay() {
        for events in [json!(null), json!("[1]"), json!({"a": [1]}), json!(1)] {
            let document = answer(events).to_string();
            for part in [1, 7, document.len()] {
                assert_eq!(trimmed(&document, part), document);
            }
        }
    }

    #[test]
    fn what_is_no_json_comes_through() {
        for document in [
            "",
            "]]]]}}",
            "<html>\"it's down\"</html>",
            "{\"services\":[{\"events\"",
            "\\",
        ] {
            for part in [1, 3, 100] {
                assert_eq!(trimmed(document, part), document);
            }
        }
    }
}
