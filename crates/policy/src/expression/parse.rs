//! From words to a tree, with types.
//!
//! Invariant: recursion is bounded by [`DEEPEST`] on the way down, and so is the tree that comes of
//! it, on which everything else recurs.

use regex::RegexBuilder;

use super::token::{self, Token, wrong};
use super::{
    Arithmetic, Comparison, DEEPEST, Element, Expression, ExpressionError, Fault, Macro, Node, Op,
    TextTest, Type, Value,
};

/// Largest compiled pattern of `matches`, bytes.
const PATTERN: usize = 32 * 1024;

type Parsed = Result<Node, ExpressionError>;

struct Parser<'a> {
    text: &'a str,
    tokens: Vec<(Token, usize)>,
    next: usize,
    variables: &'a [(&'a str, Type)],
    used: Vec<bool>,
    locals: Vec<(String, Type)>,
    deep: usize,
}

pub(super) fn parse(
    text: &str,
    variables: &[(&str, Type)],
    wanted: Type,
) -> Result<Expression, ExpressionError> {
    let mut parser = Parser {
        text,
        tokens: token::read(text)?,
        next: 0,
        variables,
        used: vec![false; variables.len()],
        locals: Vec::new(),
        deep: 0,
    };
    let root = parser.expression()?;
    if *parser.peek() != Token::End {
        let found = parser.peek().shown();
        return Err(parser.wrong(Fault::Unexpected(found)));
    }
    if root.kind != wanted {
        let found = root.kind;
        return Err(wrong(text, 0, Fault::Whole { found, wanted }));
    }
    let used = parser.used;
    Ok(Expression { root, used })
}

