//! Compiling what others wrote, in a process of its own.
//!
//! Machine code is made of a stranger's bytes by some hundred thousand lines, and no
//! deadline reaches into them: a component that is dear to compile held the lock, took
//! all memory, and did not listen to SIGTERM. So the program starts itself once more,
//! without environment, in an empty folder, with limits that the kernel keeps: address
//! space, computing time, the clock. What comes out lies in wasmtime's own cache, from
//! which it is loaded here; where no cache is kept, in one for the run alone.
//!
//! That a component was compiled within the limits is noted beside the cache, so that
//! the next run starts no process for it; and so is that it was not, for everybody else
//! would wait a minute for nothing in every run. Those that came with the program are compiled
//! here: they are as trusted as the rest of it.

use std::fs::OpenOptions;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use wasmtime::Engine;
use wasmtime::component::Component as Compiled;

use super::cache::{self, sums::WITHIN_LIMITS};
use super::engine::config;
use super::shape;
use caso_base::line::short_line;

/// What the process may take.
const ADDRESS_SPACE: u64 = 1536 << 20;
const COMPUTING: u64 = 60;
const CLOCK: Duration = Duration::from_secs(120);
/// How often it is looked after.
const LOOK: Duration = Duration::from_millis(5);
/// Bytes of its last words.
const WORDS: u64 = 2_000;

/// Compilers of strangers' components that run at a time: each may take a gigabyte.
pub const AT_A_TIME: usize = 2;

/// Behind the name of the note of one that took more than it may. By the kernel's limits
/// alone: the clock goes on when others compute.
const TOO_DEAR: &str = "not";

/// How this program is started to compile: `PROGRAM ARGUMENT FOLDER`, the component on
/// its standard input. It calls [`compile_and_exit_code`].
#[derive(Debug, Clone)]
pub struct CompilerProcess {
    /// The program.
    pub program: PathBuf,
    /// What it is to be told.
    pub argument: &'static str,
}

/// Why there is no machine code.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The compiler does not take it, or its shape is refused.
    #[error("{0}")]
    Refused(String),
    /// It took more than it may.
    #[error("to compile it takes more than {0}")]
    Limit(String),
    /// The process could not be started, or ended as none should.
    #[error("the process that compiles it {0}")]
    Process(String),
    /// The compiler itself gave up on it: a mistake there, which these bytes bring about.
    #[error(
        "the compiler fails on it, which is a bug in the compiler ({0}): report it with the component"
    )]
    GivenUp(String),
}

/// What is compiled, with what.
pub struct Job {
    pub bytes: Arc<Vec<u8>>,
    /// Of the bytes, in hex.
    pub digest: String,
    /// The cache that this engine reads, too.
    pub cache: PathBuf,
    pub process: CompilerProcess,
}

/// Compiles in a process of its own, unless that was done before. Dropped, it ends the
/// process.
pub async fn outside(job: Job) -> Result<(), CompileError> {
    let dropped = Arc::new(AtomicBool::new(false));
    let _guard = Dropped(Arc::clone(&dropped));
    tokio::task::spawn_blocking(move || run(&job, &dropped))
        .await
        .map_err(|error| CompileError::Process(format!("was lost: {error}")))?
}

/// Says so when it goes.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn run(job: &Job, dropped: &AtomicBool) -> Result<(), CompileError> {
    // The name of this version: another one's limits and compiler are others.
    let version = env!("CARGO_PKG_VERSION");
    let note = format!("{WITHIN_LIMITS}{version}-{}", job.digest);
    let note = job.cache.join(note);
    if note.exists() {
        return Ok(());
    }
    let too_dear = note.with_added_extension(TOO_DEAR);
    if let Ok(limit) = std::fs::read_to_string(&too_dear) {
        return Err(CompileError::Limit(format!(
            "{limit}, as was found before: to try it again remove `{}`",
            too_dear.display()
        )));
    }
    let not = |error: io::Error| CompileError::Process(format!("cannot be started: {error}"));
    let mut input = tempfile::tempfile().map_err(not)?;
    input.write_all(&job.bytes).map_err(not)?;
    input.rewind().map_err(not)?;
    let empty = tempfile::tempdir().map_err(not)?;
    // A pipe that is full would stop it.
    let mut complaints = tempfile::tempfile().map_err(not)?;
    let mut child = Command::new(&job.process.program)
        .arg(job.process.argument)
        .arg(&job.cache)
        .env_clear()
        .current_dir(empty.path())
        .stdin(Stdio::from(input))
        .stdout(Stdio::piped())
        .stderr(Stdio::from(complaints.try_clone().map_err(not)?))
        .spawn()
        .map_err(not)?;
    let status = watched(&mut child, dropped)?;
    let mut words = String::new();
    if let Some(out) = child.stdout.take() {
        let _ = out.take(WORDS).read_to_string(&mut words);
    }
    if status.code() == Some(PANICKED) {
        let _ = complaints.rewind();
        let _ = complaints.take(WORDS).read_to_string(&mut words);
    }
    let answered = answer(status, words.trim());
    // Without it the next run does all of it again.
    match &answered {
        Ok(()) => remember(&note, ""),
        Err(CompileError::Limit(limit)) => remember(&too_dear, limit),
        Err(_) => {}
    }
    answered
}

