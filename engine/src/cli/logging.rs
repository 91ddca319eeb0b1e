//! Where log lines go and how they look.
//!
//! On stderr a line is for a person or for cron's mail: `warning: …`, nothing
//! on a good day. A log file gets a time and every line from info on. Only our
//! own lines and the guests' are shown: what the libraries below log is about
//! themselves.

use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::advice;
use crate::log_line::{self, HINT};
use crate::run::ComponentWarnings;
use caso_base::line::{LINE_BYTES, short_line};
use caso_deliver::PROGRESS;
use caso_model::guest::MAPPER;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// What the configuration sets about logging.
#[derive(Debug, Default, Clone)]
pub struct LogSettings {
    /// Every line, on stderr too.
    pub debug: bool,
    /// The file to append to.
    pub file: Option<PathBuf>,
    /// A JSON object a line instead of text.
    pub json: bool,
    /// The facility, where lines go to syslog.
    pub syslog: Option<u8>,
    /// Takes the components' warnings, which the run reports where they are new.
    pub remarks: ComponentWarnings,
    /// It takes what is wrong with the log, too: said by a run of each hour it would be in each hour's mail.
    pub holds: bool,
}

/// Installs the process's logger. Called once a process.
pub fn init(settings: &LogSettings) -> io::Result<()> {
    let level = if settings.debug {
        LevelFilter::DEBUG
    } else {
        LevelFilter::INFO
    };
    let ours = |level: LevelFilter| {
        Targets::new()
            .with_target("caso", level)
            .with_target("guest", level)
    };
    // A log that cannot be written is no reason to stop accounting: the lines that matter
    // go to stderr, and so does this one.
    let mut troubles = Vec::new();
    let mut lines = |sink: io::Result<Sink>, key, hint| match sink {
        Ok(sink) => Some(Lines::new(sink, settings.json)),
        Err(error) => {
            troubles.push((key, error, hint));
            None
        }
    };
    let file = settings.file.as_ref();
    let opened = |path: &PathBuf| open(path).map(|file| Sink::File(Mutex::new(file)));
    let file =
        file.and_then(|path| lines(opened(path), "log-file", "correct `log_file` or `log_dir`"));
    let syslog = settings.syslog;
    let no_syslog = "unset `use_syslog`, or have a daemon listen there: in a container that socket has to be mounted";
    let syslog = syslog.and_then(|facility| lines(Sink::syslog(facility), "syslog", no_syslog));
    // As in Python, a log takes it all: cron would mail each request.
    let on_terminal = io::stderr().is_terminal();
    let logged = file.is_some() || syslog.is_some();
    let all_on_stderr = settings.debug && (on_terminal || !logged);
    let on_stderr = |else_from: LevelFilter| match all_on_stderr {
        true => LevelFilter::DEBUG,
        false => else_from,
    };
    let stderr = Lines::new(Sink::Stderr, settings.json);
    let remarks = Held(settings.remarks.clone());
    let progress = match on_terminal {
        true => LevelFilter::INFO,
        false => LevelFilter::OFF,
    };
    tracing_subscriber::registry()
        .with(
            stderr.with_filter(
                Targets::new()
                    .with_target("caso", on_stderr(LevelFilter::WARN))
                    .with_target("guest", on_stderr(LevelFilter::ERROR))
                    .with_target(PROGRESS, progress),
            ),
        )
        .with(remarks.with_filter(Targets::new().with_target("guest", LevelFilter::WARN)))
        .with(file.map(|layer| layer.with_filter(ours(level))))
        .with(syslog.map(|layer| layer.with_filter(ours(level))))
        .try_init()
        .map_err(io::Error::other)?;
    for (key, trouble, hint) in troubles {
        let text = format!("{trouble}: important lines go to standard error");
        match settings.holds {
            true => settings.remarks.note(key, || (text, hint)),
            false => tracing::warn!(hint, "{text}"),
        }
    }
    Ok(())
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| {
            let text = format!("can't open the log file `{}`: {error}", path.display());
            io::Error::new(error.kind(), text)
        })
}

enum Sink {
    Stderr,
    File(Mutex<File>),
    Syslog { socket: UnixDatagram, facility: u8 },
}

impl Sink {
    /// The local syslog daemon, by its socket (RFC 3164 framing, as syslog(3) does it).
    fn syslog(facility: u8) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect("/dev/log").map_err(|error| {
            let text = format!("can't reach syslog at `/dev/log`: {error}");
            io::Error::new(error.kind(), text)
        })?;
        Ok(Self::Syslog { socket, facility })
    }
}

/// A layer that writes one line an event, and a second one for its hint.
struct Lines {
    sink: Sink,
    json: bool,
    /// It goes into a file, which nothing else says the time of.
    stamped: bool,
}

impl Lines {
    fn new(sink: Sink, json: bool) -> Self {
        let stamped = match sink {
            Sink::Stderr => log_line::stderr_is_a_file(),
            Sink::File(_) => true,
            Sink::Syslog { .. } => false,
        };
        Self {
            sink,
            json,
            stamped,
        }
    }

