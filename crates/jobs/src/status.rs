//! The words for where an execution or a task stands, and for what began it.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::Serialize;

/// A word that the database or the wire should not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one of the words known here")]
pub struct UnknownWord(String);

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, JsonSchema)]
        pub enum $name {
            $($(#[$word_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// The word in the database and on the wire.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(UnknownWord(word.to_owned())),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = UnknownWord;

            fn try_from(word: String) -> Result<Self, UnknownWord> {
                word.parse()
            }
        }

        impl From<$name> for berth_db::Value {
            fn from(word: $name) -> Self {
                word.as_str().into()
            }
        }
    };
}

words! {
    /// Where an execution or a task stands; Harbor's words.
    Status {
        /// Waits for a worker.
        Pending = "Pending",
        /// Waits for its time. Never in the database: a pending task whose time has not come.
        Scheduled = "Scheduled",
        /// A worker has it.
        Running = "Running",
        /// Done.
        Success = "Success",
        /// Given up.
        Error = "Error",
        /// Stopped by somebody.
        Stopped = "Stopped",
    }
}

words! {
    /// What began an execution; Harbor's words.
    Trigger {
        /// Somebody.
        Manual = "MANUAL",
        /// Its schedule.
        Schedule = "SCHEDULE",
        /// Something that happened.
        Event = "EVENT",
    }
}

impl Status {
    /// Whether nothing changes any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Error | Self::Stopped)
    }
}
