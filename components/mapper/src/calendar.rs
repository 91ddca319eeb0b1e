//! Calendar months in UTC.

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

    /// The month after it.
    pub fn next(self) -> Self {
        self.0.checked_add_months(Months::new(1)).map_or(self, Self)
    }

    /// 1 to 12.
    pub fn number(self) -> u8 {
        u8::try_from(self.0.month()).unwrap_or(u8::MAX)
    }

    /// 0 to 9999.
    pub fn year(self) -> u16 {
        u16::try_from(self.0.year()).unwrap_or(u16::MAX)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year(), self.number())
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

    proptest! {
        #[test]
        fn a_time_lies_in_its_month(time in -62_000_000_000_i64..250_000_000_000) {
            let month = Month::of(time).unwrap();
            prop_assert!(month.start() <= time && time < month.next().start());
        }
    }
}
