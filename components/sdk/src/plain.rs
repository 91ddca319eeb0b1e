//! Texts that may go as they are into whatever is written. Nearly all are; a guest's loop costs
//! for every round, so eight bytes are looked at in one.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Whether a text has printable ASCII alone, from the blank to `~`, and none of two characters
/// of those.
#[must_use]
pub fn is_plain(text: &str, but: [u8; 2]) -> bool {
    let (words, rest) = text.as_bytes().as_chunks::<8>();
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !but.contains(byte);
    words
        .iter()
        .all(|word| are_plain(u64::from_le_bytes(*word), but))
        && rest.iter().all(plain)
}

/// The same of eight bytes in one number. What is subtracted from a byte without a high bit borrows
/// from the next one only where it is too small itself, and then the answer is no already.
fn are_plain(word: u64, but: [u8; 2]) -> bool {
    let below = |least: u8| word.wrapping_sub(ONES * u64::from(least)) & !word & HIGH;
    let is = |byte: u8| {
        let zero = word ^ (ONES * u64::from(byte));
        zero.wrapping_sub(ONES) & !zero & HIGH
    };
    let [one, other] = but;
    (word & HIGH) | below(b' ') | is(0x7f) | is(one) | is(other) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_byte_at_each_place() {
        for byte in 0..=127_u8 {
            for place in 0..19 {
                let mut text = vec![b'a'; 19];
                text[place] = byte;
                let text = String::from_utf8(text).unwrap();
                let plain = (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\';
                assert_eq!(is_plain(&text, *b"\"\\"), plain, "{byte} at {place}");
            }
        }
        assert!(is_plain("", *b"%%"));
    }

    proptest! {
        #[test]
        fn as_byte_by_byte(text in any::<String>(), mostly in "[ -~]{0,40}") {
            for text in [text, mostly] {
                let plain = text.bytes().all(|b| (b' '..=b'~').contains(&b) && b != b'%' && b != b'a');
                prop_assert_eq!(is_plain(&text, *b"%a"), plain);
            }
        }
    }
}
