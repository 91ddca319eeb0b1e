//! A messenger's answer, held to the batch that it answers.
//!
//! Its numbers decide which records are done with. An index that lies outside
//! the batch would acknowledge or quarantine a record that nobody offered, so
//! what is not checked has another type, and only the check makes a
//! [`CheckedAnswer`].

use std::collections::BTreeSet;
use std::ops::Deref;

use crate::guest::{Answer, Refusal, Rest};

/// An answer whose numbers lie inside its batch, no record refused twice, and
/// which says why where it left records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedAnswer {
    answer: Answer,
    dropped: Vec<Refusal>,
}

/// The numbers of an answer do not fit its batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// More were accepted than offered.
    #[error("it accepted {accepted} records of {offered}")]
    Accepted {
        /// Records that it says it took.
        accepted: u32,
        /// Records in the batch.
        offered: u32,
    },
    /// A record that was not offered is refused.
    #[error("it refused record {index} of {offered}, counted from 0")]
    Refused {
        /// Of the record, counted from 0.
        index: u32,
        /// Records in the batch.
        offered: u32,
    },
    /// One record has two refusals.
    #[error("it refused record {0} twice")]
    Twice(u32),
}

impl CheckedAnswer {
    /// Checks an answer to a batch of so many records. One that says it is done
    /// and left records gets the reason for them that it did not give.
    pub fn new(answer: Answer, offered: usize) -> Result<Self, AnswerError> {
        Self::with_dropped(answer, Vec::new(), offered)
    }

    /// The same of a batch of which filters left some out, which the messenger has not seen.
    pub fn with_dropped(
        mut answer: Answer,
        dropped: Vec<Refusal>,
        offered: usize,
    ) -> Result<Self, AnswerError> {
        let offered = u32::try_from(offered).unwrap_or(u32::MAX);
        if answer.accepted > offered {
            return Err(AnswerError::Accepted {
                accepted: answer.accepted,
                offered,
            });
        }
        let mut seen = BTreeSet::new();
        for refusal in answer.refused.iter().chain(&dropped) {
            let index = refusal.index;
            if index >= offered {
                return Err(AnswerError::Refused { index, offered });
            }
            if !seen.insert(index) {
                return Err(AnswerError::Twice(index));
            }
        }
        let beyond = seen.range(answer.accepted..).count();
        let dealt = u64::from(answer.accepted) + u64::try_from(beyond).unwrap_or(u64::MAX);
        if answer.rest == Rest::Done && dealt < u64::from(offered) {
            let left = u64::from(offered) - dealt;
            answer.rest = Rest::Other(format!("it left {left} records without saying why"));
        }
        Ok(Self { answer, dropped })
    }

    /// Records that were left out on their way, each with its reason.
    pub fn dropped(&self) -> &[Refusal] {
        &self.dropped
    }

    /// Whether the messenger itself has dealt with any record.
    pub fn handled_any(&self) -> bool {
        let before = |refusal: &&Refusal| refusal.index < self.answer.accepted;
        let dropped = self.dropped.iter().filter(before).count();
        !self.answer.refused.is_empty()
            || usize::try_from(self.answer.accepted).is_ok_and(|accepted| accepted > dropped)
    }

    /// The answer itself, to be taken apart.
    pub fn into_inner(self) -> Answer {
        self.answer
    }
}

impl Deref for CheckedAnswer {
    type Target = Answer;

    fn deref(&self) -> &Answer {
        &self.answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::Refusal;

    fn answered(accepted: u32, refused: &[u32], rest: Rest) -> Result<Answer, String> {
        let refusal = |index: &u32| Refusal {
            index: *index,
            reason: "r".to_owned(),
        };
        let answer = Answer {
            accepted,
            refused: refused.iter().map(refusal).collect(),
            rest,
            attributes: Vec::new(),
        };
        CheckedAnswer::new(answer, 3)
            .map(CheckedAnswer::into_inner)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn numbers_lie_inside_the_batch() {
        assert!(answered(3, &[0, 2], Rest::Done).is_ok());
        assert!(answered(0, &[2], Rest::TooLarge).is_ok());
        for (accepted, refused, problem) in [
            (4, &[][..], "it accepted 4 records of 3"),
            (3, &[3], "it refused record 3 of 3, counted from 0"),
            (3, &[1, 1], "it refused record 1 twice"),
        ] {
            let found = answered(accepted, refused, Rest::Done);
            assert_eq!(found.unwrap_err(), problem);
        }
    }

    #[test]
    fn what_was_left_out_on_the_way_is_dealt_with_and_no_merit() {
        let refusal = |index| Refusal {
            index,
            reason: "r".to_owned(),
        };
        let answer = |accepted| Answer {
            accepted,
            refused: Vec::new(),
            rest: Rest::Done,
            attributes: Vec::new(),
        };
        let checked = |accepted, dropped: &[u32]| {
            let dropped = dropped.iter().copied().map(refusal).collect();
            CheckedAnswer::with_dropped(answer(accepted), dropped, 3)
        };
        let all = checked(1, &[1, 2]).unwrap();
        assert_eq!((all.rest.clone(), all.dropped().len()), (Rest::Done, 2));
        assert!(all.handled_any());
        assert!(!checked(2, &[0, 1, 2]).unwrap().handled_any());
        assert_eq!(
            checked(3, &[3]).unwrap_err(),
            AnswerError::Refused {
                index: 3,
                offered: 3
            }
        );
    }

    #[test]
    fn what_is_left_in_silence_is_other() {
        let rest = |accepted, refused, rest| answered(accepted, refused, rest).unwrap().rest;
        assert_eq!(rest(3, &[], Rest::Done), Rest::Done);
        assert_eq!(rest(1, &[1, 2], Rest::Done), Rest::Done);
        assert_eq!(rest(0, &[0, 1, 2], Rest::Done), Rest::Done);
        // A refusal of an accepted record leaves no more of the others.
        assert_eq!(
            rest(1, &[0, 2], Rest::Done),
            Rest::Other("it left 1 records without saying why".to_owned())
        );
        assert_eq!(rest(1, &[], Rest::TooLarge), Rest::TooLarge);
    }
}
