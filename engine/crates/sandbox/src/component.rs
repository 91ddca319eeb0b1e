//! An admitted component, ready to be started.

use wasmtime::Engine;

use super::bindings::mapper::MapperPre;
use super::bindings::messenger::MessengerPre;
use super::decide::Granted;
use super::detour::Detour;
use super::dirq::Moments;
use super::failure::Who;
use super::limits::Limits;
use super::link::Needs;
use super::log::Mask;
use super::mapper::GuestMapper;
use super::messenger::GuestMessenger;
use super::state::State;
use caso_model::component::{Description, OptionKind, OptionValue, Setting};
use caso_model::guest::{FailureKind, GuestFailure};
use caso_model::secret::is_secret_name;
use caso_net::NetworkEnvironment;

/// What a component can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    pub mapper: bool,
    pub messenger: bool,
}

/// A component that was admitted: compiled, linked, described.
#[derive(Clone)]
pub struct Component {
    /// As it calls itself.
    pub name: String,
    pub version: String,
    /// Of its bytes, lower-case hex.
    pub sha256: String,
    pub description: Description,
    pub roles: Roles,
    /// Whether it came with the engine, and so is granted what it asks for.
    pub builtin: bool,
    pub(super) needs: Needs,
    pub(super) engine: Engine,
    pub(super) moments: Moments,
    pub(super) mapper: Option<MapperPre<State>>,
    pub(super) messenger: Option<MessengerPre<State>>,
}

/// What an instance of a messenger is started with.
#[derive(Debug, Clone)]
pub struct MessengerSetup {
    /// Its name in `messengers`.
    pub instance: String,
    pub settings: Vec<Setting>,
    /// Texts to mask besides the values of its own secret options.
    pub secrets: Vec<String>,
    /// From [`super::decide`].
    pub granted: Granted,
    pub limits: Limits,
    /// Set for a dry run or a replay.
    pub detour: Detour,
    /// Proxies for its HTTP requests, and whom its connections trust where the
    /// grant does not say so.
    pub network: NetworkEnvironment,
}

impl Component {
    /// Starts the mapper for a run that began at `now`.
    pub async fn start_mapper(
        &self,
        settings: Vec<Setting>,
        now: i64,
        limits: Limits,
    ) -> Result<GuestMapper, GuestFailure> {
        let who = Who {
            component: self.name.clone(),
            instance: self.name.clone(),
        };
        let Some(pre) = self.mapper.clone() else {
            return Err(no_role(&who, "it is not a mapper"));
        };
        let mask = Mask::new(self.secrets(&settings));
        GuestMapper::start(self.engine.clone(), pre, who, settings, now, limits, mask).await
    }

    /// Starts an instance of the messenger.
    pub async fn start_messenger(
        &self,
        setup: MessengerSetup,
    ) -> Result<GuestMessenger, GuestFailure> {
        let who = Who {
            component: self.name.clone(),
            instance: setup.instance.clone(),
        };
        let Some(pre) = self.messenger.clone() else {
            return Err(no_role(&who, "it is not a messenger"));
        };
        for (needed, granted, import, grant) in [
            (
                self.needs.sockets,
                !setup.granted.addresses.is_empty(),
                "`wasi:sockets`, but no address",
                "address:host:port",
            ),
            (
                self.needs.http,
                !setup.granted.origins.is_empty(),
                "`wasi:http`, but no origin",
                "http:https://host",
            ),
        ] {
            if needed && !granted {
                let detail = format!(
                    "it imports {import} is granted: add `{grant}` to `grants` in [messenger_{}]",
                    setup.instance
                );
                return Err(no_role(&who, &detail));
            }
        }
        let mut secrets = self.secrets(&setup.settings);
        secrets.extend(setup.secrets.iter().cloned());
        let mask = Mask::new(secrets);
        GuestMessenger::start(self.engine.clone(), pre, who, setup, mask, &self.moments).await
    }

    /// The values of options that are secret by their kind or by their name.
    fn secrets(&self, settings: &[Setting]) -> Vec<String> {
        let secret =
            |setting: &&Setting| {
                let by_name = is_secret_name(&setting.name);
                by_name
                    || self.description.options.iter().any(|option| {
                        option.name == setting.name && option.kind == OptionKind::Secret
                    })
            };
        settings
            .iter()
            .filter(secret)
            .flat_map(|setting| match &setting.value {
                OptionValue::Text(text) => vec![text.clone()],
                OptionValue::Texts(texts) => texts.clone(),
                _ => Vec::new(),
            })
            .collect()
    }
}

fn no_role(who: &Who, detail: &str) -> GuestFailure {
    who.failure("start", FailureKind::Start, detail.to_owned())
}
