//! From text to values: the forms in which options are written.
//!
//! A [`Row`](crate::Row) names the type of its option, and the type knows how it
//! is written. The options that components describe at run time go through the
//! same functions.
//!
//! | type | forms |
//! |---|---|
//! | `bool` | [`boolean`]: `true`, `yes`, `on`, `1`; `false`, `no`, `off`, `0` |
//! | `u32` | [`integer`]: `1000`, `1_000` |
//! | [`Duration`](std::time::Duration) | [`duration`]: `90`, `90s`, `500ms`, `1.5h` |
//! | [`Seconds`] | keystoneauth's: `60`, `1.5` |
//! | [`Size`] | [`size`]: `700000`, `700k`, `64MiB` |
//! | [`Date`] | [`date`]: `2026-10-01`, `2026-10-01T02:00+02:00` |
//! | [`Url`](url::Url) | [`url`](fn@url): `https://keystone.example.org:5000/v3` |
//! | host and port | [`endpoint`]: `host:5000`, `[::1]:5000` |
//! | `Vec<String>` | [`texts`]: `a, b` |
//! | a [`Choice`], a list of them | its words |
//!
//! An error is the second half of the sentence "… is `x`; expected …".

mod address;
mod amount;
mod choice;
mod date;
mod facility;
mod kind;
mod label;
mod number;
mod text;

pub use address::{endpoint, url};
pub use amount::{Seconds, Size, duration, size};
pub use choice::Choice;
pub(crate) use choice::{TlsVersion, choice, offered, words};
pub use date::{Date, date};
pub use kind::Kind;
pub(crate) use label::{LabelFilters, LabelName, LabelNames};
pub(crate) use number::number;
pub use number::{boolean, integer};
pub(crate) use text::Sha256;
pub use text::texts;

/// A type that an option can have.
pub trait Value: Sized {
    /// What one option asks of its values beyond their form, such as bounds.
    type Terms: Copy + Send + Sync + 'static;
    /// The terms of an option that asks for nothing more.
    const ANY: Self::Terms;
    /// What TOML, the sample and `$name` need to know of it.
    const KIND: Kind;

    /// The value that a text stands for. `None` for a text that means nothing,
    /// an empty number for instance: the default holds.
    ///
    /// # Errors
    /// What is expected, for a text that is not such a value.
    fn parse(text: &str, terms: Self::Terms) -> Result<Option<Self>, String>;

    /// `did you mean …?`, of a text that is no such value and near to one.
    fn near(_text: &str) -> Option<String> {
        None
    }

    /// Whether the text says that there is no value, not even the default.
    fn is_none(_text: &str) -> bool {
        false
    }

    /// What the sample file says of its values.
    fn words(_terms: Self::Terms) -> String {
        Self::KIND.words().to_owned()
    }
}

/// An option that may have no value.
impl<T: Value> Value for Option<T> {
    type Terms = T::Terms;
    const ANY: T::Terms = T::ANY;
    const KIND: Kind = T::KIND;

    fn parse(text: &str, terms: T::Terms) -> Result<Option<Self>, String> {
        if T::is_none(text) {
            return Ok(Some(None));
        }
        Ok(T::parse(text, terms)?.map(Some))
    }

    fn near(text: &str) -> Option<String> {
        T::near(text)
    }

    fn words(terms: T::Terms) -> String {
        T::words(terms)
    }
}

#[cfg(test)]
mod tests;
