//! What a project asks of images before they are pulled, beyond one severity: [`Limits`] and
//! [`PullRule`].
//!
//! Invariant: what reads here was checked whole; a rule is a `bool` over [`VARIABLES`].

use std::fmt;

use crate::expression::{EvaluationError, Expression, ExpressionError, Type, Value};

/// What is known of an image, in the order of [`Facts::values`].
const VARIABLES: [(&str, Type); 18] = [
    ("critical", Type::INT),
    ("high", Type::INT),
    ("medium", Type::INT),
    ("low", Type::INT),
    ("negligible", Type::INT),
    ("unknown", Type::INT),
    ("total", Type::INT),
    ("fixable", Type::INT),
    ("exploited", Type::INT),
    ("scanned", Type::BOOL),
    ("scan_age_days", Type::INT),
    ("age_days", Type::INT),
    ("repository", Type::TEXT),
    ("digest", Type::TEXT),
    ("tags", Type::List(crate::expression::Element::Text)),
    ("signed", Type::BOOL),
    ("severity", Type::TEXT),
    ("distribution", Type::TEXT),
];
/// Of these, those that only a scan tells.
const COUNTS: usize = 9;
const SCANNED: usize = 9;
const SCAN_AGE: usize = 10;
const AGE: usize = 11;
const TAGS: usize = 14;
const SIGNED: usize = 15;
const SEVERITY: usize = 16;
const DISTRIBUTION: usize = 17;
const EXPLOITED: usize = 8;

/// What the age of a scan is that was never made, days.
pub const NEVER: i64 = 1_000_000;
/// Highest limit.
const HIGHEST: u32 = 1_000_000;

/// How many vulnerabilities of which kind an image has, without those that are let pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is what its name says")]
pub struct Counts {
    pub critical: i64,
    pub high: i64,
    pub medium: i64,
    pub low: i64,
    pub negligible: i64,
    pub unknown: i64,
    /// For which there is a version that mends them.
    pub fixable: i64,
    /// Known to be used by attackers.
    pub exploited: i64,
}

impl Counts {
    /// Of all severities together.
    pub const fn total(&self) -> i64 {
        self.critical + self.high + self.medium + self.low + self.negligible + self.unknown
    }

    /// In the order of [`VARIABLES`].
    const fn all(&self) -> [i64; COUNTS] {
        [
            self.critical,
            self.high,
            self.medium,
            self.low,
            self.negligible,
            self.unknown,
            self.total(),
            self.fixable,
            self.exploited,
        ]
    }

    /// The word of the gravest that there is; `none`.
    const fn gravest(&self) -> &'static str {
        match self {
            Self { critical: 1.., .. } => "critical",
            Self { high: 1.., .. } => "high",
            Self { medium: 1.., .. } => "medium",
            Self { low: 1.., .. } => "low",
            Self {
                negligible: 1.., ..
            } => "negligible",
            Self { unknown: 1.., .. } => "unknown",
            _ => "none",
        }
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = VARIABLES.iter().zip(self.all());
        let mut first = true;
        for ((name, _), count) in named.filter(|(_, count)| *count > 0) {
            let before = if first { "" } else { ", " };
            write!(f, "{before}{name}={count}")?;
            first = false;
        }
        if first {
            f.write_str("total=0")
        } else {
            Ok(())
        }
    }
}

/// What is known of an image.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "each is what its name says")]
pub struct Facts<'a> {
    pub counts: Counts,
    pub scanned: bool,
    pub scan_age_days: i64,
    pub age_days: i64,
    pub repository: &'a str,
    pub digest: &'a str,
    pub tags: Vec<String>,
    pub signed: bool,
    pub distribution: &'a str,
}

impl Facts<'_> {
    fn values(&self) -> Vec<Value> {
        let mut values: Vec<Value> = self.counts.all().into_iter().map(Value::Int).collect();
        values.extend([
            Value::Bool(self.scanned),
            Value::Int(self.scan_age_days),
            Value::Int(self.age_days),
            Value::text(self.repository),
            Value::text(self.digest),
            Value::texts(self.tags.iter().map(String::as_str)),
            Value::Bool(self.signed),
            Value::text(self.counts.gravest()),
            Value::text(self.distribution),
        ]);
        values
    }
}

/// A rule that must be true of an image for it to be pulled.
#[derive(Clone, Debug)]
pub struct PullRule {
    text: String,
    expression: Expression,
}