/// What a sign compares, in the order of [`token::read`].
const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];
const SUMS: [(&str, Arithmetic); 2] = [("+", Arithmetic::Add), ("-", Arithmetic::Subtract)];
const PRODUCTS: [(&str, Arithmetic); 3] = [
    ("*", Arithmetic::Multiply),
    ("/", Arithmetic::Divide),
    ("%", Arithmetic::Remainder),
];

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.tokens
            .get(self.next)
            .map_or(&Token::End, |(token, _)| token)
    }

    fn at(&self) -> usize {
        self.tokens
            .get(self.next)
            .map_or(self.text.len(), |(_, at)| *at)
    }

    fn wrong(&self, fault: Fault) -> ExpressionError {
        wrong(self.text, self.at(), fault)
    }

    fn error<T>(&self, at: usize, fault: Fault) -> Result<T, ExpressionError> {
        Err(wrong(self.text, at, fault))
    }

    fn take(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Token::Sign(found) if *found == sign);
        self.next += usize::from(is);
        is
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), ExpressionError> {
        if self.take(sign) {
            return Ok(());
        }
        let found = self.peek().shown();
        Err(self.wrong(Fault::SignMissing { sign, found }))
    }

    fn one_of<T: Copy>(&mut self, signs: &[(&str, T)]) -> Option<T> {
        let found = signs.iter().find(|(sign, _)| self.take(sign));
        found.map(|(_, what)| *what)
    }

    fn node(&self, at: usize, kind: Type, op: Op) -> Parsed {
        let depth = 1 + match &op {
            Op::Value(_) | Op::Variable(_) | Op::Local(_) => 0,
            Op::Not(one)
            | Op::Negate(one)
            | Op::Size(one)
            | Op::Double(one)
            | Op::Matches(one, _) => one.depth,
            Op::And(all) | Op::Or(all) | Op::List(all) => {
                all.iter().map(|one| one.depth).max().unwrap_or(0)
            }
            Op::Compare(_, two)
            | Op::Arithmetic(_, two)
            | Op::In(two)
            | Op::Index(two)
            | Op::Text(_, two)
            | Op::Each(_, two) => two.0.depth.max(two.1.depth),
            Op::If(three) => three.0.depth.max(three.1.depth).max(three.2.depth),
        };
        if depth > DEEPEST {
            return self.error(at, Fault::Deep);
        }
        Ok(Node { op, kind, depth })
    }

    fn expression(&mut self) -> Parsed {
        let at = self.at();
        self.deep += 1;
        if self.deep > DEEPEST {
            return self.error(at, Fault::Deep);
        }
        let chosen = self.or()?;
        let parsed = if self.take("?") {
            self.must(at, &chosen, Type::BOOL, "what stands before \"?\"")?;
            let yes = self.or()?;
            self.expect(":")?;
            let no = self.expression()?;
            if yes.kind != no.kind {
                return self.error(at, Fault::Ends(yes.kind, no.kind));
            }
            let kind = yes.kind;
            self.node(at, kind, Op::If(Box::new((chosen, yes, no))))?
        } else {
            chosen
        };
        self.deep -= 1;
        Ok(parsed)
    }

    fn must(
        &self,
        at: usize,
        node: &Node,
        wanted: Type,
        what: &str,
    ) -> Result<(), ExpressionError> {
        if node.kind == wanted {
            return Ok(());
        }
        let (part, found) = (what.to_owned(), node.kind);
        let fault = Fault::Part {
            part,
            found,
            wanted,
        };
        self.error(at, fault)
    }

    fn or(&mut self) -> Parsed {
        self.joined("||", Self::and, Op::Or)
    }

    fn and(&mut self) -> Parsed {
        self.joined("&&", Self::relation, Op::And)
    }

    fn joined(
        &mut self,
        sign: &str,
        part: fn(&mut Self) -> Parsed,
        join: fn(Vec<Node>) -> Op,
    ) -> Parsed {
        let at = self.at();
        let first = part(self)?;
        if !matches!(self.peek(), Token::Sign(found) if *found == sign) {
            return Ok(first);
        }
        let what = format!("what {sign:?} joins");
        self.must(at, &first, Type::BOOL, &what)?;
        let mut parts = vec![first];
        while self.take(sign) {
            let at = self.at();
            let next = part(self)?;
            self.must(at, &next, Type::BOOL, &what)?;
            parts.push(next);
        }
        self.node(at, Type::BOOL, join(parts))
    }

    fn relation(&mut self) -> Parsed {
        let at = self.at();
        let mut left = self.sum()?;
        loop {
            let sign = self.at();
            if matches!(self.peek(), Token::Name(name) if name == "in") {
                self.next += 1;
                let right = self.sum()?;
                match (left.kind, right.kind) {
                    (Type::One(one), Type::List(of)) if one == of => {}
                    (one, list) => {
                        return self.error(sign, Fault::In(one, list));
                    }
                }
                left = self.node(at, Type::BOOL, Op::In(Box::new((left, right))))?;
            } else if let Some(how) = self.one_of(&COMPARISONS) {
                let right = self.sum()?;
                let ordered = !matches!(how, Comparison::Equal | Comparison::Unequal);
                let numbers = left.kind.is_number() && right.kind.is_number();
                let alike = left.kind == right.kind
                    && (!ordered || matches!(left.kind, Type::One(Element::Text)));
                if !numbers && !alike {
                    return self.error(sign, Fault::Compared(left.kind, right.kind));
                }
                left = self.node(at, Type::BOOL, Op::Compare(how, Box::new((left, right))))?;
            } else {
                return Ok(left);
            }
        }
    }

    fn sum(&mut self) -> Parsed {
        self.arithmetic(&SUMS, Self::product)
    }

    fn product(&mut self) -> Parsed {
        self.arithmetic(&PRODUCTS, Self::unary)
    }

    fn arithmetic(
        &mut self,
        signs: &[(&str, Arithmetic)],
        part: fn(&mut Self) -> Parsed,
    ) -> Parsed {
        let at = self.at();
        let mut left = part(self)?;
        loop {
            let sign = self.at();
            let Some(how) = self.one_of(signs) else {
                return Ok(left);
            };
            let right = part(self)?;
            let fits = match how {
                Arithmetic::Remainder => left.kind == Type::INT,
                // Texts and lists are not joined: nothing that is made is longer than what was there.
                _ => left.kind.is_number(),
            };
            if !fits || left.kind != right.kind {
                return self.error(
                    sign,
                    Fault::Together {
                        found: left.kind,
                        other: right.kind,
                    },
                );
            }
            let kind = left.kind;
            left = self.node(at, kind, Op::Arithmetic(how, Box::new((left, right))))?;
        }
    }

    fn unary(&mut self) -> Parsed {
        let at = self.at();
        let mut signs = 0_usize;
        let not = self.take("!");
        let sign = if not { "!" } else { "-" };
        if not {
            signs += 1;
        }
        while self.take(sign) {
            signs += 1;
        }
        let inner = self.member()?;
        if signs == 0 {
            return Ok(inner);
        }
        if not {
            self.must(at, &inner, Type::BOOL, "what stands after \"!\"")?;
        } else if !inner.kind.is_number() {
            return self.error(at, Fault::Unfit(inner.kind, "has no negative"));
        }
        let kind = inner.kind;
        // Two of them do nothing, but for the number that has no negative: it stays a failure.
        let times = if signs % 2 == 1 { 1 } else { 2 };
        (0..times).try_fold(inner, |inner, _| {
            let inner = Box::new(inner);
            let op = if not {
                Op::Not(inner)
            } else {
                Op::Negate(inner)
            };
            self.node(at, kind, op)
        })
    }

    fn member(&mut self) -> Parsed {
        let at = self.at();
        let mut of = self.primary()?;
        loop {
            if self.take("[") {
                let place = self.at();
                let index = self.expression()?;
                self.expect("]")?;
                let Type::List(element) = of.kind else {
                    return self.error(place, Fault::Unfit(of.kind, "has no places"));
                };
                self.must(place, &index, Type::INT, "a place")?;
                of = self.node(at, Type::One(element), Op::Index(Box::new((of, index))))?;
            } else if self.take(".") {
                let place = self.at();
                let Token::Name(name) = self.peek().clone() else {
                    return Err(self.wrong(Fault::NameMissing));
                };
                self.next += 1;
                if !self.take("(") {
                    return self.error(
                        place,
                        Fault::Field {
                            name,
                            kind: of.kind,
                        },
                    );
                }
                of = self.method(place, &name, of)?;
            } else {
                return Ok(of);
            }
        }
    }

    /// `of.name(…)`, after the bracket.
    fn method(&mut self, at: usize, name: &str, of: Node) -> Parsed {
        let test = match name {
            "startsWith" => Some(TextTest::Starts),
            "endsWith" => Some(TextTest::Ends),
            "contains" => Some(TextTest::Contains),
            _ => None,
        };
        let each = match name {
            "all" => Some(Macro::All),
            "exists" => Some(Macro::Exists),
            "exists_one" => Some(Macro::ExistsOne),
            "filter" => Some(Macro::Filter),
            _ => None,
        };
        if let Some(test) = test {
            self.must(at, &of, Type::TEXT, &format!("what has {name}"))?;
            let place = self.at();
            let part = self.expression()?;
            self.expect(")")?;
            self.must(place, &part, Type::TEXT, &format!("what {name} takes"))?;
            return self.node(at, Type::BOOL, Op::Text(test, Box::new((of, part))));
        }
        if let Some(each) = each {
            return self.each(at, each, of);
        }
        match name {
            "size" => {
                self.expect(")")?;
                self.size(at, of)
            }
            "matches" => {
                self.must(at, &of, Type::TEXT, "what matches something")?;
                let place = self.at();
                let Token::Text(pattern) = self.peek().clone() else {
                    return Err(self.wrong(Fault::PatternMissing));
                };
                self.next += 1;
                self.expect(")")?;
                let pattern = RegexBuilder::new(&pattern).size_limit(PATTERN).build();
                let Ok(pattern) = pattern else {
                    return self.error(place, Fault::Pattern);
                };
                self.node(at, Type::BOOL, Op::Matches(Box::new(of), pattern))
            }
            _ => {
                let (name, kind) = (name.to_owned(), of.kind);
                self.error(at, Fault::UnknownMethod { name, kind })
            }
        }
    }

    fn each(&mut self, at: usize, each: Macro, of: Node) -> Parsed {
        let Type::List(element) = of.kind else {
            return self.error(at, Fault::Unfit(of.kind, "is no list to go through"));
        };
        let place = self.at();
        let Token::Name(name) = self.peek().clone() else {
            return Err(self.wrong(Fault::LocalMissing));
        };
        self.next += 1;
        if is_reserved(&name) || self.known(&name).is_some() {
            return self.error(place, Fault::Taken(name));
        }
        self.expect(",")?;
        self.locals.push((name, Type::One(element)));
        let place = self.at();
        let test = self.expression()?;
        self.locals.pop();
        self.expect(")")?;
        self.must(place, &test, Type::BOOL, "what is asked of each")?;
        let kind = if each == Macro::Filter {
            of.kind
        } else {
            Type::BOOL
        };
        self.node(at, kind, Op::Each(each, Box::new((of, test))))
    }

    fn size(&self, at: usize, of: Node) -> Parsed {
        if !matches!(of.kind, Type::List(_) | Type::One(Element::Text)) {
            return self.error(at, Fault::Unfit(of.kind, "has no size"));
        }
        self.node(at, Type::INT, Op::Size(Box::new(of)))
    }

    /// What a name stands for.
    fn known(&self, name: &str) -> Option<(Op, Type)> {
        let local = self.locals.iter().position(|(local, _)| local == name);
        if let Some(local) = local {
            return Some((Op::Local(local), self.locals[local].1));
        }
        let variable = self
            .variables
            .iter()
            .position(|(known, _)| *known == name)?;
        Some((Op::Variable(variable), self.variables[variable].1))
    }

    fn primary(&mut self) -> Parsed {
        let at = self.at();
        let token = self.peek().clone();
        self.next += 1;
        match token {
            Token::Int(number) => self.node(at, Type::INT, Op::Value(Value::Int(number))),
            Token::Double(number) => self.node(at, Type::DOUBLE, Op::Value(Value::Double(number))),
            Token::Text(text) => self.node(at, Type::TEXT, Op::Value(Value::text(&text))),
            Token::Sign("(") => {
                let inner = self.expression()?;
                self.expect(")")?;
                Ok(inner)
            }
            Token::Sign("[") => self.list(at),
            Token::Name(name) => self.name(at, &name),
            found => self.error(at, Fault::ValueMissing(found.shown())),
        }
    }

    fn list(&mut self, at: usize) -> Parsed {
        let mut all: Vec<Node> = Vec::new();
        loop {
            let place = self.at();
            let one = self.expression()?;
            if let Some(first) = all.first() {
                self.must(place, &one, first.kind, "an entry of this list")?;
            }
            all.push(one);
            if self.take("]") {
                break;
            }
            self.expect(",")?;
            if self.take("]") {
                break;
            }
        }
        let Some(Type::One(element)) = all.first().map(|first| first.kind) else {
            return self.error(at, Fault::ListOfLists);
        };
        self.node(at, Type::List(element), Op::List(all))
    }

    fn name(&mut self, at: usize, name: &str) -> Parsed {
        if self.take("(") {
            if !matches!(name, "size" | "double") {
                return self.error(at, Fault::UnknownFunction(name.to_owned()));
            }
            let of = self.expression()?;
            self.expect(")")?;
            if name == "size" {
                return self.size(at, of);
            }
            if !of.kind.is_number() {
                return self.error(at, Fault::Unfit(of.kind, "is no number"));
            }
            return self.node(at, Type::DOUBLE, Op::Double(Box::new(of)));
        }
        match name {
            "true" => return self.node(at, Type::BOOL, Op::Value(Value::Bool(true))),
            "false" => return self.node(at, Type::BOOL, Op::Value(Value::Bool(false))),
            _ => {}
        }
        let Some((op, kind)) = self.known(name) else {
            let known: Vec<&str> = self.variables.iter().map(|(known, _)| *known).collect();
            let known = known.join(", ");
            let name = name.to_owned();
            return self.error(at, Fault::UnknownName { name, known });
        };
        if let Op::Variable(variable) = op {
            self.used[variable] = true;
        }
        self.node(at, kind, op)
    }
}

fn is_reserved(name: &str) -> bool {
    matches!(name, "true" | "false" | "null" | "in" | "size" | "double")
}
