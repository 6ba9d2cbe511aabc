//! The order of rpm versions: `[epoch:]version[-release]`, each part segment by segment.
//!
//! Invariant: what `rpmvercmp` decides, with `~` before and `^` after the end; a missing epoch is 0,
//! a missing release comes before every release.

use std::cmp::Ordering;

use super::number;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (split(a), split(b));
    number::compare(a.epoch, b.epoch)
        .then_with(|| segments(a.main, b.main))
        .then_with(|| segments(a.release, b.release))
}

pub(super) fn is_valid(text: &str) -> bool {
    let version = split(text);
    !version.main.is_empty() && text.trim().bytes().all(|byte| byte.is_ascii_graphic())
}

struct Version<'a> {
    epoch: &'a [u8],
    main: &'a [u8],
    release: &'a [u8],
}

fn split(text: &str) -> Version<'_> {
    let text = text.trim();
    let (epoch, rest) = match text.split_once(':') {
        Some((epoch, rest)) if number::is_number(epoch.as_bytes()) => (epoch, rest),
        _ => ("", text),
    };
    let (version, release) = rest.rsplit_once('-').unwrap_or((rest, ""));
    Version {
        epoch: epoch.as_bytes(),
        main: version.as_bytes(),
        release: release.as_bytes(),
    }
}

/// What stands at a place; the order of the variants is the order of versions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    Tilde,
    End,
    Caret,
    Letters,
    Number,
}

fn segments(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let (left, left_text, a_rest) = next(a);
        let (right, right_text, b_rest) = next(b);
        let order = left.cmp(&right).then_with(|| match left {
            Segment::Letters => left_text.cmp(right_text),
            Segment::Number => number::compare(left_text, right_text),
            Segment::Tilde | Segment::End | Segment::Caret => Ordering::Equal,
        });
        if order.is_ne() || left == Segment::End {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
}

/// The next segment, its text and what follows; every other byte separates.
fn next(text: &[u8]) -> (Segment, &[u8], &[u8]) {
    let (_, text) = number::take(text, |byte| {
        !byte.is_ascii_alphanumeric() && byte != b'~' && byte != b'^'
    });
    match text.first() {
        None => (Segment::End, &[], &[]),
        Some(b'~') => (Segment::Tilde, &[], &text[1..]),
        Some(b'^') => (Segment::Caret, &[], &text[1..]),
        Some(byte) if byte.is_ascii_digit() => {
            let (digits, rest) = number::take_digits(text);
            (Segment::Number, digits, rest)
        }
        Some(_) => {
            let (letters, rest) = number::take(text, |byte| byte.is_ascii_alphabetic());
            (Segment::Letters, letters, rest)
        }
    }
}
