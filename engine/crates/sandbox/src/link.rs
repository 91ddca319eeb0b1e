//! What a component may import, and what it gets when it does.
//!
//! WASI is linked interface by interface, so that a component without the
//! grant does not even find sockets. Our own interfaces are always there and
//! answer `denied` for a name that was not granted; so are the parts of WASI
//! that standard libraries import without meaning it, with nothing behind
//! them: no environment, no arguments, no files.

use wasmtime::Engine;
use wasmtime::component::Linker;
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::bindings::{cli, filesystem, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView as _};

use super::abi;
use super::abi::version::{newer, not_spoken, speaks};
use super::bindings::v1::filter::caso::filter::verdicts;
use super::bindings::v1::mapper::caso::accounting::{
    descriptions, log, outcomes, records, types, usage,
};
use super::bindings::v1::messenger::caso::accounting::deliveries;
use super::clock::HasStillClock;
use super::convert::Cross;
use super::folders::HasFolders;
use super::http;
use super::sockets;
use super::state::State;

/// The worlds of imports.
pub struct Linkers {
    /// Pure: the log and an empty WASI.
    pub mapper: Linker<State>,
    /// The same, with the types of deliveries.
    pub filter: Linker<State>,
    /// Queues, connections and signatures as well.
    messenger: Linker<State>,
    /// And `wasi:sockets`, for a grant of an address.
    sockets: Linker<State>,
    /// And `wasi:http`, for a grant of an origin.
    http: Linker<State>,
    /// Both.
    all: Linker<State>,
    /// The same without a clock that moves: for `describe`, where nothing is granted
    /// whatever is linked.
    pub describing: Linker<State>,
}

impl Linkers {
    pub fn new(engine: &Engine) -> wasmtime::Result<Self> {
        let mut mapper = Linker::new(engine);
        empty_wasi(&mut mapper)?;
        still(&mut mapper)?;
        abi::add_mapper(&mut mapper)?;

        let mut filter = Linker::new(engine);
        empty_wasi(&mut filter)?;
        still(&mut filter)?;
        abi::add_filter(&mut filter)?;

        let mut messenger = Linker::new(engine);
        add_messenger(&mut messenger)?;

        let mut with_sockets = Linker::new(engine);
        add_messenger(&mut with_sockets)?;
        sockets::add_to_linker(&mut with_sockets)?;

        let mut with_http = Linker::new(engine);
        add_messenger(&mut with_http)?;
        http::add_to_linker(&mut with_http)?;

        let mut all = Linker::new(engine);
        add_messenger(&mut all)?;
        sockets::add_to_linker(&mut all)?;
        http::add_to_linker(&mut all)?;

        let mut describing = Linker::new(engine);
        add_messenger(&mut describing)?;
        sockets::add_to_linker(&mut describing)?;
        http::add_to_linker(&mut describing)?;
        still(&mut describing)?;
        // `verdicts` alone is not there yet; the rest is the same once more.
        describing.allow_shadowing(true);
        abi::add_filter(&mut describing)?;
        describing.allow_shadowing(false);

        Ok(Self {
            mapper,
            filter,
            messenger,
            sockets: with_sockets,
            http: with_http,
            all,
            describing,
        })
    }

    /// What a messenger with these needs is linked with.
    pub fn messenger(&self, needs: Needs) -> &Linker<State> {
        match (needs.sockets, needs.http) {
            (false, false) => &self.messenger,
            (true, false) => &self.sockets,
            (false, true) => &self.http,
            (true, true) => &self.all,
        }
    }
}

/// Which parts of WASI that are linked by grant alone a component imports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    pub sockets: bool,
    pub http: bool,
}

impl Needs {
    pub fn of(imports: &[String]) -> Self {
        let any = |prefix: &str| imports.iter().any(|import| import.starts_with(prefix));
        Self {
            sockets: any("wasi:sockets/"),
            http: any("wasi:http/"),
        }
    }
}

fn add_messenger(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    empty_wasi(linker)?;
    abi::add_messenger(linker)
}

/// The clock by which a pure component could measure time stands: what it subscribes to
/// is there at once.
fn still(l: &mut Linker<State>) -> wasmtime::Result<()> {
    l.allow_shadowing(true);
    monotonic_clock::add_to_linker::<State, HasStillClock>(l, State::still_clock)?;
    l.allow_shadowing(false);
    Ok(())
}

fn empty_wasi(l: &mut Linker<State>) -> wasmtime::Result<()> {
    // wasi:io, the clocks, random, stdin, stdout and stderr.
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(l)?;
    random::insecure::add_to_linker::<State, WasiRandom>(l, State::random)?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(l, State::random)?;
    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    filesystem::types::add_to_linker::<State, HasFolders>(l, State::folders)?;
    filesystem::preopens::add_to_linker::<State, HasFolders>(l, State::folders)
}

