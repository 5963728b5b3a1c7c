//! Payloads: any value that can be serialised becomes JSON, masked, as deep and as long as allowed, whatever it does.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::ser::{self, Serialize};

use crate::exception::bounded_text;
use crate::json::{self, ELLIPSIS};
use crate::mask::{MASKED, Masks};
use crate::payload_key::KeyWriter;

/// Deepest level of objects and arrays, the payload being the first.
const DEPTH_MAX: u32 = 32;
/// Most wrappers (`Some`, newtypes) around one another: more is a value within itself.
const WRAPPERS_MAX: u32 = 256;
/// What a text that is far too long keeps beyond its cap until it is masked.
const MASK_SLACK: usize = 4_096;
/// How much of that is only looked at to recognise what is before it.
const MASK_BLUR: usize = 2_048;

/// What bounds the texts and payloads of a report.
#[derive(Clone, Debug)]
pub(crate) struct Bounds {
    pub(crate) masks: Masks,
    /// Bytes of a payload as written.
    pub(crate) payload: usize,
    /// Bytes of a message as written, between its quotes.
    pub(crate) message: usize,
    /// Bytes of a stack as written, between its quotes.
    pub(crate) stack: usize,
}

impl Bounds {
    /// The text with everything masked; of one far longer than `cap` only the beginning.
    pub(crate) fn masked<'a>(&self, text: &'a str, cap: usize) -> std::borrow::Cow<'a, str> {
        if !self.masks.any_text() {
            // Only so much that it can be seen to be too long.
            return json::beginning(text, cap.saturating_add(8)).into();
        }
        let bounded = json::beginning(text, cap.saturating_add(MASK_SLACK));
        if bounded.len() == text.len() {
            return self.masks.text(text);
        }
        // What is the same whether or not some more of the text is looked at was not made unrecognisable by the cut.
        let less = self.masks.text(json::beginning(bounded, bounded.len().saturating_sub(MASK_BLUR)));
        let more = self.masks.text(bounded);
        let same = less.bytes().zip(more.bytes()).take_while(|(less, more)| less == more).count();
        format!("{}{ELLIPSIS}", json::beginning(&less, same)).into()
    }
}

/// What stopped a payload.
#[derive(Debug)]
pub enum Stop {
    /// It is longer than its cap.
    Full,
    /// It cannot be serialised, as it says.
    Unfit(String),
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::Full => f.write_str("the payload is longer than its cap"),
            Stop::Unfit(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Stop {}

impl ser::Error for Stop {
    fn custom<T: fmt::Display>(message: T) -> Stop {
        Stop::Unfit(message.to_string())
    }
}

/// What can be written as a payload.
pub trait Describe {
    /// Writes it as one value.
    ///
    /// Errors: why there is no use in going on.
    fn describe(&self, writer: &mut Writer<'_>) -> Result<(), Stop>;
}

impl<T: Serialize + ?Sized> Describe for T {
    fn describe(&self, writer: &mut Writer<'_>) -> Result<(), Stop> {
        self.serialize(writer)
    }
}

/// Writes a payload of at most `cap` bytes.
///
/// Errors: why it is only `…`, for a warning; something is written all the same.
pub(crate) fn push_payload(
    out: &mut Vec<u8>,
    value: &(impl Describe + ?Sized),
    bounds: &Bounds,
    cap: usize,
) -> Result<(), String> {
    let start = out.len();
    let end = start.saturating_add(cap);
    let mut writer = Writer { out: &mut *out, end, bounds, depth: 0, wrappers: 0 };
    let made = catch_unwind(AssertUnwindSafe(|| value.describe(&mut writer)));
    let why = match made {
        Ok(Ok(())) if out.len() - start <= cap => return Ok(()),
        Ok(Ok(()) | Err(Stop::Full)) => {
            json::cut_payload(out, start, cap);
            return Ok(());
        }
        Ok(Err(Stop::Unfit(why))) => why,
        Err(_) => "it panicked".to_owned(),
    };
    out.truncate(start);
    json::push_string(out, ELLIPSIS);
    Err(why)
}

/// A member of an object: a value, or none if it is masked.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    /// Its key.
    pub name: &'a str,
    /// Its value.
    pub value: Option<&'a dyn Describe>,
}

/// Writes JSON until `end`.
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// Offset in `out` behind which nothing counts.
    end: usize,
    bounds: &'a Bounds,
    depth: u32,
    wrappers: u32,
}

impl Writer<'_> {
    /// Writes what something says about itself.
    pub(crate) fn text(&mut self, text: fmt::Arguments<'_>) -> Result<(), Stop> {
        let room = self.end.saturating_sub(self.out.len()).saturating_add(2 * MASK_SLACK);
        self.string(&bounded_text(text, room))
    }

