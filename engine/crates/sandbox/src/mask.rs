//! A guest's text made fit for people: one clean line without secrets.
//!
//! Guest text reaches an operator's terminal and root's cron mail, so it is
//! bounded, loses everything that steers a terminal or turns text around, and
//! loses secrets. The order matters: clean first, so that a secret written
//! with a control character in its middle is still found; mask before cutting,
//! so that no half of a secret is left at the end of a line.
//!
//! A text is gone through once, whatever the number of secrets, and that number is
//! bounded: how long it takes is not for a component to choose.

use std::fmt;
use std::sync::Arc;

use aho_corasick::AhoCorasick;

use caso_base::line::clean_line;
use caso_model::secret::SHORTEST_SECRET;

/// Secrets that are looked for. A site's sections hold a few.
const MOST: usize = 100;
/// Bytes of one of them: a key of a certificate's.
const LONGEST: usize = 8 << 10;

/// Replaces secrets by `***` and cleans text.
#[derive(Clone, Default)]
pub struct Mask {
    known: Option<Arc<Known>>,
}

struct Known {
    /// Each in its spellings.
    secrets: Vec<String>,
    automaton: AhoCorasick,
}

impl PartialEq for Mask {
    fn eq(&self, other: &Self) -> bool {
        let secrets = |mask: &Self| mask.known.as_ref().map(|known| known.secrets.clone());
        secrets(self) == secrets(other)
    }
}

impl Eq for Mask {}

/// Whatever shows one shows nothing of it.
impl fmt::Debug for Mask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mask")
    }
}

impl Mask {
    /// How many secrets one of them hides.
    pub const MOST: usize = MOST;

    /// One that hides these, each in its spellings. Of more than [`Mask::MOST`] the first are
    /// taken.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        // A secret of several lines is printed line by line.
        let mut secrets: Vec<String> = secrets
            .into_iter()
            .take(MOST)
            .filter(|secret| secret.len() <= LONGEST)
            .flat_map(|secret| secret.lines().map(clean_line).collect::<Vec<_>>())
            .filter(|secret| secret.chars().count() >= SHORTEST_SECRET)
            .take(MOST)
            .flat_map(|secret| spellings(&secret))
            .collect();
        secrets.sort();
        secrets.dedup();
        if secrets.is_empty() {
            return Self::default();
        }
        // Built of at most some thousand words, all of them texts: it cannot fail but by
        // its size, and then nothing is shown rather than all.
        let known = AhoCorasick::new(&secrets).ok();
        Self {
            known: known.map(|automaton| Arc::new(Known { secrets, automaton })),
        }
    }

    /// The text as it is, but for the secrets in it.
    pub fn hidden(&self, text: &str) -> String {
        let Some(known) = &self.known else {
            return text.to_owned();
        };
        let mut shown = String::new();
        let mut from = 0;
        for (start, end) in known.places(text) {
            shown.push_str(text.get(from..start).unwrap_or_default());
            shown.push_str("***");
            from = end;
        }
        shown.push_str(text.get(from..).unwrap_or_default());
        shown
    }

    /// One clean line of at most `limit` bytes.
    pub fn line(&self, text: &str, limit: usize) -> String {
        self.cut(text, limit, false)
    }

    /// As [`Mask::line`]; `cut` says that the text goes on where we no longer look.
    pub fn cut(&self, text: &str, limit: usize, cut: bool) -> String {
        // A secret may be longer than the line.
        let look = text.floor_char_boundary(limit.saturating_mul(4).max(4 * LONGEST));
        let cut = cut || look < text.len();
        let mut text = clean_line(text.get(..look).unwrap_or_default());
        if cut {
            // What is left of a secret that began before the end.
            let secrets = self.known.iter().flat_map(|known| &known.secrets);
            let half = secrets.filter_map(|secret| {
                let from = text.len().saturating_sub(secret.len());
                let left = |start: &usize| {
                    let tail = text.get(*start..);
                    tail.is_some_and(|tail| secret.starts_with(tail))
                };
                (from..text.len()).find(left)
            });
            if let Some(start) = half.min() {
                text.truncate(start);
            }
        }
        text = self.hidden(&text);
        if text.len() > limit || cut {
            text.truncate(text.floor_char_boundary(limit));
            text.push('…');
        }
        text
    }
}

impl Known {
    /// Where secrets stand, in order; those that overlap are one place.
    fn places(&self, text: &str) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, usize)> = self
            .automaton
            .find_overlapping_iter(text)
            .map(|found| (found.start(), found.end()))
            .collect();
        found.sort_unstable();
        let mut places: Vec<(usize, usize)> = Vec::new();
        for (start, end) in found {
            match places.last_mut() {
                Some(last) if start < last.1 => last.1 = last.1.max(end),
                _ => places.push((start, end)),
            }
        }
        places
    }
}

