//! How much strangers may send, as the operator writes it.

use refrain_sdk::Problem;

/// So many at once, and so many again in a unit of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    pub(crate) burst: u32,
    pub(crate) per_second: f64,
}

/// More than this is no limit to anybody.
const BURST_MAX: u32 = 1_000_000;

impl Rate {
    /// Reads `20/h`.
    pub(crate) fn parse(text: &str) -> Result<Self, Problem> {
        let is_none = || {
            let advice = format!("write a number from 1 to {BURST_MAX} as in \"10/min\", \"30/h\" or \"100/day\"");
            Problem::new("", format!("{text:?} is not a rate; {advice}"))
        };
        let (number, unit) = text.split_once('/').ok_or_else(is_none)?;
        let burst: u32 = number.trim().parse().map_err(|_| is_none())?;
        let seconds = match unit.trim() {
            "s" => 1.0,
            "min" => 60.0,
            "h" => 3_600.0,
            "day" => 86_400.0,
            _ => return Err(is_none()),
        };
        if !(1..=BURST_MAX).contains(&burst) {
            return Err(is_none());
        }
        Ok(Rate { burst, per_second: f64::from(burst) / seconds })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_by_unit() {
        assert_eq!(Rate::parse("36/h"), Ok(Rate { burst: 36, per_second: 0.01 }));
        assert_eq!(Rate::parse("86400 / day"), Ok(Rate { burst: 86_400, per_second: 1.0 }));
    }

    #[test]
    fn what_is_none_is_refused_with_advice() {
        for text in ["", "10", "10/week", "0/s", "-1/s", "1.5/s", "1000001/h"] {
            assert!(Rate::parse(text).expect_err(text).message.contains("as in \"10/min\""), "{text}");
        }
    }
}
