//! Which window an extractor reads in this run.

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
    pub fn plan(&self, cursor: Option<i64>, overlap: i64) -> Plan {
        if let Some(from) = self.from.explicit() {
            if from >= self.to {
                return Plan::Empty { from };
            }
            return Plan::Extract {
                window: Window {
                    start: from,
                    end: self.to,
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
        assert_eq!(window(bounds.plan(Some(5_000), 60)), Some((4_940, 10_000)));
        assert_eq!(window(bounds.plan(Some(30), 60)), Some((0, 10_000)));
        assert_eq!(window(bounds.plan(Some(5_000), 0)), Some((5_000, 10_000)));
        assert_eq!(window(bounds.plan(None, 60)), Some((0, 10_000)));
        assert_eq!(bounds.plan(Some(10_000), 60), Plan::UpToDate);
        assert_eq!(
            bounds.plan(Some(10_001), 60),
            Plan::Future { cursor: 10_001 }
        );
    }

    #[test]
    fn an_explicit_window_is_taken_as_it_is() {
        let explicit = bounds(ExtractFrom::At(700), 900);
        assert_eq!(window(explicit.plan(Some(800), 60)), Some((700, 900)));
        assert_eq!(
            bounds(ExtractFrom::At(900), 900).plan(None, 60),
            Plan::Empty { from: 900 }
        );
        let everything = bounds(ExtractFrom::BeginningOfTime, 900);
        assert_eq!(window(everything.plan(Some(800), 60)), Some((0, 900)));
    }

    #[test]
    fn a_first_run_starts_where_the_site_says() {
        let first = Bounds {
            first_from: Some(600),
            ..bounds(ExtractFrom::Cursor, 900)
        };
        assert_eq!(window(first.plan(None, 60)), Some((600, 900)));
    }
}
