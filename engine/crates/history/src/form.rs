//! A history as bytes.
//!
//! ```text
//! {"format":2,"engine":"…","as_of":…,"servers":N,"more":M,"kinds":K,"flavors":F}\n
//! N entries of 24 bytes, by id: id (16), number of its size and flavor (4, little endian;
//!     0: nothing known), place among those of whom more is kept, from 1 on (4; 0: none)
//! M lines of JSON: earlier sizes and flavors, counters, when its end was reported
//! K lines of JSON: virtual CPUs and flavor, of the numbers from 1 on
//! F lines of JSON: flavors that servers have, or had before, as they last were
//! {"sha256":"…"}\n                                    of all bytes before this line
//! ```
//!
//! Format 1 has the virtual CPUs where the number is, all ones where they are unknown, and knows
//! of no flavors.

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};

use caso_model::usage::Flavor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::entry::{BYTES, Entry};
use crate::history::History;
use crate::kinds::{Kind, Kinds, UNKNOWN};
use crate::story::Story;

/// The format that this version writes.
pub const FORMAT: u32 = 2;

/// A header or a line of JSON that is longer is none of ours.
const LONGEST_LINE: u64 = 16 << 20;

/// In format 1: the virtual CPUs of a server that never had any.
const NO_CPUS: u32 = u32::MAX;

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    engine: String,
    as_of: i64,
    servers: usize,
    more: usize,
    #[serde(default)]
    kinds: usize,
    #[serde(default)]
    flavors: usize,
}

#[derive(Serialize, Deserialize)]
struct Footer {
    sha256: String,
}

/// Why bytes are no history that can be used.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// They cannot be read at all.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// They are not what was written.
    #[error("{0}")]
    Damaged(String),
    /// A newer cASO wrote them.
    #[error("it has format {format}, and this cASO reads up to {FORMAT}")]
    Newer {
        /// What the header says.
        format: u32,
    },
}

fn damaged(why: impl ToString) -> FormError {
    FormError::Damaged(why.to_string())
}

impl History {
    /// Hands the bytes of this history, as of the end of the window that it was noted
    /// for, to `out`, piece by piece. Servers whose end was reported more than `recent`
    /// seconds before, and of which there is nothing else to say, are left out.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write<E>(
        &mut self,
        as_of: i64,
        recent: i64,
        mut out: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.fresh.sort_unstable_by_key(|entry| entry.id);
        self.fresh.dedup_by_key(|entry| entry.id);
        let kept = |entry: &&Entry| match self.more_of(entry) {
            None => true,
            Some(more) => more.is_kept(as_of, recent),
        };
        let has_more = |entry: &&Entry| {
            let more = self.more_of(entry);
            more.is_some_and(|more| !more.is_empty())
        };
        let all = || merged(&self.known, &self.fresh).filter(kept);
        let kinds = Renumbered::of(all(), &self.kinds);
        let stories = all().filter_map(|entry| {
            let story = self.more.get(entry.more()?)?;
            Some(&story.told()?.flavors)
        });
        let former = stories.flatten().map(|span| span.flavor.as_str());
        let present = kinds.all.iter().filter_map(|kind| kind.flavor.as_deref());
        let in_use: BTreeSet<&str> = former.chain(present).collect();
        let flavors = || in_use.iter().filter_map(|id| self.flavors.get(*id));
        let header = Header {
            format: FORMAT,
            engine: format!("caso {}", env!("CARGO_PKG_VERSION")),
            as_of,
            servers: all().count(),
            more: all().filter(has_more).count(),
            kinds: kinds.all.len(),
            flavors: flavors().count(),
        };
        let mut sum = Sha256::new();
        let mut put = |bytes: &[u8]| {
            sum.update(bytes);
            out(bytes)
        };
        put(&line(&header))?;
        let mut place = 0;
        let mut chunk = Vec::with_capacity(BYTES * 1024);
        for entry in all() {
            let mut entry = *entry;
            entry.kind = kinds.number(entry.kind);
            if has_more(&&entry) {
                entry.set_more(Some(place));
                place += 1;
            } else {
                entry.set_more(None);
            }
            chunk.extend_from_slice(&entry.to_bytes());
            if chunk.len() == chunk.capacity() {
                put(&chunk)?;
                chunk.clear();
            }
        }
        put(&chunk)?;
        for entry in all().filter(has_more) {
            if let Some(more) = self.more_of(entry) {
                put(&line(&*more))?;
            }
        }
        for kind in &kinds.all {
            put(&line(kind))?;
        }
        for flavor in flavors() {
            put(&line(flavor))?;
        }
        let sha256 = caso_base::digest::hex(&sum.finalize());
        out(&line(&Footer { sha256 }))
    }

    /// Reads what [`History::write`] wrote.
    ///
    /// # Errors
    /// Says what is wrong; nothing of it is used then.
    pub fn read(from: impl BufRead) -> Result<History, FormError> {
        let mut from = Summed {
            from,
            sum: Sha256::new(),
        };
        let header: Header = serde_json::from_str(&from.line()?).map_err(damaged)?;
        if header.format > FORMAT {
            return Err(FormError::Newer {
                format: header.format,
            });
        }
        let mut known = Vec::new();
        known.try_reserve_exact(header.servers).map_err(damaged)?;
        let mut bytes = [0; BYTES];
        for _ in 0..header.servers {
            from.exact(&mut bytes)?;
            known.push(Entry::from_bytes(&bytes));
        }
        let more: Vec<Story> = from.lines(header.more)?;
        let of_file: Vec<Kind> = from.lines(header.kinds)?;
        let flavors: Vec<Flavor> = from.lines(header.flavors)?;
        let sum = from.sum.clone();
        let footer: Footer = serde_json::from_str(&from.line()?).map_err(damaged)?;
        if footer.sha256 != caso_base::digest::hex(&sum.finalize()) {
            return Err(damaged("its checksum is wrong"));
        }
        if !known.is_sorted_by(|a, b| a.id < b.id) {
            return Err(damaged("its servers are not in order"));
        }
        let mut kinds = Kinds::default();
        let numbers: Vec<u32> = of_file.into_iter().map(|kind| kinds.number(kind)).collect();
        for entry in &mut known {
            entry.kind = match (header.format, entry.kind) {
                (1, NO_CPUS) | (2.., UNKNOWN) => UNKNOWN,
                (1, vcpus) => kinds.number(Kind {
                    vcpus: Some(vcpus),
                    flavor: None,
                }),
                (_, number) => (usize::try_from(number).ok())
                    .and_then(|number| numbers.get(number.checked_sub(1)?).copied())
                    .ok_or_else(|| damaged("a server has a size that it does not name"))?,
            };
        }
        let mut history = History::of_last_run(header.as_of, known, more);
        history.kinds = kinds;
        history.flavors = flavors
            .into_iter()
            .map(|flavor| (flavor.id.clone(), flavor))
            .collect();
        Ok(history)
    }
}

