//! What is kept beside an entry, in 16 bytes where it is an end alone: of most servers that have
//! anything there it is, and a first run of a large project has hundreds of thousands.

use std::borrow::Cow;

use serde::Deserialize;

use crate::more::More;

/// As it lies in memory.
#[derive(Debug, Deserialize)]
#[serde(from = "More")]
pub(crate) enum Story {
    /// The end of the window that reported its end, and nothing else.
    Ended(i64),
    /// There is more to say.
    Told(Box<More>),
}

impl Story {
    pub(crate) fn more(&self) -> Cow<'_, More> {
        match self {
            Self::Ended(until) => Cow::Owned(More {
                ended: Some(*until),
                ..More::default()
            }),
            Self::Told(more) => Cow::Borrowed(more),
        }
    }

    /// None where nothing but an end is kept.
    pub(crate) fn told(&self) -> Option<&More> {
        match self {
            Self::Ended(_) => None,
            Self::Told(more) => Some(more),
        }
    }
}

impl From<More> for Story {
    fn from(mut more: More) -> Self {
        match more.ended.take() {
            Some(until) if more.is_empty() => Self::Ended(until),
            ended => {
                more.ended = ended;
                Self::Told(Box::new(more))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_alone_takes_sixteen_bytes_and_comes_back() {
        assert_eq!(size_of::<Story>(), 16);
        let ended = More {
            ended: Some(7),
            ..More::default()
        };
        let hidden = More {
            hidden: Some(7),
            ..ended.clone()
        };
        for (more, is_told) in [(ended, false), (hidden, true), (More::default(), true)] {
            let story = Story::from(more.clone());
            assert_eq!(*story.more(), more);
            assert_eq!(story.told().is_some(), is_told);
        }
    }
}
