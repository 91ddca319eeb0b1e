//! What is known of one option.

use crate::value::Kind;

/// One option of the engine.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Section; `messenger_NAME` stands for that section of every messenger,
    /// `cloud_NAME` for that of every cloud.
    pub section: &'static str,
    pub name: &'static str,
    pub kind: Kind,
    /// As it would be written in a file.
    pub default: Option<&'static str>,
    /// A variable whose value is the default when it is set.
    pub default_variable: Option<&'static str>,
    pub help: &'static str,
    /// Former names, each `section.name`.
    pub old: &'static [&'static str],
    pub flag: Option<Flag>,
    /// cASO's, without an effect here, and why.
    pub ignored: Option<&'static str>,
    /// Whether `[cloud_NAME]` may set it for that cloud.
    pub per_cloud: bool,
}

/// An option's flag in cASO 5.2.2.
#[derive(Debug, Clone, Copy)]
pub struct Flag {
    pub long: &'static str,
    pub short: Option<char>,
    /// Other spellings of 5.2.2.
    pub aliases: &'static [&'static str],
    /// Spellings of earlier versions, which `--help` does not show.
    pub former: &'static [&'static str],
    pub metavar: &'static str,
    /// A boolean's inverse (`nodebug`), and that one's former spellings.
    pub inverse: &'static [&'static str],
    /// Only in `caso-projects` and `caso-mapping-migrate`.
    pub projects_only: bool,
}

impl Row {
    pub const fn new(
        section: &'static str,
        name: &'static str,
        kind: Kind,
        help: &'static str,
    ) -> Self {
        Self {
            section,
            name,
            kind,
            default: None,
            default_variable: None,
            help,
            old: &[],
            flag: None,
            ignored: None,
            per_cloud: false,
        }
    }

    /// An option of cASO or its libraries that is taken and has no effect.
    pub const fn ignored(section: &'static str, name: &'static str, why: &'static str) -> Self {
        let mut row = Self::new(section, name, Kind::Text, "");
        row.ignored = Some(why);
        row
    }

    pub const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    pub const fn default_variable(mut self, name: &'static str) -> Self {
        self.default_variable = Some(name);
        self
    }

    pub const fn old(mut self, old: &'static [&'static str]) -> Self {
        self.old = old;
        self
    }

    pub const fn flag(mut self, flag: Flag) -> Self {
        self.flag = Some(flag);
        self
    }

    /// One of [DEFAULT] that each cloud may have its own value of.
    pub const fn per_cloud(mut self) -> Self {
        self.per_cloud = true;
        self
    }

    pub fn is_secret(&self) -> bool {
        self.kind == Kind::Secret
    }
}

impl Flag {
    pub const fn new(long: &'static str) -> Self {
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

    pub const fn short(mut self, short: char) -> Self {
        self.short = Some(short);
        self
    }

    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub const fn former(mut self, former: &'static [&'static str]) -> Self {
        self.former = former;
        self
    }

    pub const fn metavar(mut self, metavar: &'static str) -> Self {
        self.metavar = metavar;
        self
    }

    pub const fn inverse(mut self, inverse: &'static [&'static str]) -> Self {
        self.inverse = inverse;
        self
    }

    pub const fn projects_only(mut self) -> Self {
        self.projects_only = true;
        self
    }
}

/// Declares rows as statics that code can name, and `ROWS`, which lists them
/// in the order of the sample file.
macro_rules! rows {
    ($($name:ident = $row:expr;)*) => {
        $(pub static $name: $crate::table::Row = $row;)*
        pub static ROWS: &[&$crate::table::Row] = &[$(&$name),*];
    };
}
pub(super) use rows;
