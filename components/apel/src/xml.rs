//! XML in ASCII, escaped as Python's ElementTree does, which cASO uses.

/// Appends text between tags.
pub fn text(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => character(out, c),
        }
    }
}

/// Appends the value of an attribute, without its quotes.
pub fn attribute(out: &mut String, value: &str) {
    for c in value.chars() {
        match c {
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#09;"),
            '\n' => out.push_str("&#10;"),
            c => text(out, c.encode_utf8(&mut [0; 4])),
        }
    }
}

fn character(out: &mut String, c: char) {
    if c.is_ascii() {
        out.push(c);
    } else {
        out.push_str(&format!("&#{};", u32::from(c)));
    }
}

/// Appends the element `<sr:NAME>value</sr:NAME>`, or `<sr:NAME />` for an empty value.
pub fn element(out: &mut String, name: &str, value: &str) {
    if value.is_empty() {
        out.push_str(&format!("<sr:{name} />"));
        return;
    }
    out.push_str(&format!("<sr:{name}>"));
    text(out, value);
    out.push_str(&format!("</sr:{name}>"));
}

/// Whether a character survives in XML 1.0 (section 2.2, `Char`). A carriage return is a
/// `Char` too, but a parser reads it as a line feed (section 2.11), so it is excluded.
pub fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_elementtrees() {
        let mut out = String::new();
        element(&mut out, "UserIdentity", "b\u{f3}b \u{1f600} <\"&\">");
        assert_eq!(
            out,
            "<sr:UserIdentity>b&#243;b &#128512; &lt;\"&amp;\"&gt;</sr:UserIdentity>"
        );
        let mut out = String::new();
        attribute(&mut out, "\"<\u{f3}\n");
        assert_eq!(out, "&quot;&lt;&#243;&#10;");
        let mut out = String::new();
        element(&mut out, "Site", "");
        assert_eq!(out, "<sr:Site />");
    }
}
