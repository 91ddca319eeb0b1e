//! One server in 24 bytes.

use std::num::NonZeroU32;

use uuid::Uuid;

use crate::kinds::UNKNOWN;

/// What is kept of every server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) id: [u8; 16],
    /// The number of its size and flavor.
    pub(crate) kind: u32,
    /// Its place among those of whom more is kept, from 1 on; 0 for none.
    more: u32,
}

/// Bytes of an entry, in memory and on disk.
pub(crate) const BYTES: usize = 24;

impl Entry {
    pub(crate) fn new(id: Uuid) -> Self {
        Self {
            id: id.into_bytes(),
            kind: UNKNOWN,
            more: 0,
        }
    }

    pub(crate) fn more(&self) -> Option<usize> {
        let place = NonZeroU32::new(self.more)?;
        usize::try_from(place.get() - 1).ok()
    }

    /// Past four thousand million servers with a story there is no place: such a
    /// server keeps its size alone.
    pub(crate) fn set_more(&mut self, place: Option<usize>) {
        self.more = place
            .and_then(|place| u32::try_from(place).ok()?.checked_add(1))
            .unwrap_or(0);
    }

    pub(crate) fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let (id, rest) = bytes.split_at_mut(16);
        let (kind, more) = rest.split_at_mut(4);
        id.copy_from_slice(&self.id);
        kind.copy_from_slice(&self.kind.to_le_bytes());
        more.copy_from_slice(&self.more.to_le_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let (id, rest) = bytes.split_at(16);
        let (kind, more) = rest.split_at(4);
        let number = |bytes: &[u8]| bytes.try_into().map_or(0, u32::from_le_bytes);
        let mut entry = Self {
            id: [0; 16],
            kind: number(kind),
            more: number(more),
        };
        entry.id.copy_from_slice(id);
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_has_24_bytes_and_comes_back() {
        assert_eq!(size_of::<Entry>(), BYTES);
        let mut entry = Entry::new(Uuid::from_u128(7));
        assert_eq!((entry.kind, entry.more()), (UNKNOWN, None));
        entry.kind = 16;
        entry.set_more(Some(0));
        assert_eq!(entry.more(), Some(0));
        assert_eq!(Entry::from_bytes(&entry.to_bytes()), entry);
        entry.set_more(Some(u32::MAX as usize));
        assert_eq!(entry.more(), None);
    }
}