/// With a wide umask the cache would not be ours alone.
fn remember(note: &Path, text: &str) {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(note);
    if let Ok(mut file) = file {
        let _ = file.write_all(text.as_bytes());
    }
}

/// Waits for the end, and brings it about where it is not waited for any more.
fn watched(child: &mut Child, dropped: &AtomicBool) -> Result<ExitStatus, CompileError> {
    let began = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => {}
            Err(error) => return Err(CompileError::Process(format!("was lost: {error}"))),
        }
        let late = began.elapsed() > CLOCK;
        if late || dropped.load(Ordering::Relaxed) {
            let _ = child.kill();
            let _ = child.wait();
            return Err(CompileError::Limit(format!(
                "{} s on this machine as it is now: the next run tries it again",
                CLOCK.as_secs()
            )));
        }
        std::thread::sleep(LOOK);
    }
}

fn answer(status: ExitStatus, words: &str) -> Result<(), CompileError> {
    let ended = |signal| status.signal() == Some(signal as i32);
    if status.success() {
        return Ok(());
    }
    Err(if ended(Signal::SIGXCPU) {
        CompileError::Limit(format!("{COMPUTING} s of computing"))
    } else if ended(Signal::SIGABRT) || ended(Signal::SIGSEGV) {
        CompileError::Limit(format!("{} MiB of memory", ADDRESS_SPACE >> 20))
    } else if status.code() == Some(REFUSED) {
        CompileError::Refused(short_line(words, 1_000))
    } else if status.code() == Some(PANICKED) {
        CompileError::GivenUp(short_line(words, 1_000))
    } else if ended(Signal::SIGKILL) {
        CompileError::Process(
            "was killed by somebody else, as the kernel does when the machine, or the unit, has no memory left"
                .to_owned(),
        )
    } else {
        CompileError::Process(format!("ended with {status}"))
    })
}

/// Exit code of a compiler that does not take the component.
const REFUSED: i32 = 1;

/// That of a Rust program that panics.
const PANICKED: i32 = 101;

/// What a [`CompilerProcess`] does: compiles the component on standard input into the
/// cache in `folder`, within limits, and answers with its exit code. What is wrong with
/// the component it prints.
pub fn compile_and_exit_code(folder: &Path) -> u8 {
    limit();
    let mut bytes = Vec::new();
    let read = io::stdin().lock().read_to_end(&mut bytes);
    let done = read
        .map_err(|error| error.to_string())
        .and_then(|_| into_cache(folder, &bytes));
    match done {
        Ok(()) => 0,
        Err(reason) => {
            let _ = writeln!(io::stdout().lock(), "{}", short_line(&reason, 1_000));
            REFUSED as u8
        }
    }
}

/// The kernel's limits, and an end with the process that waits for us.
fn limit() {
    #[cfg(target_os = "linux")]
    {
        let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    }
    // Where both limits of computing time are alike, the kernel kills, as it does for want of memory.
    for (resource, soft, hard) in [
        (Resource::RLIMIT_AS, ADDRESS_SPACE, ADDRESS_SPACE),
        (Resource::RLIMIT_CPU, COMPUTING, COMPUTING + 1),
        (Resource::RLIMIT_CORE, 0, 0),
    ] {
        if let Ok((_, most)) = getrlimit(resource) {
            let _ = setrlimit(resource, soft.min(most), hard.min(most));
        }
    }
}

