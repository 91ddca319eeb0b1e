//! A window by hand that lies, wholly or in part, where was extracted before.
//!
//! Of storage and energy each record is an interval, with an id made of its bounds, and whoever
//! gets them adds them up. Extracted again with the same bounds an interval takes the place of
//! itself; with others it counts twice. So what was extracted before is extracted again in the
//! windows of the first time, which the ledger of runs knows, or of a run that was killed the cursors; where nobody
//! does, it is refused.

use std::collections::HashMap;
use std::io;

use caso_base::time::{format_month, format_utc};
use caso_model::Window;
use caso_model::extraction::Extractor;
use caso_state::ledger;
use caso_state::{CursorKey, Cursors, Place, Spool, Unlisted};

/// Whether what an extractor of this name finds adds up: of others no window needs to be known.
pub fn adds_up(extractor: &str) -> bool {
    Extractor::named(extractor).is_some_and(caso_extract::adds_up)
}

/// The windows that were extracted, by the id of the project and by what of it they are.
#[derive(Debug, Default)]
pub struct PastWindows(HashMap<String, HashMap<CursorKey, Spans>>);

/// Of one extractor of a project, each by their starts.
#[derive(Debug, Default)]
pub struct Spans {
    pub extracted: Vec<Window>,
    /// Those that were given up, which the others are without.
    given_up: Vec<Window>,
    /// Those that never were, though a cursor is past them.
    skipped: Vec<Window>,
    /// How far it came by the ledger, also where it does not add up and no window is kept.
    came: Option<i64>,
    /// In which of its runs first, and from where on then.
    began: Option<i64>,
    since: Option<u64>,
}

/// Of what nothing is known.
static NONE: Spans = Spans {
    extracted: Vec::new(),
    given_up: Vec::new(),
    skipped: Vec::new(),
    came: None,
    began: None,
    since: None,
};

/// Where an extractor begins that a project never had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Newcomer {
    /// The site had it when the project came, and switched it off meanwhile: with the project, as those do that were there.
    Project(i64),
    /// It is the site's first time: where the others are.
    Extractor,
}

/// The same at a moment.
#[derive(Debug, Clone, Default)]
pub struct Past<'a> {
    extracted: Vec<Window>,
    skipped: &'a [Window],
    /// Those that end in the future: some run's clock was ahead.
    ahead: Vec<Window>,
    given_up: &'a [Window],
}

impl Spans {
    /// What was extracted up to the future is given up where somebody said so, `anyway`, or did so by then: something
    /// of its time was extracted since.
    pub fn at(&self, now: i64, anyway: bool) -> Past<'_> {
        let (mut ahead, extracted): (Vec<Window>, Vec<Window>) =
            self.extracted.iter().partition(|window| window.end > now);
        let within = |window: &Window, ahead: &Window| {
            window.start >= ahead.start && window.start < ahead.end
        };
        ahead.retain(|ahead| !anyway && !extracted.iter().any(|window| within(window, ahead)));
        Past {
            extracted,
            skipped: &self.skipped,
            ahead,
            given_up: &self.given_up,
        }
    }
}

impl Past<'_> {
    /// Whether a cursor stood at this moment for a window that was given up: up to there nothing is known to be
    /// extracted.
    pub fn gave_up(&self, reached: i64) -> bool {
        self.given_up.iter().any(|window| window.end == reached)
    }

    /// Up to where it was extracted.
    pub fn last(&self) -> Option<i64> {
        self.extracted.iter().map(|window| window.end).max()
    }
}

/// Why a window cannot be extracted so that nothing of it is counted twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AgainError {
    /// A part of it lies before the cursor, and nobody knows whether and with which bounds it was extracted.
    #[error(
        "it is not known in which windows, if any, usage from {} to {} was extracted before: the ledger of runs does \
         not have them, and with other bounds each interval would be counted twice",
        format_utc(.0.start), format_utc(.0.end)
    )]
    Unknown(Window),
    /// A part of it was extracted by a run whose clock was ahead.
    #[error(
        "what was used from {} on was extracted up to {}, which is in the future, as the clock was ahead: those intervals \
         are counted already, and with other bounds their time would be counted twice",
        format_utc(.0.start), format_utc(.0.end)
    )]
    Ahead(Window),
}