/// A secret as it stands, and as it stands in JSON and in an address, where the
/// libraries of different languages leave different characters alone.
fn spellings(secret: &str) -> Vec<String> {
    let kept = ["-._*", "-._~", "-._~/", "-._~!'()*", "-._~!()*"];
    let mut all = vec![secret.to_owned()];
    for digits in ["0123456789ABCDEF", "0123456789abcdef"] {
        for kept in kept {
            let text = percent(secret, kept, digits);
            // A blank in a form.
            all.push(text.replace("%20", "+"));
            all.push(text);
        }
    }
    let json = serde_json::to_string(secret).unwrap_or_default();
    let inside = json
        .strip_prefix('"')
        .and_then(|json| json.strip_suffix('"'));
    all.extend(inside.map(str::to_owned));
    all
}

fn percent(text: &str, kept: &str, digits: &str) -> String {
    let digit = |value: u8| digits.chars().nth(usize::from(value)).unwrap_or_default();
    let mut all = String::new();
    for byte in text.bytes() {
        let c = char::from(byte);
        if c.is_ascii_alphanumeric() || kept.contains(c) {
            all.push(c);
        } else {
            all.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(secrets: &[&str]) -> Mask {
        Mask::new(secrets.iter().map(|secret| (*secret).to_owned()))
    }

    #[test]
    fn a_secret_of_four_characters_is_masked_and_a_shorter_one_is_not() {
        assert_eq!(mask(&["abcd", "xyz"]).hidden("abcd xyz"), "*** xyz");
        // Characters, not bytes.
        assert_eq!(
            mask(&["\u{e4}\u{e4}\u{e4}"]).hidden("\u{e4}\u{e4}\u{e4}"),
            "\u{e4}\u{e4}\u{e4}"
        );
    }

    #[test]
    fn a_secret_that_contains_another_goes_whole() {
        for secrets in [["pass", "password"], ["password", "pass"]] {
            assert_eq!(mask(&secrets).hidden("password pass"), "*** ***");
        }
    }

    #[test]
    fn secrets_that_overlap_go_together() {
        assert_eq!(mask(&["abcd", "cdef"]).hidden("xabcdefx"), "x***x");
        assert_eq!(mask(&["abcd"]).hidden("abcdabcd"), "******");
    }

    /// b03 of the sandbox's review.
    #[test]
    fn what_is_not_seen_does_not_hide_a_secret() {
        for unseen in [
            "\u{ad}",
            "\u{34f}",
            "\u{180e}",
            "\u{200c}",
            "\u{200d}",
            "\u{fe0f}",
            "\u{e0100}",
        ] {
            let text = format!("pw hun{unseen}ter2");
            assert_eq!(mask(&["hunter2"]).line(&text, 100), "pw ***", "{unseen:?}");
        }
    }

    /// i01 and i02: with 3,000 secrets a megabyte of text took minutes.
    #[test]
    fn however_many_secrets_there_are_a_bounded_number_is_looked_for() {
        let many = (0..50_000).map(|n| format!("secret number {n}"));
        let mask = Mask::new(many);
        let known = mask.known.as_ref().unwrap();
        assert!(known.secrets.len() <= MOST * 12, "{}", known.secrets.len());
        assert_eq!(mask.hidden("secret number 7!"), "***!");
    }

    #[test]
    fn a_line_is_cut_behind_its_limit_and_says_so() {
        let mask = Mask::default();
        assert_eq!(mask.line("12345", 5), "12345");
        assert_eq!(mask.line("123456", 5), "12345…");
        // Between two characters, never inside of one.
        assert_eq!(mask.line("1234\u{e4}6", 5), "1234…");
        assert_eq!(mask.cut("123", 5, true), "123…");
    }

    #[test]
    fn the_beginning_of_a_secret_at_a_cut_goes() {
        let mask = mask(&["hunter2", "terrible"]);
        for left in ["h", "hunt", "hunter", "hunter2"] {
            assert_eq!(mask.cut(&format!("pw {left}"), 100, true), "pw …", "{left}");
        }
        // Of two that may have begun, the longer rest goes.
        assert_eq!(mask.cut("pw hunter", 100, true), "pw …");
        assert_eq!(mask.cut("pw hunter2 done", 100, true), "pw *** done…");
        assert_eq!(mask.line("pw hunter", 100), "pw hunter");
    }

    #[test]
    fn what_steers_a_terminal_is_taken_out_and_line_ends_are_blanks() {
        let text = "a\tb\r\nc\u{2028}d\u{2029}e\u{1b}f\u{61c}g\u{200b}h\u{200e}i\u{202e}j\u{2066}k\u{feff}l\u{e0041}m";
        assert_eq!(Mask::default().line(text, 100), "a b  c d efghijklm");
    }

    #[test]
    fn a_secret_is_known_in_an_address_and_in_json() {
        let mask = Mask::new(["p\u{e4}qq w\"rd/&'1".to_owned()]);
        for text in [
            "?password=p%C3%A4qq+w%22rd%2F%26%271&x=1",
            "?password=p%c3%a4qq%20w%22rd/%26%271&x=1",
            "?password=p%C3%A4qq%20w%22rd%2F%26'1&x=1",
            r#"{"password":"p\u{e4}qq w\"rd/&'1","x":1}"#,
        ] {
            let text = text.replace("\\u{e4}", "\u{e4}");
            let line = mask.line(&text, 200);
            assert!(line.contains("***") && !line.contains("qq"), "{line}");
            assert_eq!(mask.hidden(&text), line);
        }
    }
}
