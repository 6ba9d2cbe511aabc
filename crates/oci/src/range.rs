//! Byte ranges: `Range` of a download and `Content-Range` of an upload's chunk.
//!
//! Invariant: a range that comes out of here lies within the given size, or within `i64`, so
//! `end - start + 1` never overflows.

use berth_model::{Code, Coded};

/// What a `Range` header asks for, given the size of the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeOutcome {
    /// All of it: answer 200.
    Full,
    /// A part: answer 206.
    Partial {
        /// First byte.
        start: u64,
        /// Last byte.
        end_inclusive: u64,
    },
    /// Nothing that exists: answer 416.
    Unsatisfiable,
}

/// Reads a `Range` header (RFC 9110, section 14.2).
///
/// A server may ignore any `Range`; this one ignores other units, several ranges and text that
/// breaks the grammar. A range that ends before it starts is answered 416, which section 14.2
/// allows too and the conformance suite expects.
pub fn parse_range(header: &str, size: u64) -> RangeOutcome {
    let Some((unit, set)) = header.split_once('=') else {
        return RangeOutcome::Full;
    };
    let Some((first, last)) = set.trim().split_once('-') else {
        return RangeOutcome::Full;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return RangeOutcome::Full;
    }
    match (number(first), number(last)) {
        (Number::Value(start), Number::Value(end)) if end < start => RangeOutcome::Unsatisfiable,
        (Number::Value(start), Number::Value(_) | Number::Absent) if start >= size => {
            RangeOutcome::Unsatisfiable
        }
        (Number::Value(start), Number::Value(end)) => RangeOutcome::Partial {
            start,
            end_inclusive: end.min(size - 1),
        },
        (Number::Value(start), Number::Absent) => RangeOutcome::Partial {
            start,
            end_inclusive: size - 1,
        },
        (Number::Absent, Number::Value(0)) => RangeOutcome::Unsatisfiable,
        // The last bytes of nothing are all of it, and no Content-Range can say so.
        (Number::Absent, Number::Value(_)) if size == 0 => RangeOutcome::Full,
        (Number::Absent, Number::Value(length)) => RangeOutcome::Partial {
            start: size.saturating_sub(length),
            end_inclusive: size - 1,
        },
        _ => RangeOutcome::Full,
    }
}

enum Number {
    Absent,
    Value(u64),
    Malformed,
}

/// Reads digits; a value above `u64` stands for "beyond any size" and stays at its maximum.
fn number(text: &str) -> Number {
    if text.is_empty() {
        Number::Absent
    } else if text.bytes().all(|byte| byte.is_ascii_digit()) {
        Number::Value(text.parse().unwrap_or(u64::MAX))
    } else {
        Number::Malformed
    }
}

/// Why a chunk's `Content-Range` was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentRangeError {
    /// Not `<first>-<last>`.
    #[error(
        "a chunk's Content-Range is <first byte>-<last byte>, both counted from 0 and inclusive"
    )]
    Malformed,
    /// The last byte is before the first.
    #[error("a chunk's Content-Range ends before it starts; both ends are inclusive")]
    Backwards,
    /// A position above 2^63 - 1.
    #[error("a chunk's Content-Range lies beyond the largest size a blob can have")]
    Overflow,
}

impl Coded for ContentRangeError {
    fn code(&self) -> Code {
        match self {
            Self::Malformed => Code::BlobUploadInvalid,
            // No upload can stand at such a place (416, so that the client asks where it does).
            Self::Backwards | Self::Overflow => Code::BlobUploadOutOfOrder,
        }
    }
}

/// Reads a chunk's `Content-Range`: `<first>-<last>`, both inclusive.
///
/// OCI distribution 1.1, "Pushing a blob in chunks", wants `^[0-9]+-[0-9]+$`. The form of
/// RFC 9110, `bytes <first>-<last>/<size or *>`, is understood too, since some clients send it.
pub fn parse_content_range(header: &str) -> Result<(u64, u64), ContentRangeError> {
    let text = header.trim();
    let text = match text.get(..6) {
        Some(unit) if unit.eq_ignore_ascii_case("bytes ") => text[6..].trim_start(),
        _ => text,
    };
    let (range, total) = match text.split_once('/') {
        Some((range, "*")) => (range, None),
        Some((range, total)) => (range, Some(position(total)?)),
        None => (text, None),
    };
    let (start, end) = range.split_once('-').ok_or(ContentRangeError::Malformed)?;
    let (start, end) = (position(start)?, position(end)?);
    if end < start {
        return Err(ContentRangeError::Backwards);
    }
    if total.is_some_and(|total| total <= end) {
        return Err(ContentRangeError::Malformed);
    }
    Ok((start, end))
}

