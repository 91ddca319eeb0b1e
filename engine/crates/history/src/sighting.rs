//! What an extraction says of a server.

use uuid::Uuid;

/// A server as this extraction saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting<'a> {
    /// Its id.
    pub id: Uuid,
    /// Its virtual CPUs; none where no API gave them.
    pub vcpus: Option<u32>,
    /// The id of its flavor; none where no API gave it.
    pub flavor: Option<&'a str>,
    /// When it was created, in epoch seconds.
    pub created: Option<i64>,
    /// When it last booted, in epoch seconds: Nova moves it when a resize ends.
    pub launched: Option<i64>,
    /// Whether it is there.
    pub life: Life,
}

/// Whether a server is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It is, and the lists of what is there show it.
    Alive,
    /// It is, and only a list of what changed since then shows it (soft-deleted):
    /// epoch seconds.
    Hidden(i64),
    /// It is not, and this window reports that.
    Ended,
    /// The same, and the end that is reported is this one, and not that of its row: epoch
    /// seconds.
    EndedAt(i64),
}
