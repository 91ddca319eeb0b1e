//! Words of commands that a person can paste into a shell.

use std::borrow::Cow;

/// One word for a POSIX shell, as Python's `shlex.quote` writes it.
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let safe = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c);
    if !text.is_empty() && text.chars().all(safe) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r#"'"'"'"#)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_is_a_word_too() {
        assert_eq!(shell_word(""), "''");
    }

    proptest! {
        /// Read back by the rules of single and double quotes.
        #[test]
        fn any_text_is_one_word(text in any::<String>()) {
            let quoted = shell_word(&text);
            let mut read = String::new();
            let mut within = None;
            for c in quoted.chars() {
                match (within, c) {
                    (None, '\'' | '"') => within = Some(c),
                    (Some(quote), c) if c == quote => within = None,
                    (None, c) => {
                        prop_assert!(c.is_ascii_alphanumeric() || "@%+=:,./-_".contains(c));
                        read.push(c);
                    }
                    (Some(_), c) => read.push(c),
                }
            }
            prop_assert_eq!(within, None);
            prop_assert_eq!(read, text);
        }
    }
}
