//! Families of metrics as OpenMetrics text, version 1.0. Pure.

use std::fmt::Write;

/// The media type of what [`render`] gives.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What kind of figures a family has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A sum that only grows.
    Counter,
    /// A figure of now.
    Gauge,
    /// How many events were how large.
    Histogram,
    /// Facts as labels.
    Info,
}

impl Kind {
    /// OpenMetrics' word.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
        }
    }
}

/// The head of a family.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Its name, which ends with the unit if it has one.
    pub name: &'static str,
    /// What kind of figures it has.
    pub kind: Kind,
    /// The unit; none for a plain number.
    pub unit: Option<&'static str>,
    /// One sentence.
    pub help: &'static str,
}

/// One figure of a family.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What its name has behind the family's, such as `_bucket`.
    pub suffix: &'static str,
    /// Its labels.
    pub labels: Vec<(&'static str, String)>,
    /// Its value.
    pub value: f64,
}

impl Figure {
    /// A figure without labels.
    pub fn new(suffix: &'static str, value: f64) -> Self {
        Figure {
            suffix,
            labels: Vec::new(),
            value,
        }
    }

    /// The same with a label.
    pub fn with(mut self, label: &'static str, value: impl Into<String>) -> Self {
        self.labels.push((label, value.into()));
        self
    }
}

/// The whole page. A family without figures is left out.
pub fn render(families: impl IntoIterator<Item = (Head, Vec<Figure>)>) -> String {
    let mut page = String::new();
    for (head, figures) in families {
        if !figures.is_empty() {
            // Writing to a text does not fail.
            _ = family(&mut page, &head, &figures);
        }
    }
    page.push_str("# EOF\n");
    page
}

fn family(page: &mut String, head: &Head, figures: &[Figure]) -> std::fmt::Result {
    let name = head.name;
    writeln!(page, "# TYPE {name} {}", head.kind.as_str())?;
    if let Some(unit) = head.unit {
        writeln!(page, "# UNIT {name} {unit}")?;
    }
    writeln!(page, "# HELP {name} {}", escaped(head.help))?;
    for figure in figures {
        write!(page, "{name}{}", figure.suffix)?;
        for (place, (label, value)) in figure.labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            write!(page, "{before}{label}=\"{}\"", escaped(value))?;
        }
        let close = if figure.labels.is_empty() { "" } else { "}" };
        writeln!(page, "{close} {}", figure.value)?;
    }
    Ok(())
}

/// A text as a label's value or a help has it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('"', "\\\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page() {
        let seconds = Head {
            name: "x_seconds",
            kind: Kind::Histogram,
            unit: Some("seconds"),
            help: "How \"long\".",
        };
        let empty = Head {
            name: "y",
            kind: Kind::Counter,
            unit: None,
            help: "Nothing yet.",
        };
        let figures = vec![
            Figure::new("_bucket", 2.0)
                .with("target", "a\"b\\c\nd")
                .with("le", "+Inf"),
            Figure::new("_sum", 0.25),
        ];
        assert_eq!(
            render([(seconds, figures), (empty, Vec::new())]),
            "# TYPE x_seconds histogram\n# UNIT x_seconds seconds\n\
             # HELP x_seconds How \\\"long\\\".\n\
             x_seconds_bucket{target=\"a\\\"b\\\\c\\nd\",le=\"+Inf\"} 2\n\
             x_seconds_sum 0.25\n# EOF\n"
        );
    }
}
