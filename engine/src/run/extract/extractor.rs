//! One extractor of one project: which window, and what became of it up to its commit.

use std::sync::{Arc, Mutex};

use super::again::{AgainError, behind_gaps, pieces};
use super::clock::Read;
use super::cursor_keys::cursor_key;
use super::mapping::Counts;
use super::outages::suspect;
use super::region::Region;
use super::report::{Alike, Blame, ExtractorResult};
use super::segment::Written;
use super::shared_service::{Elsewhere, is_read_in};
use super::turns::Attempt;
use super::window::{Bounds, Piece, Plan, in_the_future};
use crate::run::remedy;
use caso_base::time::{format_month, format_utc};
use caso_base::{Message, error_chain};
use caso_extract::{ExtractError, ProjectRef};
use caso_history::volumes::Volumes;
use caso_model::Window;
use caso_model::extraction::Extractor;
use caso_state::{CursorKey, Start, StartSource};

/// What is to be done.
pub struct Task {
    pub region: Arc<Region>,
    pub project: Arc<ProjectRef>,
    pub extractor: Extractor,
    pub start: Start,
    /// Where it starts in the other regions of the cloud.
    pub elsewhere: Vec<Elsewhere>,
    /// Of the project in the region, of the extractor in the project.
    pub order: (usize, usize),
    /// What the windows before say of its volumes, in this run.
    pub held: Mutex<Option<Volumes>>,
}

/// A window whose records are written, and not yet on disk for good.
pub struct Due {
    pub window: Window,
    /// Where it begins for the cursor.
    pub continues: i64,
    pub counts: Counts,
    pub written: Written,
}

/// How far an extractor came.
pub struct Came {
    /// In their order; all are committed, whatever came then.
    pub due: Vec<Due>,
    /// What it ended with behind them; none where that was all.
    pub end: Option<Attempt>,
}

impl Came {
    /// To this end, with nothing to commit.
    pub fn to(end: Attempt) -> Self {
        Came {
            due: Vec::new(),
            end: Some(end),
        }
    }
}

impl Task {
    /// Reads the window that is due.
    pub async fn run(self) -> Came {
        if let Some(result) = self.is_read_elsewhere().await {
            return Came::to(Attempt::Ended(result));
        }
        let windows = match self.due() {
            Ok(due) => due,
            Err(result) => return Came::to(Attempt::Ended(result)),
        };
        let mut due = Vec::new();
        for piece in windows {
            match self.one(piece).await {
                Ok(read) => due.push(read),
                Err(end) => {
                    // What is remembered of its volumes goes with the last one.
                    if self.held().is_some() {
                        let reached = self.reached();
                        due.retain(|due: &Due| Some(due.window.end) <= reached);
                    }
                    return Came {
                        due,
                        end: Some(end),
                    };
                }
            }
        }
        Came { due, end: None }
    }

    /// One window.
    async fn one(&self, piece: Piece) -> Result<Due, Attempt> {
        let begun = !*self.region.context.cancel.borrow();
        let extracted = self.region.unless_cancelled(async {
            match self.may_try().await {
                true => Some(self.read(piece).await),
                false => None,
            }
        });
        let extracted = match extracted.await {
            Some(Some(extracted)) => extracted,
            Some(None) => return Err(Attempt::Untried),
            None => return Err(Attempt::Ended(ExtractorResult::Cancelled { begun })),
        };
        Err(match extracted {
            Ok(Some(Read {
                window,
                counts,
                written,
            })) => {
                return Ok(Due {
                    window,
                    continues: piece.continues,
                    counts,
                    written,
                });
            }
            Ok(None) => Attempt::Ended(ExtractorResult::UpToDate),
            Err(error) if error.is_service_lacking() => {
                Attempt::Ended(self.lacking(error_chain(&error)))
            }
            Err(error) => self.failed(&error).await,
        })
    }

    /// Whether its service is that of another region, in which the project is read. Why a catalog is not to be had says who
    /// reads from it.
    async fn is_read_elsewhere(&self) -> Option<ExtractorResult> {
        if self.elsewhere.is_empty() || !self.may_try().await {
            return None;
        }
        let (project, others) = (&self.project.id, &self.elsewhere);
        let read = is_read_in(&self.region, project, self.extractor, &self.start, others);
        let region = self.region.unless_cancelled(read).await?.ok()??;
        let cursors = &self.region.context.cursors;
        Some(match cursors.leave_out(&self.project.id, &self.key()) {
            Ok(()) => ExtractorResult::Elsewhere { region },
            Err(error) => ExtractorResult::error(&error),
        })
    }

    async fn may_try(&self) -> bool {
        let Region {
            outages, sources, ..
        } = self.region.as_ref();
        outages.may_try(self.extractor, sources).await
    }

    pub fn key(&self) -> CursorKey {
        let region = self.region.place.region.as_deref();
        cursor_key(&self.region.cloud, region, self.extractor)
    }

