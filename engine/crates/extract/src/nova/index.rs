//! What is kept of os-simple-tenant-usage while a project's servers are
//! listed: one entry of 40 bytes a server, never the pages.
//!
//! The usage API knows every server that was up in the window, but says little
//! of each; the server lists say more, but not which servers belong to the
//! window. So the index is built first, and the lists are checked against it.

use std::collections::HashMap;

use crate::ItemError;
use crate::fields::Row;
use caso_model::usage::ComputeUsage;
use uuid::Uuid;

/// One server's entry. Texts that repeat are kept once and numbered.
#[derive(Debug, Clone, Copy)]
struct Entry {
    id: [u8; 16],
    /// Times are kept up to 2106, memory up to 4 PiB: what is beyond is kept apart.
    started: u32,
    ended: u32,
    memory_mib: u32,
    disk_gib: u32,
    vcpus: u32,
    flavor: u16,
    state: u8,
    flags: u8,
}

const STARTED: u8 = 1;
const ENDED: u8 = 2;
const MEMORY: u8 = 4;
const DISK: u8 = 8;
const VCPUS: u8 = 16;
const SEEN: u8 = 32;
/// Its usage is among those that do not fit.
const APART: u8 = 64;

/// Text number 0: none.
const NO_TEXT: u16 = 0;

/// The usage entries of one project and window.
#[derive(Debug, Default)]
pub struct UsageIndex {
    /// In the order of `id`, once sealed.
    entries: Vec<Entry>,
    flavors: Texts,
    states: Texts,
    /// Usage with a number that has no room in an entry.
    apart: HashMap<[u8; 16], ComputeUsage>,
    unseen: usize,
}

/// What a row of the usage API says besides its entry.
#[derive(Debug, PartialEq)]
pub struct UsageRow {
    pub id: Uuid,
    pub name: Option<String>,
    pub usage: ComputeUsage,
}

impl UsageRow {
    /// A server that ran in the window, of which nothing else could be read.
    pub fn without_figures(id: Uuid) -> UsageRow {
        UsageRow {
            id,
            name: None,
            usage: ComputeUsage::default(),
        }
    }

    /// Reads one of `server_usages`.
    pub fn read(row: &Row<'_>) -> Result<UsageRow, ItemError> {
        Ok(UsageRow {
            id: server_id(row)?,
            name: row.text("name")?,
            usage: ComputeUsage {
                started: row.time("started_at")?,
                ended: row.time("ended_at")?,
                vcpus: row.small_count("vcpus")?,
                memory_mib: row.count("memory_mb")?,
                disk_gib: row.count("local_gb")?,
                state: row.text("state")?,
                // Nova says "" when the flavor's row is gone.
                flavor_name: row.text("flavor")?.filter(|name| !name.is_empty()),
                attributes: Vec::new(),
            },
        })
    }
}

/// The id of a server's row. Nova's are UUIDs without exception.
pub fn server_id(row: &Row<'_>) -> Result<Uuid, ItemError> {
    row.id()
        .parse()
        .map_err(|_| row.error("its id is not a UUID".into()))
}

impl UsageIndex {
    /// Room for the next page, so that growing by doubling does not cost twice
    /// the memory: at most an eighth more than is there.
    pub fn expect(&mut self, rows: usize) {
        let spare = self.entries.capacity() - self.entries.len();
        if spare < rows {
            self.entries.reserve_exact(rows.max(self.entries.len() / 8));
        }
    }

    pub fn add(&mut self, row: &UsageRow) {
        let usage = &row.usage;
        let mut flags = 0;
        let mut fits = true;
        let mut small = |number: Option<u32>, known: bool| {
            fits &= number.is_some() || !known;
            number.unwrap_or_default()
        };
        let time = |time: Option<i64>| u32::try_from(time?).ok();
        let size = |size: Option<u64>| u32::try_from(size?).ok();
        let started = small(time(usage.started), usage.started.is_some());
        let ended = small(time(usage.ended), usage.ended.is_some());
        let memory_mib = small(size(usage.memory_mib), usage.memory_mib.is_some());
        let disk_gib = small(size(usage.disk_gib), usage.disk_gib.is_some());
        let mut keep = |bit: u8, known: bool| {
            if known {
                flags |= bit;
            }
        };
        keep(STARTED, usage.started.is_some());
        keep(ENDED, usage.ended.is_some());
        keep(MEMORY, usage.memory_mib.is_some());
        keep(DISK, usage.disk_gib.is_some());
        keep(VCPUS, usage.vcpus.is_some());
        keep(APART, !fits);
        if !fits {
            self.apart.insert(row.id.into_bytes(), usage.clone());
        }
        let flavor = self.flavors.number(usage.flavor_name.as_deref());
        let state = self.states.number(usage.state.as_deref());
        self.entries.push(Entry {
            id: row.id.into_bytes(),
            started,
            ended,
            memory_mib,
            disk_gib,
            vcpus: usage.vcpus.unwrap_or_default(),
            flavor,
            // Nova has 13 vm_states; the 256th would be lost, not mistaken.
            state: u8::try_from(state).unwrap_or_default(),
            flags,
        });
    }

