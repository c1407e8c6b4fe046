//! Two plain pages for a person, without a key and without scripts: `/` lists the hosts,
//! `/hosts/<id>` the metrics of one with their newest values.

use std::fmt::Write as _;

use chrono::DateTime;

use crate::demo::mackerel::api;
use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::store::host::{self, StoredHost};
use crate::demo::mackerel::store::{Owner, series};

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem;color:#222}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #ddd;vertical-align:top}\
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}tr.retired{color:#999}\
@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}a{color:#8bf}th,td{border-color:#444}}";

/// `GET /`: every host, the retired ones last.
pub fn hosts(_: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let mut hosts = host::all(context.sql)?;
    hosts.sort_by_key(|host| host.retired_at.is_some());
    let mut rows = String::new();
    for host in &hosts {
        let (metrics, newest) = series::summary(context.sql, Owner::Host(&host.id))?;
        let _ = write!(
            rows,
            "<tr{}><td><a href=\"/hosts/{}\">{}</a></td><td>{}</td><td>{}</td><td>{}</td><td class=n>{metrics}</td><td>{}</td></tr>",
            if host.retired_at.is_some() {
                " class=retired"
            } else {
                ""
            },
            escape(&host.id),
            escape(title(host)),
            status(host),
            escape(&host.size),
            escape(&roles(host)),
            newest.map_or_else(|| "never".to_owned(), moment),
        );
    }
    if rows.is_empty() {
        rows.push_str("<tr><td colspan=6>No host has been registered yet.</td></tr>");
    }
    let table = format!(
        "<table><tr><th>Host<th>Status<th>Size<th>Roles<th class=n>Metrics<th>Last point</tr>{rows}</table>"
    );
    Ok(page(
        &format!("Hosts of {}", context.options.org_name),
        &table,
    ))
}

/// `GET /hosts/<id>`: the metrics of a host.
pub fn host(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let host = api::host::find(call.param("id"), context)?;
    let owner = Owner::Host(&host.id);
    let mut rows = String::new();
    for name in series::names(context.sql, owner)? {
        if let Some((time, value)) = series::latest(context.sql, owner, &name)? {
            let _ = write!(
                rows,
                "<tr><td>{}</td><td class=n>{value}</td><td>{}</td></tr>",
                escape(&name),
                moment(time)
            );
        }
    }
    if rows.is_empty() {
        rows.push_str("<tr><td colspan=3>No value has been posted yet.</td></tr>");
    }
    let body = format!(
        "<p><a href=\"/\">All hosts</a></p><p>{} · {} · {} · id {}{}</p><p>{}</p>\
         <table><tr><th>Metric<th class=n>Newest value<th>Time</tr>{rows}</table>",
        status(&host),
        escape(&host.size),
        escape(&roles(&host)),
        escape(&host.id),
        host.custom_identifier
            .as_deref()
            .map(|identifier| format!(" · {}", escape(identifier)))
            .unwrap_or_default(),
        escape(&host.memo),
    );
    Ok(page(title(&host), &body))
}

fn page(title: &str, body: &str) -> Answer {
    let title = escape(title);
    Answer::text(
        "text/html; charset=utf-8",
        format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
             <title>{title}</title><style>{STYLE}</style><h1>{title}</h1>{body}</html>\n"
        ),
    )
}

fn title(host: &StoredHost) -> &str {
    host.display_name.as_deref().unwrap_or(&host.name)
}

fn status(host: &StoredHost) -> &str {
    if host.retired_at.is_some() {
        "retired"
    } else {
        &host.status
    }
}

fn roles(host: &StoredHost) -> String {
    let fullnames: Vec<String> = host
        .roles
        .iter()
        .map(|(service, role)| format!("{service}:{role}"))
        .collect();
    if fullnames.is_empty() {
        "no role".to_owned()
    } else {
        fullnames.join(", ")
    }
}

fn moment(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0).map_or_else(
        || seconds.to_string(),
        |time| time.format("%Y-%m-%d %H:%M UTC").to_string(),
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}