    /// One line, and below it the way out, where there is one.
    fn format(&self, event: &Event<'_>, text: &Text) -> Vec<String> {
        let level = *event.metadata().level();
        let now = log_line::now();
        if self.json {
            let fields = text.fields.iter();
            let fields = fields.map(|(name, value)| (*name, short_line(value, LINE_BYTES).into()));
            let message = short_line(&text.message, LINE_BYTES);
            let target = event.metadata().target();
            return vec![log_line::json(
                &now,
                level.as_str(),
                target,
                &message,
                fields,
            )];
        }
        let word = match level {
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        // Whatever a text is made of, and whoever forgot: here it becomes one line.
        let line = |word: &str, text: &str| {
            let text = short_line(text, LINE_BYTES);
            let text = advice::of_process(&text);
            match self.stamped {
                true => log_line::stamped(&now, word, &text),
                false => format!("{word}: {text}"),
            }
        };
        let mut lines = vec![line(word, &format!("{}{text}", text.who()))];
        lines.extend(text.hint().map(|hint| line(HINT, hint)));
        lines
    }
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "guest" && *event.metadata().level() == Level::WARN {
            // Held for the run, which reports it where it is new.
            return;
        }
        let mut text = Text::default();
        event.record(&mut text);
        let lines = self.format(event, &text);
        let all = lines.join("\n");
        // A log that can't be written is no reason to stop accounting.
        let _ = match &self.sink {
            Sink::Stderr => writeln!(io::stderr().lock(), "{all}"),
            Sink::File(file) => match file.lock() {
                Ok(mut file) => writeln!(file, "{all}"),
                Err(_) => Ok(()),
            },
            Sink::Syslog { socket, facility } => {
                let severity = match *event.metadata().level() {
                    Level::ERROR => 3,
                    Level::WARN => 4,
                    Level::INFO => 6,
                    _ => 7,
                };
                let priority = u16::from(*facility) * 8 + severity;
                let pid = std::process::id();
                lines.iter().try_for_each(|line| {
                    let packet = format!("<{priority}>caso[{pid}]: {line}");
                    socket.send(packet.as_bytes()).map(|_| ())
                })
            }
        };
    }
}

/// Keeps the components' warnings for the run.
struct Held(ComponentWarnings);

impl<S: Subscriber> Layer<S> for Held {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == Level::WARN {
            let mut text = Text::default();
            event.record(&mut text);
            let who = text.who();
            self.0
                .add(&who, &short_line(&format!("{who}{text}"), LINE_BYTES));
        }
    }
}

/// An event's message and fields.
#[derive(Default)]
struct Text {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Text {
    /// The way out.
    fn hint(&self) -> Option<&str> {
        let mut fields = self.fields.iter();
        let hint = fields.find(|(name, _)| *name == HINT)?;
        Some(&hint.1)
    }

    /// Guests' lines begin with who speaks: as the site calls the instance, since a
    /// component may call itself what it likes.
    fn who(&self) -> String {
        let get = |name| {
            let mut fields = self.fields.iter();
            fields
                .find(|(field, _)| *field == name)
                .map(|(_, value)| value.as_str())
        };
        let (component, instance) = (get("component"), get("instance"));
        match (get("role"), instance, component) {
            // The one that there is, whatever it calls itself.
            (Some("mapper"), _, _) => format!("component `{MAPPER}`: "),
            (Some(role @ ("messenger" | "filter")), Some(instance), _) => {
                format!("{role} `{instance}`: ")
            }
            // It is asked what it is, and belongs to nobody yet.
            (_, _, Some(component)) => format!("component `{component}`: "),
            _ => String::new(),
        }
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        for (name, value) in &self.fields {
            if !matches!(*name, "role" | "component" | "instance" | HINT) {
                write!(f, " {name}={value}")?;
            }
        }
        Ok(())
    }
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            self.fields.push((field.name(), value.to_owned()));
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            self.fields.push((field.name(), format!("{value:?}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said_by(role: &str, component: &str, instance: &str) -> String {
        let text = Text {
            message: String::new(),
            fields: vec![
                ("role", role.to_owned()),
                ("component", component.to_owned()),
                ("instance", instance.to_owned()),
            ],
        };
        text.who()
    }

    /// a19 and h25: a messenger that calls itself `mapper`, and a mapper `ssm`.
    #[test]
    fn a_line_is_the_instances_whatever_the_component_calls_itself() {
        let mine = "messenger `mine`: ";
        assert_eq!(said_by("messenger", "mapper", "mine"), mine);
        assert_eq!(said_by("messenger", "ssm", "mine"), mine);
        assert_eq!(said_by("filter", "ssm", "mine"), "filter `mine`: ");
        assert_eq!(said_by("mapper", "ssm", "mapper"), "component `mapper`: ");
        assert_eq!(said_by("component", "/x.wasm", ""), "component `/x.wasm`: ");
    }
}
