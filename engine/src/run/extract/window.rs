//! Which window an extractor reads in this run.

use caso_base::time::end_of_month;
use caso_config::ExtractFrom;
use caso_model::Window;

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
    /// Read this window; for the cursor it counts from `continues`.
    Extract { window: Window, continues: i64 },
    /// The cursor is at the end of the window already, or behind it.
    UpToDate,
    /// The cursor lies in the future: a clock or a file is wrong.
    Future { cursor: i64 },
    /// An empty window.
    Empty { from: i64 },
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
            let told = cursor.filter(|_| supersedes).map(|cursor| {
                let month = end_of_month(self.to - 1).unwrap_or(i64::MAX);
                cursor.min(self.now).min(month)
            });
            return Plan::Extract {
                window: Window {
                    start: from,
                    end: told.map_or(self.to, |told| told.max(self.to)),
                },
                continues: from,
            };
        }
        match cursor {
            Some(cursor) if cursor > self.now => Plan::Future { cursor },
            Some(cursor) if cursor >= self.to => Plan::UpToDate,
            Some(cursor) => Plan::Extract {
                window: Window {
                    start: if cursor > 0 {
                        cursor.saturating_sub(overlap).max(0)
                    } else {
                        cursor
                    },
                    end: self.to,
                },
                continues: cursor,
            },
            None => {
                let from = self.first_from.unwrap_or(0);
                if from >= self.to {
                    return Plan::Empty { from };
                }
                Plan::Extract {
                    window: Window {
                        start: from,
                        end: self.to,
                    },
                    continues: from,
                }
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
            Plan::Extract { window, .. } => Some((window.start, window.end)),
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

    #[test]
    fn a_first_run_starts_where_the_site_says() {
        let first = Bounds {
            first_from: Some(600),
            ..bounds(ExtractFrom::Cursor, 900)
        };
        assert_eq!(window(first.plan(None, 60, true)), Some((600, 900)));
    }
}
