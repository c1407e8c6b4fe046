//! Name patterns as shells have them (`web-*`, `db?`, `{a,b}`), and the filters made of them.

use globset::{Glob, GlobSet, GlobSetBuilder};

/// One pattern, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern(Glob);

impl Pattern {
    /// Checks a pattern; `*` stands for any text, `?` for one character.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("is an empty pattern, which matches nothing; `*` matches all".into());
        }
        Glob::new(text)
            .map(Pattern)
            .map_err(|error| format!("is `{text}`, which is no pattern: {}", error.kind()))
    }
}

/// Several patterns, of which one must match.
#[derive(Debug, Clone, Default)]
pub struct Patterns {
    written: Vec<Pattern>,
    set: Option<GlobSet>,
}

impl PartialEq for Patterns {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Patterns {
    /// Joins patterns. No patterns match nothing.
    pub fn new(patterns: Vec<Pattern>) -> Self {
        if patterns.is_empty() {
            return Patterns::default();
        }
        let mut builder = GlobSetBuilder::new();
        for pattern in &patterns {
            builder.add(pattern.0.clone());
        }
        Patterns {
            written: patterns,
            // Each pattern was compiled when it was checked, so the set compiles as well.
            set: builder.build().ok(),
        }
    }

    /// Whether one of them matches the whole text.
    pub fn matches(&self, text: &str) -> bool {
        self.set.as_ref().is_some_and(|set| set.is_match(text))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.set.is_none()
    }
}

/// A choice by name: all that `include` matches (all, where it is empty) but what `exclude` does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NameFilter {
    /// What is in.
    pub include: Patterns,
    /// What is out all the same.
    pub exclude: Patterns,
}

impl NameFilter {
    /// Whether the name is chosen.
    pub fn accepts(&self, name: &str) -> bool {
        (self.include.is_empty() || self.include.matches(name)) && !self.exclude.matches(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(include: &[&str], exclude: &[&str]) -> NameFilter {
        let patterns = |list: &[&str]| {
            Patterns::new(list.iter().map(|p| Pattern::parse(p).unwrap()).collect())
        };
        NameFilter {
            include: patterns(include),
            exclude: patterns(exclude),
        }
    }

    #[test]
    fn exclude_wins_over_include() {
        let filter = filter(&["web-*", "db"], &["*-test"]);
        assert!(filter.accepts("web-1"));
        assert!(filter.accepts("db"));
        assert!(!filter.accepts("db2"));
        assert!(!filter.accepts("web-test"));
    }

    #[test]
    fn no_patterns_accept_all() {
        assert!(filter(&[], &[]).accepts("anything"));
    }

    #[test]
    fn a_bad_pattern_is_refused_with_its_text() {
        let error = Pattern::parse("web-[").unwrap_err();
        assert!(error.contains("`web-[`"), "{error}");
    }
}
