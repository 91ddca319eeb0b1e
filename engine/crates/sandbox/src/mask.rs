//! A guest's text made fit for people: one clean line without secrets.
//!
//! Guest text reaches an operator's terminal and root's cron mail, so it is
//! bounded, loses everything that steers a terminal or turns text around, and
//! loses secrets. The order matters: clean first, so that a secret written
//! with a control character in its middle is still found; mask before cutting,
//! so that no half of a secret is left at the end of a line.

use std::sync::Arc;

use caso_model::secret::SHORTEST_SECRET;

/// Replaces secrets by `***` and cleans text.
#[derive(Clone, Default)]
pub struct Mask {
    /// Longest first, so that a secret that contains another goes whole.
    secrets: Arc<[String]>,
}

impl Mask {
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        // A secret of several lines is printed line by line.
        let mut secrets: Vec<String> = secrets
            .into_iter()
            .flat_map(|secret| secret.lines().map(clean).collect::<Vec<_>>())
            .filter(|secret| secret.chars().count() >= SHORTEST_SECRET)
            .flat_map(|secret| spellings(&secret))
            .collect();
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        secrets.dedup();
        Self {
            secrets: secrets.into(),
        }
    }

    /// The text as it is, but for the secrets in it.
    pub fn hidden(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.secrets.iter() {
            text = text.replace(secret.as_str(), "***");
        }
        text
    }

    /// One clean line of at most `limit` bytes.
    pub fn line(&self, text: &str, limit: usize) -> String {
        self.cut(text, limit, false)
    }

    /// As [`Mask::line`]; `cut` says that the text goes on where we no longer look.
    pub fn cut(&self, text: &str, limit: usize, cut: bool) -> String {
        let mut text = clean(text);
        if cut {
            // What is left of a secret that began before the end.
            let half = self.secrets.iter().filter_map(|secret| {
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

/// Without control and bidirectional characters; line ends and tabs are blanks.
fn clean(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => Some(' '),
            c if c.is_control() => None,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' => None,
            '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}' => None,
            c => Some(c),
        })
        .collect()
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
