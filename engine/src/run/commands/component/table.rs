//! Text in columns.

/// Rows under each other, two blanks between columns, none at the end of a line; each line
/// begins with `indent` blanks.
pub fn columns(rows: &[Vec<String>], indent: usize) -> String {
    let widths: Vec<usize> = (0..rows.iter().map(Vec::len).max().unwrap_or(0))
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (cell, width) in row.iter().zip(&widths) {
            line += cell;
            line += &" ".repeat(width + 2 - cell.chars().count());
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// 1,234,567.
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

/// `a, b and c`; `or` in place of `and` where that is meant.
pub fn listed(words: &[String], last: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., end] => format!("{} {last} {end}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
        let rows = [row(&["a", "bb", ""]), row(&["äöü", "c", "d"]), row(&["e"])];
        assert_eq!(columns(&rows, 1), " a    bb\n äöü  c   d\n e\n");
        assert_eq!(columns(&[], 2), "");
    }

    #[test]
    fn numbers_are_grouped_and_words_listed() {
        let texts = [0, 999, 1_000, 1_234_567].map(grouped);
        assert_eq!(texts, ["0", "999", "1,000", "1,234,567"]);
        let words = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(listed(&words, "and"), "a, b and c");
        assert_eq!(listed(words.get(..1).unwrap(), "and"), "a");
        assert_eq!(listed(&[], "and"), "");
    }
}
