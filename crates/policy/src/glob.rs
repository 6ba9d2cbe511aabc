//! [`Pattern`]: doublestar patterns, as Harbor's rules use them.
//!
//! `*` is any run without a slash, `**` as a whole component any number of components, `?` one
//! character that is no slash, `[a-z]` and `[^a-z]` one of a class, `{a,b}` one of several, `\` takes
//! the next character as it is. An empty pattern matches everything.
//!
//! Invariant: matching takes at most `EXPANDED` × the name's length steps, whatever the pattern.

/// Longest pattern, bytes.
const LONGEST: usize = 1024;
/// Longest pattern once its braces are written out, characters in all.
const EXPANDED: usize = 4096;

/// Why a pattern was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It is too long.
    #[error("a pattern is at most {LONGEST} bytes long")]
    TooLong,
    /// Its braces stand for too much.
    #[error("the pattern's braces stand for too many alternatives: use several rules")]
    TooMany,
    /// A bracket, brace or backslash that does not end.
    #[error("the pattern has a bracket, brace or backslash without its end")]
    Open,
    /// A class that is empty or whose range runs backwards.
    #[error("the pattern has a class in brackets that is empty or runs backwards")]
    Class,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Op {
    Char(char),
    /// One character that is no slash.
    One,
    /// One character that is no slash, in one of the ranges or, negated, in none.
    Class(bool, Vec<(char, char)>),
    /// Any run without a slash.
    Run,
    /// Any run.
    All,
    /// What follows so many steps later is reached at once, too.
    Maybe(usize),
}

/// A pattern that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// One for each way to choose among the braces; empty: everything matches.
    ways: Vec<Vec<Op>>,
}

impl Pattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        if text.len() > LONGEST {
            return Err(PatternError::TooLong);
        }
        if text.is_empty() {
            return Ok(Self { ways: Vec::new() });
        }
        let text: Vec<char> = text.chars().collect();
        let ways = expand(&text)?;
        let ways = ways.iter().map(|way| compile(way));
        Ok(Self {
            ways: ways.collect::<Result<_, _>>()?,
        })
    }

    /// Whether the whole of `name` matches.
    pub fn matches(&self, name: &str) -> bool {
        self.ways.is_empty() || self.ways.iter().any(|way| run(way, name))
    }
}

/// The end of the class that begins at `start`, after its bracket.
fn class_end(text: &[char], start: usize) -> Result<usize, PatternError> {
    let mut at = start + 1;
    while let Some(&char) = text.get(at) {
        match char {
            '\\' => at += 1,
            ']' => return Ok(at),
            _ => {}
        }
        at += 1;
    }
    Err(PatternError::Open)
}

/// All ways to choose among the braces of a pattern.
fn expand(text: &[char]) -> Result<Vec<Vec<char>>, PatternError> {
    let mut done = Vec::new();
    let mut spent = 0;
    // The pattern, and up to where it has no braces any more.
    let mut waiting = vec![(text.to_vec(), 0)];
    while let Some((way, from)) = waiting.pop() {
        match braces(&way, from)? {
            None => {
                spent += way.len().max(1);
                done.push(way);
            }
            Some((open, parts, close)) => {
                for part in parts.into_iter().rev() {
                    let mut next = way[..open].to_vec();
                    next.extend(&way[part.0..part.1]);
                    next.extend(&way[close + 1..]);
                    waiting.push((next, open));
                }
            }
        }
        let held: usize = waiting.iter().map(|(way, _)| way.len().max(1)).sum();
        if spent + held > EXPANDED {
            return Err(PatternError::TooMany);
        }
    }
    Ok(done)
}

/// Where the first braces are, with the ends of what they offer.
type Braces = (usize, Vec<(usize, usize)>, usize);

