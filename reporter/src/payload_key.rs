//! Keys of maps: what is a text or can be written as one.

use serde::ser::{Error as _, Impossible, Serialize, Serializer};

use crate::payload::{Nested, Stop};

/// Writes the key of a member.
pub(crate) struct KeyWriter<'n, 'w, 'a>(pub(crate) &'n mut Nested<'w, 'a>);

fn no_text<T>() -> Result<T, Stop> {
    Err(Stop::custom("a key of a map is no text"))
}

macro_rules! as_text {
    ($($method:ident $type:ty)*) => {
        $(fn $method(self, value: $type) -> Result<(), Stop> {
            self.0.member_key(&value.to_string())
        })*
    };
}

impl Serializer for KeyWriter<'_, '_, '_> {
    type Ok = ();
    type Error = Stop;
    type SerializeSeq = Impossible<(), Stop>;
    type SerializeTuple = Impossible<(), Stop>;
    type SerializeTupleStruct = Impossible<(), Stop>;
    type SerializeTupleVariant = Impossible<(), Stop>;
    type SerializeMap = Impossible<(), Stop>;
    type SerializeStruct = Impossible<(), Stop>;
    type SerializeStructVariant = Impossible<(), Stop>;

    as_text! {
        serialize_bool bool serialize_char char serialize_f32 f32 serialize_f64 f64
        serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64 serialize_i128 i128
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64 serialize_u128 u128
    }

    fn serialize_str(self, value: &str) -> Result<(), Stop> {
        self.0.member_key(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Stop> {
        self.0.member_key(&String::from_utf8_lossy(value))
    }

    fn serialize_none(self) -> Result<(), Stop> {
        self.0.member_key("null")
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Stop> {
        self.0.member_key("null")
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<(), Stop> {
        self.0.member_key(name)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Stop> {
        self.0.member_key(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Stop> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Stop> {
        no_text()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Stop> {
        no_text()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Stop> {
        no_text()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Stop> {
        no_text()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Stop> {
        no_text()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Stop> {
        no_text()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Stop> {
        no_text()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Stop> {
        no_text()
    }
}