fn into_cache(folder: &Path, bytes: &[u8]) -> Result<(), String> {
    shape::check(bytes).map_err(|error| error.to_string())?;
    let cache = cache::open(folder).map_err(|error| error.root_cause().to_string())?;
    let mut config = config();
    config.cache(Some(cache));
    let engine = Engine::new(&config).map_err(|error| error.root_cause().to_string())?;
    Compiled::new(&engine, bytes).map(drop).map_err(|error| {
        let causes: Vec<String> = error.chain().map(ToString::to_string).collect();
        causes.join(": ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A program that stands in for the compiler.
    fn stand_in(folder: &Path, script: &str) -> CompilerProcess {
        let program = folder.join("compiler");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
        CompilerProcess {
            program,
            argument: "compile",
        }
    }

    async fn compiled(script: &str) -> (Result<(), String>, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let job = Job {
            bytes: Arc::new(b"bytes".to_vec()),
            digest: "00".to_owned(),
            cache: folder.path().to_owned(),
            process: stand_in(folder.path(), script),
        };
        let answer = outside(job).await.map_err(|error| error.to_string());
        (answer, folder)
    }

    #[tokio::test]
    async fn it_has_the_component_and_nothing_else() {
        let script = "test \"$(/bin/cat)\" = bytes && test -z \"$HOME$CASO\" && test -z \"$(/bin/ls -A)\" && \
                      test \"$1\" = compile";
        let (answer, folder) = compiled(script).await;
        assert_eq!(answer, Ok(()));
        let notes = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap());
        let mut notes =
            notes.filter(|entry| entry.file_name().to_string_lossy().starts_with("compiled"));
        let mode = notes
            .next()
            .unwrap()
            .metadata()
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        // Noted: no second process.
        let job = Job {
            bytes: Arc::default(),
            digest: "00".to_owned(),
            cache: folder.path().to_owned(),
            process: stand_in(folder.path(), "exit 9"),
        };
        assert!(outside(job).await.is_ok());
    }

    #[tokio::test]
    async fn how_it_ends_is_what_is_said() {
        for (script, told) in [
            (
                "echo 'it has more than 2000 instances'; exit 1",
                "it has more than 2000 instances",
            ),
            (
                "kill -XCPU $$",
                "to compile it takes more than 60 s of computing",
            ),
            (
                "kill -KILL $$",
                "the process that compiles it was killed by somebody else, as the kernel does when the \
                 machine, or the unit, has no memory left",
            ),
            (
                "echo \"thread 'main' panicked at f.rs:1:2:\" >&2; echo 'no such \"memory\"' >&2; exit 101",
                "the compiler fails on it, which is a bug in the compiler (thread 'main' panicked at \
                 f.rs:1:2: no such \"memory\"): report it with the component",
            ),
            (
                "kill -ABRT $$",
                "to compile it takes more than 1536 MiB of memory",
            ),
            (
                "exit 7",
                "the process that compiles it ended with exit status: 7",
            ),
        ] {
            let (answer, _) = compiled(script).await;
            assert_eq!(answer, Err(told.to_owned()), "{script}");
        }
        let job = Job {
            bytes: Arc::default(),
            digest: "00".to_owned(),
            cache: "/no/such/folder".into(),
            process: CompilerProcess {
                program: "/no/such/program".into(),
                argument: "compile",
            },
        };
        let told = outside(job).await.unwrap_err().to_string();
        assert!(told.contains("cannot be started"), "{told}");
    }

    /// A text goes from one component inside to the other: what copies it has both memories.
    #[test]
    fn one_that_was_composed_is_compiled_as_any_other() {
        let folder = tempfile::tempdir().unwrap();
        let composed = include_bytes!("testdata/composed.wasm");
        assert_eq!(into_cache(folder.path(), composed), Ok(()));
    }

    /// A bomb costs a minute once, and not in every run.
    #[tokio::test]
    async fn what_took_too_much_is_not_tried_again() {
        let (answer, folder) = compiled("kill -XCPU $$").await;
        assert!(answer.is_err());
        let again = async || {
            let job = Job {
                bytes: Arc::default(),
                digest: "00".to_owned(),
                cache: folder.path().to_owned(),
                process: stand_in(folder.path(), "exit 0"),
            };
            outside(job).await.map_err(|error| error.to_string())
        };
        let told = again().await.unwrap_err();
        let (told, path) = told.split_once("remove `").unwrap();
        assert_eq!(
            told,
            "to compile it takes more than 60 s of computing, as was found before: to try it again "
        );
        std::fs::remove_file(path.trim_end_matches('`')).unwrap();
        assert_eq!(again().await, Ok(()));
    }

    /// B2: SIGTERM waited for the compiler.
    #[tokio::test]
    async fn who_does_not_wait_any_more_ends_it() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let script = format!("echo $$ > {}; exec /bin/sleep 1000", mark.display());
        let job = Job {
            bytes: Arc::default(),
            digest: "00".to_owned(),
            cache: folder.path().to_owned(),
            process: stand_in(folder.path(), &script),
        };
        let compiling = tokio::spawn(outside(job));
        let pid = loop {
            match std::fs::read_to_string(&mark) {
                Ok(pid) if pid.ends_with('\n') => break pid.trim().parse::<i32>().unwrap(),
                _ => tokio::task::yield_now().await,
            }
        };
        compiling.abort();
        let _ = compiling.await;
        let pid = nix::unistd::Pid::from_raw(pid);
        while nix::sys::signal::kill(pid, None).is_ok() {
            tokio::task::yield_now().await;
        }
    }
}