impl AgainError {
    /// The part.
    pub fn window(&self) -> Window {
        match self {
            Self::Unknown(window) | Self::Ahead(window) => *window,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unknown(window) => format!(
                "leave this extractor out (`--extractor`, `--types`), or set `overlapping_intervals = true` \
                 (`caso republish --month {} --storage-anyway`) where nobody extracted it, or the first records were never delivered or \
                 are deleted",
                format_month(window.start)
            ),
            Self::Ahead(_) => {
                "have those records deleted where they were sent, set `overlapping_intervals = true`, then the cursor (`caso \
                 cursor set`), and take the option out when one run has gone well: from then on that time is extracted as it \
                 passes; or leave this extractor out until then"
                    .to_owned()
            }
        }
    }
}

impl PastWindows {
    /// From the ledger, of runs that began at `since` or later, and from what stands with the cursors. A year of a large site is long: a
    /// line is dropped when it is read, and of it stays what adds up.
    ///
    /// # Errors
    /// A file is there and cannot be read.
    pub fn read(spool: &Spool, since: i64) -> io::Result<Self> {
        let mut past: HashMap<String, HashMap<CursorKey, Told>> = HashMap::new();
        // Several may have begun in one second.
        let mut place = 0;
        ledger::each(spool, since, &mut |run| {
            let began = run.began;
            place += 1;
            for line in run.windows {
                let adds_up = adds_up(&line.extractor);
                let key = CursorKey {
                    cloud: line.cloud,
                    region: line.region,
                    extractor: line.extractor,
                };
                for project in line.records.into_keys() {
                    let of_project = past.entry(project).or_default();
                    let spans = of_project.entry(key.clone()).or_default();
                    spans.came = spans.came.max(Some(line.window.end));
                    if spans.since.is_none() {
                        spans.since = Some(place);
                        spans.began = Some(line.window.start);
                    }
                    if adds_up {
                        let window = line.window;
                        spans.extracted.push(Extracted { window, began });
                    }
                }
            }
        })?;
        for Unlisted {
            project,
            windows,
            skipped,
            renamed,
        } in Cursors::unlisted(spool)?
        {
            let of_project = past.entry(project).or_default();
            for (key, window, began) in windows
                .into_iter()
                .filter(|(key, ..)| adds_up(&key.extractor))
            {
                let extracted = Extracted {
                    window,
                    // Of what was found sealed nobody knows when that was.
                    began: began.unwrap_or(i64::MAX),
                };
                of_project.entry(key).or_default().extracted.push(extracted);
            }
            for (key, window) in skipped {
                of_project.entry(key).or_default().skipped.push(window);
            }
            by_former_names(of_project, &renamed);
        }
        // Of a project whose file is lost nothing else says so.
        let renamed = Cursors::renamed(spool);
        for (project, of_project) in &mut past {
            by_former_names(of_project, &renamed.of(project));
        }
        let told = |(key, told): (CursorKey, Told)| (key, told.spans());
        let of_project = |(project, of_project): (String, HashMap<CursorKey, Told>)| {
            (project, of_project.into_iter().map(told).collect())
        };
        Ok(PastWindows(past.into_iter().map(of_project).collect()))
    }

    /// Those of one extractor of a project.
    pub fn of(&self, key: &CursorKey, project: &str) -> &Spans {
        let spans = self
            .0
            .get(project)
            .and_then(|of_project| of_project.get(key));
        spans.unwrap_or(&NONE)
    }

    /// Where an extractor was that has no cursor any more, and that others have left behind: the
    /// lastrun file of its project, which would count for it, stands farther. To be asked where that file is ours: one that
    /// somebody else wrote is meant.
    ///
    /// None where its place as a whole has not come there and one that is not in `configured` has: that is its own former name, of which
    /// nothing else tells any more, and what it extracted by that would count twice.
    pub fn left_behind(
        &self,
        key: &CursorKey,
        project: &str,
        lastrun: i64,
        configured: &[CursorKey],
    ) -> Option<i64> {
        let of_project = self.0.get(project)?;
        let came = of_project.get(key)?.came?;
        let mut there = of_project
            .iter()
            .filter(|(_, it)| it.came >= Some(lastrun))
            .map(|(key, _)| key);
        let is_of_place = |it: &CursorKey| it.place() == key.place();
        let is_left = there.clone().any(is_of_place);
        let is_configured = |it: &CursorKey| configured.iter().any(|key| key.place() == it.place());
        let was_renamed = there.any(|it| it.extractor == key.extractor && !is_configured(it));
        (came < lastrun && (is_left || !was_renamed)).then_some(came)
    }

