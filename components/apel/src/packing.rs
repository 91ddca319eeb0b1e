//! Packing entries into messages: as many as `max_size` and `max_message_bytes` allow.

/// What a message has around and between its entries. An entry is one formatted record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Before the first entry: the header.
    pub prefix: String,
    /// Between two entries.
    pub separator: &'static str,
    /// Behind the last entry.
    pub suffix: &'static str,
}

impl Frame {
    /// The message with these entries.
    pub fn message<'a>(&self, entries: impl IntoIterator<Item = &'a str>) -> String {
        let mut message = self.prefix.clone();
        for (position, entry) in entries.into_iter().enumerate() {
            if position > 0 {
                message.push_str(self.separator);
            }
            message.push_str(entry);
        }
        message.push_str(self.suffix);
        message
    }

    /// How many entries, counted from the first, fit into the next message of at most
    /// `max_size` entries and `max_bytes` bytes. 0 when the first is too large by itself.
    pub fn take<'a>(
        &self,
        entries: impl IntoIterator<Item = &'a str>,
        max_size: usize,
        max_bytes: usize,
    ) -> usize {
        let mut bytes = self.prefix.len() + self.suffix.len();
        let mut taken = 0;
        for entry in entries.into_iter().take(max_size) {
            let separator = if taken > 0 { self.separator.len() } else { 0 };
            bytes += separator + entry.len();
            if bytes > max_bytes {
                break;
            }
            taken += 1;
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame() -> Frame {
        Frame {
            prefix: "head\n".into(),
            separator: "\n%%\n",
            suffix: "\n",
        }
    }

    #[test]
    fn message_has_no_last_separator() {
        assert_eq!(frame().message(["a", "b"]), "head\na\n%%\nb\n");
    }

    #[test]
    fn too_large_by_itself() {
        assert_eq!(frame().take(["0123456789"], 100, 15), 0);
        assert_eq!(frame().take(["0123456789"], 100, 16), 1);
    }

    proptest! {
        #[test]
        fn as_many_as_fit(
            entries in prop::collection::vec("[a-z]{0,40}", 1..20),
            max_size in 1_usize..25,
            max_bytes in 0_usize..400,
        ) {
            let frame = frame();
            let texts = || entries.iter().map(String::as_str);
            let taken = frame.take(texts(), max_size, max_bytes);
            prop_assert!(taken <= max_size && taken <= entries.len());
            if taken > 0 {
                prop_assert!(frame.message(texts().take(taken)).len() <= max_bytes);
            }
            if taken < max_size && taken < entries.len() {
                prop_assert!(frame.message(texts().take(taken + 1)).len() > max_bytes);
            }
        }
    }
}
