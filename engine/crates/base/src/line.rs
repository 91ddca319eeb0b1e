//! The one gate for texts that were not ours: what a component, a file or a peer
//! wrote, on its way to a terminal, a log, syslog or a file.
//!
//! Taken out is what steers a terminal (control characters, C1 among them), turns
//! text around (bidirectional marks) or is not seen at all (and so would hide a
//! word from whoever looks for it). Ends of lines become blanks: who can write a
//! line of its own can write one in somebody else's name.

/// Bytes of one line that people read.
pub const LINE_BYTES: usize = 4_000;

/// One line without anything that does more than be read.
pub fn clean_line(text: &str) -> String {
    text.chars().filter_map(cleaned).collect()
}

/// The same, of at most `limit` bytes; what is cut leaves a `…`.
pub fn short_line(text: &str, limit: usize) -> String {
    // Of what nobody will read most is not even looked at.
    let look = text.floor_char_boundary(limit.saturating_mul(4).max(64));
    let mut line = clean_line(text.get(..look).unwrap_or_default());
    if line.len() > limit || look < text.len() {
        line.truncate(line.floor_char_boundary(limit));
        line.push('…');
    }
    line
}

/// One clean line of at most `limit` bytes, of which the beginning and the end are kept: an
/// exception's last words are what it is about. What is cut leaves a ` … `.
pub fn both_ends(text: &str, limit: usize) -> String {
    let line = clean_line(text);
    if line.len() <= limit {
        return line;
    }
    let half = limit / 2;
    let head = line.get(..line.floor_char_boundary(half));
    let tail = line.get(line.ceil_char_boundary(line.len() - half)..);
    format!(
        "{} … {}",
        head.unwrap_or_default(),
        tail.unwrap_or_default()
    )
}

/// Several lines of ours, each cleaned. Those behind the first are indented: no text
/// in it can begin a line.
pub fn clean_lines(text: &str) -> String {
    let lines = text.split('\n').map(|line| short_line(line, LINE_BYTES));
    lines.collect::<Vec<_>>().join("\n  ")
}

/// Whether a text is shown as it is, but for the ends of its lines and tabs.
pub fn is_clean(text: &str) -> bool {
    text.chars()
        .all(|c| matches!(c, '\n' | '\t') || cleaned(c) == Some(c))
}

/// JSON, of which nothing steers a terminal: what a text in it may not show is escaped, and means the same.
pub fn clean_json(json: String) -> String {
    if is_clean(&json) {
        return json;
    }
    let mut clean = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || cleaned(c) == Some(c) {
            clean.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            clean.push_str(&format!("\\u{unit:04x}"));
        }
    }
    clean
}

fn cleaned(c: char) -> Option<char> {
    match c {
        '\n' | '\r' | '\t' | '\u{85}' | '\u{2028}' | '\u{2029}' => Some(' '),
        c if c.is_control() || is_unseen(c) => None,
        c => Some(c),
    }
}

/// Unicode's default-ignorable characters, bidirectional marks among them, and the
/// annotations that are no text (Unicode 16, DerivedCoreProperties, and U+FFF9 to B).
fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_turns_or_hides_is_taken_out() {
        let text = "a\tb\r\nc\u{2028}d\u{2029}e\u{1b}]0;f\u{7}g\u{9b}h\u{61c}i\u{202e}j\u{2066}k\u{feff}\
                    l\u{e0041}m\u{ad}n\u{34f}o\u{180e}p\u{200c}\u{200d}q\u{fe0f}r\u{e0100}s\u{85}t";
        assert_eq!(clean_line(text), "a b  c d e]0;fghijklmnopqrs t");
        assert!(!is_clean(text) && is_clean("ä\n\tb") && !is_clean("a\rb"));
    }

    #[test]
    fn a_line_is_cut_between_characters_and_most_of_it_is_not_looked_at() {
        assert_eq!(short_line("12345", 5), "12345");
        assert_eq!(short_line("1234äx", 5), "1234…");
        let megabytes = "\u{1b}".repeat(1 << 20);
        assert_eq!(short_line(&megabytes, 5), "…");
    }

    #[test]
    fn both_ends_of_a_line_are_kept() {
        assert_eq!(both_ends("123456", 6), "123456");
        assert_eq!(both_ends("1234567", 4), "12 … 67");
        assert_eq!(both_ends("ä\u{1b}234ä", 3), " … ");
    }

    #[test]
    fn json_means_the_same_and_steers_nothing() {
        let text = "a\u{9b}2J\u{7f}b\u{202e}c\u{e0041}d\u{85}\u{2028}ä\n";
        let json = serde_json::to_string_pretty(&[text]).unwrap();
        let clean = clean_json(json);
        assert_eq!(
            clean,
            "[\n  \"a\\u009b2J\\u007fb\\u202ec\\udb40\\udc41d\\u0085\\u2028ä\\n\"\n]"
        );
        assert_eq!(serde_json::from_str::<Vec<String>>(&clean).unwrap(), [text]);
    }

    #[test]
    fn no_text_begins_a_line() {
        assert_eq!(
            clean_lines("a\nerror: forged\r\nb"),
            "a\n  error: forged \n  b"
        );
    }
}
