//! A Mackerel role in its full name, `service:role`, and the tag convention that names several.

use std::fmt;
use std::sync::Arc;

/// The tag on a cluster that names the roles of its host, as in Mackerel's own integration.
pub const ROLE_TAG: &str = "mackerel-integration";

/// A role's full name in the form that the API takes, `service:role` without blanks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RoleFullname(Arc<str>);

impl RoleFullname {
    /// Checks one full name; blanks around its parts are allowed. Each part is 2 to 63 letters,
    /// digits, `-` and `_`, and begins with a letter or digit (Mackerel's rule).
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{}` is no role; write `service:role`, each 2 to 63 letters, digits, `-` or `_`",
                text.trim()
            )
        };
        let (service, role) = text.split_once(':').ok_or_else(wrong)?;
        let (service, role) = (service.trim(), role.trim());
        if is_name(service) && is_name(role) {
            Ok(RoleFullname(format!("{service}:{role}").into()))
        } else {
            Err(wrong())
        }
    }

    /// Reads the value of the tag [`ROLE_TAG`]: full names joined by `/`. One bad name makes the
    /// whole value bad, so that a slip of the pen never takes roles away.
    pub fn parse_tag(value: &str) -> Result<Vec<Self>, String> {
        let mut roles = value
            .split('/')
            .map(Self::parse)
            .collect::<Result<Vec<_>, _>>()?;
        roles.sort();
        roles.dedup();
        Ok(roles)
    }

    /// Checks the name of a service on Mackerel.
    pub fn parse_service(text: &str) -> Result<String, String> {
        match is_name(text) {
            true => Ok(text.to_owned()),
            false => Err(format!(
                "is `{text}`, which is no service's name; write 2 to 63 letters, digits, `-` or `_`"
            )),
        }
    }

    /// The full name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RoleFullname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_name(text: &str) -> bool {
    (2..=63).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: Result<&[&str], &str>) {
        let parsed = RoleFullname::parse_tag(value);
        match (&parsed, expected) {
            (Ok(roles), Ok(expected)) => {
                let roles: Vec<&str> = roles.iter().map(RoleFullname::as_str).collect();
                assert_eq!(roles, expected, "{value}");
            }
            (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
            _ => panic!("{value}: {parsed:?}"),
        }
    }

    #[test]
    fn the_tag_names_one_or_more_roles() {
        check("shop: web", Ok(&["shop:web"]));
        check("shop: web / shop: batch", Ok(&["shop:batch", "shop:web"]));
        check("shop:web/shop:web", Ok(&["shop:web"]));
    }

    #[test]
    fn a_malformed_value_is_refused_whole() {
        check("", Err("`` is no role"));
        check("shop", Err("`shop` is no role"));
        check("shop: web /", Err("`` is no role"));
        check("shop: web / x", Err("`x` is no role"));
        check("s:web", Err("`s:web` is no role"));
        check("-shop:web", Err("`-shop:web` is no role"));
        check("お店:web", Err("is no role"));
    }
}
