//! The servers of one project in one region.

use std::borrow::Cow;
use std::collections::BTreeMap;

use caso_model::Window;
use caso_model::usage::{Counters, Flavor, SizeSpan};
use uuid::Uuid;

use crate::entry::Entry;
use crate::flavors;
use crate::kinds::{Kind, Kinds, UNKNOWN};
use crate::more::{ASKED_AGAIN, More};
use crate::sighting::{Life, Sighting};
use crate::sizes::{self, Size};
use crate::story::Story;

/// Where an entry stands.
#[derive(Debug, Clone, Copy)]
enum Place {
    Known(usize),
    Fresh(usize),
}

/// What was seen of a project's servers up to some moment, and what this run sees.
///
/// Each server is to be [noted](History::note) once in an extraction.
#[derive(Debug, Default)]
pub struct History {
    pub(crate) as_of: Option<i64>,
    /// Those of earlier runs, by id.
    pub(crate) known: Vec<Entry>,
    /// Those that this run sees for the first time, in its order.
    pub(crate) fresh: Vec<Entry>,
    pub(crate) more: Vec<Story>,
    pub(crate) kinds: Kinds,
    /// Flavors that servers have, or had before, as they last were, by id.
    pub(crate) flavors: BTreeMap<String, Flavor>,
    /// One bit for each of `known`: this run has seen it.
    seen: Vec<u64>,
    /// How many of `known` were alive and have not been seen.
    missing: usize,
    /// Where in `fresh` the page begins that is being noted.
    page: usize,
}

impl History {
    /// Of a project of which nothing is remembered.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Of a project whose last window ended at `as_of`.
    pub(crate) fn of_last_run(as_of: i64, known: Vec<Entry>, more: Vec<Story>) -> Self {
        let mut history = Self {
            as_of: Some(as_of),
            seen: vec![0; known.len().div_ceil(64)],
            known,
            more,
            ..Self::default()
        };
        history.missing = history.missing_entries().count();
        history
    }

    /// The end of the last window that was noted, in epoch seconds; none where nothing
    /// is remembered.
    #[must_use]
    pub fn as_of(&self) -> Option<i64> {
        self.as_of
    }

