//! Which Regions of an account are polled.

/// A choice of Regions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Regions {
    /// The one that the AWS environment names.
    #[default]
    Home,
    /// These.
    Named(Vec<String>),
    /// All that are enabled in the account.
    All,
}

impl Regions {
    /// The word for all of them.
    pub const ALL: &'static str = "all";

    /// Those that are named.
    pub fn named(&self) -> &[String] {
        match self {
            Regions::Named(names) => names,
            Regions::Home | Regions::All => &[],
        }
    }

    /// Whether this Region may be one of them, as far as can be told before AWS is asked.
    pub fn may_hold(&self, region: &str) -> bool {
        match self {
            Regions::Home | Regions::All => true,
            Regions::Named(names) => names.iter().any(|name| name == region),
        }
    }

    /// Whether both may hold a Region, as far as can be told before AWS is asked; which one, if that is
    /// known.
    pub fn overlap(&self, other: &Regions) -> Option<Option<&str>> {
        match (self, other) {
            (Regions::All, _) | (_, Regions::All) | (Regions::Home, Regions::Home) => Some(None),
            (Regions::Named(own), Regions::Named(others)) => {
                let mut shared = own.iter().filter(|name| others.contains(name));
                shared.next().map(|name| Some(name.as_str()))
            }
            // Which one the environment names is not known yet.
            (Regions::Home, Regions::Named(_)) | (Regions::Named(_), Regions::Home) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(one: &str, other: &str, expected: Option<Option<&str>>) {
        let regions = |text: &str| match text {
            "all" => Regions::All,
            "" => Regions::Home,
            names => Regions::Named(names.split(' ').map(str::to_owned).collect()),
        };
        assert_eq!(regions(one).overlap(&regions(other)), expected);
        assert_eq!(
            regions(other).overlap(&regions(one)).is_some(),
            expected.is_some()
        );
    }

    #[test]
    fn what_two_choices_share_is_found() {
        check("a b", "c b", Some(Some("b")));
        check("a", "b", None);
        check("all", "b", Some(None));
        check("all", "", Some(None));
        check("", "", Some(None));
        check("", "a", None);
    }
}
