//! Who sends the metrics that CloudWatch has of ECS. Container Insights is an option of each cluster,
//! in two grades, and has a namespace of its own.

/// Who sends a CloudWatch metric, and in which namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// ECS itself, `AWS/ECS`.
    Ecs,
    /// Container Insights where the cluster has it on, `ECS/ContainerInsights`.
    Insights,
    /// The same, where the cluster has it with enhanced observability.
    EnhancedInsights,
}

impl Origin {
    /// The namespace.
    pub fn namespace(self) -> &'static str {
        match self {
            Origin::Ecs => "AWS/ECS",
            Origin::Insights | Origin::EnhancedInsights => "ECS/ContainerInsights",
        }
    }

    /// Whether it sends anything of a cluster whose setting `containerInsights` is this one.
    pub fn sends(self, container_insights: Option<&str>) -> bool {
        match self {
            Origin::Ecs => true,
            Origin::Insights => matches!(container_insights, Some("enabled" | "enhanced")),
            Origin::EnhancedInsights => container_insights == Some("enhanced"),
        }
    }
}