    /// The same of one that the project never had, where nothing before `first` was to be extracted. None where it had it.
    pub fn newcomer(&self, key: &CursorKey, project: &str, first: i64) -> Option<Newcomer> {
        let of_project = self.0.get(project)?;
        if of_project.get(key).is_some_and(|it| it.came.is_some()) {
            return None;
        }
        // Its first run, and not the least start: a month that was published again lies before it.
        let begun = of_project
            .iter()
            .filter_map(|(key, it)| Some((it.since?, beginning(key, it.began?, first))));
        let (since, _) = begun.clone().min()?;
        let began = begun
            .filter(|(at, _)| *at == since)
            .map(|(_, began)| began)
            .max()?;
        let of_others = self.0.values().filter_map(|it| it.get(key)?.since);
        Some(match of_others.min() {
            Some(first) if first < since => Newcomer::Project(began),
            _ => Newcomer::Extractor,
        })
    }
}

/// Where the window of a first run began to count: it goes back over what the cursor before it had, which was somebody
/// else's.
fn beginning(key: &CursorKey, start: i64, first: i64) -> i64 {
    let overlap = Extractor::named(&key.extractor).map_or(0, caso_extract::overlap);
    match start > first {
        true => start + overlap,
        false => first,
    }
}

/// A window, and when the run began that extracted it, in epoch seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Extracted {
    window: Window,
    began: i64,
}

/// What is told of one extractor of a project, in the order in which it is told.
#[derive(Debug, Default)]
struct Told {
    extracted: Vec<Extracted>,
    skipped: Vec<Window>,
    came: Option<i64>,
    began: Option<i64>,
    since: Option<u64>,
}

impl Told {
    fn spans(self) -> Spans {
        let given_up = given_up(&self.extracted);
        let windows = self.extracted.iter().map(|it| it.window);
        let extracted: Vec<Window> = windows.filter(|it| !given_up.contains(it)).collect();
        let came = match given_up.is_empty() {
            true => self.came,
            false => extracted.iter().map(|it| it.end).max(),
        };
        let mut spans = Spans {
            extracted,
            given_up,
            skipped: self.skipped,
            came,
            began: self.began,
            since: self.since,
        };
        for windows in [&mut spans.extracted, &mut spans.skipped] {
            windows.sort_by_key(|window| (window.start, window.end));
            windows.dedup();
        }
        spans
    }
}

/// Those that some run extracted whose clock was ahead, and that were given up: a later run, which began before
/// such a window's end, extracted something of its time. When the end has passed they look like any other.
fn given_up(told: &[Extracted]) -> Vec<Window> {
    let mut given_up = Vec::new();
    // The earliest beginning of the runs behind: nearly always no window ends after that.
    let mut earliest = i64::MAX;
    for (place, it) in told.iter().enumerate().rev() {
        let Window { start, end } = it.window;
        if end > earliest {
            let mut later = told.iter().skip(place + 1);
            let replaces = |later: &Extracted| {
                later.began < end
                    && later.window.start >= start
                    && later.window.start < end
                    && later.window != it.window
            };
            if later.any(replaces) {
                given_up.push(it.window);
            }
        }
        earliest = earliest.min(it.began);
    }
    given_up
}

