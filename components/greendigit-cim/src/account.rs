//! The configuration: which service to post to, and with which account.

use caso_component::messenger::StartError;
use caso_component::settings::Settings;

/// The service and the account there. Not `Debug`: the password must not end up in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    /// Whether requests are made over https, or else over http.
    pub https: bool,
    /// Host, and port if it is not the default one.
    pub authority: String,
    /// The path before `/gd-cim-api`: empty, or without a slash at its end.
    pub prefix: String,
    /// Email address of the account.
    pub email: String,
    /// Password of the account.
    pub password: String,
    /// Whether the service's certificate is checked. The host does that, as a term of the
    /// grant; here it is only for the warning.
    pub verify: bool,
}

impl Account {
    /// Reads the options.
    ///
    /// # Errors
    /// Names the option that is wrong.
    pub fn from_settings(settings: Settings<'_>) -> Result<Self, StartError> {
        let wrong = |reason: String| StartError::option("base_url", reason);
        let base_url = settings.text("base_url")?;
        let (scheme, rest) = base_url
            .split_once("://")
            .ok_or_else(|| wrong("is not an address like `https://cim.example.org`".to_owned()))?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => {
                return Err(wrong(format!("must be http or https, but is `{scheme}`")));
            }
        };
        if rest.contains(['?', '#', '@']) {
            return Err(wrong(
                "has more than a host and a path; the account belongs in `email` and `password`"
                    .to_owned(),
            ));
        }
        let rest = rest.trim_end_matches('/');
        let (authority, prefix) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let account = Self {
            https,
            authority: authority.to_owned(),
            prefix: prefix.to_owned(),
            email: settings.text("email")?,
            password: settings.text("password")?,
            verify: settings.boolean("verify_ssl")?,
        };
        for (name, value) in [("email", &account.email), ("password", &account.password)] {
            if value.is_empty() {
                return Err(StartError::option(name, "is empty"));
            }
        }
        Ok(account)
    }

    /// What an operator should know about how the password travels.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        if !self.https {
            Some("`base_url` is not https: email and password go over the network unencrypted")
        } else if !self.verify {
            Some(
                "`verify_ssl` is false: the service's certificate is not checked, so email and \
                 password may be sent to another server",
            )
        } else {
            None
        }
    }

    /// Address of the service, for the log.
    #[must_use]
    pub fn address(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.prefix)
    }

    /// Path and query of the request for a token: a `GET` with the password in it, as in
    /// cASO 5.2.2's `messenger/greendigit_cim.py`.
    #[must_use]
    pub fn token_path(&self) -> String {
        format!(
            "{}/gd-cim-api/v1/token?email={}&password={}",
            self.prefix,
            encoded(&self.email),
            encoded(&self.password)
        )
    }

    /// Path to which records are posted.
    #[must_use]
    pub fn submit_path(&self) -> String {
        format!("{}/gd-cim-api/v1/submit", self.prefix)
    }
}

/// A value of a query, encoded as Python's `urlencode` does.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match char::from(byte) {
            ' ' => "+".to_owned(),
            c if c.is_ascii_alphanumeric() || "-._~".contains(c) => c.to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use caso_component::samples::setting;
    use caso_component::types::{OptionValue, Setting};

    fn settings(base_url: &str) -> Vec<Setting> {
        vec![
            setting("base_url", OptionValue::Text(base_url.into())),
            setting("email", OptionValue::Text("a+b@site.example".into())),
            setting("password", OptionValue::Text("p\u{e4}ss w/rd&".into())),
            setting("verify_ssl", OptionValue::Boolean(true)),
        ]
    }

    pub(crate) fn account(base_url: &str) -> Result<Account, String> {
        Account::from_settings(Settings(&settings(base_url))).map_err(|error| error.text())
    }

    #[test]
    fn addresses_are_casos() {
        let behind = account("https://cim.example:8443/behind/").unwrap();
        assert_eq!(behind.authority, "cim.example:8443");
        assert_eq!(
            behind.token_path(),
            "/behind/gd-cim-api/v1/token?email=a%2Bb%40site.example&password=p%C3%A4ss+w%2Frd%26"
        );
        assert_eq!(behind.submit_path(), "/behind/gd-cim-api/v1/submit");
        assert_eq!(behind.address(), "https://cim.example:8443/behind");
        assert_eq!(behind.warning(), None);
        let plain = account("http://cim.example").unwrap();
        assert_eq!(plain.submit_path(), "/gd-cim-api/v1/submit");
        assert!(plain.warning().unwrap().contains("unencrypted"));
    }

    #[test]
    fn a_wrong_option_is_named_and_no_password_is_shown() {
        for base_url in [
            "cim.example",
            "ftp://cim.example",
            "https://u:hunter2@cim.example",
        ] {
            let problem = account(base_url).err().unwrap();
            assert!(problem.contains("`base_url`"), "{problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
        }
        let mut empty = settings("https://cim.example");
        empty[2].value = OptionValue::Text(String::new());
        assert!(
            Account::from_settings(Settings(&empty))
                .err()
                .unwrap()
                .text()
                .contains("`password`")
        );
    }
}
