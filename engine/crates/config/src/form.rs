//! How a value was written. INI, the environment and the command line have
//! texts only, in which `$` stands for other options; TOML has types, and its
//! texts are taken as they are.

/// How a value was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A text in which `$` substitutes.
    Ini,
    /// A text as it is. What INI can say in a text may be said so in TOML too.
    Text,
    Texts,
    Boolean,
    Number,
    Date,
}