    /// Writes an object of values of all kinds; those that are masked are not looked at.
    pub(crate) fn object(&mut self, members: &[Member<'_>]) -> Result<(), Stop> {
        if !self.open(b'{')? {
            return Ok(());
        }
        for (at, member) in members.iter().enumerate() {
            match member.value {
                Some(value) => {
                    if !self.key(member.name, at == 0)? {
                        value.describe(self)?;
                    }
                }
                None => {
                    if !self.key(member.name, at == 0)? {
                        json::push_string(self.out, MASKED);
                    }
                }
            }
        }
        self.close(b'}')
    }

    fn raw(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.out.extend_from_slice(bytes);
        self.check()
    }

    fn check(&self) -> Result<(), Stop> {
        if self.out.len() > self.end { Err(Stop::Full) } else { Ok(()) }
    }

    fn string(&mut self, text: &str) -> Result<(), Stop> {
        let cap = self.end.saturating_sub(self.out.len());
        json::push_string(self.out, &self.bounds.masked(text, cap));
        self.check()
    }

    /// Goes a level down, and says whether there is one.
    fn open(&mut self, bracket: u8) -> Result<bool, Stop> {
        if self.depth == DEPTH_MAX {
            json::push_string(self.out, ELLIPSIS);
            self.check()?;
            return Ok(false);
        }
        self.depth += 1;
        self.raw(&[bracket])?;
        Ok(true)
    }

    fn close(&mut self, bracket: u8) -> Result<(), Stop> {
        self.depth -= 1;
        self.raw(&[bracket])
    }

    fn wrapped<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        if self.wrappers == WRAPPERS_MAX {
            json::push_string(self.out, "…cycle");
            return self.check();
        }
        self.wrappers += 1;
        let done = value.serialize(&mut *self);
        self.wrappers -= 1;
        done
    }

    fn key(&mut self, key: &str, first: bool) -> Result<bool, Stop> {
        if !first {
            self.out.push(b',');
        }
        let cap = self.end.saturating_sub(self.out.len());
        json::push_string(self.out, json::beginning(key, cap.saturating_add(8)));
        self.out.push(b':');
        self.check()?;
        let masked = self.bounds.masks.key(key);
        if masked {
            json::push_string(self.out, MASKED);
        }
        Ok(masked)
    }

    fn variant<T: Serialize + ?Sized>(&mut self, variant: &str, value: &T) -> Result<(), Stop> {
        if self.open(b'{')? {
            if !self.key(variant, true)? {
                value.serialize(&mut *self)?;
            }
            self.close(b'}')?;
        }
        Ok(())
    }
}

macro_rules! numbers {
    ($($method:ident $type:ty)*) => {
        $(fn $method(self, number: $type) -> Result<(), Stop> {
            json::push_number(self.out, number);
            self.check()
        })*
    };
}

impl<'w, 'a> ser::Serializer for &'w mut Writer<'a> {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Nested<'w, 'a>;
    type SerializeTuple = Nested<'w, 'a>;
    type SerializeTupleStruct = Nested<'w, 'a>;
    type SerializeTupleVariant = Nested<'w, 'a>;
    type SerializeMap = Nested<'w, 'a>;
    type SerializeStruct = Nested<'w, 'a>;
    type SerializeStructVariant = Nested<'w, 'a>;

    numbers! {
        serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64 serialize_i128 i128
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64 serialize_u128 u128
    }

    fn serialize_bool(self, value: bool) -> Result<(), Stop> {
        self.raw(if value { b"true" } else { b"false" })
    }

    fn serialize_f32(self, value: f32) -> Result<(), Stop> {
        if value.is_finite() {
            use std::io::Write as _;
            let _ = write!(self.out, "{value:?}");
        } else {
            json::push_float(self.out, f64::from(value));
        }
        self.check()
    }

    fn serialize_f64(self, value: f64) -> Result<(), Stop> {
        json::push_float(self.out, value);
        self.check()
    }

