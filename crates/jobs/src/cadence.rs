//! [`Cadence`]: how often something runs, in Harbor's words, and when the next time is.
//!
//! Invariant: a cadence that was accepted has a next time.

use berth_model::Timestamp;
use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};

/// Longest cron expression, bytes.
const LONGEST: usize = 128;

/// Why a cadence was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CadenceError {
    /// A word that is none of Harbor's.
    #[error("a schedule is Hourly, Daily, Weekly, Custom, Manual or None, not {0:?}")]
    Word(String),
    /// A cron expression that cannot be read.
    #[error(
        "{0:?} is not a cron expression of six fields (second minute hour day month weekday): {1}"
    )]
    Cron(String, String),
    /// A cron expression that no time fits.
    #[error("{0:?} never comes true")]
    Never(String),
}

/// How often something runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cadence {
    word: &'static str,
    cron: String,
}

impl Cadence {
    /// Never by itself.
    pub fn none() -> Self {
        Self::of("None", "")
    }

    /// At every full hour.
    pub fn hourly() -> Self {
        Self::of("Hourly", "0 0 * * * *")
    }

    /// At midnight, UTC.
    pub fn daily() -> Self {
        Self::of("Daily", "0 0 0 * * *")
    }

    /// At midnight before Sunday, UTC.
    pub fn weekly() -> Self {
        Self::of("Weekly", "0 0 0 * * 0")
    }

    /// By a cron expression of six fields, UTC.
    pub fn custom(cron: &str) -> Result<Self, CadenceError> {
        Self::parse("Custom", cron)
    }

    fn of(word: &'static str, cron: &str) -> Self {
        Self {
            word,
            cron: cron.to_owned(),
        }
    }

    /// From Harbor's `type` and `cron`. An expression that comes with `Hourly`, `Daily` or
    /// `Weekly` is the one meant; `Schedule` is what retention calls `Custom`.
    pub fn parse(word: &str, cron: &str) -> Result<Self, CadenceError> {
        let cron = cron.trim();
        let mut cadence = match word {
            "None" | "" => return Ok(Self::none()),
            "Hourly" => Self::hourly(),
            "Daily" => Self::daily(),
            "Weekly" => Self::weekly(),
            "Custom" | "Schedule" => Self::of("Custom", cron),
            other => return Err(CadenceError::Word(other.chars().take(40).collect())),
        };
        if !cron.is_empty() {
            cron.clone_into(&mut cadence.cron);
        }
        cadence.next_after(Timestamp::from_seconds(0))?;
        Ok(cadence)
    }

    /// Harbor's word for it.
    pub const fn word(&self) -> &'static str {
        self.word
    }

    /// As a cron expression of six fields; empty when it never runs.
    pub fn cron(&self) -> &str {
        &self.cron
    }

    /// The first time after `now`; none for [`Cadence::none`].
    pub fn next_after(&self, now: Timestamp) -> Result<Option<Timestamp>, CadenceError> {
        if self.word == "None" {
            return Ok(None);
        }
        let text = self.cron.as_str();
        let cron = parse(text)?;
        let after = DateTime::<Utc>::from_timestamp_micros(now.micros())
            .ok_or_else(|| CadenceError::Never(text.to_owned()))?;
        let next = cron
            .find_next_occurrence(&after, false)
            .map_err(|_| CadenceError::Never(text.to_owned()))?;
        Ok(Some(Timestamp::from_micros(next.timestamp_micros())))
    }
}

fn parse(text: &str) -> Result<Cron, CadenceError> {
    let refuse = |reason: String| {
        let shown = text.chars().take(LONGEST).collect();
        CadenceError::Cron(shown, reason)
    };
    if text.len() > LONGEST {
        return Err(refuse(format!("it is longer than {LONGEST} bytes")));
    }
    if text.split_whitespace().count() != 6 {
        return Err(refuse("it does not have six fields".to_owned()));
    }
    CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Disallowed)
        .build()
        .parse(text)
        .map_err(|error| refuse(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(word: &str, cron: &str, after: &str) -> String {
        let cadence = Cadence::parse(word, cron).unwrap();
        let after = Timestamp::parse(after).unwrap();
        cadence.next_after(after).unwrap().unwrap().to_rfc3339()
    }

    #[test]
    fn the_next_time_is_after_now() {
        let now = "2026-03-04T05:06:07";
        assert_eq!(next("Hourly", "", now), "2026-03-04T06:00:00.000Z");
        assert_eq!(next("Daily", "", now), "2026-03-05T00:00:00.000Z");
        assert_eq!(next("Weekly", "", now), "2026-03-08T00:00:00.000Z");
        assert_eq!(
            next("Custom", "*/10 * * * * *", now),
            "2026-03-04T05:06:10.000Z"
        );
        assert_eq!(
            next("Schedule", "0 30 2 1 * *", now),
            "2026-04-01T02:30:00.000Z"
        );
        assert_eq!(
            next("Hourly", "", "2026-03-04T06:00:00"),
            "2026-03-04T07:00:00.000Z"
        );
    }

    #[test]
    fn none_never_comes() {
        let none = Cadence::parse("None", "").unwrap();
        assert_eq!(none.next_after(Timestamp::from_seconds(0)), Ok(None));
    }

    #[test]
    fn what_is_no_cadence_is_refused() {
        for (word, cron) in [
            ("Yearly", ""),
            ("Custom", ""),
            ("Custom", "* * * * *"),
            ("Custom", "* * * * * * *"),
            ("Custom", "61 * * * * *"),
            ("Custom", "0 0 0 31 2 *"),
            ("Custom", "@daily"),
            ("Custom", "0 0 0 ? * \u{1f4a3}"),
            ("Daily", "nonsense"),
        ] {
            assert!(Cadence::parse(word, cron).is_err(), "{word} {cron}");
        }
        let long = "*,".repeat(100_000);
        assert!(Cadence::parse("Custom", &long).is_err());
    }
}
