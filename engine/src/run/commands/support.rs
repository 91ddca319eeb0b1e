//! `caso support`: a folder with what a maintainer needs, for somebody to read, pack and send.
//!
//! Everything goes through one gate, [`Mask`], that takes out every value which may be a secret,
//! in each spelling that ends up in a log: as it is, in an address, in JSON. It looks for what
//! the configuration holds under names that are secret or nearly so, and for what has the shape
//! of a token whoever it belongs to. Without a configuration nobody knows what to look for, so
//! that then the log stays where it is.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use regex::Regex;

use super::check::{Check, check, unusable};
use super::config_show::show;
use super::queue;
use super::status::{LOOK_BACK, StatusForm, status};
use crate::run::ComponentWarnings;
use crate::run::remedy;
use crate::run::table::next;
use caso_base::shell_word as word;
use caso_base::time::format_utc;
use caso_base::{Clock as _, SystemClock};
use caso_config::{Config, ConfigErrors};
use caso_disk::Disk;
use caso_sandbox::Mask;
use caso_state::{Spool, ledger};

/// Of the log its end: so many bytes.
const LOG_BYTES: u64 = 256 << 10;
/// Entries of the spool that are listed.
const MOST_ENTRIES: usize = 5_000;

/// `caso check --offline`: nobody is asked.
const OFFLINE: Check = Check {
    offline: true,
    strict: false,
    json: false,
};

/// Gathers it, and answers with what is where. `folder` must not be there.
///
/// # Errors
/// The folder is there, or cannot be written.
pub async fn support(
    config: Result<Config, ConfigErrors>,
    folder: Option<PathBuf>,
) -> anyhow::Result<String> {
    let now = SystemClock::new().now();
    let folder = folder.unwrap_or_else(|| default_folder(now));
    let secrets = config.as_ref().map_or_else(|_| Vec::new(), Config::secrets);
    let gate = Gate::new(&secrets)?;
    let gathered = match &config {
        Ok(config) => of_config(config, now).await,
        Err(errors) => of_errors(errors),
    };
    DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    let mut text = format!("written into {}:\n", folder.display());
    for Piece {
        name,
        what,
        text: found,
    } in std::iter::once(versions()).chain(gathered)
    {
        let path = folder.join(name);
        // What cannot be read is one of the things a maintainer wants to know.
        let found = found.unwrap_or_else(|error| {
            format!("could not be gathered: {}\n", remedy::line(error.as_ref()))
        });
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(gate.through(&found).as_bytes()))
            .with_context(|| format!("cannot write `{}`", path.display()))?;
        text += &format!("  {name:<18} {what}\n");
    }
    text += "Passwords, tokens and keys are removed; names of projects, users and hosts are not.\n";
    let archive = format!("{}.tar.gz", folder.display());
    let steps = [format!(
        "read it, then tar -czf {} {}",
        word(&archive),
        word(&folder.display().to_string())
    )];
    Ok(text + &next(&steps))
}

fn default_folder(now: i64) -> PathBuf {
    let stamp: String = format_utc(now)
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    format!("caso-support-{stamp}").into()
}

/// One file of the folder.
struct Piece {
    name: &'static str,
    /// For people.
    what: &'static str,
    text: anyhow::Result<String>,
}

impl Piece {
    fn new(name: &'static str, what: &'static str, text: anyhow::Result<String>) -> Self {
        Self { name, what, text }
    }
}

fn of_errors(errors: &ConfigErrors) -> Vec<Piece> {
    let found = unusable(errors, OFFLINE).map(|shown| shown.text);
    vec![Piece::new(
        "check.txt",
        "why the configuration cannot be used; the log is left out, as nobody knows its secrets",
        found,
    )]
}

