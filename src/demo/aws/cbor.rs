//! Values to and from CBOR as Smithy RPC v2 uses it: timestamps are tag 1 with a number, numbers
//! of answers are doubles, and both definite and indefinite lengths are read.
//!
//! Answers use indefinite lengths for structures and definite ones for lists, so that a client has
//! to read both.

use std::convert::Infallible;

use minicbor::data::{Tag, Type};
use minicbor::decode::Error as DecodeError;
use minicbor::encode::Error as EncodeError;
use minicbor::{Decoder, Encoder};

use crate::demo::aws::value::Value;

const EPOCH_SECONDS: u64 = 1;
const DEEPEST: usize = 32;

/// Reads one value. Errors: it is not CBOR, nested more than 32 deep, or of a type that the
/// protocol does not use.
pub fn decode(bytes: &[u8]) -> Result<Value, DecodeError> {
    read(&mut Decoder::new(bytes), DEEPEST)
}

/// Writes one value. Errors: none that are known; writing to memory does not fail.
pub fn encode(value: &Value) -> Result<Vec<u8>, EncodeError<Infallible>> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder, value)?;
    Ok(encoder.into_writer())
}

fn write(encoder: &mut Encoder<Vec<u8>>, value: &Value) -> Result<(), EncodeError<Infallible>> {
    match value {
        Value::Null => encoder.null()?,
        Value::Bool(flag) => encoder.bool(*flag)?,
        Value::Integer(whole) => encoder.i64(*whole)?,
        Value::Float(number) => encoder.f64(*number)?,
        Value::Text(text) => encoder.str(text)?,
        Value::Timestamp(seconds) => encoder.tag(Tag::new(EPOCH_SECONDS))?.f64(*seconds)?,
        Value::List(items) => {
            encoder.array(items.len() as u64)?;
            for item in items {
                write(encoder, item)?;
            }
            encoder
        }
        Value::Map(fields) => {
            encoder.begin_map()?;
            for (name, value) in fields {
                encoder.str(name)?;
                write(encoder, value)?;
            }
            encoder.end()?
        }
    };
    Ok(())
}

fn read(decoder: &mut Decoder, depth: usize) -> Result<Value, DecodeError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err(DecodeError::message("nested too deep"));
    };
    match decoder.datatype()? {
        Type::Null | Type::Undefined => decoder.skip().map(|()| Value::Null),
        Type::Bool => decoder.bool().map(Value::Bool),
        Type::F32 | Type::F64 => decoder.f64().map(Value::Float),
        Type::String => decoder.str().map(|text| Value::text_of(text.to_owned())),
        Type::StringIndef => {
            let mut whole = String::new();
            for part in decoder.str_iter()? {
                whole.push_str(part?);
            }
            Ok(Value::text_of(whole))
        }
        Type::Tag => {
            let tag = decoder.tag()?;
            match read(decoder, depth)? {
                Value::Integer(seconds) if tag == Tag::new(EPOCH_SECONDS) => {
                    Ok(Value::Timestamp(seconds as f64))
                }
                Value::Float(seconds) if tag == Tag::new(EPOCH_SECONDS) => {
                    Ok(Value::Timestamp(seconds))
                }
                _ => Err(DecodeError::message("an unexpected tag")),
            }
        }
        Type::Array | Type::ArrayIndef => {
            let length = decoder.array()?;
            let mut items = Vec::new();
            while more(decoder, length, items.len())? {
                items.push(read(decoder, depth)?);
            }
            Ok(Value::List(items))
        }
        Type::Map | Type::MapIndef => {
            let length = decoder.map()?;
            let mut fields = Vec::new();
            while more(decoder, length, fields.len())? {
                let name = decoder.str()?.to_owned();
                fields.push((name.into(), read(decoder, depth)?));
            }
            Ok(Value::Map(fields))
        }
        _ => decoder.i64().map(Value::Integer),
    }
}

/// Whether a list or a map has another entry; takes the end mark of one without a length.
fn more(decoder: &mut Decoder, length: Option<u64>, read: usize) -> Result<bool, DecodeError> {
    match length {
        Some(length) => Ok((read as u64) < length),
        None if decoder.datatype()? == Type::Break => {
            decoder.set_position(decoder.position() + 1);
            Ok(false)
        }
        None => Ok(true),
    }
}