    /// How many servers are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len() + self.fresh.len()
    }

    /// Whether no server is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Begins a page of so many servers: makes room for them, without the doubling that
    /// costs twice the memory.
    pub fn expect(&mut self, servers: usize) {
        self.page = self.fresh.len();
        let spare = self.fresh.capacity() - self.fresh.len();
        if spare < servers {
            self.fresh.reserve_exact(servers.max(self.fresh.len() / 8));
        }
    }

    /// Notes what a window that ends at `until`, in epoch seconds, saw of a server,
    /// and answers the sizes and flavors that it was seen to have, oldest first; none for one
    /// that never had others than those of the sighting.
    pub fn note(&mut self, sighting: &Sighting<'_>, until: i64) -> Vec<SizeSpan> {
        let place = match self.known_place(sighting.id) {
            Some(place) => {
                self.mark(place);
                Place::Known(place)
            }
            None => self.add(sighting.id),
        };
        let Some(mut entry) = self.entry(place) else {
            return Vec::new();
        };
        let mut more = self
            .more_of(&entry)
            .map(Cow::into_owned)
            .unwrap_or_default();
        let reported_until = match (place, more.ended) {
            (Place::Known(_), None) => more.missing.or(self.as_of),
            _ => None,
        };
        let reported = reported_until.or(self.as_of).unwrap_or(until);
        let before = self.kinds.get(entry.kind);
        let is_as_before = before.is_some_and(|before| {
            before.vcpus == sighting.vcpus && before.flavor.as_deref() == sighting.flavor
        });
        if !is_as_before {
            let before = before.cloned().unwrap_or_default();
            entry.kind = self
                .kinds
                .number(changed(&mut more, before, sighting, reported));
        }
        (more.missing, more.nowhere) = (None, None);
        (more.ended, more.hidden, more.end) = match sighting.life {
            Life::Alive => (None, None, None),
            Life::Hidden(since) => (None, Some(since), None),
            Life::Ended => (Some(until), None, more.end),
            Life::EndedAt(end) => (Some(until), None, Some(end)),
        };
        let vcpus = self.kinds.get(entry.kind).and_then(|kind| kind.vcpus);
        let last = match (more.sizes.is_empty(), sighting.vcpus, vcpus) {
            // No API gives its size today: the last one that was seen.
            (true, None, Some(vcpus)) => Some(Size {
                since: sighting.created.or(self.as_of).unwrap_or(until),
                vcpus,
            }),
            _ => None,
        };
        let sizes = last.as_ref().map_or(&more.sizes[..], std::slice::from_ref);
        let story = flavors::together(sizes, &more.flavors, vcpus);
        self.put(place, entry, more);
        story
    }

    /// The flavors that a server had at `since`, in epoch seconds, or later, as far as earlier
    /// runs saw them.
    pub fn flavors(&self, id: Uuid, since: i64) -> impl Iterator<Item = &str> {
        let entry = self.known_entry(id);
        let last = entry.and_then(|entry| self.kinds.get(entry.kind)?.flavor.as_deref());
        let more = entry.and_then(|entry| self.told_of(entry));
        let story = more.map_or(&[][..], |more| &more.flavors);
        let single = last.filter(|_| story.is_empty());
        single.into_iter().chain(flavors::had(story, since))
    }

    /// Keeps a flavor as it is now, which a server has or had before: nobody tells of it when it
    /// is gone. What hides its extra specs does not take back those that were shown.
    pub fn keep_flavor(&mut self, flavor: &Flavor) {
        match self.flavors.get_mut(&flavor.id) {
            None => {
                self.flavors.insert(flavor.id.clone(), flavor.clone());
            }
            Some(kept) if flavor.extra_specs.is_none() || kept == flavor => {}
            Some(kept) => kept.clone_from(flavor),
        }
    }

    /// A flavor that a server has or had before, as it last was.
    #[must_use]
    pub fn kept_flavor(&self, id: &str) -> Option<&Flavor> {
        self.flavors.get(id)
    }

    /// Takes the counters that a source has of a server noted with this page, none where
    /// it has none any more. Answers those that are to be reported, and those that were
    /// reported last.
    ///
    /// A counter never falls: a source that forgot what it had once does not undo
    /// what was reported.
    pub fn count(
        &mut self,
        id: Uuid,
        now: Option<Counters>,
    ) -> (Option<Counters>, Option<Counters>) {
        let Some(place) = self.find(id) else {
            return (now, None);
        };
        let Some(entry) = self.entry(place) else {
            return (now, None);
        };
        let mut more = self
            .more_of(&entry)
            .map(Cow::into_owned)
            .unwrap_or_default();
        let earlier = more.counters.take();
        let reported = match (&earlier, now) {
            (None, now) => now,
            (Some(earlier), None) => Some(earlier.clone()),
            (Some(earlier), Some(now)) => Some(Counters {
                cpu_nanoseconds: now.cpu_nanoseconds.max(earlier.cpu_nanoseconds),
                network_incoming_bytes: now
                    .network_incoming_bytes
                    .max(earlier.network_incoming_bytes),
                network_outgoing_bytes: now
                    .network_outgoing_bytes
                    .max(earlier.network_outgoing_bytes),
                measured_at: now.measured_at.max(earlier.measured_at),
                attributes: now.attributes,
            }),
        };
        more.counters = reported.clone().map(|counters| Counters {
            attributes: Vec::new(),
            ..counters
        });
        self.put(place, entry, more);
        (reported, earlier)
    }

    /// CPU seconds that the last run reported of a server that began at `created`, where it had
    /// no counter and took its CPUs for them; none where it had one, or did not report it.
    #[must_use]
    pub fn estimated(&self, id: Uuid, created: i64) -> Option<u64> {
        let (entry, as_of) = (self.known_entry(id)?, self.as_of?);
        let more = self.told_of(entry);
        if more.is_some_and(|more| more.counters.is_some()) {
            return None;
        }
        let whole = [Size {
            since: created,
            vcpus: self.kinds.get(entry.kind)?.vcpus?,
        }];
        let sizes = more.map_or(&[][..], |more| &more.sizes);
        let sizes = if sizes.is_empty() { &whole } else { sizes };
        Some(sizes::used(sizes, created, as_of))
    }

    /// Servers that the last run saw alive and this one has not seen, by id.
    pub fn missing(&self) -> impl Iterator<Item = Uuid> + '_ {
        let missing = self.missing_entries();
        missing.map(|entry| Uuid::from_bytes(entry.id))
    }

    /// Whether there are any.
    #[must_use]
    pub fn misses_any(&self) -> bool {
        self.missing > 0
    }

    fn missing_entries(&self) -> impl Iterator<Item = &Entry> {
        let known = self.known.iter().enumerate();
        known
            .filter(|(place, entry)| !self.is_marked(*place) && self.ended(entry).is_none())
            .map(|(_, entry)| entry)
    }

    /// A list shows a server of which nothing can be noted. It is not missing; but what became of
    /// it in `window` is owed: the next runs look for it, for `patience` seconds, if their lists do not show it.
    pub fn pass_over(&mut self, id: Uuid, window: Window, patience: i64) {
        match self.known_entry(id).map(|entry| self.ended(entry)) {
            None => self.owe(id, window.start),
            Some(None) => drop(self.miss(id, window.end, patience)),
            Some(Some(_)) => {
                if let Some(place) = self.known_place(id) {
                    self.mark(place);
                }
            }
        }
    }

    /// Since when, in epoch seconds, a list of changes shows the missing servers that
    /// are still there or ended since: hidden ones, and those that were alive. None
    /// where none is missing.
    ///
    /// `apart` is how many seconds a change may have been noted before the last
    /// window's end, and yet not been visible then.
    #[must_use]
    pub fn changed_since(&self, apart: i64) -> Option<i64> {
        self.missing_entries()
            .filter_map(|entry| {
                let more = self.told_of(entry);
                let alive = more.and_then(|more| more.missing).or(self.as_of)?;
                let alive = alive.saturating_sub(apart);
                let hidden = more.and_then(|more| more.hidden);
                Some(hidden.map_or(alive, |since| since.min(alive)))
            })
            .min()
    }

    /// The cloud shows a missing server nowhere. It is looked for again by the next
    /// runs, for `patience` seconds. Answers until when it was reported as alive, where
    /// this run is the first to miss it.
    pub fn miss(&mut self, id: Uuid, until: i64, patience: i64) -> Option<i64> {
        let Some(known) = self.known_place(id) else {
            // Named by a list, and never seen.
            let nowhere = More {
                ended: Some(until),
                nowhere: Some(until),
                ..More::default()
            };
            let place = self.add(id);
            self.put(place, Entry::new(id), nowhere);
            return None;
        };
        self.mark(known);
        let place = Place::Known(known);
        let entry = self.entry(place)?;
        let mut more = self
            .more_of(&entry)
            .map(Cow::into_owned)
            .unwrap_or_default();
        if more.ended.is_some() {
            // Its end was reported, and a list that names it for ever takes nothing back.
            more.nowhere = Some(until);
            self.put(place, entry, more);
            return None;
        }
        let first = more.missing.is_none();
        let alive = more.missing.or(self.as_of)?;
        if alive < until.saturating_sub(patience) {
            more.ended = Some(until);
        } else {
            more.missing = Some(alive);
        }
        self.put(place, entry, more);
        first.then_some(alive)
    }

    /// A server that was never seen before, and of which this run saw a part alone: the next
    /// ones look for the rest, among what changed after `since`, in epoch seconds.
    pub fn owe(&mut self, id: Uuid, since: i64) {
        if self.known_place(id).is_none() {
            let owed = More {
                missing: Some(since),
                ..More::default()
            };
            let place = self.add(id);
            self.put(place, Entry::new(id), owed);
        }
    }

    /// Whether a server was asked for within the last day, and was nowhere.
    #[must_use]
    pub fn is_nowhere(&self, id: Uuid) -> bool {
        let entry = self.known_entry(id);
        let more = entry.and_then(|entry| self.told_of(entry));
        let asked = more.and_then(|more| more.nowhere);
        let since = self.as_of.map(|as_of| as_of.saturating_sub(ASKED_AGAIN));
        asked.is_some_and(|asked| Some(asked) >= since)
    }

    /// When a server that has not ended was seen last, in epoch seconds, or since when it is
    /// looked for; none for one that is not remembered.
    #[must_use]
    pub fn last_seen(&self, id: Uuid) -> Option<i64> {
        let entry = self.known_entry(id)?;
        let more = self.more_of(entry);
        match more.as_ref().and_then(|more| more.ended) {
            None => more.and_then(|more| more.missing).or(self.as_of),
            Some(_) => None,
        }
    }

    /// What earlier runs reported of a server's life that stands, whatever its row says now.
    #[must_use]
    pub fn past(&self, id: Uuid) -> Option<Past> {
        let entry = self.known_entry(id)?;
        if let Some(end) = self.told_of(entry).and_then(|more| more.end) {
            return Some(Past::Ended(end));
        }
        // One that is owed has been looked for, and never seen.
        let alive = self.last_seen(id).filter(|_| entry.kind != UNKNOWN);
        alive.map(Past::Alive)
    }

    /// Whether a server was reported: as alive by the last window, or its end by an
    /// earlier one than `window`.
    #[must_use]
    pub fn reported(&self, id: Uuid, window: Window) -> Option<Reported> {
        let entry = self.known_entry(id)?;
        match self.ended(entry) {
            None => Some(Reported::Alive),
            // It was nowhere, and nobody has told of it.
            Some(until)
                if self
                    .told_of(entry)
                    .is_some_and(|more| more.nowhere == Some(until)) =>
            {
                None
            }
            Some(until) if until < window.end => Some(Reported::Ended),
            Some(_) => None,
        }
    }

    fn ended(&self, entry: &Entry) -> Option<i64> {
        self.more_of(entry)?.ended
    }

    /// Where there is more than an end.
    fn told_of(&self, entry: &Entry) -> Option<&More> {
        self.more.get(entry.more()?)?.told()
    }

    pub(crate) fn more_of(&self, entry: &Entry) -> Option<Cow<'_, More>> {
        Some(self.more.get(entry.more()?)?.more())
    }

    fn known_place(&self, id: Uuid) -> Option<usize> {
        let id = id.into_bytes();
        let place = self.known.binary_search_by_key(&id, |entry| entry.id);
        place.ok()
    }

    fn known_entry(&self, id: Uuid) -> Option<&Entry> {
        self.known.get(self.known_place(id)?)
    }

    /// Also among the new ones of this page. Those of earlier pages are in no order, and
    /// are not looked through: a first run has nothing else.
    fn find(&self, id: Uuid) -> Option<Place> {
        if let Some(place) = self.known_place(id) {
            return Some(Place::Known(place));
        }
        let page = self.fresh.get(self.page..)?;
        let place = page.iter().position(|entry| entry.id == id.into_bytes())?;
        Some(Place::Fresh(self.page + place))
    }

    fn add(&mut self, id: Uuid) -> Place {
        self.fresh.push(Entry::new(id));
        Place::Fresh(self.fresh.len() - 1)
    }

    fn entry(&self, place: Place) -> Option<Entry> {
        match place {
            Place::Known(place) => self.known.get(place),
            Place::Fresh(place) => self.fresh.get(place),
        }
        .copied()
    }

    fn put(&mut self, place: Place, mut entry: Entry, more: More) {
        match entry.more() {
            Some(at) => {
                if let Some(slot) = self.more.get_mut(at) {
                    *slot = more.into();
                }
            }
            None if more.is_empty() => {}
            None => {
                entry.set_more(Some(self.more.len()));
                // As with entries: doubled, they would take twice the memory.
                if self.more.len() == self.more.capacity() {
                    self.more.reserve_exact((self.more.len() / 8).max(64));
                }
                self.more.push(more.into());
            }
        }
        let slot = match place {
            Place::Known(place) => self.known.get_mut(place),
            Place::Fresh(place) => self.fresh.get_mut(place),
        };
        if let Some(slot) = slot {
            *slot = entry;
        }
    }

    fn mark(&mut self, place: usize) {
        if self.is_marked(place) {
            return;
        }
        if let Some(word) = self.seen.get_mut(place / 64) {
            *word |= 1 << (place % 64);
        }
        let entry = self.known.get(place);
        if entry.is_some_and(|entry| self.ended(entry).is_none()) {
            self.missing = self.missing.saturating_sub(1);
        }
    }

    fn is_marked(&self, place: usize) -> bool {
        let word = self.seen.get(place / 64);
        word.is_some_and(|word| word & (1 << (place % 64)) != 0)
    }
}

/// Notes that a server has another size or flavor than `before`; answers the present ones, as far
/// as anybody knows.
fn changed(more: &mut More, before: Kind, sighting: &Sighting<'_>, reported: i64) -> Kind {
    let (created, launched) = (sighting.created, sighting.launched);
    if let (Some(was), Some(is)) = (before.vcpus, sighting.vcpus)
        && was != is
    {
        sizes::change(&mut more.sizes, created, reported, launched, (was, is));
    }
    if let (Some(was), Some(is)) = (before.flavor.as_deref(), sighting.flavor)
        && was != is
    {
        flavors::change(&mut more.flavors, created, reported, launched, (was, is));
    }
    Kind {
        vcpus: sighting.vcpus.or(before.vcpus),
        flavor: sighting.flavor.map(str::to_owned).or(before.flavor),
    }
}

/// What was reported of a server's life, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// It was alive at that moment: epoch seconds.
    Alive(i64),
    /// It ended at that moment, which is not that of its row: epoch seconds.
    Ended(i64),
}

/// What was reported of a server before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reported {
    /// That it is alive.
    Alive,
    /// That it ended.
    Ended,
}
