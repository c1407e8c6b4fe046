//! A cluster's host on Mackerel as it should be, whoever brings it there.

use serde_json::Value;

/// How a cluster's host should be.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// The identity.
    pub custom_identifier: String,
    /// The name.
    pub name: String,
    /// The name that people see; none to leave what is there.
    pub display_name: Option<String>,
    /// The memo; none to leave what is there.
    pub memo: Option<String>,
    /// Facts that seldom change.
    pub meta: Value,
    /// Figures among the facts that change all the time, and are not worth an update each time.
    pub figures: Value,
    /// Roles from the tag or the config, sorted; none to leave the roles alone, because the tag is
    /// malformed.
    pub roles: Option<Vec<String>>,
    /// The status of a new host.
    pub status: &'static str,
}

impl Wanted {
    /// All facts, figures included.
    pub fn full_meta(&self) -> Value {
        let mut meta = self.meta.clone();
        if let (Some(metadata), Value::Object(figures)) =
            (meta.pointer_mut("/cloud/metadata"), &self.figures)
            && let Some(metadata) = metadata.as_object_mut()
        {
            metadata.extend(figures.clone());
        }
        meta
    }
}