/// Says why an import is not offered; nothing when it is.
pub fn refuses(import: &str, messenger: bool) -> Option<String> {
    let (name, version) = import.split_once('@').unwrap_or((import, ""));
    let (package, interface) = name.split_once('/').unwrap_or((name, ""));
    let of = |major: &str| version == major || version.starts_with(&format!("{major}."));
    let pure = || Some("a mapper or a filter is pure and has no capability".to_owned());
    match (package, interface) {
        ("caso:accounting", _) if !speaks(version) => Some(not_spoken(version)),
        (
            "caso:accounting",
            "types" | "descriptions" | "usage" | "records" | "outcomes" | "deliveries" | "log",
        ) => None,
        ("caso:filter" | "caso:http" | "caso:signature", _) if !speaks(version) => {
            Some(not_spoken(version))
        }
        ("caso:filter", "verdicts") => None,
        ("caso:accounting", "queue" | "connection")
        | ("caso:http", "http")
        | ("caso:signature", "signing") => match messenger {
            true => None,
            false => pure(),
        },
        ("caso:accounting" | "caso:http" | "caso:signature", _) => Some(
            newer(&[import.to_owned()])
                .unwrap_or_else(|| "the contract has no such interface".to_owned()),
        ),
        ("wasi:cli" | "wasi:io" | "wasi:clocks" | "wasi:random" | "wasi:filesystem", _)
        | ("wasi:sockets" | "wasi:http", _)
            if !of("0.2") =>
        {
            Some("this host speaks WASI 0.2".to_owned())
        }
        ("wasi:cli" | "wasi:io" | "wasi:clocks" | "wasi:random" | "wasi:filesystem", _) => None,
        ("wasi:sockets", _) | ("wasi:http", "types" | "outgoing-handler") if messenger => None,
        ("wasi:http", _) if messenger => Some(
            "of wasi:http a component may make requests: `types` and `outgoing-handler`".to_owned(),
        ),
        ("wasi:sockets" | "wasi:http", _) => pure(),
        _ => Some("it belongs neither to the contract nor to WASI 0.2".to_owned()),
    }
}

// The contract's imports that have nothing behind them but the log; `queue` and
// `connection` are files of their own.

impl log::Host for State {
    async fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.log.write(level.cross(), &message);
        Ok(())
    }
}

impl types::Host for State {}
impl descriptions::Host for State {}
impl usage::Host for State {}
impl records::Host for State {}
impl outcomes::Host for State {}
impl deliveries::Host for State {}
impl verdicts::Host for State {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_the_contract_and_an_empty_wasi() {
        for import in [
            "caso:accounting/log@1.0.0",
            "caso:accounting/types@1.2.0",
            "wasi:cli/environment@0.2.6",
            "wasi:filesystem/types@0.2.0",
        ] {
            assert_eq!(refuses(import, false), None, "{import}");
            assert_eq!(refuses(import, true), None, "{import}");
        }
    }

    /// A host of a later 1.x has the interfaces under its own version, and offers them to
    /// what was built on 1.0.
    #[test]
    fn a_later_host_offers_what_1_0_imports() {
        use wasmtime::component::Component;
        use wasmtime::component::types::ComponentItem;
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../..");
        let bytes = std::fs::read(format!("{root}/tests/frozen/messenger-1.0.0.wasm")).unwrap();
        let engine = Engine::default();
        let component = Component::new(&engine, bytes).unwrap();
        let offered = |version: &str| {
            let mut linker = Linker::<State>::new(&engine);
            empty_wasi(&mut linker).unwrap();
            let mut functions = 0;
            for (name, item) in component.component_type().imports(&engine) {
                let ComponentItem::ComponentInstance(instance) = item.ty else {
                    continue;
                };
                if !name.starts_with("caso:accounting/") {
                    continue;
                }
                let mut ours = linker.instance(&name.replace("@1.0.0", version)).unwrap();
                for (name, item) in instance.exports(&engine) {
                    if let ComponentItem::ComponentFunc(_) = item.ty {
                        ours.func_new(name, |_, _, _, _| Ok(())).unwrap();
                        functions += 1;
                    }
                }
            }
            // log.write, queue.put and the five of a connection.
            assert_eq!(functions, 7);
            linker.instantiate_pre(&component).map(drop)
        };
        offered("@1.0.0").unwrap();
        offered("@1.7.2").unwrap();
        assert!(offered("@2.0.0").is_err());
    }

    #[test]
    fn what_reaches_outside_is_for_messengers() {
        for import in [
            "caso:accounting/queue@1.0.0",
            "wasi:sockets/tcp@0.2.6",
            "wasi:http/outgoing-handler@0.2.12",
        ] {
            assert_eq!(refuses(import, true), None, "{import}");
            assert!(refuses(import, false).unwrap().contains("pure"), "{import}");
        }
    }

    #[test]
    fn a_refusal_gives_the_reason() {
        for (import, reason) in [
            ("caso:accounting/log@2.0.0", "built for version 2.0.0"),
            ("caso:accounting/log@10.0.0", "built for version 10.0.0"),
            ("caso:accounting/shell@1.0.0", "no such interface"),
            (
                "caso:accounting/http@1.1.0",
                "this engine has 1.0.0: update",
            ),
            ("wasi:http/incoming-handler@0.2.6", "may make requests"),
            ("wasi:http/handler@0.3.0", "WASI 0.2"),
            ("wasi:cli/stdout@0.3.0", "WASI 0.2"),
            ("wasi:nn/graph@0.2.0", "neither to the contract"),
            ("bare", "neither to the contract"),
        ] {
            let text = refuses(import, true).unwrap();
            assert!(text.contains(reason), "{import}: {text}");
        }
    }
}