async fn of_config(config: &Config, now: i64) -> Vec<Piece> {
    let checked = check(config, OFFLINE, &ComponentWarnings::default()).await;
    let (shown, problems) = show(config, false).await;
    let problems = problems
        .iter()
        .map(|problem| format!("# error: {}\n", remedy::line(problem.as_ref())));
    let shown: String = problems.chain([shown]).collect();
    let json = status(config, now, StatusForm::Json);
    vec![
        Piece::new("config.txt", "caso config show", Ok(shown)),
        Piece::new(
            "check.txt",
            "caso check --offline",
            checked.map(|shown| shown.text),
        ),
        Piece::new(
            "status.json",
            "caso status --json: cursors, queues, the last run",
            json.map(|shown| shown.text),
        ),
        Piece::new(
            "queue.json",
            "caso queue list --json",
            queue::list(config, true),
        ),
        Piece::new(
            "ledger.jsonl",
            "the runs of the last month, a line each",
            runs(config, now),
        ),
        Piece::new("spool.txt", "what lies in the spool", listing(config)),
        Piece::new("log.txt", "the end of the log", log(config)),
    ]
}

fn versions() -> Piece {
    let system = |name: &str| fs::read_to_string(name).unwrap_or_default();
    let mut text = format!("caso {}\n", env!("CARGO_PKG_VERSION"));
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid());
    let user = user.ok().flatten().map_or_else(String::new, |it| it.name);
    text += &format!("user {user}\n");
    text += &format!(
        "program {}\n",
        std::env::current_exe().unwrap_or_default().display()
    );
    text += &format!("kernel {}", system("/proc/version"));
    for line in system("/etc/os-release").lines() {
        if line.starts_with("PRETTY_NAME=") {
            text += &format!("{line}\n");
        }
    }
    text += &system("/proc/self/limits");
    Piece::new(
        "versions.txt",
        "the program, the system and its limits",
        Ok(text),
    )
}

fn runs(config: &Config, now: i64) -> anyhow::Result<String> {
    let spool = Spool::look(&config.spooldir, Disk::default());
    let mut lines = Vec::new();
    ledger::each(&spool, now - LOOK_BACK, &mut |run| {
        lines.push(serde_json::to_string(&run));
    })
    .context("cannot read the ledger of runs")?;
    let mut text = String::new();
    for line in lines {
        text += &line?;
        text.push('\n');
    }
    Ok(text)
}

