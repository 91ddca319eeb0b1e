//! True and false as oslo.config writes them.

/// A boolean as oslo's `Boolean` type reads it, in any case; `None` for
/// anything else, an empty text included.
///
/// | text | value |
/// |---|---|
/// | `true`, `yes`, `on`, `1` | true |
/// | `false`, `no`, `off`, `0` | false |
///
/// ```
/// use caso_base::parse_boolean;
/// assert_eq!(parse_boolean("Yes"), Some(true));
/// assert_eq!(parse_boolean("0"), Some(false));
/// assert_eq!(parse_boolean("y"), None);
/// ```
#[must_use]
pub fn parse_boolean(text: &str) -> Option<bool> {
    match text.to_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Some(true),
        "false" | "no" | "off" | "0" => Some(false),
        _ => None,
    }
}
