//! The messenger as the host sees it. Only in WebAssembly, for `wasi:http` has no bindings
//! for other targets.

use caso_component::log;
use caso_component::messenger::{
    Answer, Batch, ComponentDescription, Messenger, Setup, StartError,
};
use caso_component::settings::Settings;

use crate::account::Account;
use crate::wasi_http::WasiHttp;

/// The messenger: a started instance.
struct GreenDigit {
    account: Account,
    /// The token in use, until the service no longer accepts it.
    token: Option<String>,
}

impl Messenger for GreenDigit {
    fn describe() -> ComponentDescription {
        crate::describe()
    }

    fn start(setup: &Setup) -> Result<Self, StartError> {
        let account = Account::from_settings(Settings::from(setup))?;
        if let Some(warning) = account.warning() {
            log::warning(warning);
        }
        Ok(Self {
            account,
            token: None,
        })
    }

    fn deliver(&mut self, batch: &Batch) -> Answer {
        let mut http = WasiHttp::new(&self.account, batch.time_left());
        crate::deliver(&self.account, &mut self.token, batch, &mut http)
    }
}

caso_component::export_messenger!(GreenDigit);