    fn serialize_char(self, value: char) -> Result<(), Stop> {
        self.string(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Stop> {
        self.string(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Stop> {
        use ser::SerializeSeq as _;
        let mut list = self.serialize_seq(Some(value.len()))?;
        for byte in value {
            list.serialize_element(byte)?;
        }
        list.end()
    }

    fn serialize_none(self) -> Result<(), Stop> {
        self.raw(b"null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        self.wrapped(value)
    }

    fn serialize_unit(self) -> Result<(), Stop> {
        self.raw(b"null")
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Stop> {
        self.raw(b"null")
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Stop> {
        self.string(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Stop> {
        self.wrapped(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Stop> {
        self.variant(variant, value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Nested<'w, 'a>, Stop> {
        Nested::open(self, None, b'[')
    }

    fn serialize_tuple(self, _: usize) -> Result<Nested<'w, 'a>, Stop> {
        Nested::open(self, None, b'[')
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Nested<'w, 'a>, Stop> {
        Nested::open(self, None, b'[')
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Nested<'w, 'a>, Stop> {
        Nested::open(self, Some(variant), b'[')
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Nested<'w, 'a>, Stop> {
        Nested::open(self, None, b'{')
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Nested<'w, 'a>, Stop> {
        Nested::open(self, None, b'{')
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Nested<'w, 'a>, Stop> {
        Nested::open(self, Some(variant), b'{')
    }
}

/// An object or array that is being written.
pub struct Nested<'w, 'a> {
    writer: &'w mut Writer<'a>,
    bracket: u8,
    /// Levels opened: of the value itself, and of the variant around it.
    opened: [bool; 2],
    first: bool,
    /// Within what is masked or too deep nothing is written.
    silent: bool,
    /// The key that was written last is masked.
    key_masked: bool,
}

impl<'w, 'a> Nested<'w, 'a> {
    fn open(writer: &'w mut Writer<'a>, variant: Option<&str>, bracket: u8) -> Result<Nested<'w, 'a>, Stop> {
        let mut opened = [false; 2];
        let mut silent = false;
        if let Some(variant) = variant {
            opened[1] = writer.open(b'{')?;
            silent = !opened[1] || writer.key(variant, true)?;
        }
        if !silent {
            opened[0] = writer.open(bracket)?;
            silent = !opened[0];
        }
        Ok(Nested { writer, bracket, opened, first: true, silent, key_masked: false })
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        if self.silent {
            return Ok(());
        }
        if !std::mem::take(&mut self.first) {
            self.writer.out.push(b',');
        }
        value.serialize(&mut *self.writer)
    }

    pub(crate) fn member_key(&mut self, key: &str) -> Result<(), Stop> {
        if !self.silent {
            self.key_masked = self.writer.key(key, std::mem::take(&mut self.first))?;
        }
        Ok(())
    }

    fn member_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        if self.silent || std::mem::take(&mut self.key_masked) {
            return Ok(());
        }
        value.serialize(&mut *self.writer)
    }

    fn finish(self) -> Result<(), Stop> {
        if self.opened[0] {
            self.writer.close(self.bracket + 2)?;
        }
        if self.opened[1] {
            self.writer.close(b'}')?;
        }
        Ok(())
    }
}

impl ser::SerializeSeq for Nested<'_, '_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.element(value)
    }

    fn end(self) -> Result<(), Stop> {
        self.finish()
    }
}

impl ser::SerializeTuple for Nested<'_, '_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.element(value)
    }

    fn end(self) -> Result<(), Stop> {
        self.finish()
    }
}

macro_rules! fields {
    (unnamed $($trait:ident)*) => {
        $(impl ser::$trait for Nested<'_, '_> {
            type Ok = ();
            type Error = Stop;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
                self.element(value)
            }

            fn end(self) -> Result<(), Stop> {
                self.finish()
            }
        })*
    };
    (named $($trait:ident)*) => {
        $(impl ser::$trait for Nested<'_, '_> {
            type Ok = ();
            type Error = Stop;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Stop> {
                self.member_key(key)?;
                self.member_value(value)
            }

            fn end(self) -> Result<(), Stop> {
                self.finish()
            }
        })*
    };
}

fields! { unnamed SerializeTupleStruct SerializeTupleVariant }
fields! { named SerializeStruct SerializeStructVariant }

impl ser::SerializeMap for Nested<'_, '_> {
    type Ok = ();
    type Error = Stop;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Stop> {
        if self.silent {
            return Ok(());
        }
        key.serialize(KeyWriter(self))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Stop> {
        self.member_value(value)
    }

    fn end(self) -> Result<(), Stop> {
        self.finish()
    }
}
