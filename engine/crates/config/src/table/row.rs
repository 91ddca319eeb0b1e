//! What is known of one option.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use crate::value::{Kind, Size, Value};

/// One option of the engine, with the type of its value: who reads a row gets a
/// value of that type and no other.
///
/// ```
/// use caso_config::Row;
/// use std::time::Duration;
///
/// static LOCK_TIMEOUT: Row<Duration> = Row::new("DEFAULT", "lock_timeout", "How long to wait.")
///     .default("60")
///     .at_most(Duration::from_secs(3600));
///
/// let span: Option<Duration> = LOCK_TIMEOUT.parse("15m").unwrap();
/// assert_eq!(span, Some(Duration::from_secs(900)));
/// assert!(LOCK_TIMEOUT.parse("2h").unwrap_err().ends_with("at most 3600 s"));
/// ```
///
/// The wrong type does not compile:
///
/// ```compile_fail,E0308
/// use caso_config::Row;
/// use std::time::Duration;
///
/// static LOCK_TIMEOUT: Row<Duration> = Row::new("DEFAULT", "lock_timeout", "How long to wait.");
///
/// let span: Option<u32> = LOCK_TIMEOUT.parse("15m").unwrap();
/// ```
///
/// nor do bounds that its type does not have:
///
/// ```compile_fail,E0308
/// use caso_config::Row;
/// use std::time::Duration;
///
/// static SITE_NAME: Row<String> = Row::new("DEFAULT", "site_name", "Name of the site.")
///     .at_most(Duration::from_secs(3600));
/// ```
pub struct Row<T: Value> {
    entry: Entry,
    terms: T::Terms,
}

/// What is known of an option whatever the type of its value.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Section; `messenger_NAME` stands for that section of every messenger,
    /// `cloud_NAME` for that of every cloud.
    pub section: &'static str,
    /// Name, as a file has it.
    pub name: &'static str,
    /// What sort of value it takes.
    pub kind: Kind,
    /// As it would be written in a file.
    pub default: Option<&'static str>,
    /// A variable whose value is the default when it is set.
    pub default_variable: Option<&'static str>,
    /// One or two sentences for the operator.
    pub help: &'static str,
    /// Former names, each `section.name`.
    pub old: &'static [&'static str],
    /// Its flag on the command line.
    pub flag: Option<Flag>,
    /// cASO's, without an effect here, and why.
    pub ignored: Option<&'static str>,
    /// Whether `[cloud_NAME]` may set it for that cloud.
    pub per_cloud: bool,
}

/// A row without its type, for those who walk the whole table.
pub trait Described: Deref<Target = Entry> + Sync {
    /// What the sample file says of its values.
    fn words(&self) -> String;

    /// Whether the text is a value of the option.
    ///
    /// # Errors
    /// What is expected, where it is not.
    fn check(&self, text: &str) -> Result<(), String>;
}

impl<T: Value> Described for Row<T> {
    fn words(&self) -> String {
        T::words(self.terms)
    }

    fn check(&self, text: &str) -> Result<(), String> {
        self.parse(text).map(|_| ())
    }
}

impl<T: Value> Deref for Row<T> {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.entry
    }
}

impl<T: Value> fmt::Debug for Row<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.entry.fmt(f)
    }
}

impl<T: Value> Row<T> {
    /// An option without a default.
    #[must_use]
    pub const fn new(section: &'static str, name: &'static str, help: &'static str) -> Self {
        let entry = Entry {
            section,
            name,
            kind: T::KIND,
            default: None,
            default_variable: None,
            help,
            old: &[],
            flag: None,
            ignored: None,
            per_cloud: false,
        };
        Self {
            entry,
            terms: T::ANY,
        }
    }

    /// The value that a text stands for, within the row's bounds; `None` for a
    /// text that means nothing.
    ///
    /// # Errors
    /// What is expected, for a text that is not such a value.
    pub fn parse(&self, text: &str) -> Result<Option<T>, String> {
        T::parse(text, self.terms)
    }

    /// The value where nobody sets it, as it would be written in a file.
    #[must_use]
    pub const fn default(mut self, default: &'static str) -> Self {
        self.entry.default = Some(default);
        self
    }

