//! Between the engine's own types and the generated ones: nothing but conversions.
//!
//! A folder for each version of the contract. Each list of fields is taken
//! apart by name on one side and put together by name on the other, so that a
//! field that only one side has does not compile.
//!
//! What goes to a guest is converted from a reference, because the original
//! lives on for the journal or for another attempt: that conversion is the one
//! copy. What comes from a guest is handed over.

use std::borrow::Cow;

pub mod v1;

/// The same value on the other side.
pub trait Cross<T> {
    fn cross(self) -> T;
}

macro_rules! plain {
    ($($type:ty),*) => {
        $(
            impl Cross<$type> for $type {
                fn cross(self) -> $type {
                    self
                }
            }

            impl Cross<$type> for &$type {
                fn cross(self) -> $type {
                    self.clone()
                }
            }
        )*
    };
}

plain!(bool, u8, u16, u32, u64, i64, f64, String);

impl<A: Cross<B>, B> Cross<Option<B>> for Option<A> {
    fn cross(self) -> Option<B> {
        self.map(Cross::cross)
    }
}

impl<'a, A, B> Cross<Option<B>> for &'a Option<A>
where
    &'a A: Cross<B>,
{
    fn cross(self) -> Option<B> {
        self.as_ref().map(Cross::cross)
    }
}

impl<'a, A: Clone, B> Cross<B> for &'a Cow<'_, A>
where
    &'a A: Cross<B>,
{
    fn cross(self) -> B {
        self.as_ref().cross()
    }
}

impl<A: Cross<B>, B> Cross<Vec<B>> for Vec<A> {
    fn cross(self) -> Vec<B> {
        self.into_iter().map(Cross::cross).collect()
    }
}

impl<'a, A, B> Cross<Vec<B>> for &'a Vec<A>
where
    &'a A: Cross<B>,
{
    fn cross(self) -> Vec<B> {
        self.as_slice().cross()
    }
}

impl<'a, A, B> Cross<Vec<B>> for &'a [A]
where
    &'a A: Cross<B>,
{
    fn cross(self) -> Vec<B> {
        self.iter().map(Cross::cross).collect()
    }
}

/// A record whose fields have the same names on both sides: to the guest by
/// reference, from it by value, or both.
macro_rules! record {
    (to $to:path, from $from:path { $($field:ident),* $(,)? }) => {
        impl Cross<$to> for &$from {
            fn cross(self) -> $to {
                let $from { $($field),* } = self;
                $to { $($field: $field.cross()),* }
            }
        }
    };
    (of $from:path, into $to:path { $($field:ident),* $(,)? }) => {
        impl Cross<$to> for $from {
            fn cross(self) -> $to {
                let $from { $($field),* } = self;
                $to { $($field: $field.cross()),* }
            }
        }
    };
    (both $model:path, $wit:path { $($field:ident),* $(,)? }) => {
        record!(to $wit, from $model { $($field),* });
        record!(of $wit, into $model { $($field),* });
    };
}

/// A variant whose cases have the same names on both sides and one value each.
macro_rules! variant {
    (to $to:path, from $from:path { $($case:ident),* $(,)? }) => {
        impl Cross<$to> for &$from {
            fn cross(self) -> $to {
                type From = $from;
                match self {
                    $(From::$case(value) => <$to>::$case(value.cross())),*
                }
            }
        }
    };
    (of $from:path, into $to:path { $($case:ident),* $(,)? }) => {
        impl Cross<$to> for $from {
            fn cross(self) -> $to {
                match self {
                    $(Self::$case(value) => <$to>::$case(value.cross())),*
                }
            }
        }
    };
}

use {record, variant};
