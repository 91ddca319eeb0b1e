//! Options that take one of a few words, or a list of them. The words come from
//! the type, so that no second list of them can differ.

use caso_base::conf::Offered;
use caso_base::suggest::did_you_mean;
use caso_login::WantedToken;
use caso_model::extraction::{CounterReading, CounterSource, Extractor};

use super::{Kind, Value, texts};
use crate::text::listed;
use crate::types::Interface;

/// A type whose values have a word each.
///
/// ```
/// use caso_config::value::Choice;
/// use caso_model::extraction::CounterSource;
///
/// assert_eq!(CounterSource::from_word("gnocchi"), Some(CounterSource::Gnocchi));
/// assert_eq!(CounterSource::from_word("Gnocchi"), None);
/// ```
pub trait Choice: Copy + PartialEq + 'static {
    /// All of them, in the order of the texts that list them.
    const ALL: &'static [Self];

    /// The word as a site writes it.
    fn as_str(self) -> &'static str;

    /// The one of this word.
    #[must_use]
    fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|one| one.as_str() == word)
    }
}

/// All words of a type.
pub(crate) fn words<C: Choice>() -> impl Iterator<Item = &'static str> {
    C::ALL.iter().map(|one| one.as_str())
}

/// One of `words`, exactly. A component chose them: each stands as caso.conf would have it.
pub(crate) fn choice(text: &str, words: &[String]) -> Result<String, String> {
    let known = || words.iter().map(String::as_str);
    match known().any(|word| word == text) {
        true => Ok(text.to_owned()),
        false => Err(format!("one of {}", listed(known().map(offered)))),
    }
}

/// A word of a component's, to be written into caso.conf.
pub(crate) fn offered(word: &str) -> String {
    Offered(word).to_string()
}

/// `one of …`, `a list of …`.
fn expected<C: Choice>(what: &str) -> String {
    format!("{what} of {}", listed(words::<C>()))
}

impl<C: Choice> Value for C {
    type Terms = ();
    const ANY: () = ();
    const KIND: Kind = Kind::Choice;

    fn parse(text: &str, (): ()) -> Result<Option<Self>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let one = C::from_word(text);
        one.map(Some).ok_or_else(|| expected::<C>("one"))
    }

    fn near(text: &str) -> Option<String> {
        did_you_mean(text, words::<C>())
    }

    fn words((): ()) -> String {
        words::<C>().collect::<Vec<_>>().join(" or ")
    }
}

/// Each once; an empty list leaves the default.
impl<C: Choice> Value for Vec<C> {
    type Terms = ();
    const ANY: () = ();
    const KIND: Kind = Kind::Texts;

    fn parse(text: &str, (): ()) -> Result<Option<Self>, String> {
        let mut out = Vec::new();
        for word in texts(text) {
            let one = C::from_word(&word);
            let one = one.ok_or_else(|| expected::<C>("a list"))?;
            if !out.contains(&one) {
                out.push(one);
            }
        }
        Ok(Some(out).filter(|out| !out.is_empty()))
    }

    fn near(text: &str) -> Option<String> {
        let unknown = texts(text);
        let unknown = unknown.iter().find(|word| C::from_word(word).is_none())?;
        did_you_mean(unknown, words::<C>())
    }
}

/// For the types that know their words themselves.
macro_rules! own_words {
    ($($choice:ty),*) => {
        $(impl Choice for $choice {
            const ALL: &'static [Self] = &<$choice>::ALL;

            fn as_str(self) -> &'static str {
                <$choice>::as_str(self)
            }
        })*
    };
}
own_words!(Extractor, CounterSource, CounterReading);

impl Choice for Interface {
    const ALL: &'static [Self] = &[Self::Public, Self::Internal, Self::Admin];

    fn as_str(self) -> &'static str {
        Interface::as_str(self)
    }

    /// keystoneauth takes the old `publicURL` as well.
    fn from_word(word: &str) -> Option<Self> {
        let word = word.strip_suffix("URL").unwrap_or(word);
        let mut all = Self::ALL.iter().copied();
        all.find(|interface| interface.as_str() == word)
    }
}

impl Choice for WantedToken {
    const ALL: &'static [Self] = &[Self::Access, Self::Id];

    fn as_str(self) -> &'static str {
        self.field()
    }
}

/// `tls_min_version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TlsVersion {
    V12,
    V13,
}

impl Choice for TlsVersion {
    const ALL: &'static [Self] = &[Self::V12, Self::V13];

    fn as_str(self) -> &'static str {
        match self {
            Self::V12 => "1.2",
            Self::V13 => "1.3",
        }
    }
}
