//! An admitted component, ready to be started.

use std::sync::Arc;

use caso_disk::MonotonicNames;
use wasmtime::Engine;

use super::abi::{FilterAbi, MapperAbi, MessengerAbi};
use super::budget::Budget;
use super::failure::{Role, Who};
use super::filter::GuestFilter;
use super::instance::Spec;
use super::limits::Limits;
use super::link::Needs;
use super::mapper::GuestMapper;
use super::mask::Mask;
use super::messenger::{GuestMessenger, MessengerSetup};
use caso_model::component::{Description, OptionDescription, OptionValue, Setting};
use caso_model::guest::{FailureKind, GuestFailure, MAPPER};
use caso_model::secret::is_secret_name;

/// What a component can do. One of the three at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// It maps usage to records.
    pub mapper: bool,
    /// It delivers records.
    pub messenger: bool,
    /// It changes or leaves out records on their way to a messenger.
    pub filter: bool,
}

/// A component that was admitted: compiled, linked, described.
#[derive(Clone)]
pub struct Component {
    /// As it calls itself.
    pub name: String,
    /// As it calls itself; shown, never compared.
    pub version: String,
    /// Of its bytes, lower-case hex.
    pub sha256: String,
    /// Checked, and fit to be shown.
    pub description: Description,
    /// What it can do.
    pub roles: Roles,
    /// Whether it came with the host, and so is granted what it asks for.
    pub builtin: bool,
    /// The version of the contract that it was built for, as in `1.0.0`.
    pub contract: String,
    /// Names of all that it imports, each with its version.
    pub imports: Vec<String>,
    pub(crate) needs: Needs,
    pub(crate) engine: Engine,
    pub(crate) moments: MonotonicNames,
    /// What it may say as a mapper, which is started for each project anew.
    pub(crate) mapping: Arc<Budget>,
    pub(crate) mapper: Option<MapperAbi>,
    pub(crate) messenger: Option<MessengerAbi>,
    pub(crate) filter: Option<FilterAbi>,
}

impl Roles {
    /// In words.
    pub fn names(self) -> Vec<&'static str> {
        let all = [
            (self.mapper, "mapper"),
            (self.messenger, "messenger"),
            (self.filter, "filter"),
        ];
        let all = all.into_iter().filter(|(is, _)| *is);
        all.map(|(_, name)| name).collect()
    }
}

impl Component {
    /// Starts the mapper for a run that began at `now`, in seconds since 1970: the
    /// time that its clocks show. Each call is held to the limits.
    ///
    /// # Errors
    ///
    /// Of kind `Start`, where it is not a mapper, or refuses its settings, or
    /// fails while it starts.
    pub async fn start_mapper(
        &self,
        settings: Vec<Setting>,
        now: i64,
        limits: Limits,
    ) -> Result<GuestMapper, GuestFailure> {
        let who = Who {
            component: self.name.clone(),
            // Whatever it calls itself: its lines must not look like a messenger's.
            instance: MAPPER.to_owned(),
            role: Role::Mapper,
        };
        let Some(pre) = self.mapper.clone() else {
            return Err(not_started(&who, "it is not a mapper"));
        };
        let mask = Mask::new(self.secrets(&settings));
        let spec = Spec {
            // One for all projects of a run.
            budget: Arc::clone(&self.mapping),
            ..Spec::new(self.engine.clone(), who, settings, limits, mask)
        };
        GuestMapper::start(spec, pre, now).await
    }

    /// Starts an instance of the filter: of this name, with its clocks at `now`, in seconds
    /// since 1970, and texts to mask besides the values of its own secret options.
    ///
    /// # Errors
    ///
    /// Of kind `Start`, as for the mapper.
    pub async fn start_filter(
        &self,
        instance: &str,
        settings: Vec<Setting>,
        hidden: Vec<String>,
        now: i64,
        limits: Limits,
    ) -> Result<GuestFilter, GuestFailure> {
        let who = Who {
            component: self.name.clone(),
            instance: instance.to_owned(),
            role: Role::Filter,
        };
        let Some(pre) = self.filter.clone() else {
            return Err(not_started(&who, "it is not a filter"));
        };
        let mut secrets = self.secrets(&settings);
        secrets.extend(hidden);
        let spec = Spec::new(
            self.engine.clone(),
            who,
            settings,
            limits,
            Mask::new(secrets),
        );
        GuestFilter::start(spec, pre, now).await
    }

