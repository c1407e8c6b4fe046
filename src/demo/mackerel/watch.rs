//! The watch carries the judgement of monitors out: it reads what a post, a report or the clock brought,
//! asks [`judge`], and opens, moves and closes alerts in the store.
//!
//! Values are judged when they arrive. Silence is seen by [`look`], which runs when somebody asks for
//! alerts and each minute besides.

use std::collections::{BTreeMap, HashMap};

use rusqlite::Connection;
use serde_json::Value;

use crate::demo::mackerel::judge::{self, Change, Level, Standing, Threshold};
use crate::demo::mackerel::monitor::{covers, split_scope};
use crate::demo::mackerel::option::HostStatus;
use crate::demo::mackerel::store::alert::{self, StoredAlert, Trigger};
use crate::demo::mackerel::store::check::{self, StoredCheck};
use crate::demo::mackerel::store::host::{self, StoredHost};
use crate::demo::mackerel::store::monitor::{self, StoredMonitor};
use crate::demo::mackerel::store::series::{self, Arrival};
use crate::demo::mackerel::store::{Owner, id};

/// Points older than this many seconds are not judged.
const JUDGED_AGE_SECONDS: i64 = 20 * 60;

/// An average looks back this many seconds at most.
const AVERAGE_SECONDS: i64 = 24 * 60 * 60;

/// A host whose system metrics are silent this long, in seconds, is gone. "About 10 minutes" is all that is known.
const GONE_SECONDS: i64 = 10 * 60;

/// Whether a host is monitored at all.
pub fn is_watched(host: &StoredHost) -> bool {
    let status = HostStatus::from_word(&host.status);
    host.retired_at.is_none() && matches!(status, Some(HostStatus::Working | HostStatus::Standby))
}

