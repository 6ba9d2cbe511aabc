//! What can be wrong with an expression: in words for people, and by a name with values for
//! programs that say it in another language.

use std::fmt;

use super::{DEEPEST, LONGEST, Type};

/// What stands where something else was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// A name, number or sign, as it is shown.
    Word(String),
    /// A string.
    Text,
    /// Nothing more.
    End,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Word(word) => word,
            Self::Text => "a string",
            Self::End => "the end",
        })
    }
}

impl Found {
    /// For programs: the end is an empty text.
    fn value(&self) -> String {
        match self {
            Self::Word(word) => word.clone(),
            Self::Text => "\"…\"".to_owned(),
            Self::End => String::new(),
        }
    }
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Something stands where it cannot.
    #[error("{0} is not expected here")]
    Unexpected(Found),
    /// A sign is missing.
    #[error("{sign:?} is missing before {found}")]
    SignMissing {
        /// The sign.
        sign: &'static str,
        /// What stands there.
        found: Found,
    },
    /// A value is missing.
    #[error("a value is missing before {0}")]
    ValueMissing(Found),
    /// A name after a point is missing.
    #[error("a name is missing after \".\"")]
    NameMissing,
    /// The name that a macro binds is missing.
    #[error("a name for what is gone through is missing")]
    LocalMissing,
    /// The name that a macro binds has a meaning.
    #[error("{0:?} is taken: use another name")]
    Taken(String),
    /// No variable is called so.
    #[error("there is no {name:?}; known are {known}")]
    UnknownName {
        /// What was written.
        name: String,
        /// What there is.
        known: String,
    },
    /// No function is called so.
    #[error("there is no function {0:?}")]
    UnknownFunction(String),
    /// Values of this type have no function that is called so.
    #[error("there is no function {name:?} of {kind}")]
    UnknownMethod {
        /// What was written.
        name: String,
        /// The type.
        kind: Type,
    },
    /// Values have no fields.
    #[error("{kind} has no field {name:?}")]
    Field {
        /// What was written.
        name: String,
        /// The type.
        kind: Type,
    },
    /// The whole has another type.
    #[error("the rule is {found}, and must be {wanted}")]
    Whole {
        /// The type it has.
        found: Type,
        /// The type it must have.
        wanted: Type,
    },
    /// A part has another type.
    #[error("{part} must be {wanted}, not {found}")]
    Part {
        /// The part, in words.
        part: String,
        /// The type it has.
        found: Type,
        /// The type it must have.
        wanted: Type,
    },
    /// The ends of a choice have different types.
    #[error("both ends of \"? :\" must be alike, not {0} and {1}")]
    Ends(Type, Type),
    /// Types that `in` does not take.
    #[error("{0} cannot be in {1}")]
    In(Type, Type),
    /// Types that cannot be compared.
    #[error("{0} cannot be compared so with {1}")]
    Compared(Type, Type),
    /// Types that cannot be added and the like.
    #[error("{found} and {other} do not go together here{}", mixed(*.found, *.other))]
    Together {
        /// The type of the left side.
        found: Type,
        /// The type of the right side.
        other: Type,
    },
    /// A type that a function or sign does not take.
    #[error("{0} {1}")]
    Unfit(Type, &'static str),
    /// Lists of lists.
    #[error("a list of lists is not known here")]
    ListOfLists,
    /// `matches` takes its pattern as a literal.
    #[error("matches takes a pattern that is written here, in quotes")]
    PatternMissing,
    /// A pattern that cannot be read.
    #[error("this is no pattern, or one that is too large")]
    Pattern,
    /// More nested than is read.
    #[error("the rule is too deep here: make it simpler")]
    Deep,
    /// Longer than is read.
    #[error("a rule has at most {LONGEST} bytes")]
    Long,
    /// `=` alone.
    #[error("\"=\" sets nothing here: compare with \"==\"")]
    Assignment,
    /// `&` or `|` alone.
    #[error("write \"{0}{0}\"")]
    Twice(char),
    /// A character that means nothing.
    #[error("{0:?} is not understood")]
    Character(char),
    /// A number that cannot be read.
    #[error("{0}")]
    Number(&'static str),
    /// A string that cannot be read.
    #[error("{0}")]
    Text(&'static str),
}

/// What helps where numbers of two types meet.
fn mixed(one: Type, other: Type) -> &'static str {
    if one.is_number() && other.is_number() {
        ": write double(…)"
    } else {
        ""
    }
}

impl Fault {
    /// Its name, and the values that it speaks of.
    pub fn reason(&self) -> (&'static str, Vec<(&'static str, String)>) {
        let two = |one: &Type, other: &Type| {
            vec![("found", one.to_string()), ("other", other.to_string())]
        };
        let one = |name: &'static str, value: &dyn fmt::Display| vec![(name, value.to_string())];
        match self {
            Self::Unexpected(found) => ("rule_unexpected", vec![("found", found.value())]),
            Self::SignMissing { sign, found } => (
                "rule_sign_missing",
                vec![("sign", (*sign).to_owned()), ("found", found.value())],
            ),
            Self::ValueMissing(found) => ("rule_value_missing", vec![("found", found.value())]),
            Self::NameMissing => ("rule_name_missing", Vec::new()),
            Self::LocalMissing => ("rule_local_missing", Vec::new()),
            Self::Taken(name) => ("rule_name_taken", one("name", name)),
            Self::UnknownName { name, known } => (
                "rule_unknown_name",
                vec![("name", name.clone()), ("known", known.clone())],
            ),
            Self::UnknownFunction(name) => ("rule_unknown_function", one("name", name)),
            Self::UnknownMethod { name, kind } => (
                "rule_unknown_method",
                vec![("name", name.clone()), ("found", kind.to_string())],
            ),
            Self::Field { name, kind } => (
                "rule_field",
                vec![("name", name.clone()), ("found", kind.to_string())],
            ),
            Self::Whole { found, wanted } => (
                "rule_whole",
                vec![("found", found.to_string()), ("wanted", wanted.to_string())],
            ),
            Self::Part { found, wanted, .. } => (
                "rule_part",
                vec![("found", found.to_string()), ("wanted", wanted.to_string())],
            ),
            Self::Ends(found, other) => ("rule_ends", two(found, other)),
            Self::In(found, other) => ("rule_in", two(found, other)),
            Self::Compared(found, other) => ("rule_compared", two(found, other)),
            Self::Together { found, other } => ("rule_together", two(found, other)),
            Self::Unfit(found, _) => ("rule_unfit", one("found", found)),
            Self::ListOfLists => ("rule_list_of_lists", Vec::new()),
            Self::PatternMissing => ("rule_pattern_missing", Vec::new()),
            Self::Pattern => ("rule_pattern", Vec::new()),
            Self::Deep => ("rule_deep", one("most", &DEEPEST)),
            Self::Long => ("rule_long", one("most", &LONGEST)),
            Self::Assignment => ("rule_assignment", Vec::new()),
            Self::Twice(sign) => ("rule_twice", vec![("sign", format!("{sign}{sign}"))]),
            Self::Character(found) => ("rule_character", one("found", found)),
            Self::Number(_) => ("rule_number", Vec::new()),
            Self::Text(_) => ("rule_text", Vec::new()),
        }
    }
}
