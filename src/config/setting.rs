//! One setting: its key, what it may hold, its default and its doc; and the macro that declares a section of them.

use std::net::SocketAddr;

use super::problems::{Problem, Problems};

/// A value as the file or the environment gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Yes or no.
    Bool(bool),
    /// A whole number, not negative.
    Number(u64),
    /// A text.
    Text(String),
    /// Texts.
    List(Vec<String>),
}

impl std::fmt::Display for Value {
    /// As TOML, so that it can be pasted into the file.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Bool(truth) => write!(f, "{truth}"),
            Value::Number(number) => f.write_str(&grouped(*number)),
            Value::Text(text) => f.write_str(&quoted(text)),
            Value::List(texts) => {
                let texts: Vec<String> = texts.iter().map(|text| quoted(text)).collect();
                write!(f, "[{}]", texts.join(", "))
            }
        }
    }
}

/// A number with an underscore between groups of three digits, as TOML allows.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push('_');
        }
        out.push(digit);
    }
    out
}

/// A TOML basic string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// What a setting may hold that is yes or no.
pub(super) const YES_OR_NO: Allowed = Allowed::OneOf(&["true", "false"]);

/// What a setting may hold.
#[derive(Clone, Copy, Debug)]
pub(super) enum Allowed {
    /// A number from the first to the second, both included.
    Range(u64, u64),
    /// Zero, which means what the text says, or a number from the first to the second.
    ZeroOr(&'static str, u64, u64),
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// A text the function accepts; the first part says which.
    Text(&'static str, fn(&str) -> bool),
    /// A list of texts, each of which the function accepts; the first part says which.
    List(&'static str, fn(&str) -> bool),
}

impl Allowed {
    /// Whether `value` is of the right type and within what is allowed.
    pub(super) fn accepts(&self, value: &Value) -> bool {
        match (self, value) {
            (Allowed::OneOf(texts), Value::Bool(truth)) => texts.contains(&truth.to_string().as_str()),
            (Allowed::Range(min, max), Value::Number(number)) => (min..=max).contains(&number),
            (Allowed::ZeroOr(_, min, max), Value::Number(number)) => {
                *number == 0 || (min..=max).contains(&number)
            }
            (Allowed::OneOf(texts), Value::Text(text)) => texts.contains(&text.as_str()),
            (Allowed::Text(_, accepts), Value::Text(text)) => accepts(text),
            (Allowed::List(_, accepts), Value::List(texts)) => texts.iter().all(|text| accepts(text)),
            _ => false,
        }
    }

    /// Whether the setting holds a number.
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Allowed::Range(..) | Allowed::ZeroOr(..))
    }

    /// Reads the value of an environment variable: digits (with `_` between them) where a number is wanted, texts with
    /// commas between them for a list, else the text.
    pub(super) fn of_variable(&self, text: &str) -> Result<Value, String> {
        match self {
            Allowed::Range(..) | Allowed::ZeroOr(..) => {
                text.trim().replace('_', "").parse().map(Value::Number).map_err(|_| quoted(text))
            }
            Allowed::List(..) => {
                let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
                Ok(Value::List(texts.map(str::to_owned).collect()))
            }
            Allowed::OneOf(_) | Allowed::Text(..) => Ok(Value::Text(text.to_owned())),
        }
    }
}

impl std::fmt::Display for Allowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Allowed::Range(min, max) => write!(f, "{} to {}", grouped(*min), grouped(*max)),
            Allowed::ZeroOr(means, min, max) => {
                write!(f, "0 ({means}) or {} to {}", grouped(*min), grouped(*max))
            }
            Allowed::OneOf(texts) => {
                for (at, text) in texts.iter().enumerate() {
                    let between = if at == 0 { "" } else { " or " };
                    // Those of `YES_OR_NO` are no texts.
                    match *text {
                        "true" | "false" => write!(f, "{between}{text}")?,
                        text => write!(f, "{between}{}", quoted(text))?,
                    }
                }
                Ok(())
            }
            Allowed::Text(what, _) => f.write_str(what),
            Allowed::List(what, _) => write!(f, "a list of {what}"),
        }
    }
}

/// A setting: one key of one section.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    /// Its key within the section; a number's key ends in its unit and then its qualifier.
    pub key: &'static str,
    /// What it means and what happens at the limit: the doc comment of the field, a line each.
    pub doc: &'static [&'static str],
    /// What it may hold.
    pub allowed: Allowed,
    /// What it holds when nothing is said.
    pub default: Value,
}

