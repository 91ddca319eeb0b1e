//! What a messenger is: the trait [`Messenger`], the macro
//! [`export_messenger!`](crate::export_messenger), batches and answers.
//!
//! The types are the contract's (`wit/deliveries.wit`, `wit/types.wit`, `wit/queue.wit`,
//! `wit/connection.wit`). Imports and exports exist in WebAssembly only: natively a
//! component is an ordinary library, and `cargo test` runs its logic.

use std::time::Duration;

pub use crate::bindings::caso::accounting::deliveries::{Answer, Batch, Refusal, Rest, Retry};
pub use crate::bindings::caso::accounting::{connection, queue};
pub use crate::description::{
    CapabilityRequest, ComponentDescription, OptionDescription, OptionKind,
};
use crate::records::RecordList;
use crate::started::Started;
use crate::types::Origin;
pub use crate::types::{Setup, StartError, WrongOption};

/// A messenger: formats batches of records and delivers them.
///
/// A value is one started instance. It lives as long as the host's store: until the
/// run ends, or a call fails. What it keeps between calls (a token, a compiled
/// template) may therefore be lost at any time.
pub trait Messenger: Sized {
    /// What this component is, takes and asks for. Must answer the same each time.
    fn describe() -> ComponentDescription;

    /// Starts the instance of this name (`ssm2` in `[ssm2]`) with its options, which
    /// [`Settings`](crate::settings::Settings) reads.
    ///
    /// # Errors
    /// What is in the way, for the operator; of an option the host says where it was
    /// set. The instance's records then wait for the next run.
    fn start(setup: &Setup) -> Result<Self, StartError>;

    /// Delivers a batch and says how far it got.
    ///
    /// Messages put into a queue appear there only when this returns an answer that
    /// fits the batch. What was sent over a connection is sent.
    fn deliver(&mut self, batch: &Batch) -> Answer;
}

/// Exports a [`Messenger`] as the component's world `messenger`. Once in a crate, at
/// its root or in a module. In a native build it expands to nothing.
#[macro_export]
macro_rules! export_messenger {
    ($messenger:ty) => {
        #[cfg(target_arch = "wasm32")]
        const _: () = {
            use $crate::exports::caso::accounting::{delivery, description};
            use $crate::messenger::Messenger;
            use $crate::started::Started;

            ::std::thread_local! {
                static STARTED: Started<$messenger> = const { Started::new() };
            }

            struct Exported;

            impl description::Guest for Exported {
                fn describe() -> description::ComponentDescription {
                    <$messenger as Messenger>::describe()
                }
            }

            impl delivery::Guest for Exported {
                fn start(
                    setup: $crate::types::Setup,
                ) -> ::std::result::Result<(), $crate::types::StartError> {
                    STARTED.with(|started| $crate::messenger::start(started, &setup))
                }

                fn deliver(batch: delivery::Batch) -> delivery::Answer {
                    STARTED.with(|started| $crate::messenger::deliver(started, &batch))
                }
            }

    $crate::export_bindings!(Exported with_types_in $crate);
        };
    };
}

/// What the exported `start` does.
#[doc(hidden)]
pub fn start<M: Messenger>(started: &Started<M>, setup: &Setup) -> Result<(), StartError> {
    started.start(|| M::start(setup))
}

/// What the exported `deliver` does: without a started instance all records are left
/// for the next run.
#[doc(hidden)]
pub fn deliver<M: Messenger>(started: &Started<M>, batch: &Batch) -> Answer {
    started
        .with(|messenger| messenger.deliver(batch))
        .unwrap_or_else(|reason| Answer::nothing(Rest::Other(reason)))
}

impl StartError {
    /// The option of this name has a value that will not do, for a reason that says
    /// what would.
    #[must_use]
    pub fn option(name: &str, reason: impl Into<String>) -> Self {
        Self::WrongOption(WrongOption {
            name: name.to_owned(),
            reason: reason.into(),
            attributes: Vec::new(),
        })
    }

    /// The error as a sentence.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::WrongOption(wrong) => format!("option `{}`: {}", wrong.name, wrong.reason),
            Self::Misconfigured(text) | Self::Unavailable(text) | Self::Other(text) => text.clone(),
        }
    }
}

impl Batch {
    /// Where the record at this index comes from.
    #[must_use]
    pub fn origin(&self, index: usize) -> Option<&Origin> {
        let origin = usize::try_from(*self.origin_of.get(index)?).ok()?;
        self.origins.get(origin)
    }

    /// How long this call may take.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        Duration::from_millis(self.time_left_milliseconds)
    }
}

impl RecordList {
    /// How many records there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Cloud(records) => records.len(),
            Self::Ip(records) => records.len(),
            Self::Accelerator(records) => records.len(),
            Self::Storage(records) => records.len(),
            Self::Energy(records) => records.len(),
            Self::Other(records) => records.len(),
        }
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Answer {
    /// Every record of the batch is dealt with: delivered, or refused for the reason
    /// given.
    #[must_use]
    pub fn done(batch: &Batch, refused: Vec<Refusal>) -> Self {
        Self::partial(batch.records.len(), refused, Rest::Done)
    }

    /// The first `accepted` records are dealt with (delivered, or among `refused`);
    /// `rest` says what the host should do with the others.
    #[must_use]
    pub fn partial(accepted: usize, refused: Vec<Refusal>, rest: Rest) -> Self {
        Self {
            accepted: index(accepted),
            refused,
            rest,
            attributes: Vec::new(),
        }
    }

    /// No record is dealt with; `rest` says what the host should do with them.
    #[must_use]
    pub fn nothing(rest: Rest) -> Self {
        Self::partial(0, Vec::new(), rest)
    }
}

