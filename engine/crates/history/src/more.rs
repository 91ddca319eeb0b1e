//! What is kept of the few servers of which there is more to say.

use caso_model::usage::Counters;
use serde::{Deserialize, Serialize};

use crate::flavors::FlavorSpan;
use crate::sizes::Size;

/// How long the sizes of a server that ended are kept, in seconds: for so long
/// its months may be published once more.
const REPUBLISHED: i64 = 400 * 86_400;

/// How long the end of a server is kept that is not that of its row, in seconds: the last month
/// may be published once more.
const CORRECTED: i64 = 62 * 86_400;

/// After how many seconds a server that was nowhere is asked for again.
pub(crate) const ASKED_AGAIN: i64 = 86_400;

/// How long a server that was nowhere is kept where its end was reported, in seconds: a list that
/// names it for ever is believed no more, also where runs are rare.
const NAMED_STILL: i64 = 31 * 86_400;

/// Everything that has no room in an entry.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct More {
    /// Earlier sizes and the present one, oldest first, of a server that was
    /// resized.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sizes: Vec<Size>,
    /// Earlier flavors and the present one, oldest first, of a server that got another.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) flavors: Vec<FlavorSpan>,
    /// The counters that were last reported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) counters: Option<Counters>,
    /// The end of the window that reported its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<i64>,
    /// The end that was reported of it, where its row has another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) end: Option<i64>,
    /// The end of the last window that reported it as alive, where a later one
    /// found it nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<i64>,
    /// When it was found nowhere, though some list names it: asked for again a day later. Later
    /// than `ended` where its end was reported; else it is that moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) nowhere: Option<i64>,
    /// Since when only a list of changes shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hidden: Option<i64>,
}

impl More {
    pub(crate) fn is_empty(&self) -> bool {
        *self == More::default()
    }

    /// Whether it is of use to a run after `now`, where reports of ends up to
    /// `recent` seconds before may be met once more.
    pub(crate) fn is_kept(&self, now: i64, recent: i64) -> bool {
        let Some(ended) = self.ended else { return true };
        let within = |when: i64, seconds: i64| when >= now.saturating_sub(seconds);
        if let Some(when) = self.nowhere {
            if when <= ended {
                return within(when, ASKED_AGAIN);
            }
            if within(when, NAMED_STILL) {
                return true;
            }
        }
        let has_no_story = self.sizes.is_empty() && self.flavors.is_empty();
        let kept_for = match (has_no_story && self.counters.is_none(), self.end) {
            (true, None) => recent,
            (true, Some(_)) => CORRECTED,
            (false, _) => REPUBLISHED,
        };
        within(ended, kept_for)
    }
}