impl PullRule {
    /// Reads a rule.
    ///
    /// # Errors
    /// [`ExpressionError`], with the place, for what is no rule over what is known of images.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        Ok(Self {
            text: text.to_owned(),
            expression: Expression::parse(text, &VARIABLES, Type::BOOL)?,
        })
    }

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing true can be said of an image that was not scanned: the rule looks at what a
    /// scan tells, and not at whether there was one.
    pub fn needs_scan(&self) -> bool {
        let scan = (0..COUNTS).chain([SEVERITY, DISTRIBUTION]);
        !self.expression.uses(SCANNED) && scan.into_iter().any(|nr| self.expression.uses(nr))
    }

    /// Whether it looks at what attackers use.
    pub fn uses_exploited(&self) -> bool {
        self.expression.uses(EXPLOITED)
    }

    /// Whether it looks at the age of the image, its tags or its signatures.
    pub fn uses_image(&self) -> (bool, bool, bool) {
        let uses = |nr| self.expression.uses(nr);
        (uses(AGE), uses(TAGS), uses(SIGNED))
    }

    /// Whether it looks at how old the scan is.
    pub fn uses_scan_age(&self) -> bool {
        self.expression.uses(SCAN_AGE)
    }

    /// Whether it is true of an image.
    ///
    /// # Errors
    /// [`EvaluationError`] where it is neither true nor false.
    pub fn holds(&self, facts: &Facts<'_>) -> Result<bool, EvaluationError> {
        Ok(self.expression.evaluate(&facts.values())? == Value::Bool(true))
    }
}

/// How many vulnerabilities of a kind an image may have at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(Vec<(usize, u32)>);

/// A limit that an image goes beyond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// What is counted: `critical`.
    pub name: &'static str,
    /// How many there are.
    pub found: i64,
    /// How many there may be.
    pub most: u32,
}

/// Why limits were refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LimitsError {
    /// A part without `=`.
    #[error("{0:?} is no limit: write critical=0,high=5")]
    Form(String),
    /// Something that is not counted.
    #[error("{name:?} is not counted; known are {known}")]
    Unknown {
        /// What was written.
        name: String,
        /// What there is.
        known: String,
    },
    /// A number that cannot be a limit.
    #[error("{name}={most} is no limit: 0 to {HIGHEST} are")]
    Number {
        /// What is counted.
        name: String,
        /// What was written.
        most: String,
    },
    /// The same is limited again.
    #[error("{0} is limited twice")]
    Twice(String),
}

impl LimitsError {
    /// A name for what is wrong, and the values that it speaks of.
    pub fn reason(&self) -> (&'static str, Vec<(&'static str, String)>) {
        match self {
            Self::Form(part) => ("limits_form", vec![("found", part.clone())]),
            Self::Unknown { name, known } => (
                "limits_unknown",
                vec![("name", name.clone()), ("known", known.clone())],
            ),
            Self::Number { name, most } => (
                "limits_number",
                vec![
                    ("found", format!("{name}={most}")),
                    ("most", HIGHEST.to_string()),
                ],
            ),
            Self::Twice(name) => ("limits_twice", vec![("name", name.clone())]),
        }
    }
}

