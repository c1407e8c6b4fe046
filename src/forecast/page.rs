//! A forecast as text.

use super::host::Hosts;
use super::{Calls, CloudWatchForecast, Forecast, Range, RegionForecast};
use crate::table::{grouped, table, wrapped};
use crate::terminal::look::Look;

/// How many hosts are named that pass what a standard host includes.
const NAMED: usize = 5;

/// The forecast as tables, each with what it shows above it.
pub fn page(forecast: &Forecast, look: Look) -> String {
    let parts = [
        estate(forecast, look),
        calls(forecast, look),
        readings(forecast, look),
        hosts(&forecast.hosts, look),
        choices(forecast, look),
    ];
    parts.join("\n")
}

fn regions(
    forecast: &Forecast,
    look: Look,
    head: [&str; 4],
    cells: impl Fn(&RegionForecast) -> [String; 4],
) -> String {
    let [a, b, c, d] = head;
    let rows: Vec<Vec<String>> = forecast
        .regions
        .iter()
        .map(|one| {
            let names = [one.target.clone(), one.region.clone()];
            names.into_iter().chain(cells(one)).collect()
        })
        .collect();
    let head = ["TARGET", "REGION", a, b, c, d];
    table(&head, 2, &rows, look, |_| None)
}

fn estate(forecast: &Forecast, look: Look) -> String {
    let head = ["CLUSTERS", "SERVICES", "WITH TASKS", "WAIT IN A PASS"];
    let table = regions(forecast, look, head, |one| {
        [
            grouped(one.clusters as u64),
            grouped(one.services as u64),
            grouped(one.services_with_tasks as u64),
            match one.pass_polls {
                1 => seconds(one.pass_seconds),
                polls => format!("{}, {polls} polls", seconds(one.pass_seconds)),
            },
        ]
    });
    let every = every(forecast.poll_minutes);
    format!(
        "Task counts are read {every}; the rates that the poller keeps to make it wait:\n\n{table}"
    )
}

fn calls(forecast: &Forecast, look: Look) -> String {
    let rates = match forecast.rate_share {
        Some(share) => format!(
            "beside what the poller allows itself, {:.0} % of AWS's rates",
            share * 100.0
        ),
        None => "with no limit of the poller's own".to_owned(),
    };
    let head = ["CLUSTER READS", "SERVICE READS", "READ WITH", "CLOUDWATCH"];
    let table = regions(forecast, look, head, |one| {
        let mut cells = one.calls.iter().map(of_allowed);
        let mut next = || cells.next().unwrap_or_default();
        [next(), next(), one.reader.to_owned(), next()]
    });
    format!("Calls a minute, {rates}:\n\n{table}")
}

fn of_allowed(calls: &Calls) -> String {
    let made = match calls.per_minute {
        some if some.fract() == 0.0 || some >= 100.0 => grouped(some.round() as u64),
        few => format!("{few:.1}"),
    };
    match calls.allowed_per_minute {
        Some(allowed) => format!("{made} of {}", grouped(allowed as u64)),
        None => made,
    }
}

fn readings(forecast: &Forecast, look: Look) -> String {
    let head = ["METRICS", "STATISTICS", "UNITS A MONTH", "OR AT MOST"];
    let table = regions(forecast, look, head, |one| {
        [
            grouped(one.metrics as u64),
            grouped(one.statistics as u64),
            grouped(one.units.lower.round() as u64),
            grouped(one.units.upper.round() as u64),
        ]
    });
    let CloudWatchForecast {
        units,
        free_units,
        usd,
    } = &forecast.cloudwatch;
    format!(
        "CloudWatch is read {}; each reading asks for:\n\n{table}\n\
         In all {} units, of which the free tier carries {}:\n{} US dollars a month.\n",
        every(forecast.cloudwatch_minutes),
        range(units, " to ", |units| grouped(units.round() as u64)),
        grouped(free_units.round() as u64),
        range(usd, " to ", |usd| dollars(usd, usd < 100.0)),
    )
}

fn hosts(hosts: &Hosts, look: Look) -> String {
    let mut text = format!(
        "Mackerel gets {} metrics on {} hosts, {} to {} each and {} on the middle one.\n\
         A standard host, as a cluster's is, includes {}; a micro host {}.\n",
        grouped(hosts.metrics as u64),
        grouped(hosts.count as u64),
        grouped(hosts.least as u64),
        grouped(hosts.most as u64),
        grouped(hosts.median as u64),
        hosts.standard_includes,
        hosts.micro_includes
    );
    if let Some(sizes) = &hosts.sizes {
        let known: usize = sizes.values().sum();
        let told = sizes.iter().map(|(size, count)| format!("{count} {size}"));
        let new = (hosts.count > known).then(|| format!("{} not yet there", hosts.count - known));
        text.push_str(&wrapped("Mackerel says:", told.chain(new), look.width));
    }
    if !hosts.beyond.is_empty() {
        let named = hosts.beyond.iter().take(NAMED);
        let named = named.map(|host| format!("{} {}", host.cluster, grouped(host.metrics as u64)));
        let rest = hosts.beyond.len().saturating_sub(NAMED);
        let rest = (rest > 0).then(|| format!("{} more", grouped(rest as u64)));
        let word = format!("Beyond {}:", hosts.standard_includes);
        text.push_str(&wrapped(&word, named.chain(rest), look.width));
        if hosts.further > 0 {
            text.push_str(&format!(
                "What they have beyond what all of them include counts as {} further hosts.\n",
                grouped(hosts.further as u64)
            ));
        }
    }
    text
}

fn choices(forecast: &Forecast, look: Look) -> String {
    let intervals = forecast.choices.first().map_or(&[][..], |one| &one.usd);
    let heads: Vec<String> = intervals
        .iter()
        .map(|(minutes, _)| format!("{minutes} MIN"))
        .collect();
    let mut head = vec!["PROFILE", "METRICS"];
    head.extend(heads.iter().map(String::as_str));
    let whole = forecast
        .choices
        .iter()
        .flat_map(|choice| &choice.usd)
        .any(|(_, usd)| usd.upper >= 100.0);
    let rows: Vec<Vec<String>> = forecast
        .choices
        .iter()
        .map(|choice| {
            let mut row = vec![choice.profile.to_owned(), grouped(choice.metrics as u64)];
            row.extend(choice.usd.iter().map(|(minutes, usd)| {
                let is_this = choice.is_configured && *minutes == forecast.cloudwatch_minutes;
                let mark = if is_this { "*" } else { "" };
                let usd = range(usd, "–", |usd| dollars(usd, !whole));
                format!("{mark}{usd}")
            }));
            row
        })
        .collect();
    format!(
        "US dollars a month, by profile and by how often CloudWatch is read (* as it is):\n\n{}",
        table(&head, 1, &rows, look, |_| None)
    )
}

fn every(minutes: i64) -> String {
    match minutes {
        1 => "each minute".into(),
        minutes => format!("every {minutes} minutes"),
    }
}

fn seconds(seconds: f64) -> String {
    match seconds {
        0.0 => "none".into(),
        some => format!("{:.0} s", some.max(1.0)),
    }
}

fn dollars(usd: f64, with_cents: bool) -> String {
    match with_cents {
        true => format!("{usd:.2}"),
        false => grouped(usd.round() as u64),
    }
}

/// One figure where both are the same.
fn range(range: &Range, to: &str, text: impl Fn(f64) -> String) -> String {
    match range.lower == range.upper {
        true => text(range.lower),
        false => format!("{}{to}{}", text(range.lower), text(range.upper)),
    }
}
