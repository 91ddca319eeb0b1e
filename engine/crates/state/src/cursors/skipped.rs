//! What lies before a cursor, and was never extracted.
//!
//! A cursor that an operator set forward skips something, and a first window need not begin at the beginning. Who
//! comes there later, with a window by hand or after the cursor was set back, is the first: no windows of
//! an earlier time need to be known. (Of a lastrun file that somebody wrote nothing is noted: Python cASO may have
//! extracted what lies between.)

use serde::{Deserialize, Serialize};

use super::CursorKey;
use super::file::{CursorFile, Entry};
use caso_model::Window;

/// A span of time that an extractor went past.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skipped {
    #[serde(flatten)]
    pub key: CursorKey,
    pub window: Window,
}

impl CursorFile {
    /// Notes what an extractor goes past when it is set to `to`, as somebody says that nobody extracted it:
    /// from the beginning where it was never anywhere.
    pub(super) fn note_skip(&mut self, entry: &Entry, to: i64) {
        let from = entry.extracted_to().max(self.reached(&entry.key));
        let window = Window {
            start: from.unwrap_or(0),
            end: to,
        };
        self.skip(&entry.key, window);
    }

    /// Nobody says any more that what was skipped was never extracted; what lies before the first window stays.
    pub(super) fn take_back_skips(&mut self, key: &CursorKey) {
        self.skipped
            .retain(|it| it.key != *key || it.window.start == 0);
    }

    /// Notes that a span was never extracted, but for what stands here as extracted.
    pub(super) fn skip(&mut self, key: &CursorKey, window: Window) {
        if window.start >= window.end {
            return;
        }
        self.unskip(key, window);
        let mut rest = vec![window];
        for known in self.windows.iter().filter(|it| it.key == *key) {
            rest = without(rest, known.window);
        }
        self.skipped.extend(rest.into_iter().map(|window| Skipped {
            key: key.clone(),
            window,
        }));
    }

    /// Whether any of a window was never extracted.
    pub(super) fn has_skipped(&self, key: &CursorKey, window: Window) -> bool {
        let mut skipped = self.skipped.iter();
        skipped.any(|it| it.key == *key && overlap(it.window, window))
    }

    /// A window was extracted.
    pub(super) fn unskip(&mut self, key: &CursorKey, window: Window) {
        if !self.has_skipped(key, window) {
            return;
        }
        let of_it = self.skipped.extract_if(.., |it| it.key == *key);
        let rest = without(of_it.map(|it| it.window).collect(), window);
        self.skipped.extend(rest.into_iter().map(|window| Skipped {
            key: key.clone(),
            window,
        }));
    }
}

fn overlap(one: Window, other: Window) -> bool {
    one.start < other.end && other.start < one.end
}

/// What is left of spans when one is cut out of them.
fn without(spans: Vec<Window>, out: Window) -> Vec<Window> {
    let mut rest = Vec::with_capacity(spans.len());
    for span in spans {
        if !overlap(span, out) {
            rest.push(span);
            continue;
        }
        if span.start < out.start {
            rest.push(Window {
                start: span.start,
                end: out.start,
            });
        }
        if out.end < span.end {
            rest.push(Window {
                start: out.end,
                end: span.end,
            });
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cursors::noted::Noted;
    use crate::ledger::RunId;

    fn key(extractor: &str) -> CursorKey {
        CursorKey {
            cloud: "one".into(),
            region: None,
            extractor: extractor.into(),
        }
    }

    fn w(start: i64, end: i64) -> Window {
        Window { start, end }
    }

    fn skipped(file: &CursorFile) -> Vec<(i64, i64)> {
        let spans = file.skipped.iter();
        spans.map(|it| (it.window.start, it.window.end)).collect()
    }

    #[test]
    fn what_was_extracted_is_cut_out() {
        let mut file = CursorFile::new("p");
        file.skip(&key("cinder"), w(10, 20));
        file.unskip(&key("nova"), w(0, 99));
        file.unskip(&key("cinder"), w(20, 30));
        file.unskip(&key("cinder"), w(0, 10));
        assert_eq!(skipped(&file), [(10, 20)]);
        file.unskip(&key("cinder"), w(12, 14));
        assert_eq!(skipped(&file), [(10, 12), (14, 20)]);
        file.unskip(&key("cinder"), w(5, 11));
        file.unskip(&key("cinder"), w(19, 25));
        assert_eq!(skipped(&file), [(11, 12), (14, 19)]);
        assert!(file.has_skipped(&key("cinder"), w(0, 12)));
        assert!(!file.has_skipped(&key("cinder"), w(12, 14)));
        assert!(!file.has_skipped(&key("nova"), w(0, 99)));
        file.unskip(&key("cinder"), w(0, 99));
        assert_eq!(skipped(&file), []);
    }

    /// By hand, ahead of the cursor; and twice over the same time.
    #[test]
    fn what_stands_here_as_extracted_is_not_skipped() {
        let mut file = CursorFile::new("p");
        file.windows.push(Noted {
            key: key("cinder"),
            window: w(12, 14),
            run: RunId::default(),
        });
        file.skip(&key("cinder"), w(10, 20));
        file.skip(&key("cinder"), w(10, 20));
        assert_eq!(skipped(&file), [(10, 12), (14, 20)]);
        file.skip(&key("cinder"), w(30, 30));
        file.skip(&key("cinder"), w(19, 11));
        assert_eq!(skipped(&file), [(10, 12), (14, 20)]);
    }
}
