//! [`SettingKey`]: the name, the type and the bounds of one setting.
//!
//! Invariant: a value that [`Kind::fits`] accepts can be assigned to the field of its key.

use berth_model::Secret;
use schemars::{Schema, json_schema};
use serde_json::{Value, json};

/// One setting, as the table defines it.
#[derive(Clone, Copy, Debug)]
pub struct SettingKey {
    /// The name on the wire.
    pub name: &'static str,
    /// What its value may be.
    pub kind: Kind,
    /// What it is for, one entry a line.
    pub doc: &'static [&'static str],
}

impl SettingKey {
    /// Whether the value is stored sealed and never shown.
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret)
    }

    /// What it is for, in one line.
    pub fn summary(&self) -> String {
        self.doc.concat().trim().to_owned()
    }
}

/// What the value of a setting may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `true` or `false`.
    Flag,
    /// A whole number from the first to the second, both included.
    Whole(i64, i64),
    /// A text of at most so many bytes.
    Text(usize),
    /// A text that is kept sealed and never shown.
    Secret,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A text that some rule accepts; the rule is put in words for who broke it.
    Ruled(&'static str, fn(&str) -> bool),
    /// An object that some rule accepts.
    Object(&'static str, fn(&Value) -> bool),
}

/// Longest secret, bytes.
const LONGEST_SECRET: usize = 4096;

impl Kind {
    /// Whether `value` may be stored.
    pub fn fits(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Flag, value) => value.is_boolean(),
            (Self::Whole(least, most), value) => value
                .as_i64()
                .is_some_and(|number| (*least..=*most).contains(&number)),
            (Self::Text(most), Value::String(text)) => text.len() <= *most && !text.contains('\0'),
            (Self::Secret, Value::String(text)) => {
                text.len() <= LONGEST_SECRET && !text.contains('\0')
            }
            (Self::Choice(words), Value::String(text)) => words.contains(&text.as_str()),
            (Self::Ruled(_, rule), Value::String(text)) => rule(text),
            (Self::Object(_, rule), value) => value.is_object() && rule(value),
            _ => false,
        }
    }

    /// What the value must be, in words.
    pub fn expected(&self) -> String {
        match self {
            Self::Flag => "true or false".to_owned(),
            Self::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Self::Text(most) if most % 1024 == 0 => {
                format!("a text of at most {} KiB", most / 1024)
            }
            Self::Text(most) => format!("a text of at most {most} bytes"),
            Self::Secret => "a text of at most 4 KiB".to_owned(),
            Self::Choice(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
                words.join(" or ")
            }
            Self::Ruled(rule, _) | Self::Object(rule, _) => (*rule).to_owned(),
        }
    }

    /// Its JSON schema.
    pub(super) fn schema(&self) -> Schema {
        match self {
            Self::Flag => json_schema!({"type": "boolean"}),
            Self::Whole(least, most) => {
                json_schema!({"type": "integer", "minimum": least, "maximum": most})
            }
            Self::Choice(words) => json_schema!({"type": "string", "enum": words}),
            Self::Text(_) | Self::Secret | Self::Ruled(..) => json_schema!({"type": "string"}),
            Self::Object(..) => json_schema!({"type": "object"}),
        }
    }
}

/// The type of a setting's field.
pub(super) trait Typed: Sized {
    /// From a value that fits the key's kind.
    fn of(value: &Value) -> Option<Self>;
    /// As the API shows it; of a secret nothing.
    fn shown(&self) -> Option<Value>;
}

impl Typed for bool {
    fn of(value: &Value) -> Option<Self> {
        value.as_bool()
    }

    fn shown(&self) -> Option<Value> {
        Some(json!(self))
    }
}

impl Typed for i64 {
    fn of(value: &Value) -> Option<Self> {
        value.as_i64()
    }

    fn shown(&self) -> Option<Value> {
        Some(json!(self))
    }
}

impl Typed for String {
    fn of(value: &Value) -> Option<Self> {
        value.as_str().map(ToOwned::to_owned)
    }

    fn shown(&self) -> Option<Value> {
        Some(json!(self))
    }
}

impl Typed for Secret<String> {
    fn of(value: &Value) -> Option<Self> {
        String::of(value).map(Self::new)
    }

    fn shown(&self) -> Option<Value> {
        None
    }
}

impl Typed for Value {
    fn of(value: &Value) -> Option<Self> {
        Some(value.clone())
    }

    fn shown(&self) -> Option<Value> {
        Some(self.clone())
    }
}

/// Who may create projects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restriction {
    /// Every user.
    #[default]
    Everyone,
    /// System administrators only.
    AdminOnly,
}

impl Restriction {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::AdminOnly => "adminonly",
        }
    }
}

impl Typed for Restriction {
    fn of(value: &Value) -> Option<Self> {
        match value.as_str() {
            Some("everyone") => Some(Self::Everyone),
            Some("adminonly") => Some(Self::AdminOnly),
            _ => None,
        }
    }

    fn shown(&self) -> Option<Value> {
        Some(json!(self.as_str()))
    }
}
