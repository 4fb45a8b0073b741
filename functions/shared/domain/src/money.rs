//! Amounts of money for people. They are counted in millionths of a US dollar; each is rounded down, and none is below
//! nothing.

/// To a hundredth of a cent, which one step of an agent may cost: `$0.0123`.
pub fn dollars(micro_usd: i64) -> String {
    let micro_usd = micro_usd.max(0);
    format!(
        "${}.{:04}",
        micro_usd / 1_000_000,
        micro_usd % 1_000_000 / 100
    )
}

/// To a cent, without the sign of the currency: `1.23`.
pub(crate) fn to_cents(micro_usd: i64) -> String {
    let cents = micro_usd.max(0) / 10_000;
    format!("{}.{:02}", cents / 100, cents % 100)
}

/// To a cent, where an amount that is not nothing never looks like it: `$1.23`, `less than $0.01`.
pub(crate) fn dollars_and_cents(micro_usd: i64) -> String {
    if (1..10_000).contains(&micro_usd) {
        return "less than $0.01".to_owned();
    }
    format!("${}", to_cents(micro_usd))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_down() {
        for (micro, text) in [
            (0, "$0.00"),
            (9_999, "less than $0.01"),
            (5_009_999, "$5.00"),
            (-5, "$0.00"),
        ] {
            assert_eq!(dollars_and_cents(micro), text);
        }
        for (micro, exact, cents) in [
            (0, "$0.0000", "0.00"),
            (1_239_999, "$1.2399", "1.23"),
            (-5, "$0.0000", "0.00"),
        ] {
            assert_eq!(
                (dollars(micro).as_str(), to_cents(micro).as_str()),
                (exact, cents)
            );
        }
    }
}
