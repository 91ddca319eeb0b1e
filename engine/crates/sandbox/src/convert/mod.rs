//! Between the engine's own types and the generated ones. The only place that
//! knows both; nothing but conversions.
//!
//! Each list of fields is taken apart by name on one side and put together by
//! name on the other, so that a field that only one side has does not compile.

pub mod delivery;
pub mod description;
pub mod record;
pub mod usage;

use super::bindings::mapper::caso::accounting::types as wit;
use caso_model::component::{OptionValue, Setting};

/// The same value on the other side.
pub trait Cross<T> {
    fn cross(self) -> T;
}

macro_rules! plain {
    ($($type:ty),*) => {
        $(impl Cross<$type> for $type {
            fn cross(self) -> $type {
                self
            }
        })*
    };
}

plain!(bool, u8, u16, u32, u64, i64, f64, String);

impl<A: Cross<B>, B> Cross<Option<B>> for Option<A> {
    fn cross(self) -> Option<B> {
        self.map(Cross::cross)
    }
}

impl<A: Cross<B>, B> Cross<Vec<B>> for Vec<A> {
    fn cross(self) -> Vec<B> {
        self.into_iter().map(Cross::cross).collect()
    }
}

/// A record whose fields have the same names on both sides.
macro_rules! cross_record {
    ($from:path => $to:path { $($field:ident),* $(,)? }) => {
        impl Cross<$to> for $from {
            fn cross(self) -> $to {
                let $from { $($field),* } = self;
                $to { $($field: $field.cross()),* }
            }
        }
    };
    ($from:path => and from $to:path { $($field:ident),* $(,)? }) => {
        cross_record!($from => $to { $($field),* });
        cross_record!($to => $from { $($field),* });
    };
}

/// A variant whose cases have the same names on both sides and one value each.
macro_rules! cross_variant {
    ($from:path => $to:path { $($case:ident),* $(,)? }) => {
        impl Cross<$to> for $from {
            fn cross(self) -> $to {
                match self {
                    $(Self::$case(value) => <$to>::$case(value.cross())),*
                }
            }
        }
    };
}

pub(super) use {cross_record, cross_variant};

cross_record!(caso_model::Attribute => and from wit::Attribute { name, value });
cross_record!(caso_model::Window => wit::Window { start, end });
cross_record!(Setting => wit::Setting { name, value });

impl Cross<wit::OptionValue> for OptionValue {
    fn cross(self) -> wit::OptionValue {
        match self {
            Self::Text(text) => wit::OptionValue::Text(text),
            Self::Integer(number) => wit::OptionValue::Integer(number),
            Self::Number(number) => wit::OptionValue::Number(number),
            Self::Boolean(truth) => wit::OptionValue::Boolean(truth),
            Self::DurationMilliseconds(span) => wit::OptionValue::DurationMilliseconds(span),
            Self::SizeBytes(size) => wit::OptionValue::SizeBytes(size),
            Self::Texts(texts) => wit::OptionValue::Texts(texts),
        }
    }
}
