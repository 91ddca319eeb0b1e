//! The values of which grants and the terms of requests are made, each with one
//! accepted form.

use std::path::{Component, Path, PathBuf};

/// Text that is not the value it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// Not a file mode mask.
    #[error("`{0}` is not an octal umask up to 777")]
    Umask(String),
    /// A path that depends on the working directory.
    #[error("`{0}` is not an absolute path")]
    RelativePath(String),
    /// A path with `..`.
    #[error("`{0}` contains `..`")]
    ParentDirectory(String),
    /// A path that a terminal would not show as it is.
    #[error("the path contains a control character")]
    ControlCharacter,
    /// Not a boolean.
    #[error("`{0}` is neither true nor false")]
    Boolean(String),
    /// Not a URL.
    #[error("{shown}{problem}")]
    Url {
        /// The text in backticks and a colon; nothing where it may hold a password.
        shown: String,
        /// What the URL standard says.
        problem: String,
    },
    /// A URL with a blank in it.
    #[error("`{0}` has a blank, which no address has")]
    Blank(String),
    /// A URL with a name or a password. The text is not shown.
    #[error("a name or password in an address is more than an origin")]
    Credentials,
    /// A URL of another scheme.
    #[error("`{0}` is not http or https")]
    Scheme(String),
    /// A host with a wildcard, which would match nothing.
    #[error("`{0}` has a `*`, and there are no wildcards")]
    Wildcard(String),
    /// A URL with a path, a query or a fragment.
    #[error("`{0}` is more than an origin")]
    MoreThanOrigin(String),
}

/// A file mode mask in octal digits, up to 777.
pub fn umask(text: &str) -> Result<u32, ValueError> {
    match u32::from_str_radix(text, 8) {
        Ok(umask) if umask <= 0o777 && !text.starts_with('+') => Ok(umask),
        _ => Err(ValueError::Umask(text.to_owned())),
    }
}

/// An absolute path in its plain form. `..` is refused: whether it leaves a
/// folder depends on links that a reader of the configuration does not see.
pub fn path(text: &str) -> Result<PathBuf, ValueError> {
    let path = Path::new(text);
    if !path.is_absolute() {
        return Err(ValueError::RelativePath(text.to_owned()));
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(ValueError::ParentDirectory(text.to_owned()));
    }
    if text.contains(|c: char| c.is_control()) {
        return Err(ValueError::ControlCharacter);
    }
    Ok(path.components().collect())
}

/// `true`, `yes`, `on`, `1` or `false`, `no`, `off`, `0`, in any case.
pub fn boolean(text: &str) -> Result<bool, ValueError> {
    caso_base::parse_boolean(text).ok_or_else(|| ValueError::Boolean(text.to_owned()))
}

/// An origin and nothing more, as the URL standard writes it. A grant is
/// written so, in order that its reader sees what is granted.
pub fn origin(text: &str) -> Result<String, ValueError> {
    if text.contains(char::is_whitespace) && !text.contains('@') {
        return Err(ValueError::Blank(text.to_owned()));
    }
    let url = web_url(text)?;
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(ValueError::MoreThanOrigin(text.to_owned()));
    }
    Ok(url.origin().ascii_serialization())
}

/// The origin of an address that may have a path, as an option of a component has it.
pub fn origin_of(text: &str) -> Result<String, ValueError> {
    Ok(web_url(text)?.origin().ascii_serialization())
}

fn web_url(text: &str) -> Result<url::Url, ValueError> {
    let url = url::Url::parse(text).map_err(|error| ValueError::Url {
        shown: match text.contains('@') {
            true => String::new(),
            false => format!("`{text}`: "),
        },
        problem: error.to_string(),
    })?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ValueError::Credentials);
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(ValueError::Scheme(url.scheme().to_owned()));
    }
    if url.host_str().is_some_and(|host| host.contains('*')) {
        return Err(ValueError::Wildcard(text.to_owned()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_umask_is_three_octal_digits_at_most() {
        assert_eq!(umask("0"), Ok(0));
        assert_eq!(umask("027"), Ok(0o27));
        assert_eq!(umask("777"), Ok(0o777));
        for text in ["1000", "8", "", "+27", "-1", "0o27"] {
            assert_eq!(umask(text), Err(ValueError::Umask(text.to_owned())));
        }
    }

    #[test]
    fn a_path_is_absolute_and_plain() {
        assert_eq!(path("/a//b/./c/"), Ok(PathBuf::from("/a/b/c")));
        assert_eq!(path("/a/..b"), Ok(PathBuf::from("/a/..b")));
        assert!(matches!(path("a"), Err(ValueError::RelativePath(_))));
        assert!(matches!(path(""), Err(ValueError::RelativePath(_))));
        assert!(matches!(
            path("/a/../b"),
            Err(ValueError::ParentDirectory(_))
        ));
        assert_eq!(path("/a\n"), Err(ValueError::ControlCharacter));
    }

    #[test]
    fn a_boolean_has_the_words_of_oslo() {
        for text in ["true", "Yes", "ON", "1"] {
            assert_eq!(boolean(text), Ok(true), "{text}");
        }
        for text in ["false", "No", "OFF", "0"] {
            assert_eq!(boolean(text), Ok(false), "{text}");
        }
        assert_eq!(boolean(""), Err(ValueError::Boolean(String::new())));
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        assert_eq!(
            origin("HTTPS://A.example:443/").unwrap(),
            "https://a.example"
        );
        assert_eq!(origin("http://a:8080").unwrap(), "http://a:8080");
        assert_eq!(
            origin("https://a b"),
            Err(ValueError::Blank("https://a b".to_owned()))
        );
        // An option's address is not a grant's.
        assert_eq!(origin_of("https://a/x y").unwrap(), "https://a");
        for text in ["https://a/x", "https://a?x", "https://a#x"] {
            assert_eq!(
                origin(text),
                Err(ValueError::MoreThanOrigin(text.to_owned()))
            );
            assert_eq!(origin_of(text).unwrap(), "https://a");
        }
        assert_eq!(
            origin_of("ftp://a"),
            Err(ValueError::Scheme("ftp".to_owned()))
        );
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated() {
        for text in [
            "https://secret@a",
            "https://u:secret@a",
            "https://:secret@a",
            "https://u:secret@a:x",
        ] {
            for problem in [origin(text).unwrap_err(), origin_of(text).unwrap_err()] {
                assert!(!problem.to_string().contains("secret"), "{problem}");
            }
        }
        assert_eq!(
            origin("nonsense").unwrap_err().to_string(),
            "`nonsense`: relative URL without a base"
        );
    }
}
