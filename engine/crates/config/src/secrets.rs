//! What of a configuration may be shown to nobody, misspelt and unknown options included: for
//! texts that leave the site.
//!
//! `caso config show` masks by the option, which is enough for what it prints. A log line, a
//! message of a component or an address has values without their options, and an option that
//! nobody knows, `pasword`, holds what its neighbour should. So here the values themselves are
//! gathered, more rather than fewer of them.

use std::fs;
use std::path::Path;

use super::types::Config;
use caso_base::suggest::nearest;
use caso_model::secret::{SECRET_WORDS, Secret};

/// Parts of the names of options whose values are secrets, whatever else the name says, beside
/// [`SECRET_WORDS`].
const WORDS: [&str; 2] = ["credential", "key"];

/// Names of other options that have such a part.
const PUBLIC: [&str; 5] = [
    "keystone",
    "key_id",
    "application_credential_id",
    "application_credential_name",
    "keyfile",
];

/// Endings of options that name a file with a secret in it.
const FILES: [&str; 2] = ["_file", "file"];

impl Config {
    /// The values of all options that are secret by their names, or nearly, wherever they stand:
    /// in files, variables and flags; what is in the files that such options name; and users
    /// with their passwords in addresses. Longest first.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let sources = &self.sources;
        let mut found = Vec::new();
        for (assignment, _) in sources.assignments() {
            of_option(&assignment.key, &assignment.value, &mut found);
        }
        for (name, value) in &sources.environment {
            of_option(name, value, &mut found);
        }
        for ((_, option), (value, _)) in &sources.command_line {
            of_option(option, value, &mut found);
        }
        found.retain(|text| !text.trim().is_empty());
        found.sort_by_key(|text| (std::cmp::Reverse(text.len()), text.clone()));
        found.dedup();
        found
    }
}

impl Config {
    /// The values of the engine's secret options, and of its others that a `$` makes of them:
    /// what `caso config show` masks.
    #[must_use]
    pub fn engine_secrets(&self) -> Vec<String> {
        let secrets = self.secrets.iter().map(Secret::expose);
        secrets.map(str::to_owned).collect()
    }
}

fn of_option(name: &str, value: &str, found: &mut Vec<String>) {
    let name = name.to_ascii_lowercase().replace('-', "_");
    found.extend(user_of_address(value));
    if !is_named_secret(&name) {
        return;
    }
    let value = value.trim();
    if FILES.iter().any(|ending| name.ends_with(ending)) {
        // A path is none; what stands there is.
        let text = fs::read_to_string(Path::new(value)).unwrap_or_default();
        found.extend(text.lines().map(|line| line.trim().to_owned()));
        return;
    }
    found.push(value.to_owned());
    // `$$` is a dollar, and a comment behind a value belongs to it.
    found.push(value.replace("$$", "$"));
    if let Some((before, _)) = value.split_once(" #") {
        found.push(before.trim().to_owned());
    }
}

/// By a word in it, or by one that is nearly it.
fn is_named_secret(name: &str) -> bool {
    if name == "keyfile" {
        return true;
    }
    if PUBLIC.contains(&name) {
        return false;
    }
    let parts = || name.split('_').filter(|part| part.len() > 3);
    let words = || SECRET_WORDS.into_iter().chain(WORDS);
    words().any(|word| name.contains(word))
        || parts().any(|part| nearest(part, words().filter(|it| it.len() > 4)).is_some())
}

/// `user:password` of an address, and the password alone.
fn user_of_address(text: &str) -> Vec<String> {
    let Some((_, rest)) = text.split_once("://") else {
        return Vec::new();
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else {
        return Vec::new();
    };
    let password = user
        .split_once(':')
        .map(|(_, password)| password.to_owned());
    std::iter::once(user.to_owned()).chain(password).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::Site;

    #[test]
    fn a_secret_of_any_spelling_is_one() {
        for name in [
            "password",
            "pasword",
            "passwrd",
            "os_passwd",
            "client_secret",
            "client_secrt",
            "application_credential_secret",
            "access_token",
            "tokn",
            "api_key",
            "apikey",
            "private_key",
            "prometheus_password",
            "keyfile",
            "passphrase",
        ] {
            assert!(is_named_secret(name), "{name}");
        }
        for name in [
            "username",
            "projects",
            "site_name",
            "auth_url",
            "application_credential_id",
            "spooldir",
            "keystone",
        ] {
            assert!(!is_named_secret(name), "{name}");
        }
    }

    #[test]
    fn they_are_gathered_wherever_they_stand() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        fs::write(&file, "in-a-file\n").unwrap();
        let text = format!(
            "[DEFAULT]\nsite_name = FOO\n[keystone_auth]\nauth_type = v3password\n\
             auth_url = https://k\nuser_id = u\npassword = hunter2 # rotated\npasword = misspelt\n\
             [mine]\napi_key = of-a-component\n[prometheus]\n\
             prometheus_endpoint = http://me:in-an-address@p\nx_token_file = {}\n",
            file.display()
        );
        let site = Site::new(&text).variable("OS_PASSWORD", "in-a-variable");
        let secrets = site.load().secrets();
        for secret in [
            "hunter2",
            "misspelt",
            "of-a-component",
            "in-an-address",
            "me:in-an-address",
            "in-a-variable",
            "in-a-file",
        ] {
            assert!(
                secrets.iter().any(|known| known == secret),
                "{secret}: {secrets:?}"
            );
        }
        assert!(!secrets.iter().any(|known| known == "FOO" || known == "u"));
    }
}
