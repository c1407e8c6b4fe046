//! Tables of text as the commands print them: a head, then a line each, in columns. Pure.

use crate::terminal::look::{Look, Paint, cut};

/// How narrow the names in the first column get at most.
const LEAST_NAME: usize = 12;

/// A table with a head. The first `left` columns hold names, which stand to the left; the others
/// figures, which stand to the right. Every row has as many cells as the head. Where the width is too
/// small for it, the names in the first column are cut. `paint` tells how each row is painted.
pub fn table(
    head: &[&str],
    left: usize,
    rows: &[Vec<String>],
    look: Look,
    paint: impl Fn(usize) -> Option<Paint>,
) -> String {
    let head: Vec<String> = head.iter().map(|&word| word.to_owned()).collect();
    let mut widths: Vec<usize> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let all = widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1);
    let too_much = all.saturating_sub(look.width);
    if let Some(first) = widths.first_mut() {
        *first = first.saturating_sub(too_much).max(LEAST_NAME.min(*first));
    }
    let line = |row: &[String]| {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let cell = cut(cell, *width);
            let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
            line.push_str(&match column < left {
                true => format!("{cell}{pad}  "),
                false => format!("{pad}{cell}  "),
            });
        }
        line.truncate(line.trim_end().len());
        line
    };
    let mut text = look.paint(Paint::Head, &line(&head)) + "\n";
    for (place, row) in rows.iter().enumerate() {
        let line = line(row);
        text.push_str(&match paint(place) {
            Some(paint) => look.paint(paint, &line),
            None => line,
        });
        text.push('\n');
    }
    text
}

/// Items after a word, separated by commas, in lines of a width.
pub fn wrapped(word: &str, items: impl Iterator<Item = String>, width: usize) -> String {
    let mut lines = vec![word.to_owned()];
    for item in items {
        match lines.last_mut() {
            Some(line) if line.len() + item.len() + 3 <= width => {
                let comma = if line == word { "" } else { "," };
                line.push_str(&format!("{comma} {item}"));
            }
            _ => lines.push(format!("  {item}")),
        }
    }
    lines.join(",\n") + "\n"
}

/// A whole number with a comma between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_to_the_left_and_figures_to_the_right() {
        let rows = [["web", "12"], ["batch", "3"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            table(&["NAME", "TASKS"], 1, &rows, Look::PLAIN, |_| None),
            "NAME   TASKS\nweb       12\nbatch      3\n"
        );
    }

    #[test]
    fn thousands_are_told_apart() {
        let texts = [0, 999, 1000, 43_800, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "43,800", "1,234,567"]);
    }

    #[test]
    fn items_go_to_the_next_line() {
        let text = wrapped("calls:", (0..30).map(|number| format!("item{number}")), 96);
        assert!(text.lines().all(|line| line.len() <= 96), "{text}");
        assert!(text.starts_with("calls: item0, item1, "));
    }
}
