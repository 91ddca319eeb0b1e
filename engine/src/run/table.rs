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
        let mut widths = self.headings.map(|heading| heading.chars().count());
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let headings = self.headings.map(str::to_owned);
        for row in std::iter::once(&headings).chain(&self.rows) {
            let mut line = String::new();
            for ((cell, width), right) in row.iter().zip(widths).zip(self.right) {
                let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
                let (before, behind) = if right {
                    (gap.as_str(), "")
                } else {
                    ("", gap.as_str())
                };
                line.extend([before, cell, behind, "  "]);
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