/// Names, sizes, owners and times; nothing of what is in them.
fn listing(config: &Config) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut folders = vec![config.spooldir.clone()];
    let mut entries = 0;
    while let Some(folder) = folders.pop() {
        let cannot = || format!("cannot list `{}`", folder.display());
        let listing = match fs::read_dir(&folder) {
            Ok(listing) => listing.collect::<io::Result<Vec<_>>>(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => Err(error),
        };
        let mut listing = listing.with_context(cannot)?;
        listing.sort_by_key(fs::DirEntry::file_name);
        for entry in listing {
            let Ok(found) = entry.metadata() else {
                continue;
            };
            entries += 1;
            if entries > MOST_ENTRIES {
                text += &format!("… and more than {MOST_ENTRIES} entries\n");
                return Ok(text);
            }
            text += &format!(
                "{:06o} {}:{} {} {} {}\n",
                found.mode(),
                found.uid(),
                found.gid(),
                found.len(),
                format_utc(found.mtime()),
                entry.path().display()
            );
            if found.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(text)
}

/// Whole lines from its end.
fn log(config: &Config) -> anyhow::Result<String> {
    let Some(path) = &config.logging.file else {
        return Ok("no `log_file` is set: the journal or cron's mail has what was logged\n".into());
    };
    let cannot = || format!("cannot read the log `{}`", path.display());
    tail(path).with_context(cannot)
}

fn tail(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    let length = file.metadata()?.len();
    let skipped = length.saturating_sub(LOG_BYTES);
    file.seek(SeekFrom::Start(skipped))?;
    let mut bytes = Vec::new();
    file.take(LOG_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    // A secret may begin in the half of a line that is not there.
    Ok(match (skipped, text.split_once('\n')) {
        (0, _) => text.into_owned(),
        (_, Some((_, whole))) => whole.to_owned(),
        (_, None) => String::new(),
    })
}

/// What every text goes through.
struct Gate {
    known: Vec<Mask>,
    shapes: Vec<Regex>,
}

impl Gate {
    fn new(secrets: &[String]) -> anyhow::Result<Self> {
        // Whoever it belongs to: a value behind a telling name, a header, a user in an address,
        // and tokens by their own form (Fernet, JSON web tokens, PEM).
        let shapes = [
            r#"(?i)(?P<name>[\w-]*(?:passw|passphrase|secret|token|api[_-]?key|credential_secret)[\w-]*(?:\\*["'`])?\s*[=:]\s*(?:\\*["'`])?)[^\s"'`,;&}\])*][^\s"'`,;&}\])]*"#,
            r#"(?i)(?P<name>\bauthorization(?:\\*["'`])?\s*[:=]\s*(?:\\*["'`])?(?:basic|bearer|negotiate)\s+)[\w+/=.~-]+"#,
            r"(?P<name>://)[^\s/@`]+:[^\s/@`]*@",
            r"(?P<name>)\bgAAAA[\w-]{20,}={0,2}",
            r"(?P<name>)\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?",
            r"(?s)(?P<name>)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)",
        ];
        let shapes = shapes.iter().map(|shape| Regex::new(shape));
        Ok(Self {
            known: secrets
                .chunks(Mask::MOST)
                .map(|some| Mask::new(some.iter().cloned()))
                .collect(),
            shapes: shapes.collect::<Result<_, _>>()?,
        })
    }

    fn through(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for known in &self.known {
            text = known.hidden(&text);
        }
        for shape in &self.shapes {
            text = shape.replace_all(&text, "${name}***").into_owned();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_the_configuration_does_not_know_goes_by_its_shape() {
        let many = (0..300).map(|n| format!("s3cr3t-{n:03}-of-many"));
        let secrets: Vec<String> = many.chain(["hunter2".to_owned()]).collect();
        let gate = Gate::new(&secrets).unwrap();
        for (line, secret) in [
            ("it was hunter2 all along", "hunter2"),
            (r#"{"password": "s3cr3t"}"#, "s3cr3t"),
            (
                r#"{"message": "sent {\"password\": \"s3cr3t\"}"}"#,
                "s3cr3t",
            ),
            ("OS_PASSWORD=s3cr3t", "s3cr3t"),
            ("X-Auth-Token: s3cr3t", "s3cr3t"),
            ("client_secret=s3cr3t&grant_type=x", "s3cr3t"),
            ("api-key: s3cr3t", "s3cr3t"),
            ("Authorization: Basic czNjcjN0", "czNjcjN0"),
            (r#""authorization": "Bearer abc.def""#, "abc.def"),
            ("GET http://me:s3cr3t@example.org/", "s3cr3t"),
            ("got gAAAAABnThisIsAFernetTokenOfKeystone==", "Fernet"),
            ("sent eyJhbGciOiJIUzI1.eyJzdWIiOiIx.c2ln", "c2ln"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----\n",
                "MIIabc",
            ),
        ] {
            let shown = gate.through(line);
            assert!(!shown.contains(secret), "{shown}");
            assert!(shown.contains("***"), "{shown}");
        }
        let plain = "project `p` of user `accounting` at https://example.org:5000/v3, 3 tokens";
        assert_eq!(gate.through(plain), plain);
    }

    #[test]
    fn of_a_long_log_whole_lines_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let line = "x".repeat(99) + "\n";
        fs::write(&path, line.repeat(5_000) + "last\n").unwrap();
        let text = tail(&path).unwrap();
        assert!(text.starts_with(&line) && text.ends_with("\nlast\n"));
        assert!(u64::try_from(text.len()).unwrap() <= LOG_BYTES);
    }
}
