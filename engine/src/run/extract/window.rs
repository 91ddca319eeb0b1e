//! Which window an extractor reads in this run.

use caso_base::time::{end_of_month, format_utc};
use caso_config::ExtractFrom;
use caso_model::Window;
use caso_state::{Start, StartSource};

/// The run's own bounds, the same for every project.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    pub from: ExtractFrom,
    /// Start of a project without a cursor.
    pub first_from: Option<i64>,
    /// End of every window: `extract_to`, at most now.
    pub to: i64,
    pub now: i64,
}

/// What to do for an extractor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plan {
    /// Read this window.
    Extract(Piece),
    /// The cursor is at the end of the window already, or behind it.
    UpToDate,
    /// The cursor lies in the future: a clock or a file is wrong.
    Future { cursor: i64 },
    /// An empty window.
    Empty { from: i64 },
}

/// A window to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub window: Window,
    /// Where it begins for the cursor.
    pub continues: i64,
    /// It ends with its month, and the months behind that were reported: a server's record as of
    /// the window's end belongs to the first of them, and would replace a newer one there.
    pub reported_behind: bool,
    /// Of several windows of a run it is the last one.
    pub is_last: bool,
}

impl Piece {
    /// One behind which nothing was reported.
    pub fn new(window: Window, continues: i64) -> Self {
        Piece {
            window,
            continues,
            reported_behind: false,
            is_last: true,
        }
    }
}

/// What is wrong with a cursor in the future, and what to do. It may have come somewhere before somebody set it.
pub fn in_the_future(cursor: i64, start: &Start, project: &str) -> (String, String) {
    let file = match &start.source {
        StartSource::Edited(path) => format!("`{}` says that ", path.display()),
        _ => String::new(),
    };
    let came = start.reached.filter(|came| *came < cursor);
    let came = came.map(format_utc);
    let extracted = came.as_ref().map_or_else(String::new, |came| {
        format!("; it was extracted up to {came}")
    });
    (
        format!(
            "{file}its last run ended at {}, which is in the future{extracted}",
            format_utc(cursor)
        ),
        format!(
            "set the clock right, or else the cursor: caso cursor set {project} {}",
            came.as_deref().unwrap_or("<date>")
        ),
    )
}

