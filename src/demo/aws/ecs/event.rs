//! The events of a service: up to 100 messages, as the options say, that every answer carries, newest first.
//!
//! They are made anew for each answer, the same ones each time: an event stands at a multiple of
//! its service's interval and gets its id and its message from that.

use serde::Serialize;

use crate::demo::aws::fleet::behaviour::Behaviour;
use crate::demo::aws::fleet::noise;
use crate::demo::aws::fleet::service::Service;
use crate::demo::aws::place::Place;

const CALM_SECONDS: i64 = 6 * 3600;
const BUSY_SECONDS: i64 = 150;

/// An event of a service.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    id: String,
    created_at: f64,
    message: String,
}

/// The events of a service at a moment.
pub fn of(service: &Service, place: &Place) -> Vec<Event> {
    let (account, region) = (place.account, place.region);
    let calm = matches!(
        service.behaviour,
        Behaviour::Steady { .. } | Behaviour::Idle
    );
    let interval = if calm { CALM_SECONDS } else { BUSY_SECONDS };
    let newest = place.now.timestamp().div_euclid(interval);
    let oldest = service.created_at.timestamp().div_euclid(interval);
    let from = oldest.max(newest - i64::from(place.most_events)) + 1;
    (from..=newest)
        .rev()
        .map(|number| {
            let seed = noise::mix(service.seed, number.unsigned_abs());
            let millis = noise::between(noise::mix(seed, 5), 0, 999);
            Event {
                id: noise::uuid(seed),
                created_at: (number * interval) as f64 + millis as f64 / 1000.0,
                message: message(service, account, region, number, interval, seed),
            }
        })
        .collect()
}

fn message(
    service: &Service,
    account: &str,
    region: &str,
    number: i64,
    interval: i64,
    seed: u64,
) -> String {
    let name = &service.name;
    let task = || noise::hex_id(noise::mix(seed, 9));
    let started = number * interval;
    match &service.behaviour {
        Behaviour::Stopped { .. } => format!(
            "(service {name}) is unable to consistently start tasks successfully. For more \
             information, see the Troubleshooting section of the Amazon ECS Developer Guide."
        ),
        Behaviour::CrashLooping { .. }
        | Behaviour::Deploying { .. }
        | Behaviour::ScaleOut { .. } => match number.rem_euclid(5) {
            0 => format!("(service {name}) has reached a steady state."),
            1 => format!("(service {name}) has started 1 tasks: (task {}).", task()),
            2 => format!(
                "(service {name}) registered 1 targets in (target-group arn:aws:\
                     elasticloadbalancing:{region}:{account}:targetgroup/{name}/{:016x})",
                noise::mix(service.seed, 21),
            ),
            3 => format!(
                "(service {name}) (deployment ecs-svc/{}) deployment completed.",
                deployment_id(service.seed, started.unsigned_abs()),
            ),
            _ => format!(
                "(service {name}) has stopped 1 running tasks: (task {}).",
                task()
            ),
        },
        _ => format!("(service {name}) has reached a steady state."),
    }
}

/// The number in the id of a deployment: 19 digits.
pub fn deployment_id(seed: u64, number: u64) -> u64 {
    noise::between(
        noise::mix(seed, number),
        1_000_000_000_000_000_000,
        9_000_000_000_000_000_000,
    )
}
