//! The calls about monitors and dashboards: they are read, made, changed and deleted alike.

use serde_json::{Map, Value};

use super::client::{Client, escape};
use super::error::Error;

/// What the calls are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A monitor.
    Monitor,
    /// A custom dashboard.
    Dashboard,
}

impl Kind {
    /// The word for one of them.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Monitor => "monitor",
            Kind::Dashboard => "dashboard",
        }
    }

    /// The path of all, the path of one with words for its variable parts.
    fn paths(self) -> (&'static str, &'static str) {
        match self {
            Kind::Monitor => ("/monitors", "/monitors/<id>"),
            Kind::Dashboard => ("/dashboards", "/dashboards/<id>"),
        }
    }

    fn path_of(self, id: &str) -> String {
        format!("{}/{}", self.paths().0, escape(id))
    }
}

impl Client {
    /// All of a kind. Of a dashboard the widgets may be left out.
    pub async fn things(&self, kind: Kind) -> Result<Vec<Map<String, Value>>, Error> {
        let (path, _) = kind.paths();
        let mut answer: Map<String, Value> = self.ask("GET", path, path, None).await?;
        let listed = answer.remove(&path[1..]);
        let listed = listed.and_then(|list| serde_json::from_value(list).ok());
        Ok(listed.unwrap_or_default())
    }

    /// One as a whole.
    pub async fn thing(&self, kind: Kind, id: &str) -> Result<Map<String, Value>, Error> {
        let path = kind.path_of(id);
        self.ask("GET", kind.paths().1, &path, None).await
    }

    /// Makes one.
    pub async fn make(&self, kind: Kind, thing: Map<String, Value>) -> Result<(), Error> {
        let (path, _) = kind.paths();
        self.tell("POST", path, path, thing.into()).await
    }

    /// Writes one anew; what is not sent is cleared.
    pub async fn change(
        &self,
        kind: Kind,
        id: &str,
        thing: Map<String, Value>,
    ) -> Result<(), Error> {
        let path = kind.path_of(id);
        self.tell("PUT", kind.paths().1, &path, thing.into()).await
    }

    /// Deletes one.
    pub async fn delete(&self, kind: Kind, id: &str) -> Result<(), Error> {
        let path = kind.path_of(id);
        self.send("DELETE", kind.paths().1, &path, None).await?;
        Ok(())
    }
}
