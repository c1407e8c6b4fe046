//! How text looks where it goes: its width, and whether it may have colours. Pure.

/// A place for text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// How many characters a line may have.
    pub width: usize,
    /// Whether there are colours.
    pub colour: bool,
}

/// What a piece of text is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paint {
    /// A heading.
    Head,
    /// As it should be.
    Good,
    /// To be looked at.
    Odd,
    /// Wrong.
    Bad,
}

impl Look {
    /// No terminal.
    pub const PLAIN: Look = Look {
        width: 120,
        colour: false,
    };

    /// A text in its colour.
    pub fn paint(self, paint: Paint, text: &str) -> String {
        let code = match paint {
            Paint::Head => "1",
            Paint::Good => "32",
            Paint::Odd => "33",
            Paint::Bad => "31",
        };
        match self.colour && !text.is_empty() {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

/// Whether there are to be colours: where there is a terminal, unless `NO_COLOR` is set; and where
/// `CLICOLOR_FORCE` is set to anything but 0.
pub fn colour(is_terminal: bool, environment: &[(String, String)]) -> bool {
    let set = |wanted: &str| {
        let found = environment.iter().find(|(name, _)| name == wanted);
        found
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    };
    match (set("NO_COLOR"), set("CLICOLOR_FORCE")) {
        (Some(_), _) => false,
        (None, Some(forced)) if forced != "0" => true,
        _ => is_terminal && set("TERM") != Some("dumb"),
    }
}

/// A text cut to a width, with a sign where something is missing.
pub fn cut(text: &str, width: usize) -> String {
    match text.char_indices().nth(width) {
        None => text.to_owned(),
        Some(_) => {
            let kept = text.chars().take(width.saturating_sub(1));
            kept.chain(std::iter::once('…')).collect()
        }
    }
}

/// Words in lines of a width, those after the first indented. A word that is longer stands alone.
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split(' ') {
        let length = |text: &str| text.chars().count();
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if length(line) + 1 + length(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{}{word}", " ".repeat(indent))),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_where_they_are_wanted() {
        let check = |is_terminal, environment: &[(&str, &str)], expected| {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let environment: Vec<_> = environment.iter().map(owned).collect();
            assert_eq!(
                colour(is_terminal, &environment),
                expected,
                "{environment:?}"
            );
        };
        check(true, &[], true);
        check(false, &[], false);
        check(true, &[("NO_COLOR", "1")], false);
        check(true, &[("NO_COLOR", "")], true);
        check(false, &[("CLICOLOR_FORCE", "1")], true);
        check(false, &[("CLICOLOR_FORCE", "0")], false);
        check(false, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false);
        check(true, &[("TERM", "dumb")], false);
    }

    #[test]
    fn text_is_cut_and_wrapped() {
        assert_eq!(cut("cluster", 7), "cluster");
        assert_eq!(cut("clüster", 6), "clüst…");
        assert_eq!(wrap("one two three", 7, 2), "one two\n  three");
        assert_eq!(wrap("longer than", 3, 0), "longer\nthan");
    }
}
