//! How fast records are sent.

use std::str::FromStr;

/// Records a second: `1000`, `1000/s`, `0.5/s`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate(pub(crate) f64);

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = text.trim().trim_end_matches("/s").trim_end();
        match number.parse::<f64>() {
            Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(Self(rate)),
            _ => Err(format!(
                "`{text}` is no rate; write records a second, such as 1000 or 1000/s"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read() {
        assert_eq!("1000/s".parse(), Ok(Rate(1000.0)));
        assert_eq!("0.5".parse(), Ok(Rate(0.5)));
        assert!(
            "0".parse::<Rate>().is_err() && "fast".parse::<Rate>().is_err() && "inf".parse::<Rate>().is_err()
        );
    }
}
