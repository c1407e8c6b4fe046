//! The monitors that are worth having. Pure.
//!
//! A monitor of a host's metric watches one name, and Mackerel documents no wildcard for it. So each
//! watches a figure of the whole cluster, which one monitor judges for every cluster there is, also for
//! those and for services that are yet to come.

use serde_json::{Map, Value, json};

use super::{Choice, Wanted};
use crate::config::Config;
use crate::model::catalog::{self, MetricId};

/// Over how many points CPU and memory are averaged: a reading brings up to five at once, of which
/// only the newest is judged.
const POINTS: u8 = 5;

/// The monitors that are wanted, or why one of them is not made.
pub fn wanted(choice: &Choice, config: &Config) -> Vec<Wanted> {
    let below = json!({
        "name": "ECS: services below desired",
        "memo": "So many services of the cluster run fewer tasks than are desired. The host's graphs show which.",
        "operator": ">", "warning": 0, "duration": 1, "maxCheckAttempts": choice.attempts,
    });
    let without = json!({
        "name": "ECS: services without tasks",
        "memo": "So many services of the cluster should run and have no task at all.",
        "operator": ">", "critical": 0, "duration": 1, "maxCheckAttempts": choice.attempts,
    });
    let mut monitors = vec![
        of_host(
            "below-desired",
            below,
            catalog::BELOW_DESIRED,
            choice,
            config,
        ),
        of_host(
            "without-tasks",
            without,
            catalog::WITHOUT_TASKS,
            choice,
            config,
        ),
    ];
    for (key, what, metric, limits) in [
        ("cpu", "CPU", catalog::HIGHEST_CPU, choice.cpu),
        ("memory", "memory", catalog::HIGHEST_MEMORY, choice.memory),
    ] {
        if let Some((warning, critical)) = limits {
            let monitor = json!({
                "name": format!("ECS: {what} of a service high"),
                "memo": format!("The {what} of the fullest service of the cluster, in percent of what it reserves, on average of five minutes."),
                "operator": ">", "warning": warning, "critical": critical, "duration": POINTS,
                "maxCheckAttempts": 1,
            });
            monitors.push(of_host(key, monitor, metric, choice, config));
        }
    }
    monitors.extend(of_heartbeat(choice, config));
    monitors
}

fn of_host(key: &str, monitor: Value, metric: &str, choice: &Choice, config: &Config) -> Wanted {
    let selects = |id: MetricId| {
        let mut targets = config.targets.iter();
        targets.any(|target| target.metrics.selects(id, || metric.to_owned()))
    };
    let posted = MetricId::all()
        .filter(|id| id.metric().pattern() == metric)
        .any(selects);
    let mut thing = object(monitor);
    thing.insert("type".into(), "host".into());
    thing.insert("metric".into(), metric.into());
    thing.insert("scopes".into(), json!(choice.scopes));
    let short = metric.strip_prefix("custom.").unwrap_or(metric);
    Wanted::new(key, thing).unless(!posted, || {
        format!("{metric} is not posted; add {short} to metrics.include")
    })
}

/// The monitors of the poller itself, of each shard for itself.
fn of_heartbeat(choice: &Choice, config: &Config) -> Vec<Wanted> {
    let shards = match config.shard {
        Some(shard) => (0..shard.count)
            .map(|index| format!("shard-{index}."))
            .collect(),
        None => vec![String::new()],
    };
    let mut monitors = Vec::new();
    for shard in shards {
        let whose = shard.trim_end_matches('.');
        let of = if whose.is_empty() {
            String::new()
        } else {
            format!(" ({whose})")
        };
        let mut add = |key: &str, name: &str, leaf: &str, monitor: Value| {
            let service = config.heartbeat.as_deref().unwrap_or("-");
            let metric = format!("mackerel_ecs.{shard}{leaf}");
            let mut thing = object(monitor);
            thing.insert("type".into(), "service".into());
            thing.insert("name".into(), format!("{name}{of}").into());
            thing.insert("service".into(), service.into());
            thing.insert("metric".into(), metric.clone().into());
            let wanted = Wanted::new(&format!("{key} {service} {metric}"), thing);
            monitors.push(wanted.unless(config.heartbeat.is_none(), || {
                "the configuration names no service for the heartbeat; set heartbeat.service".into()
            }));
        };
        if let Some(minutes) = choice.silent {
            // Mackerel offers tens of minutes, and two polls may be missed.
            let twice = config.poll.interval.as_secs().div_ceil(60) * 2 + 2;
            let minutes = minutes.max(twice).next_multiple_of(10);
            add(
                "silent",
                "mackerel-ecs is silent",
                "alive",
                json!({
                    "memo": "The poller posts nothing: it does not run, or does not reach Mackerel.",
                    "operator": "<", "critical": 0.5, "duration": 1, "maxCheckAttempts": 1,
                    "missingDurationCritical": minutes,
                }),
            );
        }
        if let Some((warning, critical)) = choice.behind {
            add(
                "behind",
                "mackerel-ecs is behind",
                "behind_seconds",
                json!({
                    "memo": "What CloudWatch has is not posted for so many seconds; the poller's log says why.",
                    "operator": ">", "warning": warning, "critical": critical, "duration": 1,
                    "maxCheckAttempts": 3,
                }),
            );
        }
    }
    monitors
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
