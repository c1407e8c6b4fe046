//! A cluster as a Mackerel host: its identity, names, facts and roles.

use serde_json::json;

use crate::config::Host as HostConfig;
use crate::mackerel::payload::AGENT_NAME;
use crate::model::host::Wanted;
use crate::model::inventory::Cluster;
use crate::model::role::{ROLE_TAG, RoleFullname};

/// What a cluster's host should be, with these roles unless its tag names some, and what is wrong with
/// that tag, if anything is.
pub fn wanted(
    cluster: &Cluster,
    config: &HostConfig,
    roles: &[RoleFullname],
) -> (Wanted, Option<String>) {
    let (roles, complaint) = self::roles(cluster, roles);
    let wanted = Wanted {
        custom_identifier: config.custom_identifier.render(&cluster.arn),
        name: cluster.name.clone(),
        display_name: config
            .display_name
            .as_ref()
            .map(|template| template.render(&cluster.arn)),
        memo: config
            .memo
            .as_ref()
            .map(|template| template.render(&cluster.arn)),
        meta: json!({
            "agent-name": AGENT_NAME,
            "agent-version": env!("CARGO_PKG_VERSION"),
            "cloud": {
                "provider": "ecs",
                "metadata": {
                    "cluster_arn": cluster.arn.as_str(),
                    "cluster": cluster.name,
                    "region": cluster.arn.region(),
                    "account": cluster.arn.account(),
                    "status": cluster.status,
                    "capacity_providers": cluster.capacity_providers,
                    "container_insights": cluster.container_insights,
                },
            },
        }),
        figures: json!({
            "running_tasks": cluster.running_tasks,
            "pending_tasks": cluster.pending_tasks,
            "active_services": cluster.active_services,
            "registered_container_instances": cluster.container_instances,
            "statistics": cluster.statistics,
        }),
        roles,
        status: config.status,
    };
    (wanted, complaint)
}

/// The tag wins over the config; a malformed one changes nothing and is complained about.
fn roles(cluster: &Cluster, default: &[RoleFullname]) -> (Option<Vec<String>>, Option<String>) {
    let texts = |roles: &[RoleFullname]| {
        let mut texts: Vec<String> = roles.iter().map(|role| role.as_str().to_owned()).collect();
        texts.sort();
        texts.dedup();
        texts
    };
    match cluster.tags.get(ROLE_TAG) {
        None => (Some(texts(default)), None),
        Some(value) => match RoleFullname::parse_tag(value) {
            Ok(roles) => (Some(texts(&roles)), None),
            Err(why) => (
                None,
                Some(format!(
                    "the tag {ROLE_TAG} changes no role: {why}, several joined by `/`"
                )),
            ),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::template::Template;
    use crate::model::id::ClusterArn;

    fn cluster(tag: Option<&str>) -> Cluster {
        Cluster {
            arn: ClusterArn::new("arn:aws:ecs:ap-northeast-1:111122223333:cluster/web"),
            name: "web".into(),
            status: "ACTIVE".into(),
            running_tasks: 3,
            pending_tasks: 1,
            active_services: 2,
            container_instances: 0,
            capacity_providers: vec!["FARGATE".into()],
            container_insights: Some("disabled".into()),
            statistics: [("runningFargateTasksCount".to_owned(), "3".to_owned())].into(),
            tags: tag
                .map(|value| (ROLE_TAG.to_owned(), value.to_owned()))
                .into_iter()
                .collect(),
            read_at: crate::model::time::Minute::of_seconds(0),
        }
    }

    fn config() -> HostConfig {
        HostConfig {
            custom_identifier: Template::default(),
            display_name: Some(Template::parse("{cluster} ({region})").unwrap()),
            memo: None,
            status: "working",
            retire_after: None,
        }
    }

    #[test]
    fn a_cluster_as_a_host() {
        let (wanted, complaint) = wanted(
            &cluster(None),
            &config(),
            &[RoleFullname::parse("ecs:cluster").unwrap()],
        );
        assert_eq!(complaint, None);
        assert_eq!(
            wanted.custom_identifier,
            "arn:aws:ecs:ap-northeast-1:111122223333:cluster/web"
        );
        assert_eq!(wanted.display_name.as_deref(), Some("web (ap-northeast-1)"));
        assert_eq!(
            wanted.full_meta(),
            json!({
                "agent-name": AGENT_NAME,
                "agent-version": env!("CARGO_PKG_VERSION"),
                "cloud": {"provider": "ecs", "metadata": {
                    "cluster_arn": "arn:aws:ecs:ap-northeast-1:111122223333:cluster/web",
                    "cluster": "web",
                    "region": "ap-northeast-1",
                    "account": "111122223333",
                    "status": "ACTIVE",
                    "capacity_providers": ["FARGATE"],
                    "container_insights": "disabled",
                    "running_tasks": 3,
                    "pending_tasks": 1,
                    "active_services": 2,
                    "registered_container_instances": 0,
                    "statistics": {"runningFargateTasksCount": "3"},
                }},
            })
        );
    }

    #[test]
    fn roles_come_from_the_tag_else_from_the_config() {
        let roles = |tag| {
            wanted(
                &cluster(tag),
                &config(),
                &[RoleFullname::parse("ecs:cluster").unwrap()],
            )
            .0
            .roles
        };
        assert_eq!(roles(None), Some(vec!["ecs:cluster".to_owned()]));
        assert_eq!(
            roles(Some("shop: web / shop: api")),
            Some(vec!["shop:api".to_owned(), "shop:web".to_owned()])
        );
    }

    #[test]
    fn a_malformed_tag_leaves_the_roles_alone_and_is_told() {
        let (wanted, complaint) = wanted(
            &cluster(Some("no role")),
            &config(),
            &[RoleFullname::parse("ecs:cluster").unwrap()],
        );
        assert_eq!(wanted.roles, None);
        assert!(complaint.unwrap().contains("`no role` is no role"));
    }
}
