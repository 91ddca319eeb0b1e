//! UUIDs of resources and of records.

/// A UUID in lower case with dashes, however it was written. APEL's key of a VM is this
/// text: with two spellings there would be two VMs.
///
/// # Errors
/// When the text is not a UUID.
pub fn canonical_uuid(text: &str) -> Result<String, String> {
    if is_canonical(text) {
        return Ok(text.to_owned());
    }
    let digits: String = text
        .chars()
        .filter(|c| *c != '-')
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(format!("id `{text}` is not a UUID"));
    }
    Ok(dashed(&digits))
}

/// Whether it is spelled like that already, as everything in OpenStack spells it.
fn is_canonical(text: &str) -> bool {
    let spelled = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    };
    text.len() == 36 && text.bytes().enumerate().all(spelled)
}

/// A UUID derived from a text: the same for the same text. Of version 8 (RFC 9562, section
/// 5.8), filled with the text's FNV-1a hash of 128 bits. For consumers that expect a UUID
/// where the id of a record is a text.
pub fn derived_uuid(text: &str) -> String {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    const VERSION: u128 = 0xf << 76;
    const VARIANT: u128 = 0x3 << 62;
    let hash = text.bytes().fold(OFFSET, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    });
    let bits = (hash & !VERSION & !VARIANT) | (0x8 << 76) | (0x2 << 62);
    dashed(&format!("{bits:032x}"))
}

/// A record's id or key as the contract has it, without control characters: what it is
/// made of may come from a configuration file, or from a flavor's extra specs.
pub fn key(text: String) -> String {
    match text.contains(char::is_control) {
        true => text.replace(char::is_control, " "),
        false => text,
    }
}

fn dashed(digits: &str) -> String {
    digits
        .char_indices()
        .flat_map(|(at, c)| {
            let dash = matches!(at, 8 | 12 | 16 | 20).then_some('-');
            dash.into_iter().chain([c])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn spellings_of_a_uuid() {
        let dashed = "f03d90cc-9de7-5999-9b5d-6548f06c28cf";
        for spelling in [
            dashed,
            "F03D90CC-9DE7-5999-9B5D-6548F06C28CF",
            "f03d90cc9de759999b5d6548f06c28cf",
        ] {
            assert_eq!(canonical_uuid(spelling).as_deref(), Ok(dashed));
        }
        for text in ["", "i-00000001", "f03d90cc", &format!("{dashed}0")] {
            assert!(canonical_uuid(text).unwrap_err().contains("is not a UUID"));
        }
    }

    #[test]
    fn a_key_has_no_control_characters() {
        assert_eq!(key("b\u{f3}b:1".to_owned()), "b\u{f3}b:1");
        assert_eq!(key("a\nb\u{85}c".to_owned()), "a b c");
    }

    /// Computed apart from this code, by the definition of FNV-1a. A consumer that keeps
    /// records by their UUID relies on the next version making the same ones.
    #[test]
    fn derived_uuids_stay_the_same_from_version_to_version() {
        assert_eq!(
            derived_uuid("ip:p:4:1000:2000"),
            "ea53322d-585a-87e0-ab3a-27f60c84d59d"
        );
        assert_eq!(derived_uuid(""), "6c62272e-07bb-8142-a2b8-21756295c58d");
    }

    #[test]
    fn derived_uuids_depend_on_the_text_alone() {
        assert_ne!(derived_uuid("ip:a:4:0:1"), derived_uuid("ip:a:6:0:1"));
        assert_eq!(derived_uuid("ip:a:4:0:1"), derived_uuid("ip:a:4:0:1"));
    }

    proptest! {
        #[test]
        fn a_derived_uuid_is_a_uuid(text in ".*") {
            let made = derived_uuid(&text);
            prop_assert_eq!(canonical_uuid(&made), Ok(made.clone()));
            prop_assert_eq!(made.chars().nth(14), Some('8'));
            prop_assert!(matches!(made.chars().nth(19), Some('8' | '9' | 'a' | 'b')));
        }

        #[test]
        fn any_text_is_a_uuid_or_refused(text in "\\PC{0,40}") {
            if let Ok(id) = canonical_uuid(&text) {
                prop_assert_eq!(id.len(), 36);
                prop_assert_eq!(canonical_uuid(&id), Ok(id.clone()));
            }
        }
    }
}