/// The kinds that some entries have, with the numbers that they get in the file.
struct Renumbered<'a> {
    all: Vec<&'a Kind>,
    /// By their numbers in memory; 0 for those that no entry has.
    numbers: Vec<u32>,
}

impl<'a> Renumbered<'a> {
    fn of<'e>(entries: impl Iterator<Item = &'e Entry>, kinds: &'a Kinds) -> Self {
        let mut all = Vec::new();
        let mut numbers = vec![UNKNOWN; kinds.len()];
        for entry in entries.filter(|entry| entry.kind != UNKNOWN) {
            let place = usize::try_from(entry.kind).ok();
            let slot = place.and_then(|place| numbers.get_mut(place));
            if let (Some(slot @ &mut UNKNOWN), Some(kind)) = (slot, kinds.get(entry.kind)) {
                all.push(kind);
                *slot = u32::try_from(all.len()).unwrap_or(UNKNOWN);
            }
        }
        Self { all, numbers }
    }

    fn number(&self, in_memory: u32) -> u32 {
        let place = usize::try_from(in_memory).ok();
        let number = place.and_then(|place| self.numbers.get(place));
        number.copied().unwrap_or(UNKNOWN)
    }
}

fn line(value: &impl Serialize) -> Vec<u8> {
    // Numbers, texts and lists: nothing that JSON could not say.
    let mut bytes = serde_json::to_vec(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Two runs of entries, each by id, as one.
fn merged<'a>(known: &'a [Entry], fresh: &'a [Entry]) -> impl Iterator<Item = &'a Entry> {
    let mut known = known.iter().peekable();
    let mut fresh = fresh.iter().peekable();
    std::iter::from_fn(move || match (known.peek(), fresh.peek()) {
        (Some(a), Some(b)) if a.id <= b.id => known.next(),
        (_, Some(_)) => fresh.next(),
        (_, None) => known.next(),
    })
}

struct Summed<R> {
    from: R,
    sum: Sha256,
}

impl<R: BufRead> Summed<R> {
    fn exact(&mut self, bytes: &mut [u8]) -> Result<(), FormError> {
        self.from.read_exact(bytes).map_err(ended_early)?;
        self.sum.update(&*bytes);
        Ok(())
    }

    fn lines<T: DeserializeOwned>(&mut self, count: usize) -> Result<Vec<T>, FormError> {
        let mut lines = Vec::new();
        for _ in 0..count {
            lines.push(serde_json::from_str(&self.line()?).map_err(damaged)?);
        }
        Ok(lines)
    }

    fn line(&mut self) -> Result<String, FormError> {
        let mut line = String::new();
        let mut some = (&mut self.from).take(LONGEST_LINE);
        some.read_line(&mut line).map_err(|error| {
            if error.kind() == io::ErrorKind::InvalidData {
                damaged("a line of it is no text")
            } else {
                error.into()
            }
        })?;
        if !line.ends_with('\n') {
            return Err(damaged("it ends early"));
        }
        self.sum.update(line.as_bytes());
        Ok(line)
    }
}

fn ended_early(error: io::Error) -> FormError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        damaged("it ends early")
    } else {
        error.into()
    }
}
