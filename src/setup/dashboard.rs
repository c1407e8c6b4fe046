//! The dashboard of the estate: a row for each cluster, on Mackerel's grid of 24 columns. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Wanted;
use crate::config::Config;
use crate::mackerel::payload::Host;
use crate::model::catalog::{BELOW_DESIRED, WITHOUT_TASKS};

/// What it is called in marks.
pub const KEY: &str = "dashboard";

/// Where it is, below the organization's dashboards.
pub const PATH: &str = "mackerel-ecs";

/// How many clusters have a row, and roles a field.
const MOST_CLUSTERS: usize = 40;
const MOST_ROLES: usize = 12;

/// The height of a row.
const ROW: usize = 6;

/// The dashboard of these hosts, which are those of the poller's clusters.
pub fn wanted(hosts: &[Host], config: &Config) -> Wanted {
    let mut hosts: Vec<&Host> = hosts.iter().collect();
    hosts.sort_by(|a, b| (shown(a), &a.id).cmp(&(shown(b), &b.id)));
    let roles: BTreeSet<String> = hosts
        .iter()
        .flat_map(|host| host.role_fullnames())
        .collect();
    let left_out = match hosts.len().saturating_sub(MOST_CLUSTERS) {
        0 => String::new(),
        more => format!(" {more} more are not shown."),
    };
    let markdown = format!(
        "**Amazon ECS**, {} clusters.{left_out} `mackerel-ecs setup` adds those that are new.",
        hosts.len()
    );
    let mut page = Page::default();
    page.add(
        24,
        2,
        json!({"type": "markdown", "title": "ECS", "markdown": markdown}),
    );
    for role in roles.iter().take(MOST_ROLES) {
        page.add(
            6,
            ROW,
            json!({"type": "alertStatus", "title": role, "roleFullname": role}),
        );
    }
    page.end_row();
    for host in hosts.into_iter().take(MOST_CLUSTERS) {
        let name = shown(host);
        for (title, metric) in [
            ("below desired", BELOW_DESIRED),
            ("without tasks", WITHOUT_TASKS),
        ] {
            page.add(
                4,
                ROW,
                json!({
                    "type": "value",
                    "title": format!("{name}: {title}"),
                    "metric": {"type": "host", "hostId": host.id, "name": metric},
                    "fractionSize": 0,
                    "formatRules": [{"name": title, "threshold": 0, "operator": ">"}],
                }),
            );
        }
        for (title, graph) in [
            ("tasks", "custom.ecs.cluster_task.*"),
            (
                "fullest service (%)",
                "custom.ecs.highest_service_utilization.*",
            ),
        ] {
            page.add(
                8,
                ROW,
                json!({
                    "type": "graph",
                    "title": format!("{name}: {title}"),
                    "graph": {"type": "host", "hostId": host.id, "name": graph},
                }),
            );
        }
    }
    if let (Some(service), None) = (&config.heartbeat, config.shard) {
        page.add(
            24,
            ROW,
            json!({
                "type": "graph",
                "title": "mackerel-ecs",
                "graph": {"type": "service", "serviceName": service, "name": "mackerel_ecs.*"},
            }),
        );
    }
    let mut thing = Map::new();
    thing.insert("title".into(), "ECS (mackerel-ecs)".into());
    thing.insert(
        "memo".into(),
        "The clusters that mackerel-ecs polls.".into(),
    );
    thing.insert("urlPath".into(), PATH.into());
    thing.insert("widgets".into(), page.widgets.into());
    Wanted::new(KEY, thing)
}

/// The name that people see.
fn shown(host: &Host) -> &str {
    let display = host.display_name.as_deref().filter(|name| !name.is_empty());
    display.unwrap_or(&host.name)
}

/// Widgets from left to right and from top to bottom, all of a row of one height.
#[derive(Default)]
struct Page {
    widgets: Vec<Value>,
    x: usize,
    y: usize,
    height: usize,
}

impl Page {
    fn add(&mut self, width: usize, height: usize, mut widget: Value) {
        if self.x + width > 24 {
            self.end_row();
        }
        widget["layout"] = json!({"x": self.x, "y": self.y, "width": width, "height": height});
        self.widgets.push(widget);
        self.x += width;
        self.height = height;
    }

    fn end_row(&mut self) {
        self.y += self.height;
        (self.x, self.height) = (0, 0);
    }
}
