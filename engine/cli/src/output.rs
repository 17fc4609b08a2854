//! Where words go: results to standard output, notes and errors to standard error, one line each.
//!
//! A reader that closes the pipe early (`vivant info x | head -1`) ends the output, not the program.

use std::io::Write;

/// A result, with its line end.
pub(crate) fn text(text: &str) {
    // Nobody is left to tell if this fails.
    writeln!(std::io::stdout().lock(), "{text}").ok();
}

/// A result for programs: pretty JSON.
pub(crate) fn json(value: &serde_json::Value) {
    text(&format!("{value:#}"));
}

/// Something the user should know but that is no failure.
pub(crate) fn note(text: &str) {
    say("note", text);
}

/// Why the command failed.
pub(crate) fn error(text: &str) {
    say("error", text);
}

/// One line, whatever the text: names of files may hold line ends and worse.
fn say(label: &str, text: &str) {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    writeln!(std::io::stderr().lock(), "{label}: {}", line.trim_end()).ok();
}

/// A count with its noun.
pub(crate) fn count(count: impl Into<u64>, noun: &str) -> String {
    let count = count.into();
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Rows under their heads: the first column to the left, figures to the right. Ends with a line end.
pub(crate) fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut lines = vec![heads.iter().map(|head| (*head).to_owned()).collect()];
    lines.extend(rows);
    let width = |column: usize| {
        lines.iter().filter_map(|line: &Vec<String>| line.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths: Vec<usize> = (0..heads.len()).map(|column| width(column).unwrap_or_default()).collect();
    lines.iter().fold(String::new(), |mut text, line| {
        for (column, (cell, &width)) in line.iter().zip(&widths).enumerate() {
            text += &if column == 0 { format!("{cell:<width$}") } else { format!("  {cell:>width$}") };
        }
        text.truncate(text.trim_end().len());
        text + "\n"
    })
}

/// A number of bytes for a person.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut name = "bytes";
    for unit in UNITS {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        name = unit;
    }
    if name == "bytes" { format!("{count} bytes") } else { format!("{value:.1} {name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular() {
        assert_eq!([0_u32, 1, 2].map(|n| count(n, "level")), ["0 levels", "1 level", "2 levels"]);
    }

    #[test]
    fn figures_stand_under_their_heads() {
        let rows = [vec!["a".to_owned(), "1".to_owned()], vec!["long".to_owned(), "12345".to_owned()]];
        assert_eq!(table(&["x", "n"], rows.into_iter()), "x         n\na         1\nlong  12345\n");
    }

    #[test]
    fn bytes_read_well() {
        let read = [0, 999, 1000, 1_234_567, 5_000_000_000].map(bytes);
        assert_eq!(read, ["0 bytes", "999 bytes", "1.0 kB", "1.2 MB", "5.0 GB"]);
    }
}