impl Refusal {
    /// The record at this index of the batch, from 0, will never be taken, for a
    /// reason that the operator reads.
    #[must_use]
    pub fn new(index: usize, reason: impl Into<String>) -> Self {
        Self {
            index: self::index(index),
            reason: reason.into(),
            attributes: Vec::new(),
        }
    }
}

impl Rest {
    /// Offer the records again, not sooner than after so many seconds.
    #[must_use]
    pub fn retry(after_seconds: u32, reason: impl Into<String>) -> Self {
        Self::Retry(Retry {
            after_seconds,
            reason: reason.into(),
            attributes: Vec::new(),
        })
    }
}

/// What the host should do with the records of a message that a queue did not take.
impl From<queue::QueueError> for Rest {
    fn from(error: queue::QueueError) -> Self {
        use queue::QueueError;
        match error {
            QueueError::Denied(reason) => Self::Misconfigured(reason),
            QueueError::TooLarge(_) => Self::TooLarge,
            QueueError::Full => {
                Self::Other("the queue takes no more messages in this call".to_owned())
            }
            QueueError::Other(reason) => Self::Other(reason),
        }
    }
}

/// An index or a number of records as the contract counts them. A list that crossed
/// the boundary has fewer than 2^32 items, for the memory on this side has fewer bytes.
fn index(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use crate::settings::Settings;
    use crate::types::OptionValue;

    /// Refuses the first record, and counts its calls.
    struct Picky {
        instance: String,
        calls: u32,
    }

    impl Messenger for Picky {
        fn describe() -> ComponentDescription {
            ComponentDescription::new("picky", "Refuses the first record", "1")
        }

        fn start(setup: &Setup) -> Result<Self, StartError> {
            Settings::from(setup).text("server")?;
            Ok(Self {
                instance: setup.instance.clone(),
                calls: 0,
            })
        }

        fn deliver(&mut self, batch: &Batch) -> Answer {
            self.calls += 1;
            let reason = format!("call {} of {}", self.calls, self.instance);
            Answer::done(batch, vec![Refusal::new(0, reason)])
        }
    }

    fn server() -> Setup {
        let server = OptionValue::Text("example.org".into());
        samples::setup("picky2", vec![samples::setting("server", server)])
    }

    #[test]
    fn an_instance_lives_from_call_to_call() {
        let started = Started::<Picky>::new();
        let batch = samples::batch(RecordList::Cloud(vec![samples::cloud(); 3]));
        start(&started, &server()).unwrap();
        deliver(&started, &batch);
        let answer = deliver(&started, &batch);
        assert_eq!((answer.accepted, answer.rest), (3, Rest::Done));
        assert_eq!(answer.refused[0].reason, "call 2 of picky2");
        assert!(start(&started, &server()).is_err());
    }

    #[test]
    fn without_a_start_nothing_is_accepted() {
        let started = Started::<Picky>::new();
        let batch = samples::batch(RecordList::Cloud(vec![samples::cloud()]));
        let error = start(&started, &samples::setup("picky", Vec::new())).unwrap_err();
        assert_eq!(error.text(), "option `server`: it has no value");
        let answer = deliver(&started, &batch);
        assert_eq!((answer.accepted, answer.refused), (0, Vec::new()));
        assert_eq!(
            answer.rest,
            Rest::Other("`start` was not called".to_owned())
        );
    }

    #[test]
    fn each_record_has_its_origin() {
        let mut batch = samples::batch(RecordList::Cloud(vec![samples::cloud(); 2]));
        batch.origins.push(Origin {
            cloud: "second".into(),
            ..samples::origin()
        });
        batch.origin_of = vec![1, 0];
        let cloud = |index| batch.origin(index).map(|origin| origin.cloud.as_str());
        assert_eq!((cloud(0), cloud(1)), (Some("second"), Some("default")));
        assert_eq!(cloud(2), None);
    }

    #[test]
    fn every_list_is_counted() {
        for (list, count) in [
            (RecordList::Cloud(vec![samples::cloud(); 1]), 1),
            (RecordList::Ip(vec![samples::ip(); 2]), 2),
            (RecordList::Accelerator(vec![samples::accelerator(); 3]), 3),
            (RecordList::Storage(vec![samples::storage(); 4]), 4),
            (RecordList::Energy(vec![samples::energy(); 5]), 5),
            (RecordList::Other(vec![samples::other(); 6]), 6),
            (RecordList::Other(Vec::new()), 0),
        ] {
            assert_eq!((list.len(), list.is_empty()), (count, count == 0));
        }
    }

    #[test]
    fn a_queues_error_decides_about_the_rest() {
        use queue::QueueError;
        assert_eq!(
            Rest::from(QueueError::Denied("grant it".into())),
            Rest::Misconfigured("grant it".into())
        );
        assert_eq!(Rest::from(QueueError::TooLarge(1)), Rest::TooLarge);
        assert!(matches!(Rest::from(QueueError::Full), Rest::Other(_)));
        assert_eq!(
            Rest::from(QueueError::Other("disk".into())),
            Rest::Other("disk".into())
        );
    }
}
