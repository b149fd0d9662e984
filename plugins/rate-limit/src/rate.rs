//! Rates as the operator writes them.

use refrain_sdk::Problem;

/// More than this a second is no limit to anybody; and it keeps the numbers exact.
const NUMBER_MAX: u32 = 1_000_000;

/// A rate: so many tokens in a unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// How many come back in the unit.
    pub number: u32,
    /// How many come back in a second.
    pub per_second: f64,
}

impl Rate {
    /// Reads `20/min`.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let is_none = || {
            Problem::new("", format!("{text:?} is not a rate; write \"10/s\", \"20/min\", \"100/h\" or \"500/day\""))
        };
        let (number, unit) = text.split_once('/').ok_or_else(is_none)?;
        let number: u32 = number.trim().parse().map_err(|_| is_none())?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "min" => 60.0,
            "h" => 3_600.0,
            "day" => 86_400.0,
            _ => return Err(is_none()),
        };
        if number == 0 || number > NUMBER_MAX {
            let advice = "to refuse everything, jid-policy has `deny`; to refuse nothing, write `off = true`";
            return Err(Problem::new("", format!("{text:?} is not between 1 and {NUMBER_MAX}; {advice}")));
        }
        Ok(Rate { number, per_second: f64::from(number) / seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_by_unit() {
        let read = |text| Rate::parse(text).map(|rate| (rate.number, rate.per_second));
        assert_eq!(read("10/s"), Ok((10, 10.0)));
        assert_eq!(read("30/min"), Ok((30, 0.5)));
        assert_eq!(read("7200/h"), Ok((7200, 2.0)));
        assert_eq!(read("86400 / day"), Ok((86_400, 1.0)));
    }

    #[test]
    fn what_is_none_is_refused_with_advice() {
        for text in ["", "10", "10/x", "/s", "-1/s", "1.5/s", "1/s/s", "99999999999/s"] {
            let problem = Rate::parse(text).expect_err(text);
            assert!(problem.message.contains("is not a rate; write \"10/s\""), "{}", problem.message);
        }
        for text in ["0/s", "1000001/s"] {
            assert!(Rate::parse(text).expect_err(text).message.contains("off = true"));
        }
    }
}
