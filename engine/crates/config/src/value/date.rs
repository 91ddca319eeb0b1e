//! Dates in the configuration and on the command line.
//!
//! cASO hands them to dateutil, which makes something of anything: `10` is the
//! tenth of this month, `01/02/2026` the second of January. Here only ISO 8601
//! is taken, and an offset is converted, where cASO dropped it (`02:00+02:00`
//! meant 02:00 UTC).

use caso_base::time::parse_iso;

use super::{Kind, Value};
use crate::text::strip;
use crate::types::ExtractFrom;

/// The forms that are taken.
const FORMS: &str = "a date in ISO 8601: `2026-10-01`, `2026-10-01T00:00:00`, `2026-10-01 02:00+02:00`; UTC if it names no zone";

/// Whole seconds since 1970, UTC. The forms are those of [`parse_iso`].
///
/// ```
/// use caso_config::value::date;
///
/// assert_eq!(date("2026-10-01"), Ok(1_790_812_800));
/// assert_eq!(date("2026-10-01 02:00+02:00"), Ok(1_790_812_800));
/// assert!(date("10").is_err() && date("01/10/2026").is_err());
/// ```
///
/// # Errors
/// The forms, for any other text.
pub fn date(text: &str) -> Result<i64, String> {
    parse_iso(strip(text)).ok_or_else(|| FORMS.to_owned())
}

/// A moment, in whole seconds since 1970, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date(pub i64);

impl Value for Date {
    type Terms = ();
    const ANY: () = ();
    const KIND: Kind = Kind::Date;

    fn parse(text: &str, (): ()) -> Result<Option<Self>, String> {
        match text {
            "" | "None" => Ok(None),
            _ => date(text).map(|at| Some(Self(at))),
        }
    }
}

impl Value for ExtractFrom {
    type Terms = ();
    const ANY: () = ();
    const KIND: Kind = Kind::Date;

    fn parse(text: &str, (): ()) -> Result<Option<Self>, String> {
        match text {
            "" => Ok(None),
            "None" => Ok(Some(Self::BeginningOfTime)),
            _ => date(text).map(|at| Some(Self::At(at))),
        }
    }
}
