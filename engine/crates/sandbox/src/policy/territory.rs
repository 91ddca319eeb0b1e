//! Whose place on disk is whose: the grants of all instances, compared with each
//! other and with what the host itself lives on, before anything runs.
//!
//! A grant is one line of the site's, and two lines that are harmless alone are a
//! hole together: who may write above a queue decides where the host writes; who may
//! write into the folder of compiled code runs with the host's rights; who may read
//! above the configuration has its passwords. So places that overlap are refused, in
//! both directions, after links and mounts are seen through:
//!
//! | granted           | against                        | refused                        |
//! |-------------------|--------------------------------|--------------------------------|
//! | anything          | `/`, `/proc`, `/sys`, `/dev`, `/run` | it, and below            |
//! | anything          | a file of the host             | what contains it               |
//! | anything          | a folder of the host's alone   | what contains it or lies in it |
//! | anything          | where the system keeps what it runs | the same                  |
//! | `directory-write` | any queue                      | what contains it or lies in it |
//! | `directory`       | the queue of another instance  | the same                       |
//! | `directory*`      | one of another instance, if either may write | the same         |
//! | `queue`           | another queue, unless it is the same | the same                 |
//!
//! What came with the host asks for what the site set in its options, as it did
//! before there were grants: its own queues are only what others are compared with.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::grant::Grant;
use super::granted::Granted;

/// What the host lives on.
#[derive(Debug, Default)]
pub struct Territory(Vec<Own>);

/// A place of the host.
#[derive(Debug)]
struct Own {
    /// In words, for a refusal.
    what: String,
    place: Place,
    /// Whether nothing in it is anybody else's.
    alone: bool,
}

/// An instance with what it is granted.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// By its name, and what.
    pub granted: &'a Granted,
    /// Whether its component came with the host.
    pub builtin: bool,
}

/// Two things that are not to overlap. Reads on after the instance's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// The instance that is refused.
    pub instance: String,
    /// Its grant.
    pub grant: Grant,
    /// How it lies to the other: contains it, lies in it, is it.
    relation: &'static str,
    /// The other place, and whose.
    other: String,
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            instance,
            grant,
            relation,
            other,
        } = self;
        write!(
            f,
            "messenger `{instance}` is granted `{grant}`, which {relation} {other}: grant it a \
             place of its own"
        )
    }
}

impl std::error::Error for Overlap {}

impl Territory {
    /// A file that the host reads or writes: nobody gets a folder with it.
    pub fn file(&mut self, what: impl Into<String>, path: &Path) {
        self.add(what.into(), path, false);
    }

    /// A folder in which everything is the host's.
    pub fn folder(&mut self, what: impl Into<String>, path: &Path) {
        self.add(what.into(), path, true);
    }

    fn add(&mut self, what: String, path: &Path, alone: bool) {
        let place = Place::of(path);
        self.0.push(Own { what, place, alone });
    }

    /// Compares all with all: for each instance the first overlap that is its own to
    /// mend, if there is one.
    pub fn overlaps(&self, claims: &[Claim<'_>]) -> Vec<Option<Overlap>> {
        let held: Vec<Vec<Held<'_>>> = claims.iter().map(|claim| places(claim)).collect();
        held.iter()
            .enumerate()
            .map(|(index, own)| {
                let refused = own.iter().find_map(|place| {
                    self.of_the_host(place)
                        .or_else(|| between(place, index, &held))
                });
                refused.filter(|_| claims.get(index).is_some_and(|claim| !claim.builtin))
            })
            .collect()
    }

    fn of_the_host(&self, held: &Held<'_>) -> Option<Overlap> {
        if let Some(tree) = held.place.in_system_tree() {
            return Some(held.overlap("lies in", format!("`{tree}`, which is the system's")));
        }
        self.0.iter().find_map(|own| {
            let relation = held.place.relation(&own.place)?;
            let shown = own.place.shown();
            (own.alone || relation != LIES_IN)
                .then(|| held.overlap(relation, format!("`{shown}` ({})", own.what)))
        })
    }
}

/// What an instance has of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Queue,
    Read,
    Write,
}

/// A place that is granted.
struct Held<'a> {
    instance: &'a str,
    builtin: bool,
    grant: &'a Grant,
    used: Use,
    place: Place,
}

impl Held<'_> {
    fn overlap(&self, relation: &'static str, other: String) -> Overlap {
        Overlap {
            instance: self.instance.to_owned(),
            grant: self.grant.clone(),
            relation,
            other,
        }
    }
}

