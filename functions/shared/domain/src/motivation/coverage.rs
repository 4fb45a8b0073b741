//! The coverage that a test run prints.

/// The coverage in a test run's output, in tenths of a percent.
///
/// It reads the last line that tells one: a percentage in a line with the word *coverage*, *covered* or *TOTAL*, as
/// `coverage: 81.2% of statements` (go), `TOTAL  120  15  87%` (coverage.py, cargo-llvm-cov), `87.50% coverage, 70/80
/// lines covered` (cargo-tarpaulin), `All files | 91.3 |` and `Statements : 91.3% ( 21/23 )` (istanbul, nyc).
pub fn coverage_permille(output: &str) -> Option<i64> {
    output.lines().rev().find_map(of_line)
}

fn of_line(line: &str) -> Option<i64> {
    let lower = line.to_ascii_lowercase();
    if let Some((_, columns)) = line.split_once("All files") {
        let first = columns.split('|').map(str::trim).find(|c| !c.is_empty())?;
        return permille(first);
    }
    let is_total = line.trim_start().starts_with("TOTAL");
    let tells = is_total
        || lower.contains("coverage")
        || lower.contains("covered")
        || (lower.trim_start().starts_with("statements") && lower.contains(':'));
    if !tells || lower.contains("threshold") {
        return None;
    }
    let mut percentages = line.match_indices('%').filter_map(|(end, _)| {
        let before = line.get(..end)?;
        let start = before
            .rfind(|c: char| !c.is_ascii_digit() && c != '.')
            .map_or(0, |at| {
                at + before
                    .get(at..)
                    .and_then(|rest| rest.chars().next())
                    .map_or(1, char::len_utf8)
            });
        permille(before.get(start..)?)
    });
    // A total has one column each for regions, functions and lines; the last of them is the lines.
    if is_total {
        percentages.next_back()
    } else {
        percentages.next()
    }
}

fn permille(number: &str) -> Option<i64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || whole.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let tenth: i64 = fraction.get(..1).map_or(Some(0), |d| d.parse().ok())?;
    let value = whole.parse::<i64>().ok()? * 10 + tenth;
    (0..=1000).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_usual_summaries() {
        for (output, expected) in [
            (
                "ok  pkg 0.2s\tcoverage: 81.2% of statements\nExit code 0.",
                Some(812),
            ),
            ("Name   Stmts\nTOTAL    120     15    87%\n", Some(870)),
            (
                "TOTAL  10  2  80.00%  5  1  81.50%  90  9  90.10%",
                Some(901),
            ),
            ("87.50% coverage, 70/80 lines covered", Some(875)),
            ("All files |   91.3 |    80 |   75 |", Some(913)),
            (
                "Statements   : 100% ( 23/23 )\nBranches : 50% ( 1/2 )",
                Some(1000),
            ),
            ("coverage: 40%\ncoverage: 60%", Some(600)),
            ("test result: ok. 12 passed; 100% done", None),
            ("coverage threshold 80% not met", None),
            ("coverage: 140%", None),
            ("coverage: % of", None),
            ("", None),
        ] {
            assert_eq!(coverage_permille(output), expected, "{output:?}");
        }
    }

    proptest! {
        #[test]
        fn any_output_is_read_without_harm(output in "(coverage|TOTAL|All files|[ |.%0-9é€]){0,20}") {
            if let Some(value) = coverage_permille(&output) {
                prop_assert!((0..=1000).contains(&value));
            }
        }
    }
}