impl Limits {
    /// Reads limits such as `critical=0,high=5`.
    ///
    /// # Errors
    /// [`LimitsError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, LimitsError> {
        let mut limits: Vec<(usize, u32)> = Vec::new();
        for part in text.split(',') {
            let known = || {
                let names: Vec<&str> = VARIABLES[..COUNTS].iter().map(|(name, _)| *name).collect();
                names.join(", ")
            };
            let Some((name, most)) = part.split_once('=') else {
                return Err(LimitsError::Form(part.to_owned()));
            };
            let (name, most) = (name.trim(), most.trim());
            let place = VARIABLES[..COUNTS].iter().position(|(it, _)| *it == name);
            let Some(place) = place else {
                let name = name.to_owned();
                return Err(LimitsError::Unknown {
                    name,
                    known: known(),
                });
            };
            let digits = !most.is_empty() && most.bytes().all(|byte| byte.is_ascii_digit());
            let number: Option<u32> = most.parse().ok().filter(|it| digits && *it <= HIGHEST);
            let Some(number) = number else {
                let (name, most) = (name.to_owned(), most.to_owned());
                return Err(LimitsError::Number { name, most });
            };
            if limits.iter().any(|(it, _)| *it == place) {
                return Err(LimitsError::Twice(name.to_owned()));
            }
            limits.push((place, number));
        }
        limits.sort_unstable();
        Ok(Self(limits))
    }

    /// Whether one is about what attackers use.
    pub fn uses_exploited(&self) -> bool {
        self.0.iter().any(|(place, _)| *place == EXPLOITED)
    }

    /// The first limit, of the gravest, that these counts go beyond.
    pub fn exceeded(&self, counts: &Counts) -> Option<Exceeded> {
        let all = counts.all();
        self.0.iter().find_map(|(place, most)| {
            let found = all[*place];
            (found > i64::from(*most)).then_some(Exceeded {
                name: VARIABLES[*place].0,
                found,
                most: *most,
            })
        })
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (nr, (place, most)) in self.0.iter().enumerate() {
            let before = if nr == 0 { "" } else { "," };
            write!(f, "{before}{}={most}", VARIABLES[*place].0)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_where_they_are_said_to_be() {
        for (place, name) in [
            (EXPLOITED, "exploited"),
            (SCANNED, "scanned"),
            (SCAN_AGE, "scan_age_days"),
            (AGE, "age_days"),
            (TAGS, "tags"),
            (SIGNED, "signed"),
            (SEVERITY, "severity"),
            (DISTRIBUTION, "distribution"),
        ] {
            assert_eq!(VARIABLES[place].0, name);
        }
        assert_eq!(Facts::default().values().len(), VARIABLES.len());
    }

    #[test]
    fn every_variable_says_what_it_is_called() {
        let facts = Facts {
            counts: Counts {
                critical: 1,
                high: 2,
                medium: 3,
                low: 4,
                negligible: 5,
                unknown: 6,
                fixable: 7,
                exploited: 8,
            },
            scanned: true,
            scan_age_days: 9,
            age_days: 10,
            repository: "p/app",
            digest: "sha256:ab",
            tags: vec!["v1".to_owned(), "latest".to_owned()],
            signed: true,
            distribution: "debian 12",
        };
        for rule in [
            "critical == 1 && high == 2 && medium == 3 && low == 4 && negligible == 5",
            "unknown == 6 && total == 21 && fixable == 7 && exploited == 8 && scanned",
            "scan_age_days == 9 && age_days == 10 && repository == 'p/app' && signed",
            "digest.startsWith('sha256:') && 'v1' in tags && tags.size() == 2",
            "severity == 'critical' && distribution.contains('debian')",
        ] {
            let read = PullRule::parse(rule).unwrap();
            assert_eq!(read.holds(&facts), Ok(true), "{rule}");
            assert_eq!(read.text(), rule);
        }
        let uses = |rule: &str| {
            let rule = PullRule::parse(rule).unwrap();
            (rule.needs_scan(), rule.uses_image(), rule.uses_exploited())
        };
        let nothing = (false, false, false);
        assert_eq!(uses("critical == 0"), (true, nothing, false));
        assert_eq!(uses("!scanned || exploited == 0"), (false, nothing, true));
        assert_eq!(
            uses("age_days < 3 || signed"),
            (false, (true, false, true), false)
        );
        assert_eq!(uses("'x' in tags"), (false, (false, true, false), false));
        assert!(
            PullRule::parse("scan_age_days < 3")
                .unwrap()
                .uses_scan_age()
        );
        assert_eq!(
            facts.counts.to_string(),
            "critical=1, high=2, medium=3, low=4, \
            negligible=5, unknown=6, total=21, fixable=7, exploited=8"
        );
        assert_eq!(Counts::default().to_string(), "total=0");
    }

    #[test]
    fn limits_are_read_and_held() {
        let limits = Limits::parse(" high = 5 ,critical=0, exploited=1").unwrap();
        assert_eq!(limits.to_string(), "critical=0,high=5,exploited=1");
        assert!(limits.uses_exploited());
        let of = |critical, high| Counts {
            critical,
            high,
            ..Counts::default()
        };
        assert_eq!(limits.exceeded(&of(0, 5)), None);
        let exceeded = limits.exceeded(&of(0, 6)).unwrap();
        assert_eq!(
            (exceeded.name, exceeded.found, exceeded.most),
            ("high", 6, 5)
        );
        assert_eq!(limits.exceeded(&of(2, 6)).unwrap().name, "critical");
        let total = Limits::parse("total=3").unwrap();
        assert!(total.exceeded(&of(2, 2)).is_some() && total.exceeded(&of(2, 1)).is_none());
        for wrong in [
            "",
            ",",
            "critical",
            "critical=",
            "critical=-1",
            "critical=+1",
            "critical=1.5",
            "critical=1,critical=2",
            "grave=1",
            "critical=99999999",
            "critical==1",
            "scanned=1",
            "critical=0;high=1",
        ] {
            assert!(Limits::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