fn braces(text: &[char], from: usize) -> Result<Option<Braces>, PatternError> {
    let (mut at, mut depth, mut open, mut begun) = (from, 0_usize, 0, 0);
    let mut parts = Vec::new();
    while let Some(&char) = text.get(at) {
        match char {
            '\\' => at += 1,
            '[' => at = class_end(text, at)?,
            '{' => {
                depth += 1;
                if depth == 1 {
                    (open, begun) = (at, at + 1);
                }
            }
            ',' if depth == 1 => {
                parts.push((begun, at));
                begun = at + 1;
            }
            '}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    parts.push((begun, at));
                    return Ok(Some((open, parts, at)));
                }
            }
            _ => {}
        }
        at += 1;
    }
    if depth > 0 {
        return Err(PatternError::Open);
    }
    Ok(None)
}

/// A pattern without braces, as steps.
fn compile(text: &[char]) -> Result<Vec<Op>, PatternError> {
    let mut ops = Vec::new();
    let mut at = 0;
    while let Some(&char) = text.get(at) {
        match char {
            '*' => {
                let begins = at == 0 || text[at - 1] == '/';
                let stars = text[at..].iter().take_while(|char| **char == '*').count();
                let after = text.get(at + stars);
                match after {
                    None if begins && stars == 2 => ops.push(Op::All),
                    Some('/') if begins && stars == 2 => {
                        ops.extend([Op::Maybe(2), Op::All, Op::Char('/')]);
                        at += 1;
                    }
                    _ => ops.push(Op::Run),
                }
                at += stars;
                continue;
            }
            '?' => ops.push(Op::One),
            '[' => {
                let end = class_end(text, at)?;
                ops.push(class(&text[at + 1..end])?);
                at = end;
            }
            '\\' => {
                at += 1;
                ops.push(Op::Char(*text.get(at).ok_or(PatternError::Open)?));
            }
            other => ops.push(Op::Char(other)),
        }
        at += 1;
    }
    Ok(ops)
}

fn class(text: &[char]) -> Result<Op, PatternError> {
    let negated = matches!(text.first(), Some('^' | '!'));
    let mut rest = text[usize::from(negated)..].iter().copied();
    let mut next = move || match rest.next() {
        Some('\\') => rest.next().map(|char| (char, true)),
        other => other.map(|char| (char, false)),
    };
    let mut ranges = Vec::new();
    let mut waiting = next();
    while let Some((low, escaped)) = waiting {
        if low == '-' && !escaped {
            return Err(PatternError::Class);
        }
        waiting = next();
        if waiting == Some(('-', false)) {
            match next() {
                Some((high, escaped)) if low <= high && (high != '-' || escaped) => {
                    ranges.push((low, high));
                }
                _ => return Err(PatternError::Class),
            }
            waiting = next();
        } else {
            ranges.push((low, low));
        }
    }
    if ranges.is_empty() {
        return Err(PatternError::Class);
    }
    Ok(Op::Class(negated, ranges))
}

/// Runs the steps over a name, in all places at once where they can stand.
fn run(ops: &[Op], name: &str) -> bool {
    let mut here = vec![false; ops.len() + 1];
    let mut next = vec![false; ops.len() + 1];
    here[0] = true;
    reach(ops, &mut here);
    for char in name.chars() {
        next.fill(false);
        let mut any = false;
        for (at, op) in ops.iter().enumerate() {
            if !here[at] {
                continue;
            }
            let to = match op {
                Op::Char(wanted) if *wanted == char => at + 1,
                Op::One if char != '/' => at + 1,
                Op::Class(negated, ranges) if char != '/' => {
                    let inside = ranges
                        .iter()
                        .any(|(low, high)| (*low..=*high).contains(&char));
                    if inside == *negated {
                        continue;
                    }
                    at + 1
                }
                Op::Run if char != '/' => at,
                Op::All => at,
                _ => continue,
            };
            next[to] = true;
            any = true;
        }
        if !any {
            return false;
        }
        reach(ops, &mut next);
        std::mem::swap(&mut here, &mut next);
    }
    here[ops.len()]
}

/// Adds the places that are reached without a character; all of them lie ahead.
fn reach(ops: &[Op], here: &mut [bool]) {
    for (at, op) in ops.iter().enumerate() {
        if here[at] {
            match op {
                Op::Run | Op::All => here[at + 1] = true,
                Op::Maybe(steps) => (here[at + 1], here[at + 1 + steps]) = (true, true),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