/// By a former name of its place the ledger has what is of the present one.
fn by_former_names(of_project: &mut HashMap<CursorKey, Told>, renamed: &[(Place, Place)]) {
    for (now, was) in renamed {
        for extractor in Extractor::ALL.map(Extractor::as_str) {
            let of = |place: &Place| place.key(extractor);
            let Some(Told {
                extracted,
                came,
                began,
                since,
                ..
            }) = of_project.get(&of(was)).filter(|_| now != was)
            else {
                continue;
            };
            let mut extracted = extracted.clone();
            let (came, former) = (*came, (*since, *began));
            let told = of_project.entry(of(now)).or_default();
            told.came = told.came.max(came);
            if former.0.is_some() && (told.since.is_none() || former.0 < told.since) {
                (told.since, told.began) = former;
            }
            // Before its own: what it has was told since.
            extracted.retain(|it| !told.extracted.contains(it));
            told.extracted.splice(0..0, extracted);
        }
    }
}

/// The windows in which `window` is extracted, where everything before `cursor` was extracted in
/// those of `past`, or skipped, and behind it nothing but those.
///
/// # Errors
/// Of a part before the cursor neither is known, or it was extracted up to the future.
pub fn pieces(
    window: Window,
    cursor: Option<i64>,
    past: &Past<'_>,
) -> Result<Vec<Window>, AgainError> {
    let overlaps = |ahead: &&Window| ahead.start < window.end && window.start < ahead.end;
    if let Some(ahead) = past.ahead.iter().find(overlaps) {
        return Err(AgainError::Ahead(*ahead));
    }
    let old_end = cursor.map_or(window.start, |cursor| cursor.min(window.end));
    let mut reached = window.start;
    let mut pieces: Vec<Window> = Vec::new();
    for known in &past.extracted {
        if known.end <= reached || known.start >= window.end {
            continue;
        }
        // One that begins within another was extracted with a start of its own later on.
        if pieces.last().is_some_and(|last| known.start < last.end) {
            continue;
        }
        if known.start > reached {
            new_from(&mut pieces, reached, known.start, old_end, past.skipped)?;
        }
        pieces.push(*known);
        reached = known.end;
    }
    if reached < window.end {
        new_from(&mut pieces, reached, window.end, old_end, past.skipped)?;
    }
    Ok(pieces)
}

/// From where on everything before `cursor` is known: behind the last part of which it is not.
pub fn behind_gaps(window: Window, cursor: Option<i64>, past: &Past<'_>) -> i64 {
    let mut start = window.start;
    loop {
        let rest = Window { start, ..window };
        match pieces(rest, cursor, past) {
            Err(AgainError::Unknown(gap)) if gap.end > start => start = gap.end,
            _ => return start,
        }
    }
}

