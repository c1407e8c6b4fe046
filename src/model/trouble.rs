//! What went wrong with one item while the rest went on: one clear sentence with the mend in it,
//! and what it touched.

use std::fmt;

use serde::Serialize;

use super::id::ClusterArn;

/// One thing that went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// How much is lost by it.
    pub severity: Severity,
    /// The cluster that it touched; none where it touched the whole target.
    pub cluster: Option<ClusterArn>,
    /// What was tried, what happened, and what mends it, in one sentence without a final stop.
    pub message: String,
}

/// How much is lost by a trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Everything was posted; something should be mended all the same (a tag that is no role).
    Warning,
    /// Values are missing on Mackerel because of it.
    Failure,
}

impl Trouble {
    /// A failure that touched a whole target.
    pub fn of_target(message: impl Into<String>) -> Self {
        Trouble {
            severity: Severity::Failure,
            cluster: None,
            message: message.into(),
        }
    }

    /// A failure that touched one cluster.
    pub fn of_cluster(cluster: &ClusterArn, message: impl Into<String>) -> Self {
        Trouble {
            severity: Severity::Failure,
            cluster: Some(cluster.clone()),
            message: message.into(),
        }
    }

    /// The same, but nothing is lost by it.
    pub fn as_warning(self) -> Self {
        Trouble {
            severity: Severity::Warning,
            ..self
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cluster {
            Some(cluster) => write!(f, "cluster {}: {}", cluster.name(), self.message),
            None => f.write_str(&self.message),
        }
    }
}
