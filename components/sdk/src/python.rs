//! Numbers as Python spells them, for formats that were defined by Python programs.

use std::fmt::Write;

/// Python's `repr()` of a float: the shortest digits that read back as this number,
/// always with a fraction (`99.0`), or with an exponent from 1e16 on and below 1e-4.
#[must_use]
pub fn float_repr(value: f64) -> String {
    if value.is_nan() {
        return "nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    if let Some(text) = of_thousandths(value) {
        return text;
    }
    // Rust's shortest digits in the form `d.ddde±x`.
    let scientific = format!("{value:e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        let mut text = mantissa.to_owned();
        let _ = write!(text, "e{sign}{:02}", exponent.abs());
        return text;
    }
    let mut text = value.to_string();
    if !text.contains('.') {
        text.push_str(".0");
    }
    text
}

/// A number of at most three decimal places, as nearly all are, by its digits: to look for the
/// shortest ones is dear in a guest. Two decimal numbers of at most 15 digits are
/// never one float, so that these are the shortest.
fn of_thousandths(value: f64) -> Option<String> {
    let thousandths = value * 1000.0;
    let whole = thousandths.fract() == 0.0 && thousandths.abs() < 1e15;
    if !whole || thousandths / 1000.0 != value || value == 0.0 && value.is_sign_negative() {
        return None;
    }
    #[allow(clippy::cast_possible_truncation, reason = "whole, and far below 2^63")]
    let digits = (thousandths as i64).unsigned_abs();
    let mut text = String::with_capacity(20);
    if value < 0.0 {
        text.push('-');
    }
    text.push_str(itoa::Buffer::new().format(digits / 1000));
    text.push('.');
    let mut rest = digits % 1000;
    let mut place = 100;
    // One place at least.
    while text.ends_with('.') || rest > 0 {
        #[allow(clippy::cast_possible_truncation, reason = "one digit")]
        let digit = (rest / place) as u8;
        text.push(char::from(b'0' + digit));
        rest %= place;
        place /= 10;
    }
    Some(text)
}

/// A number that may be whole: then without a fraction, as Python writes an `int`,
/// otherwise as [`float_repr`].
#[must_use]
pub fn number(value: f64) -> String {
    // Up to 2^53, beyond which a float does not hold every whole number.
    if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
        #[allow(clippy::cast_possible_truncation, reason = "whole, and far below 2^63")]
        let whole = value as i64;
        itoa::Buffer::new().format(whole).to_owned()
    } else {
        float_repr(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn as_python_has_it() {
        for (value, repr) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (99.0, "99.0"),
            (15.7, "15.7"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.234e-7, "1.234e-07"),
            (1e100, "1e+100"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(float_repr(value), repr);
        }
    }

    #[test]
    fn whole_numbers_lose_their_fraction() {
        assert_eq!(number(2.0), "2");
        assert_eq!(number(0.5), "0.5");
        assert_eq!(number(0.0), "0");
    }

    proptest! {
        #[test]
        fn reads_back(value in any::<f64>()) {
            let repr = float_repr(value);
            if value.is_nan() {
                prop_assert_eq!(repr, "nan");
            } else {
                prop_assert_eq!(repr.parse::<f64>().unwrap().to_bits(), value.to_bits());
            }
        }

        /// Those of few decimal places are written another way, and must not be seen to be.
        #[test]
        fn the_digits_of_few_places_are_the_shortest(number in -1_000_000_000_000_000_i64..1_000_000_000_000_000, places in 0..7_i32) {
            let value = number as f64 / 10_f64.powi(places);
            prop_assume!(value == 0.0 || value.abs() >= 1e-4);
            let mut shortest = value.to_string();
            if !shortest.contains('.') {
                shortest.push_str(".0");
            }
            prop_assert_eq!(float_repr(value), shortest);
        }

        #[test]
        fn has_a_fraction_or_an_exponent(value in any::<f64>()) {
            prop_assume!(value.is_finite());
            let repr = float_repr(value);
            prop_assert!(repr.contains('.') || repr.contains("e+") || repr.contains("e-"), "{}", repr);
            let digits = repr.find('e').map(|at| &repr[at + 2..]);
            prop_assert!(digits.is_none_or(|digits| digits.len() >= 2), "{}", repr);
        }
    }
}
