//! Tables for people: columns as wide as what stands in them, and one gate for all of it.

use std::fmt;

use caso_base::line::{LINE_BYTES, short_line};

/// Rows of as many cells as there are headings.
#[derive(Debug)]
pub struct Table<const N: usize> {
    headings: [&'static str; N],
    /// Whether a column stands at the right, as numbers do.
    right: [bool; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A column whose heading begins with `>` stands at the right.
    pub fn new(headings: [&'static str; N]) -> Self {
        Table {
            right: headings.map(|heading| heading.starts_with('>')),
            headings: headings.map(|heading| heading.trim_start_matches('>')),
            rows: Vec::new(),
        }
    }

    /// Adds a row; its texts need not be ours.
    pub fn row(&mut self, cells: [String; N]) {
        self.rows
            .push(cells.map(|cell| short_line(&cell, LINE_BYTES)));
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headings = self.headings.map(str::to_owned);
        let rows: Vec<&[String; N]> = std::iter::once(&headings).chain(&self.rows).collect();
        let right = |column| self.right.get(column).is_some_and(|right| *right);
        f.write_str(&laid_out(&rows, 0, right))
    }
}

/// Rows without headings, of as many cells as each has; each line begins with `indent` blanks.
pub fn columns(rows: &[Vec<String>], indent: usize) -> String {
    laid_out(&rows.iter().collect::<Vec<_>>(), indent, |_| false)
}

/// Two blanks between columns, none at the end of a line.
fn laid_out<R: AsRef<[String]>>(
    rows: &[&R],
    indent: usize,
    right: impl Fn(usize) -> bool,
) -> String {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        for (column, cell) in row.as_ref().iter().enumerate() {
            let width = cell.chars().count();
            match widths.get_mut(column) {
                Some(known) => *known = width.max(*known),
                None => widths.push(width),
            }
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (column, (cell, width)) in row.as_ref().iter().zip(&widths).enumerate() {
            let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
            let (before, behind) = match right(column) {
                true => (gap.as_str(), ""),
                false => ("", gap.as_str()),
            };
            line.extend([before, cell, behind, "  "]);
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// What to type next, a command a line. No text in one can do more than be read.
pub fn next(commands: &[String]) -> String {
    let labels = ["next"].into_iter().chain(std::iter::repeat("    "));
    let lines = commands.iter().zip(labels);
    lines
        .map(|(command, label)| format!("{label}  {}\n", short_line(command, LINE_BYTES)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_a_line() {
        let commands = ["caso status".to_owned(), "caso x\u{1b}[2J\ny".to_owned()];
        assert_eq!(next(&commands), "next  caso status\n      caso x[2J y\n");
    }

    #[test]
    fn columns_fit_and_no_text_breaks_out() {
        let mut table = Table::new(["NAME", ">RECORDS", "WHY"]);
        table.row(["ssm".into(), "38".into(), "ä".into()]);
        table.row(["b\u{1b}[2Jc\nd".into(), "1".into(), String::new()]);
        assert_eq!(
            table.to_string(),
            "NAME     RECORDS  WHY\n\
             ssm           38  ä\n\
             b[2Jc d        1\n"
        );
    }
    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
        let rows = [row(&["a", "bb", ""]), row(&["äöü", "c", "d"]), row(&["e"])];
        assert_eq!(columns(&rows, 1), " a    bb\n äöü  c   d\n e\n");
        assert_eq!(columns(&[], 2), "");
    }

    #[test]
    fn commands_stand_under_each_other() {
        assert_eq!(next(&["a".into(), "b".into()]), "next  a\n      b\n");
        assert_eq!(next(&[]), "");
    }
}