impl Bounds {
    /// `cursor` is where the extractor's last window ended, `overlap` how far
    /// the next one reaches back behind it.
    ///
    /// An explicit window of records that say how far a VM has come must not end before what
    /// they said last: the older word would be the newer record, and take usage back. Where
    /// they supersede each other (`supersedes`) it ends at the cursor then, or where its month
    /// ended: the accounting repository keeps the last record of each month.
    pub fn plan(&self, cursor: Option<i64>, overlap: i64, supersedes: bool) -> Plan {
        if let Some(from) = self.from.explicit() {
            if from >= self.to {
                return Plan::Empty { from };
            }
            let told = cursor.filter(|_| supersedes);
            let told = told.map(|cursor| cursor.min(self.now));
            let month = end_of_month(self.to - 1).unwrap_or(i64::MAX);
            let end = told.map_or(self.to, |told| told.min(month).max(self.to));
            return Plan::Extract(Piece {
                window: Window { start: from, end },
                continues: from,
                reported_behind: told.is_some_and(|told| told > end),
                is_last: true,
            });
        }
        match cursor {
            Some(cursor) if cursor > self.now => Plan::Future { cursor },
            Some(cursor) if cursor >= self.to => Plan::UpToDate,
            Some(cursor) => {
                let start = match cursor > 0 {
                    true => cursor.saturating_sub(overlap).max(0),
                    false => cursor,
                };
                let end = self.to;
                Plan::Extract(Piece::new(Window { start, end }, cursor))
            }
            None => {
                let from = self.first_from.unwrap_or(0);
                if from >= self.to {
                    return Plan::Empty { from };
                }
                let window = Window {
                    start: from,
                    end: self.to,
                };
                Plan::Extract(Piece::new(window, from))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(from: ExtractFrom, to: i64) -> Bounds {
        Bounds {
            from,
            first_from: None,
            to,
            now: 10_000,
        }
    }

    fn window(plan: Plan) -> Option<(i64, i64)> {
        match plan {
            Plan::Extract(piece) => Some((piece.window.start, piece.window.end)),
            _ => None,
        }
    }

    #[test]
    fn a_window_goes_on_a_little_before_the_cursor() {
        let bounds = bounds(ExtractFrom::Cursor, 10_000);
        assert_eq!(
            window(bounds.plan(Some(5_000), 60, true)),
            Some((4_940, 10_000))
        );
        assert_eq!(window(bounds.plan(Some(30), 60, true)), Some((0, 10_000)));
        assert_eq!(
            window(bounds.plan(Some(5_000), 0, true)),
            Some((5_000, 10_000))
        );
        assert_eq!(window(bounds.plan(None, 60, true)), Some((0, 10_000)));
        assert_eq!(bounds.plan(Some(10_000), 60, true), Plan::UpToDate);
        assert_eq!(
            bounds.plan(Some(10_001), 60, true),
            Plan::Future { cursor: 10_001 }
        );
    }

    #[test]
    fn an_explicit_window_is_taken_as_it_is() {
        let explicit = bounds(ExtractFrom::At(700), 900);
        assert_eq!(window(explicit.plan(Some(800), 60, true)), Some((700, 900)));
        // Behind the cursor, with what supersedes and what adds up.
        assert_eq!(window(explicit.plan(Some(950), 60, true)), Some((700, 950)));
        assert_eq!(
            window(explicit.plan(Some(950), 60, false)),
            Some((700, 900))
        );
        assert_eq!(
            window(explicit.plan(Some(99_999), 60, true)),
            Some((700, 10_000))
        );
        // January 1970 had 31 days.
        let month = 31 * 86_400;
        let later = |to| Bounds {
            now: 9_000_000,
            ..self::bounds(ExtractFrom::At(700), to)
        };
        let cursor = Some(5_000_000);
        assert_eq!(
            window(later(900).plan(cursor, 60, true)),
            Some((700, month))
        );
        assert_eq!(
            window(later(month).plan(cursor, 60, true)),
            Some((700, month))
        );
        assert_eq!(
            window(later(month + 1).plan(cursor, 60, true)),
            Some((700, 5_000_000))
        );
        assert_eq!(
            bounds(ExtractFrom::At(900), 900).plan(None, 60, true),
            Plan::Empty { from: 900 }
        );
        let everything = bounds(ExtractFrom::BeginningOfTime, 900);
        assert_eq!(window(everything.plan(Some(800), 60, true)), Some((0, 900)));
    }

    /// Of the month that begins with the window's end there is a newer record.
    #[test]
    fn behind_a_month_that_is_read_again_others_were_reported() {
        let month = 31 * 86_400;
        let behind = |to, cursor| {
            let bounds = Bounds {
                now: 9_000_000,
                ..bounds(ExtractFrom::At(700), to)
            };
            match bounds.plan(Some(cursor), 60, true) {
                Plan::Extract(piece) => Some((piece.window.end, piece.reported_behind)),
                _ => None,
            }
        };
        assert_eq!(behind(month, 5_000_000), Some((month, true)));
        assert_eq!(behind(900, 5_000_000), Some((month, true)));
        assert_eq!(behind(month, month + 1), Some((month, true)));
        // As far as it was reported, and no farther.
        assert_eq!(behind(month, month), Some((month, false)));
        assert_eq!(behind(900, 1_000), Some((1_000, false)));
        assert_eq!(behind(900, 800), Some((900, false)));
        assert_eq!(behind(9_000_000, 9_500_000), Some((9_000_000, false)));
        // What adds up goes in the windows of the first time.
        let adds_up = bounds(ExtractFrom::At(700), 900).plan(Some(5_000), 60, false);
        let window = Window {
            start: 700,
            end: 900,
        };
        assert_eq!(adds_up, Plan::Extract(Piece::new(window, 700)));
    }

    #[test]
    fn a_first_run_starts_where_the_site_says() {
        let first = Bounds {
            first_from: Some(600),
            ..bounds(ExtractFrom::Cursor, 900)
        };
        assert_eq!(window(first.plan(None, 60, true)), Some((600, 900)));
    }
}
