//! What an instance was configured with.

use caso_component::settings::Settings;
use caso_component::types::Setting;

/// The service, and who we are there. Its certificate is the host's to check:
/// that is a term of the grant.
#[derive(Clone, PartialEq, Eq)]
pub struct Account {
    pub https: bool,
    /// Host, and port if it is not the usual one.
    pub authority: String,
    /// What stands before `/gd-cim-api`: empty, or a path without a slash at its end.
    pub prefix: String,
    pub email: String,
    pub password: String,
    pub verify: bool,
}

impl Account {
    /// Reads the options.
    ///
    /// # Errors
    /// Names the option that is wrong.
    pub fn from_settings(settings: &[Setting]) -> Result<Self, String> {
        let settings = Settings(settings);
        let base_url = settings.text("base_url")?;
        let (scheme, rest) = base_url
            .split_once("://")
            .ok_or("option `base_url` is no address such as `https://cim.example.org`")?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => {
                return Err(format!(
                    "option `base_url` is neither http nor https: `{scheme}`"
                ));
            }
        };
        if rest.contains(['?', '#', '@']) {
            return Err(
                "option `base_url` has more than a host and a path; the account stands in `email` \
                 and `password`"
                    .to_owned(),
            );
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
                return Err(format!("option `{name}` is empty"));
            }
        }
        Ok(account)
    }

    /// What an operator should know about the way of the password.
    #[must_use]
    pub fn warning(&self) -> Option<&'static str> {
        if !self.https {
            Some("`base_url` is not https: email and password go over the network unencrypted")
        } else if !self.verify {
            Some(
                "`verify_ssl` is false: the service's certificate is not checked, and email and \
                 password go to whoever answers",
            )
        } else {
            None
        }
    }

    /// Address of the service, for messages.
    #[must_use]
    pub fn address(&self) -> String {
        let scheme = if self.https { "https" } else { "http" };
        format!("{scheme}://{}{}", self.authority, self.prefix)
    }

    /// Path of the request for a token. cASO's, and so the service's: a `GET`
    /// with the password in it.
    #[must_use]
    pub fn token_path(&self) -> String {
        format!(
            "{}/gd-cim-api/v1/token?email={}&password={}",
            self.prefix,
            encoded(&self.email),
            encoded(&self.password)
        )
    }

    /// Path that records are posted to.
    #[must_use]
    pub fn submit_path(&self) -> String {
        format!("{}/gd-cim-api/v1/submit", self.prefix)
    }
}

/// A value of a query as Python's `urlencode` writes it.
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
    use caso_component::types::OptionValue;

    pub(crate) fn settings(base_url: &str) -> Vec<Setting> {
        let setting = |name: &str, value| Setting {
            name: name.into(),
            value,
        };
        vec![
            setting("base_url", OptionValue::Text(base_url.into())),
            setting("email", OptionValue::Text("a+b@site.example".into())),
            setting("password", OptionValue::Text("p\u{e4}ss w/rd&".into())),
            setting("verify_ssl", OptionValue::Boolean(true)),
        ]
    }

    #[test]
    fn addresses_are_casos() {
        let account =
            Account::from_settings(&settings("https://cim.example:8443/behind/")).unwrap();
        assert_eq!(account.authority, "cim.example:8443");
        assert_eq!(
            account.token_path(),
            "/behind/gd-cim-api/v1/token?email=a%2Bb%40site.example&password=p%C3%A4ss+w%2Frd%26"
        );
        assert_eq!(account.submit_path(), "/behind/gd-cim-api/v1/submit");
        assert_eq!(account.address(), "https://cim.example:8443/behind");
        assert_eq!(account.warning(), None);
        let plain = Account::from_settings(&settings("http://cim.example")).unwrap();
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
            let problem = Account::from_settings(&settings(base_url)).err().unwrap();
            assert!(problem.contains("`base_url`"), "{problem}");
            assert!(!problem.contains("hunter2"), "{problem}");
        }
        let mut empty = settings("https://cim.example");
        empty[2].value = OptionValue::Text(String::new());
        assert!(
            Account::from_settings(&empty)
                .err()
                .unwrap()
                .contains("`password`")
        );
    }
}
