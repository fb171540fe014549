//! Tables for people: columns aligned by what is in them.

/// A column's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table that grows row by row.
#[derive(Debug)]
pub(crate) struct TextTable {
    sides: Vec<Side>,
    rows: Vec<Vec<String>>,
}

impl TextTable {
    /// With these columns.
    pub(crate) fn new(columns: &[(&str, Side)]) -> Self {
        let header = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
        Self { sides: columns.iter().map(|(_, side)| *side).collect(), rows: vec![header] }
    }

    /// Appends a row, with a cell for every column.
    pub(crate) fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        let cells: Vec<String> = cells.into_iter().collect();
        debug_assert_eq!(cells.len(), self.sides.len());
        self.rows.push(cells);
    }

    /// The table as lines, each indented by this many spaces; nothing without rows.
    pub(crate) fn text(&self, indent: usize) -> String {
        if self.rows.len() == 1 {
            return String::new();
        }
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..self.sides.len()).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = " ".repeat(indent);
            for ((cell, side), width) in row.iter().zip(&self.sides).zip(&widths) {
                let space = " ".repeat(width - cell.chars().count());
                match side {
                    Side::Left => line.extend([cell.as_str(), &space]),
                    Side::Right => line.extend([space.as_str(), cell]),
                }
                line.push_str("  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A share or an accuracy; `-` where it is undefined.
pub(crate) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"))
}

/// 1 - delta without the digits that subtraction makes up (1 - 0.7 is 0.30000000000000004).
pub(crate) fn complement(delta: f64) -> f64 {
    const DIGITS: f64 = 1e12;
    ((1.0 - delta) * DIGITS).round() / DIGITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = TextTable::new(&[("name", Side::Left), ("n", Side::Right), ("", Side::Left)]);
        assert_eq!(table.text(0), "");
        table.push(["é".to_owned(), "1".to_owned(), String::new()]);
        table.push(["longer".to_owned(), "100".to_owned(), "x".to_owned()]);
        assert_eq!(table.text(1), " name      n\n é         1\n longer  100  x\n");
        assert_eq!((number(None), number(Some(0.5))), ("-".to_owned(), "0.5000".to_owned()));
        assert_eq!((complement(0.7), complement(0.05)), (0.3, 0.95));
    }
}