    /// The windows. There are several where one by hand lies over those of earlier runs.
    fn due(&self) -> Result<Vec<Piece>, ExtractorResult> {
        let bounds = &self.bounds();
        let supersedes = caso_extract::supersedes(self.extractor);
        let overlap = caso_extract::overlap(self.extractor);
        // What was told of servers stays told, wherever somebody has set the cursor since.
        let told = match bounds.from.explicit() {
            Some(_) => self.start.at.max(self.start.reached),
            None => self.start.at,
        };
        match bounds.plan(told, overlap, supersedes) {
            Plan::Extract(piece) => {
                let Some(piece) = self.as_far_as_told(piece, told) else {
                    return Err(ExtractorResult::UpToDate);
                };
                self.report_longer(piece.window);
                if !caso_extract::adds_up(self.extractor) {
                    return Ok(vec![piece]);
                }
                let by_hand = bounds.from.explicit().is_some() || !self.goes_on();
                match by_hand || self.put_back().is_some() {
                    true => self.again(piece.window),
                    false => Ok(vec![piece]),
                }
            }
            Plan::UpToDate => Err(ExtractorResult::UpToDate),
            Plan::Future { cursor } => Err(ExtractorResult::failed(in_the_future(
                cursor,
                &self.start,
                &self.project.id,
            ))),
            Plan::Empty { from } => Err(ExtractorResult::failed((
                format!(
                    "nothing lies between {} and {}",
                    format_utc(from),
                    format_utc(bounds.to)
                ),
                match bounds.from.explicit() {
                    Some(_) => "the start must be before the end",
                    None => {
                        "`first_extract_from` is where it begins: set an earlier one, or wait until then"
                    }
                },
            ))),
        }
    }

    /// What is published again was published before: what of it its cursor has not reached is the next run's, whose first
    /// records would be older than this one's.
    fn as_far_as_told(&self, piece: Piece, told: Option<i64>) -> Option<Piece> {
        let again = self.region.context.again.as_ref();
        let again = again.is_some_and(|again| !again.in_one_window);
        let Some(told) = told.filter(|_| again && caso_extract::supersedes(self.extractor)) else {
            return Some(piece);
        };
        let Window { start, end } = piece.window;
        let window = Window {
            start,
            end: end.min(told),
        };
        (window.end > start).then_some(Piece { window, ..piece })
    }

    /// Those of the run. Samples of power take a while to arrive: up to so long before now they are there.
    fn bounds(&self) -> Bounds {
        let bounds = self.region.bounds;
        let power = self.region.cloud.prometheus.as_ref();
        match (self.extractor, power) {
            (Extractor::Prometheus, Some(power)) => Bounds {
                to: bounds.to.min(bounds.now - i64::from(power.delay)),
                ..bounds
            },
            _ => bounds,
        }
    }

    /// Whether it starts where it stopped, and the cursor file says how far that was. Otherwise somebody decided where, or removed what said
    /// so, or a file was lost; and something may have been extracted from there on: what was is
    /// extracted again in its own windows until the cursor is behind all of it, however many runs that takes.
    fn goes_on(&self) -> bool {
        self.start.source == StartSource::Cursor
            && self.start.extracted
            && self.start.reached.is_none()
            && !self.start.ahead
    }

    /// How far it came by the ledger, where that is farther than its cursor says, whose files agree with each other: they are
    /// from a backup.
    fn put_back(&self) -> Option<i64> {
        let at = self.start.at.filter(|_| self.goes_on())?;
        let context = &self.region.context;
        let came = context.came(&self.key(), &self.project.id, at)?;
        (at < came).then_some(came)
    }

    fn report_put_back(&self, came: i64) {
        let (Some(at), Region { sources, .. }) = (self.start.at, self.region.as_ref()) else {
            return;
        };
        let key = format!("cursor-put-back:{:?}", self.key());
        sources.caches.warnings.warn_once(&key, || {
            format!(
                "project `{}`: the cursor of {} stands at {}, and the ledger of runs has it extracted up to {}, as where the files were \
                 put back from a backup: what lies between is extracted again in the windows of the first time, here and \
                 wherever it is so",
                self.project.id,
                self.extractor,
                format_utc(at),
                format_utc(came)
            )
        });
    }

