//! `$name` in values, as oslo.config substitutes it.
//!
//! oslo's rules (Python's `string.Template` with dots in names): `$name`,
//! `${name}`, `$group.name`, `${group.name}`; `$$` and `\$` are a dollar; a
//! dollar before anything else stays. An unknown name is an error, also to
//! oslo, where a password such as `wo$rd` ends cASO with a stack trace.

/// Replaces every name by what `lookup` answers; its error ends the walk.
pub fn substitute<E>(
    text: &str,
    mut lookup: impl FnMut(&str) -> Result<String, E>,
) -> Result<String, E> {
    if !text.contains('$') {
        return Ok(text.to_owned());
    }
    let text = text.replace("\\$", "$$");
    let mut rest = text.as_str();
    let mut out = String::with_capacity(rest.len());
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let (name, left) = reference(after);
        match name {
            Some(name) => out.push_str(&lookup(name)?),
            None => out.push('$'),
        }
        rest = left;
    }
    out.push_str(rest);
    Ok(out)
}

/// The name behind a dollar, if there is one, and the text after it. `$$` is
/// no name, and its second dollar is used up.
fn reference(after: &str) -> (Option<&str>, &str) {
    if let Some(left) = after.strip_prefix('$') {
        return (None, left);
    }
    if let Some(braced) = after.strip_prefix('{') {
        return match split_name(braced) {
            Some((name, left)) => match left.strip_prefix('}') {
                Some(left) => (Some(name), left),
                None => (None, after),
            },
            None => (None, after),
        };
    }
    match split_name(after) {
        Some((name, left)) => (Some(name), left),
        None => (None, after),
    }
}

/// `[_a-z][._a-z0-9]*` in any case.
fn split_name(text: &str) -> Option<(&str, &str)> {
    if !text.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic()) {
        return None;
    }
    let end = text
        .find(|c: char| !(c == '_' || c == '.' || c.is_ascii_alphanumeric()))
        .unwrap_or(text.len());
    text.split_at_checked(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn with_names(text: &str) -> Result<String, String> {
        substitute(text, |name| match name {
            "a" => Ok("<a>".into()),
            "g.a" => Ok("<g.a>".into()),
            _ => Err(name.to_owned()),
        })
    }

    #[test]
    fn names_are_replaced() {
        assert_eq!(
            with_names("$a-${a}b-$g.a-${g.a}"),
            Ok("<a>-<a>b-<g.a>-<g.a>".into())
        );
    }

    #[test]
    fn dollars_that_are_no_names_stay() {
        assert_eq!(
            with_names("$$ \\$a $1 $ ${ ${a ${1} $"),
            Ok("$ $a $1 $ ${ ${a ${1} $".into())
        );
        assert_eq!(with_names("$$$a"), Ok("$<a>".into()));
    }

    #[test]
    fn unknown_names_are_reported() {
        assert_eq!(with_names("wo$rd"), Err("rd".into()));
        assert_eq!(with_names("$a.conf"), Err("a.conf".into()));
    }

    proptest! {
        #[test]
        fn doubling_dollars_keeps_any_text(text in "[^\\\\]*") {
            let doubled = text.replace('$', "$$");
            prop_assert_eq!(with_names(&doubled), Ok(text));
        }
    }
}
