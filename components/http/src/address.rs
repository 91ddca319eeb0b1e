//! The address of a service, as a site writes it in an option of kind `url`.

/// An address without query and account, in its two parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Scheme, host and port, as in `https://example.org:8443`: what a grant is for.
    pub origin: String,
    /// The path: empty, or without a slash at its end.
    pub path: String,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// What is wrong with it, and what would do.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text
            .split_once("://")
            .ok_or("is not an address like `https://example.org`")?;
        let scheme = scheme.to_ascii_lowercase();
        if scheme != "http" && scheme != "https" {
            return Err(format!("must be http or https, but is `{scheme}`"));
        }
        // An account in it would be shown wherever the address is.
        if rest.contains(['?', '#', '@']) {
            return Err("has more than a host and a path".to_owned());
        }
        let rest = rest.trim_end_matches('/');
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if authority.is_empty() {
            return Err("has no host".to_owned());
        }
        Ok(Self {
            origin: format!("{scheme}://{authority}"),
            path: path.to_owned(),
        })
    }

    /// Whether what is sent there is encrypted.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// The path of something below it, which begins with a slash.
    #[must_use]
    pub fn below(&self, path: &str) -> String {
        format!("{}{path}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_an_origin_and_a_path() {
        for (text, origin, path) in [
            ("http://localhost:4318", "http://localhost:4318", ""),
            ("HTTPS://example.org/", "https://example.org", ""),
            ("https://[::1]:9/a/b/", "https://[::1]:9", "/a/b"),
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!(
                (address.origin.as_str(), address.path.as_str()),
                (origin, path)
            );
            assert_eq!(address.below("/v1"), format!("{path}/v1"));
        }
        assert!(Address::parse("https://a").unwrap().is_secure());
        assert!(!Address::parse("http://a").unwrap().is_secure());
    }

    #[test]
    fn what_is_no_address_is_not_repeated_with_its_account() {
        for text in [
            "example.org",
            "ftp://example.org",
            "https://u:hunter2@example.org",
            "https://",
            "https://example.org/?token=hunter2",
        ] {
            let problem = Address::parse(text).unwrap_err();
            assert!(!problem.contains("hunter2"), "{problem}");
        }
    }
}