    /// A window by hand of what adds up, or from where its own cursor has not been.
    fn again(&self, window: Window) -> Result<Vec<Piece>, ExtractorResult> {
        let context = &self.region.context;
        let window = match &context.again {
            // What its cursor has not reached is the next run's, in a window of its own; and
            // before `first_extract_from` nothing was extracted.
            Some(_) => Window {
                start: window.start.max(self.region.bounds.first_from.unwrap_or(0)),
                end: window.end.min(self.start.at.unwrap_or(0)),
            },
            None => window,
        };
        if window.end <= window.start {
            return Ok(Vec::new());
        }
        let anyway = context.config.overlapping_intervals;
        if context.again.as_ref().is_some_and(|it| it.in_one_window) {
            return Ok(vec![Piece::new(window, window.start)]);
        }
        let past = match context.past() {
            Ok(past) => past,
            Err(_) if anyway => return Ok(vec![Piece::new(window, window.start)]),
            Err(reason) => {
                return Err(ExtractorResult::failed((
                    format!(
                        "the ledger of runs cannot be read ({reason}), which says in which windows it was extracted before"
                    ),
                    "make the files in `caso-runs` of the spool readable",
                )));
            }
        };
        let now = self.region.bounds.now;
        let past = past.of(&self.key(), &self.project.id).at(now, anyway);
        if let Some(came) = self.put_back().filter(|came| !past.gave_up(*came)) {
            self.report_put_back(came);
        }
        let explicit = self.region.bounds.from.explicit().is_some();
        let known = match self.start.ahead && (self.start.extracted || self.start.reached.is_some())
        {
            // What lies ahead of it somebody extracted by hand, or a run that was killed: its file knows that.
            true => self.start.at,
            // It may stand where somebody said, or its file was put back, or lost: the ledger says how far it was all the same,
            // and up to there nothing is new. A gap there is of runs that it does not know.
            false => self.start.at.max(past.last()),
        };
        // With the option what is not known is new. What was extracted up to the future is known as that.
        let reached = self.start.reached;
        let reached = reached.filter(|reached| *reached <= now && !past.gave_up(*reached));
        let reached = known.max(reached).filter(|_| !anyway);
        let pieces = pieces(window, reached, &past).map_err(|error| match (explicit, error) {
            (true, _) | (_, AgainError::Ahead(_)) => ExtractorResult::error(&error),
            (false, AgainError::Unknown(_)) => ExtractorResult::failed((
                error.to_string(),
                format!(
                    "caso cursor set {} '{}', which lies behind that; what replaces itself can be published from \
                     earlier on with `caso republish --month {} --types cloud,accelerator`; where nobody extracted it, or the first records \
                     were never delivered or are deleted, set `overlapping_intervals = true` for one run",
                    self.project.id,
                    format_utc(behind_gaps(window, reached, &past)),
                    format_month(error.window().start)
                ),
            )),
        })?;
        let last = pieces.last().copied();
        let pieces = pieces.into_iter().map(|window| Piece {
            is_last: Some(window) == last,
            ..Piece::new(window, window.start)
        });
        Ok(pieces.collect())
    }

    fn report_longer(&self, window: Window) {
        let Region {
            sources, bounds, ..
        } = self.region.as_ref();
        if window.end > bounds.to {
            sources
                .caches
                .warnings
                .warn_once("explicit-window-longer", || {
                    format!(
                        "`--extract-to` is before what was already reported of servers: they are \
                     reported up to {}, as an older record would take usage back",
                        format_utc(window.end)
                    )
                });
        }
    }

    async fn failed(&self, error: &ExtractError) -> Attempt {
        let inner: &(dyn std::error::Error + 'static) = match error {
            ExtractError::Sink(inner) => inner.as_ref(),
            error => error,
        };
        if remedy::no_room(inner).is_some() {
            return Attempt::Ended(ExtractorResult::error(inner));
        }
        let reason = remedy::of_extraction(error, &self.region.cloud, &self.project);
        let alike = Alike::of(error, &self.region.cloud, &self.project);
        if let Some((suspect, scope)) = suspect(error) {
            let Region {
                outages, sources, ..
            } = self.region.as_ref();
            let trouble = outages.note(self.extractor, suspect, scope, sources).await;
            return Attempt::Suspected {
                reason,
                trouble,
                alike,
            };
        }
        Attempt::Ended(ExtractorResult::Failed {
            reason,
            blame: match error {
                // The same for every project, and not asked.
                error if error.is_unknown_region() => Blame::Outage,
                error if error.is_services_own() => Blame::Answer,
                _ => Blame::Project,
            },
            alike,
        })
    }

    /// A cloud without Cinder or Neutron has nothing to account there, and the
    /// default of `extractor` asks for both: no failure. A cloud that had it, and
    /// has it no more, may be about to lose usage: that is a failure until
    /// somebody states that it is meant.
    fn lacking(&self, reason: String) -> ExtractorResult {
        let key = self.key();
        if let Some(gone) = is_gone(&self.start, &key.extractor, &reason) {
            return ExtractorResult::failed(gone);
        }
        let cursors = &self.region.context.cursors;
        match cursors.leave_out(&self.project.id, &key) {
            Ok(()) => ExtractorResult::Lacking {
                what: format!(
                    "{}/{}/{}",
                    key.cloud,
                    key.region.as_deref().unwrap_or_default(),
                    key.extractor
                ),
                reason,
            },
            Err(error) => ExtractorResult::error(&error),
        }
    }
}

/// That a cloud has a service no more for which an extractor read it before: why it is not there is `reason`.
pub fn is_gone(start: &Start, extractor: &str, reason: &str) -> Option<Message> {
    let until = start.at.filter(|_| start.extracted)?;
    Some(Message::from((
        format!(
            "it was extracted up to {}, and now {reason}",
            format_utc(until)
        ),
        format!("if it was taken away for good, remove `{extractor}` from `extractor`"),
    )))
}