    /// All pages are in: from now on entries can be found. A server that was
    /// on two pages keeps one entry.
    pub fn seal(&mut self) {
        self.entries.sort_unstable_by_key(|entry| entry.id);
        self.entries.dedup_by_key(|entry| entry.id);
        self.unseen = self.entries.len();
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Servers that no list has shown yet.
    pub fn unseen(&self) -> usize {
        self.unseen
    }

    fn position(&self, id: Uuid) -> Option<usize> {
        let id = id.into_bytes();
        self.entries
            .binary_search_by_key(&id, |entry| entry.id)
            .ok()
    }

    /// Whether a list has shown this server; none where it has no entry.
    pub fn seen(&self, id: Uuid) -> Option<bool> {
        let entry = self.entries.get(self.position(id)?)?;
        Some(entry.flags & SEEN != 0)
    }

    /// Marks a server as shown. False where it has no entry.
    pub fn mark(&mut self, id: Uuid) -> bool {
        let Some(entry) = self
            .position(id)
            .and_then(|place| self.entries.get_mut(place))
        else {
            return false;
        };
        if entry.flags & SEEN == 0 {
            entry.flags |= SEEN;
            self.unseen -= 1;
        }
        true
    }

    pub fn usage(&self, id: Uuid) -> Option<ComputeUsage> {
        let entry = self.entries.get(self.position(id)?)?;
        Some(self.spell_out(entry))
    }

    /// The servers that no list has shown, by id.
    pub fn unseen_servers(&self) -> impl Iterator<Item = (Uuid, ComputeUsage)> + '_ {
        self.entries
            .iter()
            .filter(|entry| entry.flags & SEEN == 0)
            .map(|entry| (Uuid::from_bytes(entry.id), self.spell_out(entry)))
    }

    fn spell_out(&self, entry: &Entry) -> ComputeUsage {
        let known = |bit: u8| entry.flags & bit != 0;
        if known(APART)
            && let Some(usage) = self.apart.get(&entry.id)
        {
            return usage.clone();
        }
        ComputeUsage {
            started: known(STARTED).then_some(i64::from(entry.started)),
            ended: known(ENDED).then_some(i64::from(entry.ended)),
            vcpus: known(VCPUS).then_some(entry.vcpus),
            memory_mib: known(MEMORY).then_some(u64::from(entry.memory_mib)),
            disk_gib: known(DISK).then_some(u64::from(entry.disk_gib)),
            state: self.states.text(u16::from(entry.state)),
            flavor_name: self.flavors.text(entry.flavor),
            attributes: Vec::new(),
        }
    }
}

/// Texts, each kept once. Number 0 stands for none.
#[derive(Debug, Default)]
struct Texts {
    numbers: HashMap<String, u16>,
    texts: Vec<String>,
}

impl Texts {
    fn number(&mut self, text: Option<&str>) -> u16 {
        let Some(text) = text else { return NO_TEXT };
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        // A project with 65,535 flavor names: the next ones stay unnamed.
        let Ok(number) = u16::try_from(self.texts.len() + 1) else {
            return NO_TEXT;
        };
        self.texts.push(text.to_owned());
        self.numbers.insert(text.to_owned(), number);
        number
    }

    fn text(&self, number: u16) -> Option<String> {
        let place = usize::from(number).checked_sub(1)?;
        self.texts.get(place).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(n: u128) -> UsageRow {
        UsageRow {
            id: Uuid::from_u128(n),
            name: Some(format!("vm-{n}")),
            usage: ComputeUsage {
                started: Some(n as i64),
                ended: n.is_multiple_of(2).then_some(7),
                vcpus: Some(4),
                memory_mib: Some(8192),
                disk_gib: None,
                state: Some("active".into()),
                flavor_name: Some(format!("m{}", n % 5)),
                attributes: Vec::new(),
            },
        }
    }

    #[test]
    fn an_entry_comes_back_as_it_was() {
        let mut index = UsageIndex::default();
        for n in (0..100).rev() {
            index.add(&row(n));
        }
        index.add(&row(42));
        index.seal();
        assert_eq!(index.len(), 100);
        for n in 0..100 {
            assert_eq!(index.usage(Uuid::from_u128(n)), Some(row(n).usage));
        }
        assert_eq!(index.usage(Uuid::from_u128(100)), None);
    }

    #[test]
    fn what_was_seen_is_not_left() {
        let mut index = UsageIndex::default();
        (0..3).for_each(|n| index.add(&row(n)));
        index.seal();
        assert!(index.mark(Uuid::from_u128(1)));
        assert!(index.mark(Uuid::from_u128(1)));
        assert!(!index.mark(Uuid::from_u128(9)));
        assert_eq!(index.unseen(), 2);
        let left: Vec<u128> = index.unseen_servers().map(|(id, _)| id.as_u128()).collect();
        assert_eq!(left, [0, 2]);
    }

    #[test]
    fn what_has_no_room_in_an_entry_comes_back_all_the_same() {
        let mut index = UsageIndex::default();
        for (n, started, memory_mib) in [
            (1, -5, 8192),
            (2, 5_000_000_000, 8192),
            (3, 7, u64::MAX),
            (4, i64::from(u32::MAX), u64::from(u32::MAX)),
        ] {
            let mut odd = row(n);
            (odd.usage.started, odd.usage.memory_mib) = (Some(started), Some(memory_mib));
            index.add(&odd);
            index.seal();
            assert_eq!(index.usage(odd.id), Some(odd.usage));
        }
        assert_eq!(index.apart.len(), 3);
    }

    #[test]
    fn a_server_costs_at_most_64_bytes() {
        // Another 24 are those of its history.
        assert_eq!(size_of::<Entry>(), 40);
        for page in [3_usize, 200, 1000] {
            let mut index = UsageIndex::default();
            let mut n = 0;
            while n < 20_000 {
                index.expect(page);
                for _ in 0..page {
                    index.add(&row(n));
                    n += 1;
                }
            }
            let bytes = index.entries.capacity() * size_of::<Entry>();
            assert!(
                bytes <= 46 * index.entries.len(),
                "pages of {page}: {bytes}"
            );
        }
    }
}