fn position(text: &str) -> Result<u64, ContentRangeError> {
    match number(text) {
        Number::Value(value) if i64::try_from(value).is_ok() => Ok(value),
        Number::Value(_) => Err(ContentRangeError::Overflow),
        Number::Absent | Number::Malformed => Err(ContentRangeError::Malformed),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn part(start: u64, end_inclusive: u64) -> RangeOutcome {
        RangeOutcome::Partial {
            start,
            end_inclusive,
        }
    }

    #[test]
    fn ranges() {
        use RangeOutcome::{Full, Unsatisfiable};
        let max = u64::MAX;
        for (header, size, outcome) in [
            ("bytes=0-499", 1000, part(0, 499)),
            ("bytes=0-0", 1000, part(0, 0)),
            ("bytes=500-", 1000, part(500, 999)),
            ("bytes=500-5000", 1000, part(500, 999)),
            ("bytes=-200", 1000, part(800, 999)),
            ("bytes=-5000", 1000, part(0, 999)),
            ("Bytes = 1-2", 1000, part(1, 2)),
            ("bytes= 1-2 ", 1000, part(1, 2)),
            ("bytes=999-999", 1000, part(999, 999)),
            ("bytes=0-99999999999999999999999", 10, part(0, 9)),
            ("bytes=-99999999999999999999999", 10, part(0, 9)),
            ("bytes=0-", max, part(0, max - 1)),
            ("bytes=-1", max, part(max - 1, max - 1)),
            ("bytes=500-0", 1000, Unsatisfiable),
            ("bytes=500-499", 1000, Unsatisfiable),
            ("bytes=1000-", 1000, Unsatisfiable),
            ("bytes=1000-1001", 1000, Unsatisfiable),
            ("bytes=99999999999999999999999-", max, Unsatisfiable),
            ("bytes=-0", 1000, Unsatisfiable),
            ("bytes=0-", 0, Unsatisfiable),
            ("bytes=0-0", 0, Unsatisfiable),
            ("bytes=-0", 0, Unsatisfiable),
            ("bytes=-1", 0, Full),
            ("bytes=0-1,3-4", 1000, Full),
            ("bytes=0-1,", 1000, Full),
            ("bytes=,", 1000, Full),
            ("bytes=-", 1000, Full),
            ("bytes=", 1000, Full),
            ("bytes", 1000, Full),
            ("bytes 0-1", 1000, Full),
            ("lines=0-1", 1000, Full),
            ("bytes=a-b", 1000, Full),
            ("bytes=+1-2", 1000, Full),
            ("bytes=1-+2", 1000, Full),
            ("bytes=1--2", 1000, Full),
            ("bytes=1 - 2", 1000, Full),
            ("bytes=0x1-2", 1000, Full),
            ("bytes=１-2", 1000, Full),
            ("", 1000, Full),
        ] {
            assert_eq!(parse_range(header, size), outcome, "{header} of {size}");
        }
    }

    #[test]
    fn content_ranges() {
        for (header, range) in [
            ("0-9", (0, 9)),
            ("0-0", (0, 0)),
            ("10-19", (10, 19)),
            ("bytes 0-9/10", (0, 9)),
            ("Bytes 0-9/*", (0, 9)),
            ("bytes 0-9", (0, 9)),
            ("0-9/100", (0, 9)),
            (" 0-9 ", (0, 9)),
            ("0-9223372036854775807", (0, i64::MAX as u64)),
        ] {
            assert_eq!(parse_content_range(header), Ok(range), "{header}");
        }
    }

    #[test]
    fn refused_content_ranges() {
        use ContentRangeError::{Backwards, Malformed, Overflow};
        for (header, error) in [
            ("", Malformed),
            ("-", Malformed),
            ("0", Malformed),
            ("0-", Malformed),
            ("-9", Malformed),
            ("a-b", Malformed),
            ("0-9-10", Malformed),
            ("0 - 9", Malformed),
            ("+0-9", Malformed),
            ("bytes=0-9", Malformed),
            ("bytes */10", Malformed),
            ("bytes", Malformed),
            ("0-9/", Malformed),
            ("0-9/x", Malformed),
            ("0-9/9", Malformed),
            ("0-9/1…", Malformed),
            ("0-9/…", Malformed),
            ("byteé 0-9", Malformed),
            ("9-0", Backwards),
            ("0-9223372036854775808", Overflow),
            ("9223372036854775808-9223372036854775809", Overflow),
            ("0-99999999999999999999999999", Overflow),
        ] {
            assert_eq!(parse_content_range(header), Err(error), "{header}");
            assert!([400, 416].contains(&error.code().status()));
        }
    }

    proptest! {
        #[test]
        fn any_header_is_answered_within_the_size(
            header in "bytes=[0-9]{0,22}-[0-9]{0,22}|.{0,40}",
            size in prop_oneof![Just(0), Just(1), 0..2000u64, any::<u64>()],
        ) {
            if let RangeOutcome::Partial { start, end_inclusive } = parse_range(&header, size) {
                prop_assert!(start <= end_inclusive && end_inclusive < size);
            }
        }

        #[test]
        fn content_ranges_read_back(start in 0..=i64::MAX as u64, length in 0..1_000_000u64) {
            let end = (start + length).min(i64::MAX as u64);
            prop_assert_eq!(parse_content_range(&format!("{start}-{end}")), Ok((start, end)));
        }

        #[test]
        fn any_content_range_is_ordered(header in "(bytes )?[0-9]{0,22}-[0-9]{0,22}(/.{0,3})?|.{0,40}") {
            if let Ok((start, end)) = parse_content_range(&header) {
                prop_assert!(start <= end && i64::try_from(end).is_ok());
            }
        }
    }
}
