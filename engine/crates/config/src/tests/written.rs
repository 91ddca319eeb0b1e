//! What is offered for caso.conf, pasted there and read back, is what it was.

use caso_base::conf::{self, Grammar, Unwritable};
use proptest::prelude::*;

use crate::form::Form;
use crate::ini;
use crate::substitute::substitute;
use crate::value::texts;

/// As `Resolver` reads it: any `$` that stands for an option is an error.
fn read(written: &str) -> Result<String, String> {
    let file = format!("[s]\nbefore = 1\nk = {written}\nafter = 2\n");
    let found = ini::parse(&file).map_err(|faults| format!("{faults:?}"))?;
    let [before, assignment, after] = &found.assignments[..] else {
        return Err(format!("{found:?}"));
    };
    if (before.value.as_str(), after.value.as_str()) != ("1", "2") || assignment.form != Form::Ini {
        return Err(format!("{found:?}"));
    }
    substitute(&assignment.value, |name| {
        Err(format!("`{name}` is substituted"))
    })
}

#[test]
fn what_the_grammar_would_make_something_else_of_is_written_otherwise_or_refused() {
    for (text, written) in [
        (
            "/var/spool/$keystone_auth.password",
            "/var/spool/$$keystone_auth.password",
        ),
        ("${a}", "$${a}"),
        ("\\$a", "\\\\$a"),
        ("$$", "$$$$"),
        (" a", "\" a\""),
        ("\u{2003}a", "\"\u{2003}a\""),
        ("\"a\"", "\"\"a\"\""),
        ("'", "\"'\""),
        ("'a\"", "'a\""),
        ("a # b ; c", "a # b ; c"),
        ("# a", "# a"),
        ("[messenger_ssm]", "[messenger_ssm]"),
        ("a, b", "a, b"),
        ("", ""),
    ] {
        assert_eq!(conf::value(text).as_deref(), Ok(written), "{text:?}");
        assert_eq!(read(written).as_deref(), Ok(text), "{written}");
    }
    for text in [
        "a\nb = c",
        "a\r[x]",
        "a\u{85}",
        "a\u{200b}",
        "\u{202e}a",
        "\t",
    ] {
        assert_eq!(conf::value(text), Err(Unwritable::Unseen), "{text:?}");
    }
    assert_eq!(
        conf::entry("queue:/a, directory-write:/etc"),
        Err(Unwritable::Comma)
    );
    assert_eq!(conf::entry("queue:/a "), Err(Unwritable::Blank));
    assert_eq!(conf::entry(""), Err(Unwritable::Blank));
    // A dollar is one in TOML.
    assert_eq!(
        conf::entry_in("queue:/$a", Grammar::Toml).as_deref(),
        Ok("queue:/$a")
    );
    assert_eq!(conf::list(["\"a", "b\""]).as_deref(), Ok("\"\"a, b\"\""));
}

const ODD: &str = "([$\\\\{}\"' \t\n\r,;#=:\\[\\]a.\u{2003}\u{1c}])*";

proptest! {
    #[test]
    fn a_value_is_read_back_or_refused(text in prop_oneof![any::<String>(), ODD]) {
        match conf::value(&text) {
            Ok(written) => prop_assert_eq!(read(&written), Ok(text)),
            Err(Unwritable::Unseen) => prop_assert!(!caso_base::line::is_clean(&text) || text.contains(['\n', '\t'])),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn a_list_is_read_back_or_refused(list in proptest::collection::vec(prop_oneof![any::<String>(), ODD], 1..4)) {
        if let Ok(written) = conf::list(list.iter().map(String::as_str)) {
            prop_assert_eq!(read(&written).map(|text| texts(&text)), Ok(list));
        }
    }

    /// Beside others, in a list that somebody has.
    #[test]
    fn an_entry_is_read_back_beside_others(text in ODD) {
        if let Ok(written) = conf::entry(&text) {
            let read = read(&format!("queue:/x, {written}, queue:/y"));
            prop_assert_eq!(read.map(|text| texts(&text)), Ok(vec!["queue:/x".to_owned(), text, "queue:/y".to_owned()]));
        }
    }
}
