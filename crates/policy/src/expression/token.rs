//! The words of an expression.

use super::{ExpressionError, Fault, Found, LONGEST};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Name(String),
    Int(i64),
    Double(f64),
    Text(String),
    Sign(&'static str),
    End,
}

impl Token {
    /// As it is shown to people.
    pub(super) fn shown(&self) -> Found {
        match self {
            Self::Name(name) => Found::Word(format!("{name:?}")),
            Self::Int(number) => Found::Word(number.to_string()),
            Self::Double(number) => Found::Word(number.to_string()),
            Self::Text(_) => Found::Text,
            Self::Sign(sign) => Found::Word(format!("{sign:?}")),
            Self::End => Found::End,
        }
    }
}

/// Longer ones before those they begin with.
const SIGNS: [&str; 25] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", "(", ")",
    "[", "]", "{", "}", ",", ".", ";",
];

/// What is wrong at this byte of the text.
pub(super) fn wrong(text: &str, at: usize, fault: Fault) -> ExpressionError {
    let before = &text[..text.floor_char_boundary(at)];
    let line = before.rsplit('\n').next().unwrap_or_default();
    ExpressionError {
        line: before.matches('\n').count() + 1,
        column: line.chars().count() + 1,
        fault,
    }
}

/// The words with the bytes at which they begin; the last is [`Token::End`].
pub(super) fn read(text: &str) -> Result<Vec<(Token, usize)>, ExpressionError> {
    if text.len() > LONGEST {
        return Err(wrong(text, LONGEST, Fault::Long));
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        if first.is_ascii_whitespace() {
            at += 1;
        } else if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if first.is_ascii_digit()
            || (first == '.' && rest[1..].starts_with(|next: char| next.is_ascii_digit()))
        {
            let (token, length) = number(rest).map_err(|why| wrong(text, at, why))?;
            tokens.push((token, at));
            at += length;
        } else if let Some(raw) = quoted(rest) {
            let start = at + usize::from(raw);
            let (token, length) = string(&text[start..], raw)
                .map_err(|(offset, why)| wrong(text, start + offset, why))?;
            tokens.push((token, at));
            at = start + length;
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            let name = &rest[..end.unwrap_or(rest.len())];
            tokens.push((Token::Name(name.to_owned()), at));
            at += name.len();
        } else if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(sign)) {
            tokens.push((Token::Sign(sign), at));
            at += sign.len();
        } else {
            let why = match first {
                '=' => Fault::Assignment,
                '&' | '|' => Fault::Twice(first),
                _ => Fault::Character(first),
            };
            return Err(wrong(text, at, why));
        }
    }
    tokens.push((Token::End, text.len()));
    Ok(tokens)
}

/// Whether a string begins here, and whether it is a raw one.
fn quoted(rest: &str) -> Option<bool> {
    let opens = |text: &str| text.starts_with(['"', '\'']);
    if opens(rest) {
        Some(false)
    } else if rest.starts_with(['r', 'R']) && opens(&rest[1..]) {
        Some(true)
    } else {
        None
    }
}

fn number(rest: &str) -> Result<(Token, usize), Fault> {
    let digits = |from: usize| {
        let end = rest[from..].find(|c: char| !c.is_ascii_digit());
        end.map_or(rest.len(), |end| from + end)
    };
    let too_large = |_| Fault::Number("a whole number must be below 2^63");
    if let Some(hex) = rest.strip_prefix("0x").or_else(|| rest.strip_prefix("0X")) {
        let end = hex.find(|c: char| !c.is_ascii_hexdigit());
        let hex = &hex[..end.unwrap_or(hex.len())];
        let value = i64::from_str_radix(hex, 16);
        return Ok((Token::Int(value.map_err(too_large)?), 2 + hex.len()));
    }
    let mut end = digits(0);
    let mut whole = true;
    if rest[end..].starts_with('.') && digits(end + 1) > end + 1 {
        (end, whole) = (digits(end + 1), false);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        if digits(end + 1 + sign) > end + 1 + sign {
            (end, whole) = (digits(end + 1 + sign), false);
        }
    }
    if rest[end..].starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        return Err(Fault::Number(
            "a number must end before a letter; unsigned numbers are not known here",
        ));
    }
    let written = &rest[..end];
    if whole {
        return Ok((Token::Int(written.parse().map_err(too_large)?), end));
    }
    let value = written
        .parse()
        .map_err(|_| Fault::Number("this is no number"))?;
    Ok((Token::Double(value), end))
}

type Misplaced = (usize, Fault);

fn string(rest: &str, raw: bool) -> Result<(Token, usize), Misplaced> {
    let mut chars = rest.char_indices();
    let quote = chars.next().map_or('"', |(_, quote)| quote);
    let mut value = String::new();
    while let Some((at, c)) = chars.next() {
        if c == quote {
            return Ok((Token::Text(value), at + 1));
        }
        if c == '\n' {
            break;
        }
        if c != '\\' || raw {
            value.push(c);
            continue;
        }
        let escape = chars.next().map(|(_, escape)| escape);
        value.push(match escape {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some(same @ ('\\' | '"' | '\'' | '`' | '?')) => same,
            Some('u') => {
                let hex: String = chars.by_ref().take(4).map(|(_, digit)| digit).collect();
                let code = u32::from_str_radix(&hex, 16)
                    .ok()
                    .filter(|_| hex.len() == 4);
                code.and_then(char::from_u32)
                    .ok_or((at, Fault::Text("\\u takes four hexadecimal digits")))?
            }
            _ => {
                return Err((
                    at,
                    Fault::Text("this escape is not known; a backslash is \\\\"),
                ));
            }
        });
    }
    Err((0, Fault::Text("a string does not end")))
}
