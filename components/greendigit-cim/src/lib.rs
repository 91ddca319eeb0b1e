//! `greendigit_cim`: posts energy records to the GreenDIGIT CIM service.
//!
//! A list of records in cASO's JSON goes to the service in one request, with a
//! token that an email address and a password buy. `account` is who we are,
//! `service` the API, `deliver` the rule by which records count as delivered.

mod account;
mod deliver;
mod describe;
mod records;
mod service;
#[cfg(target_arch = "wasm32")]
mod wasi;
mod web;

#[cfg(test)]
mod tests;

pub use account::Account;
pub use deliver::deliver;
pub use describe::describe;
pub use web::{Reply, Request, Web, WebError};

#[cfg(target_arch = "wasm32")]
mod component {
    use std::sync::{Mutex, OnceLock, PoisonError};

    use caso_component::log;
    use caso_component::messenger::{
        Answer, Batch, ComponentDescription, Delivery, Description, Rest,
    };
    use caso_component::types::Setting;

    use crate::Account;
    use crate::wasi::Granted;

    /// What `start` was given. A store holds one started instance.
    static ACCOUNT: OnceLock<Account> = OnceLock::new();
    /// The token in use, until the service no longer takes it.
    static TOKEN: Mutex<Option<String>> = Mutex::new(None);

    struct GreenDigit;

    impl Description for GreenDigit {
        fn describe() -> ComponentDescription {
            crate::describe()
        }
    }

    impl Delivery for GreenDigit {
        fn start(_instance: String, settings: Vec<Setting>) -> Result<(), String> {
            let account = Account::from_settings(&settings)?;
            if let Some(warning) = account.warning() {
                log::warning(warning);
            }
            ACCOUNT
                .set(account)
                .map_err(|_| "`start` was called twice".to_owned())
        }

        fn deliver(batch: Batch) -> Answer {
            let Some(account) = ACCOUNT.get() else {
                let rest = Rest::Other("`start` was not called".to_owned());
                return Answer::partly(0, Vec::new(), rest);
            };
            let mut token = TOKEN.lock().unwrap_or_else(PoisonError::into_inner);
            crate::deliver(account, &mut token, &batch, &mut Granted::new(account))
        }
    }

    caso_component::export_messenger!(GreenDigit);
}
