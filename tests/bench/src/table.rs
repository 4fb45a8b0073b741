use std::fmt;

/// A table of text: the first column to the left, the others to the right.
pub(crate) struct Table {
    title: String,
    rows: Vec<Vec<String>>,
    notes: Vec<String>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, heads: &[&str]) -> Self {
        let heads = heads.iter().map(|head| (*head).to_owned()).collect();
        Self {
            title: title.into(),
            rows: vec![heads],
            notes: Vec::new(),
        }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// A line below the table.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// The goal and whether it is met, below the table.
    pub(crate) fn goal(&mut self, goal: &str, met: bool, measured: impl fmt::Display) {
        let verdict = if met { "met" } else { "NOT MET" };
        self.note(format!("goal: {goal} -- {verdict} ({measured})"));
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.title)?;
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for (index, row) in self.rows.iter().enumerate() {
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if column == 0 {
                    write!(f, "  {cell:<width$}")?;
                } else {
                    write!(f, "  {cell:>width$}")?;
                }
            }
            writeln!(f)?;
            if index == 0 {
                let line = widths.iter().map(|width| width + 2).sum::<usize>();
                writeln!(f, "  {}", "-".repeat(line.saturating_sub(2)))?;
            }
        }
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_are_aligned_and_goals_are_below() {
        let mut table = Table::new("Title", &["what", "n"]);
        table.row(["a".to_owned(), "1".to_owned()]);
        table.row(["long".to_owned(), "100".to_owned()]);
        table.goal("under 10", false, "100");
        assert_eq!(
            table.to_string(),
            "\nTitle\n  what    n\n  ---------\n  a       1\n  long  100\n  goal: under 10 -- NOT MET (100)\n"
        );
    }
}
