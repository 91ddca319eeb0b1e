//! Text as a part of an address.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 3986's unreserved characters stand for themselves.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An id as one segment of a path: what a person typed, or a service invented,
/// may hold a slash.
///
/// ```
/// use caso_net::path_segment;
/// assert_eq!(path_segment("m1.tiny-2_~"), "m1.tiny-2_~");
/// assert_eq!(path_segment("../a b?c#d"), "..%2Fa%20b%3Fc%23d");
/// assert_eq!(path_segment("ü+%"), "%C3%BC%2B%25");
/// ```
pub fn path_segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}
