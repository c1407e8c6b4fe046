//! Turns the CBOR bodies of Smithy RPC v2 into JSON values and back.
//!
//! The two formats differ in two ways that matter to CloudWatch: CBOR marks a timestamp with
//! tag 1 and keeps doubles apart from integers, JSON does neither. On the way back the members'
//! names decide, by the tables below, which were read off the CloudWatch API model. Single items are read and
//! written by `minicbor`, which is below the AWS SDK too; so the tests here are made of bytes from
//! RFC 8949, and what a member is comes from the tables and not from the SDK.

use anyhow::{Context, Result, bail};
use minicbor::data::{IanaTag, Tag, Type};
use minicbor::{Decoder, Encoder};
use serde_json::{Map, Number, Value};

/// The members of CloudWatch's answers which are timestamps or lists of timestamps.
const TIMESTAMPS: &[&str] = &[
    "AlarmConfigurationUpdatedTimestamp",
    "CreatedAt",
    "CreationDate",
    "EndTime",
    "ExpireDate",
    "LastModified",
    "LastUpdateDate",
    "LastUpdatedTimestamp",
    "StartDate",
    "StartTime",
    "StateTransitionedTimestamp",
    "StateUpdatedTimestamp",
    "Timestamp",
    "Timestamps",
    "UpdatedAt",
];

/// The members of CloudWatch's answers which are doubles, lists of doubles or maps of doubles.
const DOUBLES: &[&str] = &[
    "AggregateValue",
    "ApproximateAggregateValue",
    "ApproximateValue",
    "Average",
    "ExtendedStatistics",
    "MaxContributorValue",
    "Maximum",
    "Minimum",
    "SampleCount",
    "Sum",
    "Threshold",
    "Values",
];

/// How deep a body may be nested; CloudWatch's own messages stay below ten.
const MAX_DEPTH: usize = 32;

/// What a number stands for.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    Timestamp,
    Double,
}

impl Kind {
    fn of_member(name: &str) -> Kind {
        if TIMESTAMPS.contains(&name) {
            Kind::Timestamp
        } else if DOUBLES.contains(&name) {
            Kind::Double
        } else {
            Kind::Plain
        }
    }
}

/// Reads one CBOR item as JSON; a timestamp becomes its number of seconds since 1970.
///
/// Fails on bytes after the item, on byte strings, on tags other than 1, on keys that are not
/// text and on floats that JSON cannot hold, as none of them belongs to a CloudWatch request.
pub fn to_json(body: &[u8]) -> Result<Value> {
    let mut decoder = Decoder::new(body);
    let value = read(&mut decoder, 0)?;
    if decoder.position() != body.len() {
        bail!(
            "{} bytes follow the CBOR item",
            body.len() - decoder.position()
        );
    }
    Ok(value)
}

fn read(decoder: &mut Decoder<'_>, depth: usize) -> Result<Value> {
    if depth > MAX_DEPTH {
        bail!("the CBOR item is nested deeper than {MAX_DEPTH}");
    }
    Ok(match decoder.datatype()? {
        Type::Null => {
            decoder.null()?;
            Value::Null
        }
        Type::Undefined => {
            decoder.undefined()?;
            Value::Null
        }
        Type::Bool => Value::Bool(decoder.bool()?),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 => Value::from(decoder.u64()?),
        Type::I8 | Type::I16 | Type::I32 | Type::I64 => Value::from(decoder.i64()?),
        Type::F16 => float(decoder.f16()?.into())?,
        Type::F32 => float(decoder.f32()?.into())?,
        Type::F64 => float(decoder.f64()?)?,
        Type::String | Type::StringIndef => Value::String(text(decoder)?),
        Type::Array | Type::ArrayIndef => {
            let length = decoder.array()?;
            let mut items = Vec::new();
            while more(decoder, length, items.len())? {
                items.push(read(decoder, depth + 1)?);
            }
            Value::Array(items)
        }
        Type::Map | Type::MapIndef => {
            let length = decoder.map()?;
            let mut members = Map::new();
            let mut read_so_far = 0;
            while more(decoder, length, read_so_far)? {
                let name = text(decoder)?;
                members.insert(name, read(decoder, depth + 1)?);
                read_so_far += 1;
            }
            Value::Object(members)
        }
        Type::Tag => {
            let tag = decoder.tag()?;
            if tag != Tag::from(IanaTag::Timestamp) {
                bail!("CBOR tag {} is not a timestamp", tag.as_u64());
            }
            read(decoder, depth + 1)?
        }
        other => bail!("CBOR {other} has no place in a CloudWatch request"),
    })
}

/// Whether another item of an array or a map follows; steps over the mark that ends one of
/// indefinite length.
fn more(decoder: &mut Decoder<'_>, length: Option<u64>, read_so_far: usize) -> Result<bool> {
    match length {
        Some(length) => Ok((read_so_far as u64) < length),
        None if decoder.datatype()? == Type::Break => {
            decoder.set_position(decoder.position() + 1);
            Ok(false)
        }
        None => Ok(true),
    }
}

/// A text of definite or indefinite length.
fn text(decoder: &mut Decoder<'_>) -> Result<String> {
    Ok(decoder.str_iter()?.collect::<Result<String, _>>()?)
}

fn float(number: f64) -> Result<Value> {
    let number = Number::from_f64(number).with_context(|| format!("JSON cannot hold {number}"))?;
    Ok(Value::Number(number))
}

/// Writes JSON as one CBOR item: the members that CloudWatch's model calls timestamps with
/// tag 1, those that it calls doubles as doubles even when JSON prints `2`.
///
/// Fails when such a member holds something else than a number.
pub fn from_json(value: &Value) -> Result<Vec<u8>> {
    let mut encoder = Encoder::new(Vec::new());
    write(&mut encoder, value, Kind::Plain)?;
    Ok(encoder.into_writer())
}

fn write(encoder: &mut Encoder<Vec<u8>>, value: &Value, kind: Kind) -> Result<()> {
    match value {
        Value::Null => {
            encoder.null()?;
        }
        Value::Array(items) => {
            encoder.array(items.len() as u64)?;
            for item in items {
                write(encoder, item, kind)?;
            }
        }
        Value::Object(members) => {
            encoder.map(members.len() as u64)?;
            for (name, member) in members {
                let inner = match kind {
                    Kind::Plain => Kind::of_member(name),
                    Kind::Timestamp | Kind::Double => kind,
                };
                encoder.str(name)?;
                write(encoder, member, inner)
                    .with_context(|| format!("writing the member {name}"))?;
            }
        }
        Value::Number(number) => write_number(encoder, number, kind)?,
        other if kind != Kind::Plain => bail!("expected a number, got {other}"),
        Value::Bool(flag) => {
            encoder.bool(*flag)?;
        }
        Value::String(string) => {
            encoder.str(string)?;
        }
    }
    Ok(())
}

fn write_number(encoder: &mut Encoder<Vec<u8>>, number: &Number, kind: Kind) -> Result<()> {
    if kind == Kind::Timestamp {
        encoder.tag(IanaTag::Timestamp)?;
    }
    match (number.as_u64(), number.as_i64(), number.as_f64()) {
        (Some(unsigned), _, _) if kind != Kind::Double => encoder.u64(unsigned)?,
        (_, Some(signed), _) if kind != Kind::Double => encoder.i64(signed)?,
        (_, _, Some(float)) => encoder.f64(float)?,
        _ => bail!("{number} fits no CBOR number"),
    };
    Ok(())
}

#[cfg(test)]
mod tests;
