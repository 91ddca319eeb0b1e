//! DER as it is written here: lengths around contents.

use x509_cert::der::asn1::UintRef;
use x509_cert::der::{Decode as _, Reader as _, SliceReader};

pub const INTEGER: u8 = 0x02;
pub const OCTETS: u8 = 0x04;
pub const NULL: u8 = 0x05;
pub const OID: u8 = 0x06;
pub const UTC_TIME: u8 = 0x17;
pub const GENERALIZED_TIME: u8 = 0x18;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;
/// `[0]`, constructed.
pub const CONTEXT: u8 = 0xA0;
/// `[0]`, primitive.
pub const CONTEXT_PRIMITIVE: u8 = 0x80;

/// A value with its tag and its length.
pub fn value(tag: u8, contents: &[&[u8]]) -> Vec<u8> {
    let contents = contents.concat();
    let mut bytes = vec![tag];
    match u8::try_from(contents.len()) {
        Ok(short) if short < 0x80 => bytes.push(short),
        _ => {
            let length = contents.len().to_be_bytes();
            let digits: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
            bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or(0));
            bytes.extend(digits);
        }
    }
    bytes.extend(contents);
    bytes
}

pub fn sequence(contents: &[&[u8]]) -> Vec<u8> {
    value(SEQUENCE, contents)
}

/// `INTEGER` of one byte that is not negative.
pub fn small(number: u8) -> Vec<u8> {
    match number < 0x80 {
        true => value(INTEGER, &[&[number]]),
        false => value(INTEGER, &[&[0, number]]),
    }
}

/// The two numbers of a `SEQUENCE` of two, without signs.
pub fn two_integers(bytes: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let read = SliceReader::new(bytes).ok()?.sequence(|reader| {
        let first = UintRef::decode(reader)?.as_bytes().to_vec();
        let second = UintRef::decode(reader)?.as_bytes().to_vec();
        x509_cert::der::Result::Ok((first, second))
    });
    read.ok()
}
