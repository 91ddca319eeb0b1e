//! `ams`: signs APEL messages and publishes them to ARGO's messaging service (AMS), so that
//! no `ssmsend` is needed.
//!
//! What `ssmsend` does, step by step (`ssm/ssm2.py` and `ssm/crypto.py` of apel/ssm; the
//! requests are those of `argo-ams-library`), and who does it here:
//!
//! | step | by |
//! |---|---|
//! | the text | `caso_apel`, the same bytes as `ssm` has |
//! | `openssl smime -sign`, and `-encrypt` where there is a `server_cert` | the host: `caso:signature`, with a key that this component never sees |
//! | a token for the host's certificate: `GET https://HOST:8443/v1/service-types/ams/hosts/HOST:authx509` | `service`, over an origin whose grant has certificate and key as its terms |
//! | `POST https://HOST/v1/projects/PROJECT/topics/TOPIC:publish` | `service` |
//! | which messages count as delivered | `deliver` |
//!
//! | module | what is in it |
//! |---|---|
//! | `options`, `describe` | the configuration, by the names of `sender.cfg` |
//! | `message` | a signed message, its id, and how large it is when it is published |
//! | `service` | AMS's two requests, and what its answers mean |
//! | `words` | what an operator reads of an answer |
//! | `adopted` | messages that somebody else wrote |
//! | `deliver` | a batch, message by message |
//! | `outside` | the host, which signs; tests have their own |

#![warn(missing_docs)]

mod adopted;
mod deliver;
mod describe;
mod message;
mod options;
mod outside;
mod service;
mod words;

#[cfg(test)]
mod tests;

use caso_component::messenger::{
    Answer, Batch, ComponentDescription, Messenger, Setup, StartError,
};
use caso_component::settings::Settings;
use caso_http::client::Host;

pub use deliver::deliver;
pub use describe::describe;
pub use options::Options;
pub use outside::Outside;

#[allow(
    missing_docs,
    reason = "generated: the documentation is that of the files in wit/"
)]
mod bindings {
    wit_bindgen::generate!({
        path: ["../../wit", "../../wit/signature"],
        inline: "
            package caso:ams;
            world publisher {
                import caso:signature/signing@1.0.0;
            }
        ",
        generate_all,
        additional_derives: [PartialEq],
    });
}

pub use bindings::caso::signature::signing;
pub use caso_http::http;

/// Name of the signature in the description.
pub const SIGNATURE: &str = "host";
/// Name of the origin that takes messages.
pub const PUBLISH: &str = "publish";
/// Name of the origin that gives a token for a certificate.
pub const TOKEN: &str = "token";

/// The messenger: a started instance.
pub struct Ams {
    options: Options,
    /// The certificate's subject, where the host says it.
    subject: Option<String>,
    /// The token in use, until AMS no longer takes it.
    token: Option<String>,
}

impl Messenger for Ams {
    fn describe() -> ComponentDescription {
        describe()
    }

    fn start(setup: &Setup) -> Result<Self, StartError> {
        let options = Options::from_settings(Settings::from(setup))?;
        let name = format!("{SIGNATURE}-subject");
        let mut facts = setup.attributes.iter();
        let subject = facts.find(|fact| fact.name == name);
        Ok(Self {
            options,
            subject: subject.map(|fact| fact.value.clone()),
            token: None,
        })
    }

    fn deliver(&mut self, batch: &Batch) -> Answer {
        let mut host = Host::new();
        let mut service = service::Service {
            options: &self.options,
            subject: self.subject.as_deref(),
            token: &mut self.token,
            outside: &mut host,
            renewed: false,
        };
        deliver(&mut service, batch)
    }
}

caso_component::export_messenger!(Ams);
