//! README.ja.md says what README.md says: section by section the same code, tables, lists, links, names
//! and amounts of money. What the words say is for a reader to judge.

use std::path::Path;

/// What a section holds besides its words.
#[derive(Debug, Default, PartialEq)]
struct Section {
    /// How many `#` its heading has.
    level: usize,
    /// Its blocks of code, as they are.
    code: Vec<String>,
    /// How many cells each row of its tables has.
    rows: Vec<usize>,
    /// How many items its lists have.
    items: usize,
    /// The targets of links and pictures, the texts in backticks, and the amounts in dollars, each sorted:
    /// the order of words differs between languages.
    links: Vec<String>,
    names: Vec<String>,
    dollars: Vec<String>,
}

/// A page as its sections.
fn sections(page: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let mut prose = vec![String::new()];
    let mut block: Option<String> = None;
    for line in page.lines() {
        let text = line.trim_start();
        let section = sections.last_mut().unwrap();
        if text.starts_with("```") {
            match block.take() {
                Some(code) => section.code.push(code),
                None => block = Some(format!("{text}\n")),
            }
            continue;
        }
        if let Some(code) = &mut block {
            code.push_str(line);
            code.push('\n');
            continue;
        }
        if text.starts_with('#') {
            sections.push(Section {
                level: text.chars().take_while(|sign| *sign == '#').count(),
                ..Section::default()
            });
            prose.push(String::new());
            continue;
        }
        if text.starts_with('|') {
            section.rows.push(text.matches('|').count());
        }
        let is_numbered = text
            .split_once(". ")
            .is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        if text.starts_with("- ") || is_numbered {
            section.items += 1;
        }
        let words = prose.last_mut().unwrap();
        words.push_str(text);
        words.push(' ');
    }
    for (section, words) in sections.iter_mut().zip(&prose) {
        section.links = parts(words, "](", ")");
        // Each page names the other.
        section
            .links
            .retain(|target| !target.starts_with("README."));
        section.names = parts(words, "`", "`");
        let amount = |word: &str| {
            let is_part = |sign: &char| sign.is_ascii_digit() || *sign == '.';
            let amount: String = word.chars().take_while(is_part).collect();
            amount.trim_end_matches('.').to_owned()
        };
        // Names may hold a dollar sign of their own.
        let spoken: String = words.split('`').step_by(2).collect();
        section.dollars = spoken.split('$').skip(1).map(amount).collect();
        section.dollars.sort();
    }
    sections
}

/// What stands between an opening and a closing sign, sorted.
fn parts(text: &str, open: &str, close: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(open) {
        let Some((part, after)) = after.split_once(close) else {
            break;
        };
        parts.push(part.to_owned());
        rest = after;
    }
    parts.sort();
    parts
}

#[test]
fn the_japanese_page_holds_what_the_english_one_does() {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        sections(&std::fs::read_to_string(path).unwrap())
    };
    let (english, japanese) = (read("README.md"), read("README.ja.md"));
    assert!(english.len() > 5);
    for (place, (english, japanese)) in english.iter().zip(&japanese).enumerate() {
        assert_eq!(japanese, english, "section {place}");
    }
    assert_eq!(japanese.len(), english.len());
}
