//! Tables of text as the commands print them: a head, then a line each, in columns. Pure.

/// The most characters of a line that is made of items one after the other.
const WIDTH: usize = 96;

/// A table with a head. The first `left` columns hold names, which stand to the left; the others
/// figures, which stand to the right. Every row has as many cells as the head.
pub fn table(head: &[&str], left: usize, rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|&word| word.to_owned()).collect();
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for row in [&head].into_iter().chain(rows) {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let pad = " ".repeat(width.saturating_sub(cell.chars().count()));
            match column < left {
                true => text.push_str(&format!("{cell}{pad}  ")),
                false => text.push_str(&format!("{pad}{cell}  ")),
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

/// Items after a word, separated by commas, in lines that fit a terminal.
pub fn wrapped(word: &str, items: impl Iterator<Item = String>) -> String {
    let mut lines = vec![word.to_owned()];
    for item in items {
        match lines.last_mut() {
            Some(line) if line.len() + item.len() + 2 <= WIDTH => {
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
            table(&["NAME", "TASKS"], 1, &rows),
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
        let text = wrapped("calls:", (0..30).map(|number| format!("item{number}")));
        assert!(text.lines().all(|line| line.len() <= WIDTH + 1), "{text}");
        assert!(text.starts_with("calls: item0, item1, "));
    }
}
