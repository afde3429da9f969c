{% if kind == "filter" -%}
//! Keeps records whose value contains a text.

use tidemill_smartmodule::{Params, Record, smartmodule};

/// What to keep.
#[derive(Params)]
pub struct Options {
    /// What to look for
    #[param(default = "error")]
    text: String,
}

/// Keeps records whose value contains a text.
#[smartmodule(filter)]
pub fn contains(record: &Record, params: &Options) -> bool {
    record
        .text()
        .is_some_and(|text| text.contains(&params.text))
}

#[cfg(test)]
mod tests {
    use tidemill_smartmodule::testing::{Runner, record};

    use super::Contains;

    #[test]
    fn records_with_the_text_are_kept() {
        let mut runner = Runner::<Contains>::new(&[("text", "lamp".into())]).unwrap();
        let kept = runner.values(&[record("a chair"), record("a lamp"), record("lamps")]);
        assert_eq!(kept, ["a lamp", "lamps"]);
    }

    #[test]
    fn without_parameters_it_looks_for_errors() {
        let mut runner = Runner::<Contains>::new(&[]).unwrap();
        let kept = runner.values(&[record("fine"), record("an error")]);
        assert_eq!(kept, ["an error"]);
    }
}
{%- elsif kind == "map" -%}
//! Writes values in capitals.

use tidemill_smartmodule::{Output, Record, Result, smartmodule};

/// Writes values in capitals.
#[smartmodule(map)]
pub fn capitals<'a>(record: &Record<'a>) -> Result<Output<'a>> {
    let text = record.require_text()?;
    Ok(record.with_value(text.to_uppercase()))
}

#[cfg(test)]
mod tests {
    use tidemill_smartmodule::testing::{Runner, record};

    use super::Capitals;

    #[test]
    fn values_are_in_capitals_and_keys_stay() {
        let mut runner = Runner::<Capitals>::new(&[]).unwrap();
        let outcome = runner.run(&[record("one").key("k")]);
        assert_eq!(outcome.records, [(0, record("ONE").key("k"))]);
    }

    #[test]
    fn a_value_that_is_no_text_fails() {
        let mut runner = Runner::<Capitals>::new(&[]).unwrap();
        let outcome = runner.run(&[record([0xff]), record("two")]);
        assert_eq!(outcome.failed.len(), 1);
        assert_eq!(outcome.records, [(1, record("TWO"))]);
    }
}
{%- elsif kind == "filter_map" -%}
//! Doubles numbers, and leaves out what is none.

use tidemill_smartmodule::{Output, Record, smartmodule};

/// Doubles numbers, and leaves out what is none.
#[smartmodule(filter_map)]
pub fn doubled<'a>(record: &Record<'a>) -> Option<Output<'a>> {
    let number: i64 = record.text()?.trim().parse().ok()?;
    Some(record.with_value(number.checked_mul(2)?.to_string()))
}

#[cfg(test)]
mod tests {
    use tidemill_smartmodule::testing::{Runner, record};

    use super::Doubled;

    #[test]
    fn numbers_are_doubled_and_all_else_is_left_out() {
        let mut runner = Runner::<Doubled>::new(&[]).unwrap();
        let made = runner.values(&[record("21"), record("many"), record("-4")]);
        assert_eq!(made, ["42", "-8"]);
    }
}
{%- elsif kind == "flat_map" -%}
//! Makes a record of each word.

use tidemill_smartmodule::{Output, Record, Result, smartmodule};

/// Makes a record of each word.
#[smartmodule(flat_map)]
pub fn words<'a>(record: &Record<'a>) -> Result<Vec<Output<'a>>> {
    let text = record.require_text()?;
    Ok(text
        .split_whitespace()
        .map(|word| record.to_output().value_from(word.as_bytes()))
        .collect())
}

#[cfg(test)]
mod tests {
    use tidemill_smartmodule::testing::{Runner, record};

    use super::Words;

    #[test]
    fn each_word_becomes_a_record() {
        let mut runner = Runner::<Words>::new(&[]).unwrap();
        let made = runner.values(&[record("to be"), record(""), record("or")]);
        assert_eq!(made, ["to", "be", "or"]);
    }
}
{%- elsif kind == "validate" -%}
//! Refuses values that are not numbers from 0 to 100.

use tidemill_smartmodule::{Error, Record, Result, smartmodule};

/// Refuses values that are not numbers from 0 to 100.
#[smartmodule(validate)]
pub fn percentage(record: &Record) -> Result<()> {
    let text = record.require_text()?.trim();
    let number: i64 = text
        .parse()
        .map_err(|_| Error::new(format!("`{text}` is not a whole number")))?;
    if !(0..=100).contains(&number) {
        return Err(Error::new(format!("{number} is not from 0 to 100")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tidemill_smartmodule::testing::{Runner, record};

    use super::Percentage;

    #[test]
    fn only_percentages_pass() {
        let mut runner = Runner::<Percentage>::new(&[]).unwrap();
        let outcome = runner.run(&[record("50"), record("101"), record("many")]);
        assert_eq!(outcome.records, [(0, record("50"))]);
        let reasons = [
            (1, "101 is not from 0 to 100".to_owned()),
            (2, "`many` is not a whole number".to_owned()),
        ];
        assert_eq!(outcome.failed, reasons);
    }
}
{%- elsif kind == "aggregate" -%}
//! Adds up numbers.

use tidemill_smartmodule::{Error, Record, Result, smartmodule};

/// Adds up numbers.
#[smartmodule(aggregate)]
pub fn sum(accumulator: &[u8], record: &Record) -> Result<Vec<u8>> {
    let so_far: i64 = match std::str::from_utf8(accumulator)? {
        "" => 0,
        text => text.parse()?,
    };
    let number: i64 = record.require_text()?.trim().parse()?;
    let sum = so_far
        .checked_add(number)
        .ok_or_else(|| Error::new("the sum is more than 64 bits hold"))?;
    Ok(sum.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use tidemill_smartmodule::testing::{Runner, record};

    use super::Sum;

    #[test]
    fn sums_go_on_from_batch_to_batch() {
        let mut runner = Runner::<Sum>::new(&[]).unwrap();
        assert_eq!(runner.values(&[record("1"), record("20")]), ["1", "21"]);
        assert_eq!(runner.values(&[record("-300")]), ["-279"]);
    }
}
{%- elsif kind == "join" -%}
//! Puts the left value before the right one, where the keys agree.

use tidemill_smartmodule::{Output, Record, smartmodule};

/// Puts the left value before the right one, where the keys agree.
#[smartmodule(join)]
pub fn side_by_side<'a>(left: &Record<'a>, right: &Record<'a>) -> Option<Output<'a>> {
    if left.key() != right.key() {
        return None;
    }
    Some(left.with_value(format!("{} {}", left.text()?, right.text()?)))
}

#[cfg(test)]
mod tests {
    use tidemill_smartmodule::testing::{Runner, record};

    use super::SideBySide;

    #[test]
    fn pairs_of_one_key_are_joined() {
        let mut runner = Runner::<SideBySide>::new(&[]).unwrap();
        let pairs = [
            record("a lamp for").key("7"),
            record("Ada").key("7"),
            record("a chair for").key("8"),
            record("Grace").key("9"),
        ];
        assert_eq!(runner.values(&pairs), ["a lamp for Ada"]);
    }
}
{%- endif %}
