//! Calendar months in UTC, and where a span of time crosses from one into the next: the one
//! rule for every record that is of a month.

use std::fmt;

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};

/// A month of a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(NaiveDate);

impl Month {
    /// The month that a time, in epoch seconds, belongs to.
    ///
    /// # Errors
    /// When its year is not one that a record can name.
    pub fn of(time: i64) -> Result<Self, String> {
        DateTime::<Utc>::from_timestamp(time, 0)
            .filter(|date| (0..=9999).contains(&date.year()))
            .and_then(|date| date.date_naive().with_day(1))
            .map(Self)
            .ok_or_else(|| format!("time `{time}` is not in the years 0 to 9999"))
    }

    /// Its first second, in epoch seconds.
    pub fn start(self) -> i64 {
        self.0
            .and_time(chrono::NaiveTime::MIN)
            .and_utc()
            .timestamp()
    }

    /// Its last second, in epoch seconds.
    pub fn last_second(self) -> i64 {
        self.next().start().saturating_sub(1)
    }

    /// The month after it.
    pub fn next(self) -> Self {
        self.0.checked_add_months(Months::new(1)).map_or(self, Self)
    }

    /// 1 to 12.
    pub fn number(self) -> u8 {
        u8::try_from(self.0.month()).unwrap_or(u8::MAX)
    }

    /// `2026-10`. Such a text is in each record, and in a guest `write!` is dear: by digits.
    pub fn text(self) -> String {
        let digit = |value: u16| char::from_digit(u32::from(value % 10), 10).unwrap_or('0');
        let (year, month) = (self.year(), u16::from(self.number()));
        let year = [year / 1000, year / 100, year / 10, year].map(digit);
        let month = [month / 10, month].map(digit);
        year.into_iter().chain(['-']).chain(month).collect()
    }

    /// 0 to 9999.
    pub fn year(self) -> u16 {
        u16::try_from(self.0.year()).unwrap_or(u16::MAX)
    }
}

/// The months from that of one time to that of another, both included; none when `to` lies in
/// a month before that of `from`. Times in epoch seconds.
///
/// # Errors
/// When one of the two is in no year that a record can name.
pub fn months(from: i64, to: i64) -> Result<impl Iterator<Item = Month>, String> {
    let (first, last) = (Month::of(from)?, Month::of(to)?);
    Ok(
        std::iter::successors(Some(first), |month| Some(month.next()))
            .take_while(move |month| *month <= last),
    )
}

/// The last seconds of months that are not before `from`, and before `to`, in their order. A
/// month whose last second is `to` itself does not end in the span: a record of
/// `to` is of that month.
///
/// # Errors
/// Those of [`months`].
pub fn month_ends(from: i64, to: i64) -> Result<impl Iterator<Item = i64>, String> {
    Ok(months(from, to)?
        .map(Month::last_second)
        .take_while(move |end| *end < to))
}

/// A time, in epoch seconds, as people read it: `2026-10-01T00:00:00Z`.
pub fn date(time: i64) -> String {
    DateTime::<Utc>::from_timestamp(time, 0).map_or_else(
        || format!("{time} s after 1970"),
        |date| date.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
    )
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn edges_of_months() {
        let last_second_of_2027 = 1_830_297_599;
        let december = Month::of(last_second_of_2027).unwrap();
        assert_eq!(december.to_string(), "2027-12");
        assert_eq!(december.next().start(), last_second_of_2027 + 1);
        assert_eq!(december.next().to_string(), "2028-01");
        // 29 February 2028.
        assert_eq!(Month::of(1_835_395_200).unwrap().to_string(), "2028-02");
        assert_eq!(Month::of(-1).unwrap().to_string(), "1969-12");
        assert!(Month::of(i64::MAX).is_err());
    }

    fn ends(from: i64, to: i64) -> Vec<i64> {
        month_ends(from, to).unwrap().collect()
    }

    #[test]
    fn a_month_ends_in_a_span_that_goes_on_after_its_last_second() {
        const END: i64 = 1_830_297_599; // 2027-12-31T23:59:59
        assert_eq!(ends(END, END + 1), [END]);
        assert_eq!(ends(END - 10, END + 10), [END]);
        // It ends before, or with the span and not in it.
        assert_eq!(ends(END + 1, END + 2), []);
        assert_eq!(ends(END - 10, END), []);
        // No span at all, or one that is reversed.
        assert_eq!(ends(END, END), []);
        assert_eq!(ends(END + 1, END), []);
        assert_eq!(ends(END, END - 40 * 86_400), []);
    }

    #[test]
    fn leap_days_and_years_are_crossed() {
        const DAY: i64 = 86_400;
        const JANUARY: i64 = 1_830_297_600; // 2028-01-01, a leap year
        let days = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 28, 31];
        let expected: Vec<i64> = days
            .iter()
            .scan(JANUARY, |start, days| {
                *start += days * DAY;
                Some(*start - 1)
            })
            .collect();
        assert_eq!(ends(JANUARY, *expected.last().unwrap() + 1), expected);
        // 2000 was a leap year, 2100 is none.
        assert_eq!(ends(951_782_400, 951_868_801), [951_868_799]);
        assert_eq!(ends(4_107_456_000, 4_107_542_401), [4_107_542_399]);
        let centuries = [951_868_799, 4_107_542_399].map(|end| Month::of(end + 1).unwrap());
        assert_eq!(
            centuries.map(|month| month.to_string()),
            ["2000-03", "2100-03"]
        );
    }

    proptest! {
        #[test]
        fn a_time_lies_in_its_month(time in -62_000_000_000_i64..250_000_000_000) {
            let month = Month::of(time).unwrap();
            prop_assert!(month.start() <= time && time <= month.last_second());
            prop_assert_eq!(month.last_second() + 1, month.next().start());
        }

        #[test]
        fn spans_that_follow_each_other_cross_what_their_union_crosses(
            from in 0_i64..4_000_000_000, first in 0_i64..90_000_000, second in 0_i64..90_000_000,
        ) {
            let (middle, to) = (from + first, from + first + second);
            let parts = [ends(from, middle), ends(middle, to)].concat();
            prop_assert_eq!(parts, ends(from, to));
        }
    }
}