/// Judges what a post brought to hosts, at `now`.
pub fn host_values_arrived(
    sql: &Connection,
    arrivals: &[Arrival<'_>],
    now: i64,
) -> rusqlite::Result<()> {
    let monitors = monitor::of_kind(sql, "host")?;
    let connectivity = monitor::of_kind(sql, "connectivity")?;
    if monitors.is_empty() && connectivity.is_empty() {
        return Ok(());
    }
    let mut by_host: BTreeMap<&str, Vec<&Arrival<'_>>> = BTreeMap::new();
    for arrival in arrivals {
        by_host.entry(arrival.owner).or_default().push(arrival);
    }
    for (id, arrivals) in by_host {
        let Some(host) = host::by_id(sql, id)?.filter(is_watched) else {
            continue;
        };
        for monitor in monitors.iter().filter(|it| covers(&it.body, &host.roles)) {
            let metric = monitor.text("metric");
            let fresh = arrivals
                .iter()
                .any(|arrival| feeds(metric, arrival.name) && is_judged(arrival, now));
            if fresh {
                judge_values(sql, monitor, &host.id, Owner::Host(&host.id), now)?;
            }
        }
        if arrivals.iter().any(|arrival| is_system(arrival.name)) {
            for monitor in &connectivity {
                monitor::set_standing(sql, &monitor.id, &host.id, Standing::NEW)?;
                settle(sql, &Source::of(monitor, &host.id), Level::Ok, now)?;
            }
        }
    }
    Ok(())
}

/// Judges what a post brought to a service, at `now`.
pub fn service_values_arrived(
    sql: &Connection,
    arrivals: &[Arrival<'_>],
    now: i64,
) -> rusqlite::Result<()> {
    for monitor in monitor::of_kind(sql, "service")? {
        let arrival = arrivals.iter().find(|arrival| {
            arrival.owner == monitor.text("service") && arrival.name == monitor.text("metric")
        });
        let Some(arrival) = arrival else { continue };
        let before = monitor::standing(sql, &monitor.id, "")?.unwrap_or(Standing::NEW);
        let heard = Standing {
            dismissed: false,
            ..before
        };
        monitor::set_standing(sql, &monitor.id, "", heard)?;
        if is_judged(arrival, now) {
            judge_values(sql, &monitor, "", Owner::Service(arrival.owner), now)?;
        } else {
            settle(sql, &Source::of(&monitor, ""), heard.level, now)?;
        }
    }
    Ok(())
}

/// Judges a report of a check of a host that is watched, at `now`.
pub fn check_reported(
    sql: &Connection,
    check: &StoredCheck,
    max_check_attempts: i64,
    now: i64,
) -> rusqlite::Result<()> {
    let open = alert::open(sql, &check.id, &check.host)?.map(|alert| alert.status);
    let due = match (check.status, open) {
        (Level::Ok, _) => Level::Ok,
        (level, Some(_)) => level,
        (level, None) if check.attempts >= max_check_attempts => level,
        (_, None) => Level::Ok,
    };
    let source = Source {
        monitor: &check.id,
        kind: "check",
        target: &check.host,
        revision: 0,
        value: None,
        message: Some(&check.message),
    };
    settle(sql, &source, due, now)
}

/// Looks for silence at `now`: hosts whose system metrics stopped, and service metrics that are missing.
pub fn look(sql: &Connection, now: i64) -> rusqlite::Result<()> {
    let connectivity = monitor::of_kind(sql, "connectivity")?;
    if !connectivity.is_empty() {
        let heard: HashMap<String, i64> = series::last_system_posts(sql)?;
        for host in host::all(sql)?.iter().filter(|host| is_watched(host)) {
            let gone = heard
                .get(&host.id)
                .is_some_and(|posted_at| now - posted_at >= GONE_SECONDS);
            for monitor in connectivity
                .iter()
                .filter(|it| covers(&it.body, &host.roles))
            {
                look_at_host(sql, monitor, &host.id, gone, now)?;
            }
        }
    }
    for monitor in monitor::of_kind(sql, "service")? {
        let standing = monitor::standing(sql, &monitor.id, "")?.unwrap_or(Standing::NEW);
        let silence = missing(sql, &monitor, standing, now)?;
        settle(
            sql,
            &Source::of(&monitor, ""),
            standing.level.max(silence),
            now,
        )?;
    }
    Ok(())
}

/// Closes an alert for a reason other than what its monitor sees, at `now`.
pub fn close(
    sql: &Connection,
    mut alert: StoredAlert,
    trigger: Trigger,
    now: i64,
) -> rusqlite::Result<StoredAlert> {
    let revision = monitor::by_id(sql, &alert.monitor)?.map_or(0, |monitor| monitor.revision);
    if alert.kind == "check" {
        if let Some(mut check) = check::by_id(sql, &alert.monitor)? {
            check.attempts = 0;
            check::put(sql, &check)?;
        }
    } else {
        let standing = Standing {
            dismissed: true,
            ..Standing::NEW
        };
        monitor::set_standing(sql, &alert.monitor, &alert.target, standing)?;
    }
    alert.status = Level::Ok;
    alert.closed_at = Some(now);
    alert::put(sql, &alert)?;
    alert::log(sql, &alert, trigger, revision, now)?;
    Ok(alert)
}

/// Closes the alerts of a host that is retired.
pub fn host_retired(sql: &Connection, host: &str, now: i64) -> rusqlite::Result<()> {
    for alert in alert::open_of_host(sql, host)? {
        close(sql, alert, Trigger::HostRetire, now)?;
    }
    Ok(())
}

/// Deletes a monitor and closes its alerts.
pub fn delete_monitor(
    sql: &Connection,
    id: &str,
    trigger: Trigger,
    now: i64,
) -> rusqlite::Result<()> {
    for alert in alert::open_of_monitor(sql, id)? {
        close(sql, alert, trigger, now)?;
    }
    monitor::delete(sql, id)
}

/// Takes a service, or one role of it, out of the monitors at `now`: monitors of a deleted service's metrics go
/// with it, and a scope that names what is gone is left out, so that a monitor without a scope watches all hosts.
pub fn group_deleted(
    sql: &Connection,
    service: &str,
    role: Option<&str>,
    now: i64,
) -> rusqlite::Result<()> {
    for mut monitor in monitor::all(sql)? {
        if monitor.kind() == "service" && monitor.text("service") == service && role.is_none() {
            delete_monitor(sql, &monitor.id, Trigger::ServiceDelete, now)?;
            continue;
        }
        for key in ["scopes", "excludeScopes"] {
            if let Some(Value::Array(scopes)) = monitor.body.get_mut(key) {
                scopes.retain(|scope| {
                    let (of, name) = split_scope(scope.as_str().unwrap_or_default());
                    of != service || (role.is_some() && name != role)
                });
            }
        }
        monitor::put(sql, &monitor)?;
    }
    Ok(())
}

/// The level that monitors know for a host, by monitor: those that have judged it at least once.
pub fn levels_of_host(
    sql: &Connection,
    host: &StoredHost,
) -> rusqlite::Result<Vec<(String, Level)>> {
    let mut levels = Vec::new();
    for kind in ["connectivity", "host"] {
        for monitor in monitor::of_kind(sql, kind)? {
            let known = monitor::standing(sql, &monitor.id, &host.id)?;
            if let (Some(standing), true) = (known, covers(&monitor.body, &host.roles)) {
                levels.push((monitor.id, standing.level));
            }
        }
    }
    Ok(levels)
}

/// Whose alert it is, and what it shows.
struct Source<'a> {
    monitor: &'a str,
    kind: &'a str,
    target: &'a str,
    revision: i64,
    value: Option<f64>,
    message: Option<&'a str>,
}

impl<'a> Source<'a> {
    fn of(monitor: &'a StoredMonitor, target: &'a str) -> Self {
        Source {
            monitor: &monitor.id,
            kind: monitor.kind(),
            target,
            revision: monitor.revision,
            value: None,
            message: None,
        }
    }
}

/// Brings the alert to the level that is due.
fn settle(sql: &Connection, source: &Source<'_>, due: Level, now: i64) -> rusqlite::Result<()> {
    let open = alert::open(sql, source.monitor, source.target)?;
    let change = judge::change(due, open.as_ref().map(|alert| alert.status));
    let mut alert = match (open, change) {
        (None, Change::Open(level)) => StoredAlert {
            id: id::next(sql)?,
            monitor: source.monitor.to_owned(),
            kind: source.kind.to_owned(),
            target: source.target.to_owned(),
            status: level,
            value: None,
            message: None,
            reason: None,
            memo: None,
            opened_at: now,
            closed_at: None,
        },
        (Some(alert), _) => alert,
        (None, _) => return Ok(()),
    };
    alert.value = source.value.or(alert.value);
    alert.message = source.message.map(str::to_owned).or(alert.message);
    alert.status = due;
    if change == Change::Close {
        alert.closed_at = Some(now);
    }
    alert::put(sql, &alert)?;
    if change == Change::None {
        return Ok(());
    }
    alert::log(sql, &alert, Trigger::Monitoring, source.revision, now)
}

fn judge_values(
    sql: &Connection,
    monitor: &StoredMonitor,
    target: &str,
    owner: Owner<'_>,
    now: i64,
) -> rusqlite::Result<()> {
    let Some(threshold) = Threshold::of(&monitor.body) else {
        return Ok(());
    };
    let values = newest_values(sql, owner, monitor.text("metric"), threshold.duration)?;
    let Some((judged, average)) = threshold.judge(&values) else {
        return Ok(());
    };
    let before = monitor::standing(sql, &monitor.id, target)?.unwrap_or(Standing::NEW);
    let standing = before.after(judged, threshold.max_check_attempts);
    monitor::set_standing(sql, &monitor.id, target, standing)?;
    let source = Source {
        value: Some(average),
        ..Source::of(monitor, target)
    };
    settle(sql, &source, standing.level, now)
}

fn look_at_host(
    sql: &Connection,
    monitor: &StoredMonitor,
    host: &str,
    gone: bool,
    now: i64,
) -> rusqlite::Result<()> {
    let before = monitor::standing(sql, &monitor.id, host)?;
    if !gone || before.is_some_and(|standing| standing.dismissed || standing.level != Level::Ok) {
        return Ok(());
    }
    let level = Level::from_word(monitor.text("alertStatusOnGone")).unwrap_or(Level::Critical);
    let standing = Standing {
        level,
        ..Standing::NEW
    };
    monitor::set_standing(sql, &monitor.id, host, standing)?;
    settle(sql, &Source::of(monitor, host), level, now)
}

/// How bad the silence of a service metric is. A metric that never came is not missing,
/// and silence counts from when the last value came: both are assumptions.
fn missing(
    sql: &Connection,
    monitor: &StoredMonitor,
    standing: Standing,
    now: i64,
) -> rusqlite::Result<Level> {
    let owner = Owner::Service(monitor.text("service"));
    let posted_at = series::posted_at(sql, owner, monitor.text("metric"))?;
    Ok(match posted_at {
        Some(posted_at) if !standing.dismissed => judge::missing(
            now - posted_at,
            monitor.whole("missingDurationWarning"),
            monitor.whole("missingDurationCritical"),
        ),
        _ => Level::Ok,
    })
}

fn is_judged(arrival: &Arrival<'_>, now: i64) -> bool {
    now - arrival.time <= JUDGED_AGE_SECONDS
        && arrival
            .newest_before
            .is_none_or(|newest| arrival.time.div_euclid(60) >= newest)
}

fn is_system(name: &str) -> bool {
    !name.starts_with("custom.")
}

/// The container metrics that a share is made of: their common start, and the ends of part and whole.
fn share(metric: &str) -> Option<(&'static str, &'static str, &'static str)> {
    match metric {
        "container-cpu%" => Some(("container.cpu.", ".usage", ".limit")),
        "container-memory%" => Some(("container.memory.", ".usage", ".limit")),
        _ => None,
    }
}

fn feeds(metric: &str, name: &str) -> bool {
    match share(metric) {
        Some((start, part, whole)) => {
            name.starts_with(start) && (name.ends_with(part) || name.ends_with(whole))
        }
        None => metric == name,
    }
}

/// The newest values of a metric, newest first. The share of containers is that of the fullest one in each minute.
fn newest_values(
    sql: &Connection,
    owner: Owner<'_>,
    metric: &str,
    count: usize,
) -> rusqlite::Result<Vec<f64>> {
    let Some((start, part, whole)) = share(metric) else {
        let points = series::newest(sql, owner, metric, count, AVERAGE_SECONDS)?;
        return Ok(points.into_iter().map(|(_, value)| value).collect());
    };
    let mut fullest: BTreeMap<i64, f64> = BTreeMap::new();
    for name in series::names(sql, owner)? {
        let Some(container) = name
            .strip_prefix(start)
            .and_then(|it| it.strip_suffix(part))
        else {
            continue;
        };
        let limit = format!("{start}{container}{whole}");
        let limits: HashMap<i64, f64> = series::newest(sql, owner, &limit, count, AVERAGE_SECONDS)?
            .into_iter()
            .collect();
        for (time, used) in series::newest(sql, owner, &name, count, AVERAGE_SECONDS)? {
            if let Some(limit) = limits.get(&time).filter(|limit| **limit > 0.0) {
                let percent = used / limit * 100.0;
                let entry = fullest.entry(time).or_insert(percent);
                *entry = entry.max(percent);
            }
        }
    }
    Ok(fullest.into_values().rev().take(count).collect())
}
