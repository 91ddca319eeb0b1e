//! A site of a test's own: a fresh folder with a `caso.conf`, a spool, a queue
//! for ssmsend and a cache, and the programs run in it with no environment but
//! what the test sets.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::build;
use crate::outcome::{Outcome, Running};
use crate::spool::{self, Message};
use caso_stand_in::Cloud;

/// A folder that is gone with the test, unless `CASO_TEST_KEEP` is set.
pub struct Site {
    folder: TempDir,
    /// Section, option, value; the last of a name counts.
    options: Vec<(String, String, String)>,
    environment: BTreeMap<String, String>,
    /// Where the programs are, if not where cargo puts them.
    programs: Option<PathBuf>,
}

/// `nobody`, whose permissions are those of any service user.
const NOBODY: u32 = 65534;

impl Site {
    /// A site at this cloud, as cASO's documentation has it: a reader's
    /// password, messenger `ssm`, extractor `nova`.
    pub fn at(cloud: &Cloud) -> Self {
        Site::with_auth_url(&cloud.auth_url())
    }

    pub fn with_auth_url(auth_url: &str) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("caso-site-")
            .disable_cleanup(std::env::var_os("CASO_TEST_KEEP").is_some())
            .tempdir()
            .expect("a folder in the temporary folder");
        let mut site = Site {
            folder,
            options: Vec::new(),
            environment: BTreeMap::new(),
            programs: None,
        };
        let path = |name: &str| site.folder.path().join(name).display().to_string();
        let (spool, ssm, voms) = (path("spool"), path("ssm"), path("voms.json"));
        for (section, option, value) in [
            ("DEFAULT", "site_name", "TEST-SITE"),
            ("DEFAULT", "service_name", "TEST-SITE-CLOUD"),
            ("DEFAULT", "cloud_type", "caso/5.2.2 (OpenStack)"),
            ("DEFAULT", "messengers", "ssm"),
            ("DEFAULT", "extractor", "nova"),
            ("DEFAULT", "spooldir", &spool),
            ("DEFAULT", "mapping_file", &voms),
            // One for all tests: compiling the components is most of a run's time.
            ("DEFAULT", "cache_dir", &cache().display().to_string()),
            ("keystone_auth", "auth_type", "v3password"),
            ("keystone_auth", "auth_url", auth_url),
            ("keystone_auth", "username", "accounting"),
            ("keystone_auth", "password", "secret"),
            ("keystone_auth", "user_domain_id", "default"),
            ("keystone_auth", "project_domain_id", "default"),
            // A test that waits for a dead service waits shortly.
            ("keystone_auth", "connect_retries", "1"),
            ("keystone_auth", "status_code_retries", "1"),
            ("DEFAULT", "delivery_timeout", "10"),
            ("ssm", "output_path", &ssm),
        ] {
            site.set(section, option, value);
        }
        fs::create_dir(site.spool()).expect("a fresh folder takes a folder");
        site
    }

    /// Sets an option of `caso.conf`.
    pub fn set(&mut self, section: &str, option: &str, value: &str) -> &mut Self {
        self.options
            .retain(|(s, o, _)| (s.as_str(), o.as_str()) != (section, option));
        self.options
            .push((section.into(), option.into(), value.into()));
        self
    }

    /// Takes an option out of `caso.conf`.
    pub fn unset(&mut self, section: &str, option: &str) -> &mut Self {
        self.options
            .retain(|(s, o, _)| (s.as_str(), o.as_str()) != (section, option));
        self
    }

    /// Adds the messenger `mischief` under that verb, granted nothing.
    pub fn with_mischief(&mut self, verb: &str) -> &mut Self {
        let file = build::mischief().display().to_string();
        self.set("DEFAULT", "messengers", "ssm, mischief")
            .set("messenger_mischief", "component", &file)
            .set("mischief", "verb", verb)
    }

    /// From now on the programs run without the rights of root, to whom no
    /// permission applies: as [`NOBODY`], who gets the site's folder and what is in
    /// it. Where the tests run as another user than root, nothing changes.
    pub fn without_root(&mut self) -> &mut Self {
        if !runs_as_root() {
            return self;
        }
        for path in [self.path().to_path_buf(), self.spool()] {
            give(&path);
        }
        // Folders above the usual ones may be closed to others.
        let programs = self.path().join("bin");
        let cache = self.path().join("cache");
        for folder in [&programs, &cache] {
            fs::create_dir(folder).expect("the site's folder is writable");
            give(folder);
        }
        for name in ["caso", "caso-extract"] {
            let (from, to) = (build::program(name), programs.join(name));
            if fs::hard_link(&from, &to).is_err() {
                fs::copy(&from, &to).expect("the site's folder is writable");
            }
        }
        self.programs = Some(programs);
        self.set("DEFAULT", "cache_dir", &cache.display().to_string())
    }

    /// Sets a variable of the environment of whatever runs here.
    pub fn variable(&mut self, name: &str, value: &str) -> &mut Self {
        self.environment.insert(name.into(), value.into());
        self
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn spool(&self) -> PathBuf {
        self.path().join("spool")
    }

    pub fn ssm(&self) -> PathBuf {
        self.path().join("ssm")
    }

    /// `caso-extract` with the configuration and these arguments.
    pub fn extract(&self, arguments: &[&str]) -> Outcome {
        self.start("caso-extract", &[], arguments).finish()
    }

    /// The window that most tests use: the 16 days of October that the
    /// numbered servers live in.
    pub fn extract_october(&self) -> Outcome {
        self.extract(&["--extract-from", "2026-10-01", "--extract-to", "2026-10-16"])
    }

    /// `caso-extract` as [`Site::extract`] has it, with so many bytes of address space.
    pub fn extract_within(&self, address_space: u64, arguments: &[&str]) -> Outcome {
        let limit = format!("--as={address_space}");
        self.start_limited(&limit, "caso-extract", arguments)
            .finish()
    }

    /// A program with the configuration, under a limit as `prlimit` takes it.
    pub fn start_limited(&self, limit: &str, program: &str, arguments: &[&str]) -> Running {
        let mut command = Command::new("prlimit");
        command.arg(limit);
        self.start_by(command, program, arguments)
    }

    /// `caso-extract` as cron starts it behind `umask`.
    pub fn extract_with_umask(&self, umask: &str, arguments: &[&str]) -> Outcome {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"]);
        self.start_by(command, "caso-extract", arguments).finish()
    }

    /// A program with the configuration, started by what takes it as its last arguments.
    fn start_by(&self, mut command: Command, program: &str, arguments: &[&str]) -> Running {
        self.write_conf();
        let program = self.command(program);
        command
            .arg(program.get_program())
            .arg("--config-file")
            .arg(self.path().join("caso.conf"))
            .args(arguments)
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.path())
            .stdin(Stdio::null());
        Running::start(command, self.path())
    }

    /// `caso deliver`, with the configuration.
    pub fn deliver(&self) -> Outcome {
        self.start("caso", &["deliver"], &[]).finish()
    }

    /// A program that runs while the test goes on.
    pub fn start(&self, program: &str, before: &[&str], after: &[&str]) -> Running {
        self.write_conf();
        let mut command = self.command(program);
        command
            .args(before)
            .arg("--config-file")
            .arg(self.path().join("caso.conf"))
            .args(after);
        Running::start(command, self.path())
    }

    /// A program without any argument, to add some.
    pub fn command(&self, program: &str) -> Command {
        let mut command = match &self.programs {
            None => Command::new(build::program(program)),
            Some(folder) => {
                let mut command = Command::new(folder.join(program));
                command.uid(NOBODY).gid(NOBODY);
                command
            }
        };
        command
            .env_clear()
            .envs(&self.environment)
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    fn write_conf(&self) {
        let mut sections: BTreeMap<&str, String> = BTreeMap::new();
        for (section, option, value) in &self.options {
            *sections.entry(section).or_default() += &format!("{option} = {value}\n");
        }
        let text: String = sections
            .iter()
            .map(|(section, lines)| format!("[{section}]\n{lines}"))
            .collect();
        let path = self.path().join("caso.conf");
        fs::write(&path, text).expect("the site's folder is writable");
        // It has a password.
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("it is ours");
        if self.programs.is_some() {
            give(&path);
        }
    }

    /// Where the cursors of a project are, by cloud, region and extractor.
    pub fn cursors(&self, project: &str) -> BTreeMap<String, Option<i64>> {
        let path = self
            .spool()
            .join("caso-cursors")
            .join(format!("{project}.json"));
        let Ok(text) = fs::read_to_string(path) else {
            return BTreeMap::new();
        };
        let file: serde_json::Value = serde_json::from_str(&text).expect("a cursor file is JSON");
        let entries = file["cursors"].as_array().expect("it has cursors");
        entries
            .iter()
            .map(|entry| {
                let text = |name: &str| entry[name].as_str().unwrap_or("-").to_owned();
                let key = ["cloud", "region", "extractor"].map(text).join("/");
                (key, entry["at"].as_i64())
            })
            .collect()
    }

    /// What ssmsend would send, in its order.
    pub fn messages(&self) -> Vec<Message> {
        spool::read(&self.ssm())
    }

    /// The fields of all cloud records, by their VMUUID; a second one of the
    /// same server replaces the first, as at APEL.
    pub fn cloud_records(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        self.messages()
            .into_iter()
            .flat_map(|message| message.cloud_records())
            .map(|record| (record["VMUUID"].clone(), record))
            .collect()
    }

    /// The fields of all storage records, in the order of sending.
    pub fn storage_records(&self) -> Vec<BTreeMap<String, String>> {
        let messages = self.messages();
        messages.iter().flat_map(Message::storage_records).collect()
    }

    /// All public IP records, in the order of sending.
    pub fn ip_records(&self) -> Vec<serde_json::Value> {
        let messages = self.messages().into_iter();
        messages
            .filter(|message| message.kind() == "ip")
            .flat_map(|message| message.json_records())
            .collect()
    }

    /// The text of `lastrun.PROJECT`.
    pub fn cursor(&self, project: &str) -> Option<String> {
        fs::read_to_string(self.spool().join(format!("lastrun.{project}"))).ok()
    }

    pub fn set_cursor(&self, project: &str, text: &str) {
        fs::write(self.spool().join(format!("lastrun.{project}")), text)
            .expect("the spool is writable");
    }
}

/// Whether permissions stop us.
pub fn runs_as_root() -> bool {
    let us = fs::metadata("/proc/self").expect("a process has a folder in /proc");
    us.uid() == 0
}

fn give(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).expect("root may give files away");
}

/// Compiled components, kept from test to test.
fn cache() -> PathBuf {
    let folder = build::workspace().join("target").join("test-cache");
    fs::create_dir_all(&folder).expect("the target folder is writable");
    folder
}
