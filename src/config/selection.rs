//! Which metrics are wanted: a profile, with patterns over the names as Mackerel shows them.

use crate::model::catalog::{MetricId, Profile};

use super::pattern::Patterns;

/// The choice of metrics. What is not selected is neither requested from AWS nor posted.
#[derive(Debug, Clone, PartialEq)]
pub struct Selection {
    /// The ready choice that the patterns work upon.
    pub profile: Profile,
    /// Whether metrics of Container Insights are wanted, where a cluster has it on.
    pub container_insights: bool,
    /// Metrics to add to the profile, of the whole catalogue.
    pub include: Patterns,
    /// Metrics to leave out, also of those that were added.
    pub exclude: Patterns,
}

impl Selection {
    /// Whether this metric is wanted under its full name, the service's name in it. The name is
    /// made only where patterns have a say.
    pub fn selects(&self, metric: MetricId, name: impl Fn() -> String) -> bool {
        if metric.metric().is_of_insights() && !self.container_insights {
            return false;
        }
        let in_profile = metric.metric().profile <= self.profile;
        if self.exclude.is_empty() && (in_profile || self.include.is_empty()) {
            return in_profile;
        }
        let name = name();
        // The names are documented without the prefix, and people copy what they read.
        let short = name.strip_prefix("custom.").unwrap_or(&name);
        let matches = |patterns: &Patterns| patterns.matches(&name) || patterns.matches(short);
        (in_profile || matches(&self.include)) && !matches(&self.exclude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::pattern::Pattern;

    fn selected(profile: Profile, include: &str, exclude: &str) -> Vec<String> {
        let patterns = |text: &str| {
            Patterns::new(
                text.split_whitespace()
                    .map(|p| Pattern::parse(p).unwrap())
                    .collect(),
            )
        };
        let selection = Selection {
            profile,
            container_insights: false,
            include: patterns(include),
            exclude: patterns(exclude),
        };
        MetricId::all()
            .filter(|id| selection.selects(*id, || id.metric().pattern().replace('#', "api")))
            .map(|id| id.metric().pattern())
            .collect()
    }

    #[test]
    fn patterns_work_on_top_of_a_profile() {
        assert_eq!(
            selected(
                Profile::Compact,
                "ecs.deployment.api.count",
                "custom.ecs.service_*.*.average"
            ),
            [
                "custom.ecs.running_task.#.count",
                "custom.ecs.running_task.#.desired",
                "custom.ecs.deployment.#.count"
            ]
        );
    }

    #[test]
    fn exclude_wins_over_include() {
        assert_eq!(
            selected(Profile::Compact, "ecs.*", "*"),
            Vec::<String>::new()
        );
    }

    #[test]
    fn full_is_everything() {
        assert_eq!(
            selected(Profile::Full, "", "").len(),
            MetricId::all()
                .filter(|id| !id.metric().is_of_insights())
                .count()
        );
    }
}