/// What nobody extracted, as far as is known: behind the cursor it is new, and before it where it was skipped.
fn new_from(
    pieces: &mut Vec<Window>,
    mut start: i64,
    end: i64,
    cursor: i64,
    skipped: &[Window],
) -> Result<(), AgainError> {
    for skip in skipped {
        if skip.start > start || start >= end {
            break;
        }
        if skip.end > start {
            let end = skip.end.min(end);
            pieces.push(Window { start, end });
            start = end;
        }
    }
    if start >= end {
        return Ok(());
    }
    if start < cursor {
        let skipped = skipped.iter().find(|skip| skip.start > start);
        let end = end
            .min(cursor)
            .min(skipped.map_or(i64::MAX, |skip| skip.start));
        return Err(AgainError::Unknown(Window { start, end }));
    }
    pieces.push(Window { start, end });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn w(start: i64, end: i64) -> Window {
        Window { start, end }
    }

    fn past(extracted: &[Window]) -> Past<'static> {
        at(extracted, i64::MAX, false)
    }

    fn at(extracted: &[Window], now: i64, anyway: bool) -> Past<'static> {
        let spans = Spans {
            extracted: extracted.to_vec(),
            ..Spans::default()
        };
        Past {
            skipped: &[],
            given_up: &[],
            ..spans.at(now, anyway)
        }
    }

    /// Some run thought that it was 90.
    #[test]
    fn what_was_extracted_up_to_the_future_is_not_so_again() {
        let windows = [w(0, 10), w(10, 90)];
        let known = at(&windows, 14, false);
        let refused = Err(AgainError::Ahead(w(10, 90)));
        assert_eq!(known.last(), Some(10));
        assert_eq!(pieces(w(10, 14), Some(10), &known), refused);
        assert_eq!(pieces(w(0, 14), Some(10), &known), refused);
        assert_eq!(pieces(w(0, 10), Some(10), &known), Ok(vec![w(0, 10)]));
        // Somebody gave it up, and from then on it is.
        let given_up = at(&windows, 14, true);
        assert_eq!(pieces(w(10, 14), Some(10), &given_up), Ok(vec![w(10, 14)]));
        let windows = [w(0, 10), w(10, 14), w(10, 90)];
        let known = at(&windows, 20, false);
        assert_eq!(pieces(w(14, 20), Some(14), &known), Ok(vec![w(14, 20)]));
        let windows = [w(0, 10), w(10, 14), w(10, 90), w(14, 20), w(20, 95)];
        let later = at(&windows, 100, false);
        assert_eq!(
            pieces(w(5, 95), Some(95), &later),
            Ok(vec![w(0, 10), w(10, 14), w(14, 20), w(20, 95)])
        );
    }

    /// Runs by when they began, each with a window, in the order of the ledger.
    fn told(runs: &[(i64, Window)]) -> Vec<Window> {
        spans(runs).extracted
    }

    fn spans(runs: &[(i64, Window)]) -> Spans {
        let extracted = runs.iter().map(|(began, window)| Extracted {
            window: *window,
            began: *began,
        });
        let told = Told {
            extracted: extracted.collect(),
            ..Told::default()
        };
        told.spans()
    }

    /// Some run thought that it was 90; the next one, at 14, was told to go on from 10. When it is 90 or
    /// later, nothing says so any more but who extracted what.
    #[test]
    fn what_was_given_up_stays_given_up_when_its_time_has_come() {
        let before = [(10, w(0, 10)), (90, w(10, 90))];
        assert_eq!(told(&before), [w(0, 10), w(10, 90)]);
        let since = [(14, w(10, 14)), (20, w(14, 20)), (88, w(20, 88))];
        let runs = [&before[..], &since[..]].concat();
        let windows = told(&runs);
        assert_eq!(windows, [w(0, 10), w(10, 14), w(14, 20), w(20, 88)]);
        for now in [89, 90, 93, 200] {
            let known = at(&windows, now, false);
            assert_eq!(known.last(), Some(88));
            assert_eq!(pieces(w(88, now), Some(88), &known), Ok(vec![w(88, now)]));
        }
        // The cursor that stood at 90 says nothing any more.
        let spans = spans(&runs);
        assert!(spans.at(200, false).gave_up(90) && !spans.at(200, false).gave_up(88));
        // Sent again, with the windows of the first time.
        let again = [&runs[..], &[(95, w(0, 10)), (95, w(10, 14))]].concat();
        assert_eq!(told(&again), windows);
        // Extracted by hand ahead of the rest, and then all of it in one, as somebody wanted it.
        let by_hand = [(10, w(0, 10)), (14, w(12, 14)), (20, w(10, 20))];
        assert_eq!(told(&by_hand), [w(0, 10), w(10, 20), w(12, 14)]);
        // A run of the past, in time.
        let later = [(10, w(0, 10)), (20, w(10, 20)), (30, w(12, 14))];
        assert_eq!(told(&later), [w(0, 10), w(10, 20), w(12, 14)]);
    }

    #[test]
    fn what_was_extracted_by_a_former_name_was_extracted() {
        let place = |cloud: &str| Place::from(cloud);
        let key = |cloud: &str| CursorKey {
            cloud: cloud.into(),
            region: None,
            extractor: "cinder".into(),
        };
        let of = |window: Window| Told {
            extracted: vec![Extracted {
                window,
                began: window.end,
            }],
            skipped: Vec::new(),
            came: Some(window.end),
            began: Some(window.start),
            since: Some(1),
        };
        let mut project = HashMap::from([(key("one"), of(w(0, 10))), (key("two"), of(w(10, 20)))]);
        // There, and back again.
        let renamed = [(place("one"), place("one")), (place("one"), place("two"))];
        for _ in 0..2 {
            by_former_names(&mut project, &renamed);
            let one = &project[&key("one")];
            let mut windows: Vec<Window> = one.extracted.iter().map(|it| it.window).collect();
            windows.sort_by_key(|window| window.start);
            assert_eq!((windows, one.came), (vec![w(0, 10), w(10, 20)], Some(20)));
        }
    }

    /// There and back again, and all that tells of it is lost but the ledger.
    #[test]
    fn what_came_farther_by_a_former_name_was_not_left_behind() {
        let key = |cloud: &str, extractor: &str| Place::from(cloud).key(extractor);
        let past = |spans: &[(CursorKey, i64)]| {
            let each = spans.iter().map(|(key, came)| {
                let came = Some(*came);
                (
                    key.clone(),
                    Spans {
                        came,
                        ..Spans::default()
                    },
                )
            });
            PastWindows(HashMap::from([("p".to_owned(), each.collect())]))
        };
        let (here, nova, there) = (
            key("one", "cinder"),
            key("one", "nova"),
            key("two", "cinder"),
        );
        let back = past(&[(here.clone(), 3), (nova.clone(), 3), (there.clone(), 6)]);
        let one = [here.clone(), nova.clone()];
        assert_eq!(back.left_behind(&here, "p", 6, &one), None);
        // Both are in the configuration: this one was left out for a while.
        let both = [here.clone(), there.clone()];
        assert_eq!(back.left_behind(&here, "p", 6, &both), Some(3));
        // Others of its own went on.
        let alone = past(&[(here.clone(), 3), (nova, 6), (there, 6)]);
        assert_eq!(alone.left_behind(&here, "p", 6, &one), Some(3));
        assert_eq!(alone.left_behind(&here, "p", 3, &one), None);
    }

    /// Whoever had it before the project came has only switched it off since.
    #[test]
    fn an_extractor_that_a_project_never_had_begins_with_it_where_the_site_had_it() {
        let key = |extractor: &str| CursorKey {
            cloud: "one".into(),
            region: None,
            extractor: extractor.into(),
        };
        let of = |spans: &[(&str, i64, i64)]| {
            let each = spans.iter().map(|(extractor, began, came)| {
                let spans = Spans {
                    came: Some(*came),
                    began: Some(0),
                    since: u64::try_from(*began).ok(),
                    ..Spans::default()
                };
                (key(extractor), spans)
            });
            each.collect::<HashMap<CursorKey, Spans>>()
        };
        let past = PastWindows(HashMap::from([
            ("old".to_owned(), of(&[("nova", 0, 90), ("cinder", 0, 40)])),
            ("new".to_owned(), of(&[("nova", 50, 90)])),
        ]));
        let newcomer = |extractor, project| past.newcomer(&key(extractor), project, 0);
        assert_eq!(newcomer("cinder", "new"), Some(Newcomer::Project(0)));
        assert_eq!(newcomer("neutron", "new"), Some(Newcomer::Extractor));
        assert_eq!(newcomer("cinder", "old"), None, "it had it");
        assert_eq!(newcomer("cinder", "unknown"), None);
        // Nova's first window goes back over what Python had, and none goes back before what was to be extracted.
        let nova = key("nova");
        assert_eq!(beginning(&nova, 940, 0), 1_000);
        assert_eq!(beginning(&nova, 940, 940), 940);
        assert_eq!(beginning(&nova, 100, 940), 940);
        assert_eq!(beginning(&key("cinder"), 1_000, 940), 1_000);
    }

    #[test]
    fn what_is_new_is_one_window() {
        assert_eq!(pieces(w(10, 20), None, &past(&[])), Ok(vec![w(10, 20)]));
        assert_eq!(
            pieces(w(10, 20), Some(10), &past(&[w(0, 10)])),
            Ok(vec![w(10, 20)])
        );
        assert_eq!(
            pieces(w(10, 20), Some(5), &past(&[w(0, 5)])),
            Ok(vec![w(10, 20)])
        );
    }

    #[test]
    fn what_was_extracted_is_so_again_in_its_own_windows() {
        let past = [w(0, 10), w(10, 14), w(14, 30)];
        assert_eq!(
            pieces(w(10, 14), Some(30), &self::past(&past)),
            Ok(vec![w(10, 14)])
        );
        assert_eq!(
            pieces(w(3, 12), Some(30), &self::past(&past)),
            Ok(vec![w(0, 10), w(10, 14)])
        );
        assert_eq!(
            pieces(w(12, 40), Some(30), &self::past(&past)),
            Ok(vec![w(10, 14), w(14, 30), w(30, 40)])
        );
        // Extracted by hand in between, with bounds of its own.
        let past = [w(0, 10), w(5, 12), w(10, 20)];
        assert_eq!(
            pieces(w(0, 20), Some(20), &self::past(&past)),
            Ok(vec![w(0, 10), w(10, 20)])
        );
    }

    /// By hand, or by a run that was killed: the next one goes round it.
    #[test]
    fn what_was_extracted_ahead_of_the_cursor_is_so_in_its_own_window() {
        let ahead = [w(0, 10), w(12, 14)];
        assert_eq!(
            pieces(w(10, 20), Some(10), &past(&ahead)),
            Ok(vec![w(10, 12), w(12, 14), w(14, 20)])
        );
        assert_eq!(
            pieces(w(10, 13), Some(10), &past(&ahead)),
            Ok(vec![w(10, 12), w(12, 14)])
        );
        assert_eq!(
            pieces(w(0, 20), None, &past(&[w(5, 9)])),
            Ok(vec![w(0, 5), w(5, 9), w(9, 20)])
        );
    }

    #[test]
    fn a_gap_in_what_is_known_is_refused() {
        let gap = |start, end| Err(AgainError::Unknown(w(start, end)));
        assert_eq!(pieces(w(0, 20), Some(20), &past(&[])), gap(0, 20));
        assert_eq!(pieces(w(0, 20), Some(15), &past(&[w(0, 10)])), gap(10, 15));
        assert_eq!(
            pieces(w(0, 20), Some(20), &past(&[w(0, 5), w(8, 20)])),
            gap(5, 8)
        );
    }

    /// By `caso cursor set`, say: whoever comes there is the first.
    #[test]
    fn what_was_skipped_is_new_before_the_cursor_too() {
        let known = Spans {
            extracted: vec![w(0, 10), w(20, 30)],
            skipped: vec![w(10, 15), w(15, 20), w(30, 34), w(36, 40)],
            ..Spans::default()
        };
        let known = &known.at(100, false);
        assert_eq!(
            pieces(w(5, 25), Some(40), known),
            Ok(vec![w(0, 10), w(10, 15), w(15, 20), w(20, 30)])
        );
        assert_eq!(
            pieces(w(12, 18), Some(40), known),
            Ok(vec![w(12, 15), w(15, 18)])
        );
        assert_eq!(
            pieces(w(25, 40), Some(40), known),
            Err(AgainError::Unknown(w(34, 36)))
        );
        assert_eq!(
            pieces(w(36, 50), Some(40), known),
            Ok(vec![w(36, 40), w(40, 50)])
        );
        assert_eq!(
            pieces(w(41, 50), Some(45), known),
            Err(AgainError::Unknown(w(41, 45)))
        );
    }

    /// Nothing is left out, nothing overlaps, and before the cursor nothing is new.
    #[test]
    fn pieces_cover_the_window_once() {
        let past = [w(0, 4), w(4, 8), w(8, 16)];
        let gap = [w(0, 4), w(8, 16)];
        let skipped = [w(4, 6), w(6, 8)];
        for start in 0..20 {
            for end in start + 1..24 {
                let known = Spans {
                    extracted: gap.to_vec(),
                    skipped: skipped.to_vec(),
                    ..Spans::default()
                };
                let known = &known.at(100, false);
                let mut reached = start;
                for piece in pieces(w(start, end), Some(16), known).unwrap() {
                    let first = piece.start >= 16 || piece.start >= 4 && piece.end <= 8;
                    assert!(piece.start <= reached && piece.end > reached, "{piece:?}");
                    assert!(gap.contains(&piece) || first, "{piece:?}");
                    reached = piece.end;
                }
                assert!(reached >= end);
                let pieces = pieces(w(start, end), Some(16), &self::past(&past)).unwrap();
                let mut reached = start;
                for piece in &pieces {
                    assert!(piece.start <= reached && piece.end > reached, "{pieces:?}");
                    assert!(past.contains(piece) || piece.start >= 16, "{pieces:?}");
                    reached = piece.end;
                }
                assert!(reached >= end);
            }
        }
    }
}