    /// Starts an instance of the messenger.
    ///
    /// # Errors
    ///
    /// Of kind `Start`, as for the mapper, and where it imports a part of WASI of
    /// which nothing is granted; of kind `Host`, where what was granted cannot be
    /// had, like a directory that is not there.
    pub async fn start_messenger(
        &self,
        setup: MessengerSetup,
    ) -> Result<GuestMessenger, GuestFailure> {
        let who = Who {
            component: self.name.clone(),
            instance: setup.instance.clone(),
            role: Role::Messenger,
        };
        let Some(pre) = self.messenger.clone() else {
            return Err(not_started(&who, "it is not a messenger"));
        };
        let granted = &setup.granted;
        for (needed, any, import, grant) in [
            (
                self.needs.sockets,
                granted.addresses().next().is_some(),
                "`wasi:sockets`, but no address",
                "address:host:port",
            ),
            (
                self.needs.http,
                granted.origins().next().is_some(),
                "`wasi:http`, but no origin",
                "http:https://host",
            ),
        ] {
            if needed && !any {
                // Nothing leads there in a dry run or a replay, whatever is granted.
                let detail = match setup.redirect.connections.is_some() {
                    true => format!(
                        "it imports {import} can be reached in a dry run: what it would send is not shown"
                    ),
                    false => {
                        let add = granted.instance.add(grant);
                        format!("it imports {import} is granted: {add}")
                    }
                };
                return Err(not_started(&who, &detail));
            }
        }
        let mut secrets = self.secrets(&setup.settings);
        secrets.extend(setup.secrets.iter().cloned());
        let mask = Mask::new(secrets);
        GuestMessenger::start(self.engine.clone(), pre, who, setup, mask, &self.moments).await
    }

    /// The values of options that are secret by their kind or by their name. A default
    /// is the component's own word: it hides nothing of anybody's.
    fn secrets(&self, settings: &[Setting]) -> Vec<String> {
        let secret = |setting: &&Setting| {
            let mut options = self.description.options.iter();
            let option = options.find(|option| option.name == setting.name);
            if option.is_some_and(|option| is_default(option, &setting.value)) {
                return false;
            }
            option.map_or_else(
                || is_secret_name(&setting.name),
                OptionDescription::is_secret,
            )
        };
        settings
            .iter()
            .filter(secret)
            .flat_map(|setting| match &setting.value {
                OptionValue::Text(text) => vec![text.clone()],
                OptionValue::Texts(texts) => texts.clone(),
                OptionValue::Integer(number) => vec![number.to_string()],
                OptionValue::Number(number) => vec![number.to_string()],
                OptionValue::DurationMilliseconds(number) | OptionValue::SizeBytes(number) => {
                    vec![number.to_string()]
                }
                OptionValue::Boolean(_) => Vec::new(),
            })
            .collect()
    }
}

/// Whether a value is what the component itself wrote.
fn is_default(option: &OptionDescription, value: &OptionValue) -> bool {
    let Some(default) = option.default.as_deref() else {
        return false;
    };
    match value {
        OptionValue::Text(text) => text == default,
        OptionValue::Texts(texts) => {
            let own: Vec<&str> = default.split(',').map(str::trim).collect();
            texts.iter().map(String::as_str).eq(own)
        }
        OptionValue::Integer(number) => number.to_string() == default,
        _ => false,
    }
}

fn not_started(who: &Who, detail: &str) -> GuestFailure {
    who.failure("start", FailureKind::Start, detail.to_owned())
}