fn places<'a>(claim: &Claim<'a>) -> Vec<Held<'a>> {
    let grants = claim.granted.grants.values();
    grants
        .filter_map(|grant| {
            let (path, used) = match grant {
                Grant::Queue(queue) => (&queue.path, Use::Queue),
                Grant::Directory(folder) if folder.write => (&folder.path, Use::Write),
                Grant::Directory(folder) => (&folder.path, Use::Read),
                // Its files are the host's to read, and nobody's to have.
                Grant::Connection(_) | Grant::Http(_) | Grant::Address(_) | Grant::Signature(_) => {
                    return None;
                }
            };
            Some(Held {
                instance: &claim.granted.instance.name,
                builtin: claim.builtin,
                grant,
                used,
                place: Place::of(path),
            })
        })
        .collect()
}

/// What of all the others is in the way of one place.
fn between(held: &Held<'_>, index: usize, all: &[Vec<Held<'_>>]) -> Option<Overlap> {
    all.iter().enumerate().find_map(|(other_index, others)| {
        others.iter().find_map(|other| {
            let relation = held.place.relation(&other.place)?;
            let same_instance = other_index == index;
            // Of two that are alike the later one yields, and to a built-in one any.
            let yields = !same_instance && (other.builtin || other_index < index);
            let at_fault = match (held.used, other.used) {
                (Use::Write, Use::Queue) => true,
                (Use::Read, Use::Queue) => !same_instance,
                (Use::Queue, Use::Queue) => yields && relation != IS,
                (Use::Write, Use::Read | Use::Write) | (Use::Read, Use::Write) => yields,
                (Use::Read, Use::Read) | (Use::Queue, Use::Read | Use::Write) => false,
            };
            at_fault.then(|| {
                let shown = other.place.shown();
                let what = match other.used {
                    Use::Queue => "the queue",
                    Use::Read | Use::Write => "a folder",
                };
                held.overlap(
                    relation,
                    format!("`{shown}` ({what} of messenger `{}`)", other.instance),
                )
            })
        })
    })
}

const IS: &str = "is";
const CONTAINS: &str = "contains";
const LIES_IN: &str = "lies in";

/// A place by all its names.
#[derive(Debug)]
struct Place {
    /// As it is written, and without links as far as it exists.
    names: Vec<PathBuf>,
    /// Device and inode, where it exists: the same through a mount.
    own: Option<(u64, u64)>,
    /// Those of the folders above it.
    above: Vec<(u64, u64)>,
}

impl Place {
    fn of(path: &Path) -> Self {
        let real = caso_disk::resolved(path);
        let identity = |path: &Path| {
            let found = std::fs::metadata(path).ok()?;
            Some((found.dev(), found.ino()))
        };
        let above = real.ancestors().skip(1).filter_map(identity).collect();
        let own = identity(&real);
        let mut names = vec![path.to_owned()];
        if real != path {
            names.push(real);
        }
        Self { names, own, above }
    }

    fn shown(&self) -> impl fmt::Display + '_ {
        self.names
            .first()
            .map(PathBuf::as_path)
            .unwrap_or(Path::new("/"))
            .display()
    }

    fn contains(&self, other: &Self) -> bool {
        let by_name = |name: &PathBuf| other.names.iter().any(|below| below.starts_with(name));
        self.names.iter().any(by_name) || self.own.is_some_and(|own| other.above.contains(&own))
    }

    /// How this one lies to the other; none where they have nothing in common.
    fn relation(&self, other: &Self) -> Option<&'static str> {
        let same = self.own.is_some() && self.own == other.own;
        match (self.contains(other), other.contains(self)) {
            (true, true) => Some(IS),
            _ if same => Some(IS),
            (true, false) => Some(CONTAINS),
            (false, true) => Some(LIES_IN),
            (false, false) => None,
        }
    }

    fn in_system_tree(&self) -> Option<&'static str> {
        let root = Path::new("/");
        if self.names.iter().any(|name| name == root) {
            return Some("/");
        }
        let trees = ["/proc", "/sys", "/dev", "/run"];
        trees.into_iter().find(|tree| {
            let inside = |name: &PathBuf| name.starts_with(tree) && !name.starts_with("/dev/shm");
            self.names.iter().any(inside)
        })
    }
}

/// Whether two paths are one place, through links and mounts.
pub fn same_place(one: &Path, other: &Path) -> bool {
    one == other || Place::of(one).relation(&Place::of(other)) == Some(IS)
}

/// The part of the system in which a grant lies of which nobody is granted anything.
pub(super) fn system_tree(grant: &Grant) -> Option<&'static str> {
    let path = match grant {
        Grant::Queue(terms) => &terms.path,
        Grant::Directory(terms) => &terms.path,
        // A signature's files are read by the host, and secrets may well lie in `/run`.
        Grant::Connection(_) | Grant::Http(_) | Grant::Address(_) | Grant::Signature(_) => {
            return None;
        }
    };
    Place::of(path).in_system_tree()
}

#[cfg(test)]
mod tests;
