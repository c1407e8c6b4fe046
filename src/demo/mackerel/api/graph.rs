//! The calls about graph definitions of custom metrics. An array is taken whole or not at all,
//! which is an assumption, since the documentation is silent about one bad entry among good ones.

use serde_json::{Map, Value, json};

use crate::demo::mackerel::call::{Answer, Call, Context};
use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::field::{Fields, elements};
use crate::demo::mackerel::option::TrailingWildcards;
use crate::demo::mackerel::rule;
use crate::demo::mackerel::store::graph::{self, StoredGraph};

/// `POST /graph-defs/create`: adds each definition, in place of one with its name.
pub fn create(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    graph::expire(context.sql, context.now)?;
    for (index, element) in elements(&body)?.iter().enumerate() {
        let fields = Fields::of_element("", index, element)?;
        graph::put(
            context.sql,
            &definition(&fields, context.options.trailing_wildcards)?,
            context.now,
        )?;
    }
    Ok(Answer::success())
}

/// `DELETE /graph-defs`, whose body names the definition; 400 where it is absent.
pub fn delete(call: &Call, context: &mut Context<'_>) -> Result<Answer, Refusal> {
    let body = call.json()?;
    let fields = Fields::of_body(&body)?;
    let name = fields.text("name")?;
    graph::expire(context.sql, context.now)?;
    if graph::delete(context.sql, name)? {
        Ok(Answer::success())
    } else {
        Err(fields.refuse("name", "is no graph definition"))
    }
}

fn definition(
    fields: &Fields<'_>,
    trailing_wildcards: TrailingWildcards,
) -> Result<StoredGraph, Refusal> {
    let name = fields.text("name")?;
    if !rule::is_pattern(name) {
        return Err(fields.refuse(
            "name",
            "must be `custom.` and segments of [-a-zA-Z0-9_]+, `*` or one `#`",
        ));
    }
    let unit = fields.optional_text("unit")?.unwrap_or("float");
    if !rule::UNITS.contains(&unit) {
        return Err(fields.refuse(
            "unit",
            &format!("must be one of {}", rule::UNITS.join(", ")),
        ));
    }
    let mut metrics = Vec::new();
    for (index, element) in fields.list("metrics")?.iter().enumerate() {
        metrics.push(metric(
            name,
            &Fields::of_element("metrics", index, element)?,
            trailing_wildcards,
        )?);
    }
    Ok(StoredGraph {
        name: name.to_owned(),
        display_name: fields.optional_text("displayName")?.map(str::to_owned),
        unit: unit.to_owned(),
        metrics: Value::Array(metrics),
    })
}

/// `isStacked` may be absent, as in the documentation's own example.
fn metric(
    graph: &str,
    fields: &Fields<'_>,
    trailing_wildcards: TrailingWildcards,
) -> Result<Value, Refusal> {
    let name = fields.text("name")?;
    if !rule::is_pattern(name) || !rule::is_under(graph, name) {
        return Err(fields.refuse("name", &format!("must be `{graph}.` and one segment")));
    }
    if trailing_wildcards == TrailingWildcards::Refuse && rule::ends_in_wildcard(name) {
        return Err(fields.refuse("name", "has a wildcard that the graph's name lacks"));
    }
    let mut kept = Map::from_iter([("name".to_owned(), json!(name))]);
    if let Some(display_name) = fields.optional_text("displayName")? {
        kept.insert("displayName".to_owned(), json!(display_name));
    }
    kept.insert(
        "isStacked".to_owned(),
        json!(fields.optional_flag("isStacked")?.unwrap_or(false)),
    );
    Ok(Value::Object(kept))
}
