//! `caso:signature/signing`: signatures with keys that were granted.
//!
//! The guest names a grant and hands over a text. Certificate, key, form and receiver are
//! the site's; they are read here, once an instance, and what comes back to the guest is
//! the signed message and nothing else. The key stays in `caso_signature`, whose errors
//! have no byte of a file in them.
//!
//! | | |
//! |---|---|
//! | the name is not granted | `denied`, with the line to add |
//! | the key is another certificate's, has a passphrase, cannot be read | the messenger does not start, and its records wait |
//! | a certificate ends within 30 days | a warning, once an instance |
//! | it ends within a day | the messenger does not start; in the middle of a run `misconfigured` |
//! | more signatures than a call's, or a run's | `full`; the run ends for the instance |
//! | a dry run, a replay, a trial | no key is read; what would be signed is shown |

use std::collections::BTreeMap;
use std::sync::Arc;

use caso_base::{Clock as _, SystemClock, error_chain};
use caso_model::Attribute;
use caso_signature::{SignatureError, Signer};

use super::bindings::v1::signature::caso::signature::signing::{Host, SignError};
use super::limits::Limits;
use super::policy::{Granted, Kind};
use super::redirect::Sink;
use super::state::State;

/// What signs for one instance, by the names of its grants.
pub type Signers = BTreeMap<String, Arc<Signer>>;

/// The signatures of one call.
#[derive(Default)]
pub struct Signatures {
    signers: Arc<Signers>,
    made: u32,
    most: u32,
    /// Records of the call, by which the run's budget grows.
    pub records: usize,
    /// Where nothing is signed: what would be.
    redirected: Option<Sink>,
}

/// Reads what was granted; a sentence for what keeps it from signing. Blocks.
pub fn read(granted: &Granted) -> Result<Signers, String> {
    let mut signers = Signers::new();
    for (name, terms) in granted.signatures() {
        let signer = Signer::read(&terms.files).map_err(|error| error_chain(&error))?;
        for warning in signer.check(now()).map_err(|error| error_chain(&error))? {
            tracing::warn!("messenger `{}`: {warning}", granted.instance.name);
        }
        signers.insert(name.to_owned(), Arc::new(signer));
    }
    Ok(signers)
}

/// Whose signatures they are, for the guest's own words about them: no secret, for every
/// signed message has it.
pub fn subjects(signers: &Signers) -> impl Iterator<Item = Attribute> {
    signers.iter().map(|(name, signer)| Attribute {
        name: format!("{name}-subject"),
        value: signer.subject().to_owned(),
    })
}

fn now() -> i64 {
    SystemClock::new().now()
}

impl Signatures {
    pub fn new(limits: &Limits, signers: Arc<Signers>, redirected: Option<Sink>) -> Self {
        Self {
            signers,
            made: 0,
            most: limits.signatures,
            records: 0,
            redirected,
        }
    }

    pub fn begin_call(&mut self) {
        self.made = 0;
    }

    fn count(&mut self) -> Result<(), SignError> {
        if self.made >= self.most {
            return Err(SignError::Full);
        }
        self.made += 1;
        Ok(())
    }
}

impl Host for State {
    async fn sign(
        &mut self,
        name: String,
        message: Vec<u8>,
    ) -> wasmtime::Result<Result<Vec<u8>, SignError>> {
        let services = &mut self.services;
        if services.granted.signature(&name).is_none() {
            let text = services.granted.refusal(Kind::Signature, &name);
            return Ok(Err(SignError::Denied(text)));
        }
        let signatures = &mut services.signatures;
        if let Err(full) = signatures.count() {
            return Ok(Err(full));
        }
        // Over the budget of a run nothing helps: it stops.
        self.budget.signature(signatures.records)?;
        if let Some(sink) = &signatures.redirected {
            self.budget.sent(message.len(), signatures.records)?;
            return Ok(match sink(&name, &message) {
                Ok(()) => Ok(message),
                Err(error) => Err(SignError::Other(error.to_string())),
            });
        }
        let Some(signer) = signatures.signers.get(&name).map(Arc::clone) else {
            let text = format!("the key of `{name}` was not read");
            return Ok(Err(SignError::Other(text)));
        };
        // An RSA signature takes about a millisecond, and there may be a thousand.
        let signed = tokio::task::spawn_blocking(move || signer.sign(&message, now())).await?;
        Ok(signed.map_err(|error| failed(&error)))
    }
}

fn failed(error: &SignatureError) -> SignError {
    let text = error_chain(error);
    match error {
        SignatureError::Text(_) => SignError::Invalid(text),
        SignatureError::Random | SignatureError::Sign(_) => SignError::Other(text),
        _ => SignError::Misconfigured(text),
    }
}
