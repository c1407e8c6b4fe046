//! What went wrong with one item while the rest went on: one clear sentence with the mend in it,
//! and what it touched.

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
    /// The same trouble has the same message each time.
    pub message: String,
    /// What the other side said of this one case, such as a request id.
    pub detail: Option<String>,
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
            detail: None,
        }
    }

    /// A failure that touched one cluster.
    pub fn of_cluster(cluster: &ClusterArn, message: impl Into<String>) -> Self {
        Trouble {
            severity: Severity::Failure,
            cluster: Some(cluster.clone()),
            message: message.into(),
            detail: None,
        }
    }

    /// The same with what the other side said of it.
    pub fn with_detail(self, detail: Option<String>) -> Self {
        Trouble { detail, ..self }
    }

    /// The same, but nothing is lost by it.
    pub fn as_warning(self) -> Self {
        Trouble {
            severity: Severity::Warning,
            ..self
        }
    }
}