    /// A variable that sets the default.
    pub(crate) const fn default_variable(mut self, name: &'static str) -> Self {
        self.entry.default_variable = Some(name);
        self
    }

    /// Former names, each `section.name`.
    pub(crate) const fn old(mut self, old: &'static [&'static str]) -> Self {
        self.entry.old = old;
        self
    }

    /// Its flag in cASO 5.2.2.
    pub(crate) const fn flag(mut self, flag: Flag) -> Self {
        self.entry.flag = Some(flag);
        self
    }

    /// An option of [DEFAULT] of which each cloud may have its own value.
    pub(crate) const fn per_cloud(mut self) -> Self {
        self.entry.per_cloud = true;
        self
    }

    /// An option of cASO or its libraries that is taken and has no effect.
    pub(crate) const fn ignored(
        section: &'static str,
        name: &'static str,
        why: &'static str,
    ) -> Self {
        let mut row = Self::new(section, name, "");
        row.entry.ignored = Some(why);
        row
    }
}

impl<T: Value<Terms = Option<&'static str>>> Row<T> {
    /// One that may not be empty; `expected` ends the error.
    pub(crate) const fn needed(mut self, expected: &'static str) -> Self {
        self.terms = Some(expected);
        self
    }
}

impl Row<u32> {
    /// From `least` up to `greatest`.
    pub(crate) const fn within(mut self, least: u32, greatest: u32) -> Self {
        self.terms = (least, greatest);
        self
    }
}

impl Row<Duration> {
    /// No shorter than this.
    #[must_use]
    pub const fn at_least(mut self, least: Duration) -> Self {
        self.terms.0 = least;
        self
    }

    /// No longer than this.
    #[must_use]
    pub const fn at_most(mut self, greatest: Duration) -> Self {
        self.terms.1 = greatest;
        self
    }
}

impl Row<Size> {
    /// At least so many bytes.
    pub(crate) const fn bytes_at_least(mut self, bytes: u64) -> Self {
        self.terms = bytes;
        self
    }
}

/// An option's flag in cASO 5.2.2.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    /// Without the dashes.
    pub long: &'static str,
    /// One letter that stands for it.
    pub short: Option<char>,
    /// Other spellings of 5.2.2.
    pub aliases: &'static [&'static str],
    /// Spellings of earlier versions, which `--help` does not show.
    pub former: &'static [&'static str],
    /// What `--help` calls its value.
    pub metavar: &'static str,
    /// A boolean's inverse (`nodebug`), and that one's former spellings.
    pub inverse: &'static [&'static str],
    /// Only in `caso-projects` and `caso-mapping-migrate`.
    pub projects_only: bool,
}

impl Flag {
    pub(crate) const fn new(long: &'static str) -> Self {
        Self {
            long,
            short: None,
            aliases: &[],
            former: &[],
            metavar: "VALUE",
            inverse: &[],
            projects_only: false,
        }
    }

    pub(crate) const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    pub(crate) const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(crate) const fn former(mut self, former: &'static [&'static str]) -> Self {
        self.former = former;
        self
    }

    pub(crate) const fn metavar(mut self, metavar: &'static str) -> Self {
        self.metavar = metavar;
        self
    }

    pub(crate) const fn inverse(mut self, inverse: &'static [&'static str]) -> Self {
        self.inverse = inverse;
        self
    }

    pub(crate) const fn projects_only(mut self) -> Self {
        self.projects_only = true;
        self
    }
}

/// Declares rows as statics that code can name, and `ROWS`, which lists them
/// in the order of the sample file. Options without effect need no name.
macro_rules! rows {
    (
        $($name:ident: $type:ty = $row:expr;)*
        $(=> ignored { $($section:ident, $option:literal: $why:expr;)* })?
    ) => {
        $(pub static $name: $crate::table::Row<$type> = $row;)*
        pub static ROWS: &[&dyn $crate::table::Described] = &[
            $(&$name,)*
            $($(&$crate::table::Row::<Option<String>>::ignored($section, $option, $why),)*)?
        ];
    };
}
pub(super) use rows;