/// A section of the configuration, declared with the macro `section!`.
pub(super) trait Section {
    /// The name of the table in the file.
    fn table(&self) -> &'static str;

    /// What the section is about, a line each.
    fn doc(&self) -> &'static [&'static str];

    /// Its settings in the order they are declared.
    fn settings(&self) -> Vec<Setting>;

    /// The value of one setting; `None`: no such key.
    fn get(&self, key: &str) -> Option<Value>;

    /// Sets one setting. `false`: no such key, or a value of another type.
    fn set(&mut self, key: &str, value: &Value) -> bool;
}

/// A type a setting can have.
pub(super) trait SettingType: Sized {
    /// As file and environment write it.
    fn to_value(&self) -> Value;
    /// From what file and environment say; `None`: not of this type.
    fn from_value(value: &Value) -> Option<Self>;
}

impl SettingType for bool {
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(truth) => Some(*truth),
            // From the environment.
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

macro_rules! number {
    ($($type:ty),*) => {$(
        impl SettingType for $type {
            fn to_value(&self) -> Value {
                Value::Number(*self as u64)
            }
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::Number(number) => (*number).try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}
number!(u32, u64, usize);

impl SettingType for String {
    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl SettingType for Vec<String> {
    fn to_value(&self) -> Value {
        Value::List(self.clone())
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::List(texts) => Some(texts.clone()),
            _ => None,
        }
    }
}

impl SettingType for SocketAddr {
    fn to_value(&self) -> Value {
        Value::Text(self.to_string())
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

/// Declares a section: a struct with documented fields, each with its default and what is allowed.
macro_rules! section {
    (
        $(#[doc = $section_doc:literal])*
        $name:ident in $table:literal {
            $(
                $(#[doc = $doc:literal])*
                $field:ident: $type:ty = $default:expr, $allowed:expr;
            )*
        }
        $( plus { $(#[doc = $extra_doc:literal])* $extra:ident: $extra_type:ty } )?
    ) => {
        $(#[doc = $section_doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $( $(#[doc = $doc])* pub $field: $type, )*
            $( $(#[doc = $extra_doc])* pub $extra: $extra_type, )?
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* $( $extra: Default::default(), )? }
            }
        }

        impl $crate::config::setting::Section for $name {
            fn table(&self) -> &'static str {
                $table
            }

            fn doc(&self) -> &'static [&'static str] {
                &[$($section_doc),*]
            }

            fn settings(&self) -> Vec<$crate::config::setting::Setting> {
                use $crate::config::setting::{Allowed::*, Setting, SettingType};
                let defaults = Self::default();
                vec![$( Setting {
                    key: stringify!($field),
                    doc: &[$($doc),*],
                    allowed: $allowed,
                    default: SettingType::to_value(&defaults.$field),
                } ),*]
            }

            fn get(&self, key: &str) -> Option<$crate::config::setting::Value> {
                match key {
                    $( stringify!($field) => {
                        Some($crate::config::setting::SettingType::to_value(&self.$field))
                    } )*
                    _ => None,
                }
            }

            fn set(&mut self, key: &str, value: &$crate::config::setting::Value) -> bool {
                match key {
                    $( stringify!($field) => {
                        match $crate::config::setting::SettingType::from_value(value) {
                            Some(value) => { self.$field = value; true }
                            None => false,
                        }
                    } )*
                    _ => false,
                }
            }
        }
    };
}
pub(crate) use section;

/// Sets `key` of `section` if `value` is allowed, else notes the problem.
///
/// `path` is the full key for messages, `place` says where the value comes from.
pub(super) fn set_checked(
    section: &mut dyn Section,
    setting: &Setting,
    path: &str,
    place: &str,
    value: &Value,
    problems: &mut Problems,
) -> bool {
    let good = setting.allowed.accepts(value) && section.set(setting.key, value);
    if !good {
        problems.add(Problem {
            place: place.to_owned(),
            key: path.to_owned(),
            value: value.to_string(),
            allowed: match value {
                Value::Text(_) if setting.allowed.is_number() => {
                    format!("a text, allowed is a number: {}", setting.allowed)
                }
                Value::Number(_) if matches!(setting.allowed, Allowed::OneOf(_) | Allowed::Text(..)) => {
                    format!("a number, allowed is a text: {}", setting.allowed)
                }
                _ => format!("allowed is {}", setting.allowed),
            },
        });
    }
    good
}
