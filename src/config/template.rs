//! Texts with places for a cluster's properties, such as `{cluster} ({region})`.

use crate::model::id::ClusterArn;

/// A checked template.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(Vec<Part>);

impl Default for Template {
    /// The cluster's ARN, its identity.
    fn default() -> Self {
        Template(vec![Part::Field(Field::Arn)])
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Field(Field),
}

/// A property of a cluster.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Field {
    Arn,
    Cluster,
    Region,
    Account,
}

const FIELDS: [(&str, Field); 4] = [
    ("arn", Field::Arn),
    ("cluster", Field::Cluster),
    ("region", Field::Region),
    ("account", Field::Account),
];

impl Template {
    /// Checks a template; `{{` and `}}` stand for the braces themselves.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let from_brace = &rest[at..];
            if let Some(after) = from_brace.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = from_brace.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else if let Some((name, after)) = from_brace[1..]
                .split_once('}')
                .filter(|_| from_brace.starts_with('{'))
            {
                let field = FIELDS.iter().find(|(known, _)| *known == name);
                let Some((_, field)) = field else {
                    return Err(format!(
                        "has the unknown place {{{name}}}; known are {{arn}}, {{cluster}}, \
                         {{region}}, {{account}}"
                    ));
                };
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Field(*field));
                rest = after;
            } else {
                return Err("has a brace without its partner; write {{ or }} for a brace".into());
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Template(parts))
    }

    /// A template that names each cluster differently, at least within one Region.
    pub fn parse_identity(text: &str) -> Result<Self, String> {
        let template = Self::parse(text)?;
        let tells_apart = |part: &Part| matches!(part, Part::Field(Field::Arn | Field::Cluster));
        if !template.0.iter().any(tells_apart) {
            return Err(
                "must hold {arn} or {cluster}, or all clusters would share one host".into(),
            );
        }
        Ok(template)
    }

    /// The text for one cluster.
    pub fn render(&self, cluster: &ClusterArn) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Field(Field::Arn) => cluster.as_str(),
                Part::Field(Field::Cluster) => cluster.name(),
                Part::Field(Field::Region) => cluster.region(),
                Part::Field(Field::Account) => cluster.account(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_braces() {
        let arn = ClusterArn::new("arn:aws:ecs:eu-west-1:111122223333:cluster/web");
        let render = |text| Template::parse(text).unwrap().render(&arn);
        assert_eq!(render("{cluster} ({region})"), "web (eu-west-1)");
        assert_eq!(render("{{{account}}}"), "{111122223333}");
        assert_eq!(render("{arn}"), arn.as_str());
        assert_eq!(render(""), "");
    }

    #[test]
    fn bad_templates() {
        for (text, part) in [
            ("{zone}", "unknown place {zone}"),
            ("{cluster", "without its partner"),
            ("cluster}", "without its partner"),
            ("{", "without its partner"),
        ] {
            let error = Template::parse(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
        assert!(Template::parse_identity("{region}").is_err());
    }
}
