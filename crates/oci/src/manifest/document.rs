//! The JSON of a manifest, read once and strictly.
//!
//! Invariant: an object's keys are read once each, in the one spelling that is defined; lists
//! stop growing at their limit; depth is checked before anything recurses.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashSet, btree_map::Entry},
    fmt,
};

use berth_model::Limits;
use serde::{
    Deserialize, Deserializer,
    de::{self, IgnoredAny, MapAccess, SeqAccess},
};
use serde_json::value::RawValue;

use super::descriptor::Descriptor;

/// The fields of every kind of manifest. `null` and, for words, the empty text count as absent,
/// as Go clients write and read them.
#[derive(Debug, Default)]
pub(super) struct Document<'a> {
    pub(super) schema_version: Option<u64>,
    pub(super) media_type: Option<String>,
    pub(super) artifact_type: Option<String>,
    pub(super) config: Option<Descriptor>,
    pub(super) layers: Option<Descriptors>,
    pub(super) manifests: Option<Descriptors>,
    pub(super) blobs: Option<&'a RawValue>,
    pub(super) subject: Option<Descriptor>,
    pub(super) annotations: Option<BTreeMap<String, String>>,
}

const FIELDS: &[&str] = &[
    "schemaVersion",
    "mediaType",
    "artifactType",
    "config",
    "layers",
    "manifests",
    "blobs",
    "subject",
    "annotations",
];

impl<'de: 'a, 'a> Deserialize<'de> for Document<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Document<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a manifest object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document<'de>, A::Error> {
                let mut document = Document::default();
                let mut keys = Keys::new(FIELDS);
                while let Some(Text(key)) = map.next_key()? {
                    match keys.accept(key)? {
                        Some("schemaVersion") => document.schema_version = map.next_value()?,
                        Some("mediaType") => document.media_type = word(&mut map)?,
                        Some("artifactType") => document.artifact_type = word(&mut map)?,
                        Some("config") => document.config = map.next_value()?,
                        Some("layers") => document.layers = map.next_value()?,
                        Some("manifests") => document.manifests = map.next_value()?,
                        Some("blobs") => document.blobs = map.next_value()?,
                        Some("subject") => document.subject = map.next_value()?,
                        Some("annotations") => document.annotations = annotations(&mut map)?,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(document)
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

/// A list of descriptors that keeps at most one more than the limit, which the caller refuses.
#[derive(Debug, Default)]
pub(super) struct Descriptors(pub(super) Vec<Descriptor>);

impl<'de> Deserialize<'de> for Descriptors {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Descriptors;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of descriptors")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Descriptors, A::Error> {
                let mut list = Vec::new();
                while let Some(descriptor) = seq.next_element()? {
                    list.push(descriptor);
                    if list.len() > Limits::MANIFEST_DESCRIPTORS {
                        while seq.next_element::<IgnoredAny>()?.is_some() {}
                        break;
                    }
                }
                Ok(Descriptors(list))
            }
        }

        deserializer.deserialize_seq(Visitor)
    }
}

/// A text borrowed from the document where it has no escapes.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Visitor)
    }
}

/// The keys of one object, each of which may come once.
pub(super) struct Keys<'a> {
    known: &'static [&'static str],
    seen: u32,
    others: HashSet<Cow<'a, str>>,
}

impl<'a> Keys<'a> {
    /// Keys of an object that defines `known`, at most 32.
    pub(super) fn new(known: &'static [&'static str]) -> Self {
        Self {
            known,
            seen: 0,
            others: HashSet::new(),
        }
    }

    /// Takes a key: the known one it is, or `None` for a field that is to be passed over.
    ///
    /// Go's JSON reader folds case, so `Layers` would be passed over here and be layers there.
    pub(super) fn accept<E: de::Error>(
        &mut self,
        key: Cow<'a, str>,
    ) -> Result<Option<&'static str>, E> {
        for (index, name) in self.known.iter().enumerate() {
            if *name == key {
                let bit = 1 << index;
                if self.seen & bit != 0 {
                    return Err(E::custom(format_args!("duplicate field {name}")));
                }
                self.seen |= bit;
                return Ok(Some(name));
            }
            if is_folded(name, &key) {
                return Err(E::custom(format_args!("field {name} is misspelled")));
            }
        }
        if self.others.insert(key) {
            Ok(None)
        } else {
            Err(E::custom("duplicate field"))
        }
    }
}

/// Whether Go's JSON reader takes `key` for the ASCII `name`: besides the case of ASCII it folds
/// the long s and the Kelvin sign.
fn is_folded(name: &str, key: &str) -> bool {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    };
    name.chars().map(fold).eq(key.chars().map(fold))
}

/// A word that may be `null` or empty for absent.
pub(super) fn word<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<String>, A::Error> {
    let word: Option<String> = map.next_value()?;
    Ok(word.filter(|word| !word.is_empty()))
}

/// Annotations: texts by distinct keys.
pub(super) fn annotations<'de, A: MapAccess<'de>>(
    map: &mut A,
) -> Result<Option<BTreeMap<String, String>>, A::Error> {
    Ok(map.next_value::<Option<Annotations>>()?.map(|map| map.0))
}

struct Annotations(BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Annotations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Annotations;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Annotations, A::Error> {
                let mut annotations = BTreeMap::new();
                while let Some((key, value)) = map.next_entry::<String, Option<String>>()? {
                    match annotations.entry(key) {
                        Entry::Vacant(entry) => {
                            entry.insert(value.unwrap_or_default());
                        }
                        Entry::Occupied(_) => {
                            return Err(de::Error::custom("duplicate annotation"));
                        }
                    }
                }
                Ok(Annotations(annotations))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

/// Whether objects and lists nest at most `limit` deep. Text that is not JSON may pass; the
/// parser that comes after refuses it.
pub(super) fn is_within_depth(text: &str, limit: usize) -> bool {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                depth += 1;
                if depth > limit {
                    return false;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    true
}
