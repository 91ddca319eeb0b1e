//! A history as bytes.
//!
//! ```text
//! {"format":1,"engine":"…","as_of":…,"servers":N,"more":M}\n
//! N entries of 24 bytes, by id: id (16), virtual CPUs (4, little endian; all ones:
//!     unknown), place among those of whom more is kept, from 1 on (4; 0: none)
//! M lines of JSON: earlier sizes, counters, when its end was reported
//! {"sha256":"…"}\n                                    of all bytes before this line
//! ```

use std::io::{self, BufRead, Read};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::entry::{BYTES, Entry};
use crate::history::History;
use crate::more::More;

/// The format that this version writes.
pub const FORMAT: u32 = 1;

/// A header or a line of JSON that is longer is none of ours.
const LONGEST_LINE: u64 = 16 << 20;

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    engine: String,
    as_of: i64,
    servers: usize,
    more: usize,
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
        let header = Header {
            format: FORMAT,
            engine: format!("caso {}", env!("CARGO_PKG_VERSION")),
            as_of,
            servers: all().count(),
            more: all().filter(has_more).count(),
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
                put(&line(more))?;
            }
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
        let mut more: Vec<More> = Vec::new();
        for _ in 0..header.more {
            more.push(serde_json::from_str(&from.line()?).map_err(damaged)?);
        }
        let sum = from.sum.clone();
        let footer: Footer = serde_json::from_str(&from.line()?).map_err(damaged)?;
        if footer.sha256 != caso_base::digest::hex(&sum.finalize()) {
            return Err(damaged("its checksum is wrong"));
        }
        if !known.is_sorted_by(|a, b| a.id < b.id) {
            return Err(damaged("its servers are not in order"));
        }
        Ok(History::of_last_run(header.as_of, known, more))
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
