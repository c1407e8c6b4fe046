//! The documented rules on the widgets of a dashboard: what each type holds, and that they lie on a grid of
//! 24 columns without overlap. Whether Mackerel refuses a bad place or only shows it badly is not documented;
//! here it is refused.

use crate::demo::mackerel::error::Refusal;
use crate::demo::mackerel::field::Fields;

/// The columns of the grid.
const COLUMNS: i64 = 24;

/// Each type with its least width and height and its greatest height.
const SIZES: [(&str, i64, i64, i64); 4] = [
    ("graph", 6, 6, 32),
    ("value", 4, 4, 32),
    ("markdown", 4, 2, 80),
    ("alertStatus", 4, 3, 32),
];

/// What a graph or a metric is of: its type and the text fields that it must have.
type Sources = &'static [(&'static str, &'static [&'static str])];

const GRAPHS: Sources = &[
    ("host", &["hostId", "name"]),
    ("role", &["roleFullname", "name"]),
    ("service", &["serviceName", "name"]),
    ("expression", &["expression"]),
    ("query", &["query", "legend"]),
    ("unknown", &[]),
];

const METRICS: Sources = &[
    ("host", &["hostId", "name"]),
    ("service", &["serviceName", "name"]),
    ("expression", &["expression"]),
    ("query", &["query", "legend"]),
    ("unknown", &[]),
];

/// A place on the grid.
struct Place {
    x: i64,
    y: i64,
    width: i64,
    height: i64,
}

impl Place {
    fn overlaps(&self, other: &Place) -> bool {
        let apart = self.x + self.width <= other.x
            || other.x + other.width <= self.x
            || self.y + self.height <= other.y
            || other.y + other.height <= self.y;
        !apart
    }
}

/// Checks the widgets of a dashboard.
///
/// # Errors
///
/// 400 that names the field.
pub fn check(dashboard: &Fields<'_>) -> Result<(), Refusal> {
    dashboard.list("widgets")?;
    let mut places: Vec<Place> = Vec::new();
    for widget in dashboard.optional_elements("widgets")? {
        let place = check_one(&widget)?;
        if places.iter().any(|other| other.overlaps(&place)) {
            return Err(widget.refuse("layout", "overlaps another widget"));
        }
        places.push(place);
    }
    Ok(())
}

fn check_one(widget: &Fields<'_>) -> Result<Place, Refusal> {
    let kind = widget.text("type")?;
    let Some((_, width, height, tallest)) = SIZES.iter().find(|(name, ..)| *name == kind) else {
        return Err(widget.refuse("type", "must be one of graph, value, markdown, alertStatus"));
    };
    widget.text("title")?;
    match kind {
        "graph" => check_graph(widget)?,
        "value" => check_value(widget)?,
        "markdown" => drop(widget.text("markdown")?),
        _ => drop(widget.optional_text("roleFullname")?),
    }
    let layout = widget.nested("layout")?;
    let number = |key: &str| match layout.optional_whole(key)? {
        Some(number) if (0..100_000).contains(&number) => Ok(number),
        _ => Err(layout.refuse(key, "is required and must be a whole number from 0")),
    };
    let place = Place {
        x: number("x")?,
        y: number("y")?,
        width: number("width")?,
        height: number("height")?,
    };
    if place.width < *width || place.x + place.width > COLUMNS {
        let wrong = format!("must be at least {width} and end within {COLUMNS} columns");
        return Err(layout.refuse("width", &wrong));
    }
    if place.height < *height || place.height > *tallest {
        return Err(layout.refuse("height", &format!("must be from {height} to {tallest}")));
    }
    Ok(place)
}

fn check_graph(widget: &Fields<'_>) -> Result<(), Refusal> {
    let graph = widget.nested("graph")?;
    check_source(&graph, GRAPHS)?;
    graph.optional_flag("isStacked")?;
    if let Some(range) = widget.optional_nested("range")? {
        let (first, second) = match range.text("type")? {
            "relative" => ("period", "offset"),
            "absolute" => ("start", "end"),
            _ => return Err(range.refuse("type", "must be relative or absolute")),
        };
        range.time(first)?;
        range.time(second)?;
    }
    if let Some(range) = widget.optional_nested("valueRange")? {
        range.optional_number("min")?;
        range.optional_number("max")?;
    }
    let lines = widget.optional_elements("referenceLines")?;
    if lines.len() > 1 {
        return Err(widget.refuse("referenceLines", "must be at most 1"));
    }
    for line in lines {
        let label = line.text("label")?;
        if label.trim().is_empty() || label.chars().count() > 32 {
            return Err(line.refuse("label", "must be 1 to 32 characters"));
        }
        if line.number("value")? < 0.0 {
            return Err(line.refuse("value", "must not be negative"));
        }
    }
    Ok(())
}

fn check_value(widget: &Fields<'_>) -> Result<(), Refusal> {
    check_source(&widget.nested("metric")?, METRICS)?;
    widget.optional_text("suffix")?;
    let digits = widget.optional_whole("fractionSize")?;
    if digits.is_some_and(|digits| !(0..=16).contains(&digits)) {
        return Err(widget.refuse("fractionSize", "must be from 0 to 16"));
    }
    let rules = widget.optional_elements("formatRules")?;
    if rules.len() > 1 {
        return Err(widget.refuse("formatRules", "must be at most 1"));
    }
    for rule in rules {
        rule.number("threshold")?;
        if ![">", "<"].contains(&rule.text("operator")?) {
            return Err(rule.refuse("operator", "must be > or <"));
        }
    }
    Ok(())
}

fn check_source(source: &Fields<'_>, sources: Sources) -> Result<(), Refusal> {
    let kind = source.text("type")?;
    let Some((_, texts)) = sources.iter().find(|(name, _)| *name == kind) else {
        let names: Vec<&str> = sources.iter().map(|(name, _)| *name).collect();
        let wrong = format!("must be one of {}", names.join(", "));
        return Err(source.refuse("type", &wrong));
    };
    for key in *texts {
        source.text(key)?;
    }
    Ok(())
}
