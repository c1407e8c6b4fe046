//! Identities as AWS and Mackerel give them, each its own type so that they can't be mixed up.

use std::fmt;
use std::sync::Arc;

/// The full ARN of an ECS cluster, `arn:PARTITION:ecs:REGION:ACCOUNT:cluster/NAME`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterArn(Arc<str>);

impl ClusterArn {
    /// Takes a text as ECS gave it. Any text is kept: an ARN of an unexpected shape still names
    /// its cluster in calls and messages, its parts are then empty.
    pub fn new(text: &str) -> Self {
        ClusterArn(Arc::from(text))
    }

    /// The ARN as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The cluster's name: what follows the last `/`, or the whole text where there is none.
    pub fn name(&self) -> &str {
        last_part(&self.0)
    }

    /// The Region, or an empty text for a malformed ARN.
    pub fn region(&self) -> &str {
        self.part(3)
    }

    /// The account id, or an empty text for a malformed ARN.
    pub fn account(&self) -> &str {
        self.part(4)
    }

    fn part(&self, index: usize) -> &str {
        self.0.split(':').nth(index).unwrap_or_default()
    }
}

impl fmt::Display for ClusterArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ClusterArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What follows the last `/` of an ARN: the name of a cluster or service in both the old format
/// (`service/NAME`) and the new one (`service/CLUSTER/NAME`).
pub fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// The id that Mackerel gave a host.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(Arc<str>);

impl HostId {
    /// Takes an id as Mackerel answered it.
    pub fn new(text: &str) -> Self {
        HostId(Arc::from(text))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arn_parts() {
        let arn = ClusterArn::new("arn:aws-cn:ecs:cn-north-1:111122223333:cluster/web");
        assert_eq!(
            (arn.name(), arn.region(), arn.account()),
            ("web", "cn-north-1", "111122223333")
        );
        let odd = ClusterArn::new("web");
        assert_eq!((odd.name(), odd.region(), odd.account()), ("web", "", ""));
    }

    #[test]
    fn service_names_of_both_arn_formats() {
        assert_eq!(last_part("arn:aws:ecs:r:a:service/api"), "api");
        assert_eq!(last_part("arn:aws:ecs:r:a:service/web/api"), "api");
    }
}
