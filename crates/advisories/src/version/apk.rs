//! The order of Alpine versions (apk-package(5)):
//! `number{.number}{letter}{_suffix{number}}{~hash}{-r number}`.
//!
//! Invariant: what `apk version -t` decides. Text stops being a version where it leaves the
//! grammar; two texts that agree until then are equal.

use std::cmp::Ordering;

use super::number;

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (Tokens::new(a), Tokens::new(b));
    loop {
        let (left, right) = (a.next(), b.next());
        let order = left.rank().cmp(&right.rank()).then_with(|| {
            match (left, right) {
                (Token::First(x), Token::First(y))
                | (Token::SuffixNumber(x), Token::SuffixNumber(y))
                | (Token::Revision(x), Token::Revision(y)) => number::compare(x, y),
                // As in Gentoo: behind a leading zero the digits are a fraction.
                (Token::Number(x), Token::Number(y)) => match (x.first(), y.first()) {
                    (Some(b'0'), _) | (_, Some(b'0')) => x.cmp(y),
                    _ => number::compare(x, y),
                },
                (Token::Letter(x), Token::Letter(y)) => x.cmp(&y),
                (Token::Suffix(x), Token::Suffix(y)) => x.cmp(&y),
                (Token::Hash(x), Token::Hash(y)) => x.cmp(y),
                _ => Ordering::Equal,
            }
        });
        if order.is_ne() || left.is_last() {
            return order;
        }
    }
}

pub(super) fn is_valid(text: &str) -> bool {
    let mut tokens = Tokens::new(text);
    loop {
        match tokens.next() {
            Token::End => return true,
            Token::Invalid => return false,
            _ => {}
        }
    }
}

/// Suffixes in their order; those below `RELEASE` stand for what came before the release.
const SUFFIXES: [&[u8]; 9] = [
    b"alpha", b"beta", b"pre", b"rc", b"cvs", b"svn", b"git", b"hg", b"p",
];
const RELEASE: usize = 4;

#[derive(Clone, Copy)]
enum Token<'a> {
    First(&'a [u8]),
    Number(&'a [u8]),
    Letter(u8),
    Suffix(usize),
    SuffixNumber(&'a [u8]),
    Hash(&'a [u8]),
    Revision(&'a [u8]),
    End,
    Invalid,
}

impl Token<'_> {
    /// Which kind of token is older where two versions differ in kind.
    fn rank(self) -> u8 {
        match self {
            Self::Suffix(suffix) if suffix < RELEASE => 0,
            Self::Invalid => 1,
            Self::End => 2,
            Self::Revision(_) => 3,
            Self::Hash(_) => 4,
            Self::SuffixNumber(_) => 5,
            Self::Suffix(_) => 6,
            Self::Letter(_) => 7,
            Self::Number(_) => 8,
            Self::First(_) => 9,
        }
    }

    fn is_last(self) -> bool {
        matches!(self, Self::End | Self::Invalid)
    }
}

/// How far the grammar has come; later states allow fewer tokens.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Start,
    Number,
    Letter,
    Suffix,
    SuffixNumber,
    Hash,
    Revision,
    Over,
}

struct Tokens<'a> {
    rest: &'a [u8],
    state: State,
}

impl<'a> Tokens<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text.trim().as_bytes(),
            state: State::Start,
        }
    }

    fn next(&mut self) -> Token<'a> {
        let token = self.read().unwrap_or(Token::Invalid);
        self.state = match token {
            Token::First(_) | Token::Number(_) => State::Number,
            Token::Letter(_) => State::Letter,
            Token::Suffix(_) => State::Suffix,
            Token::SuffixNumber(_) => State::SuffixNumber,
            Token::Hash(_) => State::Hash,
            Token::Revision(_) => State::Revision,
            Token::End | Token::Invalid => State::Over,
        };
        token
    }

    fn read(&mut self) -> Option<Token<'a>> {
        if self.state == State::Over {
            return None;
        }
        if self.state == State::Start {
            return self.digits().map(Token::First);
        }
        let Some((&first, rest)) = self.rest.split_first() else {
            return Some(Token::End);
        };
        match first {
            b'a'..=b'z' if self.state <= State::Number => {
                self.rest = rest;
                Some(Token::Letter(first))
            }
            b'.' if self.state <= State::Number => {
                self.rest = rest;
                self.digits().map(Token::Number)
            }
            b'0'..=b'9' if self.state == State::Suffix => self.digits().map(Token::SuffixNumber),
            b'_' if self.state <= State::SuffixNumber => {
                let (name, rest) = number::take(rest, |byte| byte.is_ascii_lowercase());
                self.rest = rest;
                SUFFIXES
                    .iter()
                    .position(|suffix| *suffix == name)
                    .map(Token::Suffix)
            }
            b'~' if self.state < State::Hash => {
                let (hash, rest) =
                    number::take(rest, |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
                self.rest = rest;
                (!hash.is_empty()).then_some(Token::Hash(hash))
            }
            b'-' if self.state < State::Revision => {
                self.rest = rest.strip_prefix(b"r")?;
                self.digits().map(Token::Revision)
            }
            _ => None,
        }
    }

    fn digits(&mut self) -> Option<&'a [u8]> {
        let (digits, rest) = number::take_digits(self.rest);
        self.rest = rest;
        (!digits.is_empty()).then_some(digits)
    }
}
