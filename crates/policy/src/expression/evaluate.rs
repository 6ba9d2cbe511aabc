//! What a tree comes to.

use std::cmp::Ordering;

use super::{Arithmetic, Comparison, EvaluationError, Macro, Node, Op, STEPS, TextTest, Value};

/// Steps that a match of a pattern counts for.
const MATCH: usize = 50;

type Evaluated = Result<Value, EvaluationError>;

struct Evaluation<'a> {
    values: &'a [Value],
    locals: Vec<Value>,
    steps: usize,
}

pub(super) fn evaluate(root: &Node, values: &[Value]) -> Evaluated {
    let mut evaluation = Evaluation {
        values,
        locals: Vec::new(),
        steps: 0,
    };
    evaluation.of(root)
}

impl Evaluation<'_> {
    fn of(&mut self, node: &Node) -> Evaluated {
        self.spend(1)?;
        match &node.op {
            Op::Value(value) => Ok(value.clone()),
            // Every variable has its value: the types were checked over the same list.
            Op::Variable(nr) => self.values.get(*nr).cloned().ok_or(EvaluationError::Index),
            Op::Local(nr) => self.locals.get(*nr).cloned().ok_or(EvaluationError::Index),
            Op::Not(inner) => Ok(Value::Bool(!self.truth(inner)?)),
            Op::Negate(inner) => match self.of(inner)? {
                Value::Int(number) => whole(number.checked_neg()),
                Value::Double(number) => Ok(Value::Double(-number)),
                other => Ok(other),
            },
            Op::And(parts) => self.decide(parts, false),
            Op::Or(parts) => self.decide(parts, true),
            Op::Compare(how, two) => {
                let (left, right) = (self.of(&two.0)?, self.of(&two.1)?);
                Ok(Value::Bool(holds(*how, &left, &right)))
            }
            Op::In(two) => {
                let (one, list) = (self.of(&two.0)?, self.of(&two.1)?);
                self.spend(entries(&list).len())?;
                let found = entries(&list).iter().any(|it| same(it, &one));
                Ok(Value::Bool(found))
            }
            Op::Arithmetic(how, two) => {
                let (left, right) = (self.of(&two.0)?, self.of(&two.1)?);
                calculate(*how, &left, &right)
            }
            Op::If(three) => {
                if self.truth(&three.0)? {
                    self.of(&three.1)
                } else {
                    self.of(&three.2)
                }
            }
            Op::List(parts) => {
                let parts: Result<Vec<Value>, _> = parts.iter().map(|it| self.of(it)).collect();
                Ok(Value::List(parts?.into()))
            }
            Op::Index(two) => {
                let (list, place) = (self.of(&two.0)?, self.of(&two.1)?);
                let Value::Int(place) = place else {
                    return Err(EvaluationError::Index);
                };
                let place = usize::try_from(place).map_err(|_| EvaluationError::Index)?;
                let found = entries(&list).get(place).cloned();
                found.ok_or(EvaluationError::Index)
            }
            Op::Size(inner) => Ok(Value::Int(match self.of(inner)? {
                Value::Text(text) => text.chars().count() as i64,
                other => entries(&other).len() as i64,
            })),
            Op::Double(inner) => Ok(match self.of(inner)? {
                Value::Int(number) => Value::Double(number as f64),
                other => other,
            }),
            Op::Text(test, two) => {
                let (whole, part) = (self.of(&two.0)?, self.of(&two.1)?);
                let (whole, part) = (text(&whole), text(&part));
                Ok(Value::Bool(match test {
                    TextTest::Starts => whole.starts_with(part),
                    TextTest::Ends => whole.ends_with(part),
                    TextTest::Contains => whole.contains(part),
                }))
            }
            Op::Matches(inner, pattern) => {
                let whole = self.of(inner)?;
                self.spend(MATCH)?;
                Ok(Value::Bool(pattern.is_match(text(&whole))))
            }
            Op::Each(how, two) => self.each(*how, &two.0, &two.1),
        }
    }

    fn spend(&mut self, steps: usize) -> Result<(), EvaluationError> {
        self.steps += steps;
        if self.steps > STEPS {
            return Err(EvaluationError::TooLong);
        }
        Ok(())
    }

    fn truth(&mut self, node: &Node) -> Result<bool, EvaluationError> {
        Ok(matches!(self.of(node)?, Value::Bool(true)))
    }

    /// `&&` and `||`: one part that is `decisive` decides, even beside parts that fail.
    fn decide(&mut self, parts: &[Node], decisive: bool) -> Evaluated {
        let mut failed = None;
        for part in parts {
            match self.truth(part) {
                Ok(truth) if truth == decisive => return Ok(Value::Bool(decisive)),
                Ok(_) => {}
                Err(EvaluationError::TooLong) => return Err(EvaluationError::TooLong),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    fn each(&mut self, how: Macro, list: &Node, test: &Node) -> Evaluated {
        let list = self.of(list)?;
        let (mut found, mut failed) = (Vec::new(), None);
        for one in entries(&list) {
            self.locals.push(one.clone());
            let truth = self.truth(test);
            self.locals.pop();
            match (how, truth) {
                (Macro::All, Ok(false)) => return Ok(Value::Bool(false)),
                (Macro::Exists, Ok(true)) => return Ok(Value::Bool(true)),
                (Macro::ExistsOne | Macro::Filter, Ok(true)) => found.push(one.clone()),
                (_, Ok(_)) => {}
                // As with && and ||, another entry may decide.
                (Macro::All | Macro::Exists, Err(error)) if error != EvaluationError::TooLong => {
                    failed = failed.or(Some(error));
                }
                (_, Err(error)) => return Err(error),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        Ok(match how {
            Macro::All => Value::Bool(true),
            Macro::Exists => Value::Bool(false),
            Macro::ExistsOne => Value::Bool(found.len() == 1),
            Macro::Filter => Value::List(found.into()),
        })
    }
}

fn entries(value: &Value) -> &[Value] {
    match value {
        Value::List(entries) => entries,
        _ => &[],
    }
}

fn text(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        _ => "",
    }
}

fn whole(number: Option<i64>) -> Evaluated {
    number.map(Value::Int).ok_or(EvaluationError::Overflow)
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::List(left), Value::List(right)) => {
            left.len() == right.len() && left.iter().zip(&**right).all(|(a, b)| same(a, b))
        }
        (Value::Bool(left), Value::Bool(right)) => left == right,
        _ => order(left, right) == Some(Ordering::Equal),
    }
}

/// `None` where there is no order, as with what is no number.
fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Int(left), Value::Double(right)) => mixed(*left, *right),
        (Value::Double(left), Value::Int(right)) => mixed(*right, *left).map(Ordering::reverse),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// A whole number beside another one, exactly: the former may have more digits than a double.
fn mixed(left: i64, right: f64) -> Option<Ordering> {
    // 2^63 is a double; i64::MAX is not.
    const ABOVE: f64 = 9_223_372_036_854_775_808.0;
    if right.is_nan() {
        None
    } else if right >= ABOVE {
        Some(Ordering::Less)
    } else if right < -ABOVE {
        Some(Ordering::Greater)
    } else {
        let beside = (right - right.trunc()).partial_cmp(&0.0)?;
        Some(left.cmp(&(right as i64)).then(beside.reverse()))
    }
}

fn holds(how: Comparison, left: &Value, right: &Value) -> bool {
    let order = || order(left, right);
    match how {
        Comparison::Equal => same(left, right),
        Comparison::Unequal => !same(left, right),
        Comparison::Less => order() == Some(Ordering::Less),
        Comparison::Greater => order() == Some(Ordering::Greater),
        Comparison::AtMost => order().is_some_and(Ordering::is_le),
        Comparison::AtLeast => order().is_some_and(Ordering::is_ge),
    }
}

fn calculate(how: Arithmetic, left: &Value, right: &Value) -> Evaluated {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => match how {
            Arithmetic::Add => whole(left.checked_add(*right)),
            Arithmetic::Subtract => whole(left.checked_sub(*right)),
            Arithmetic::Multiply => whole(left.checked_mul(*right)),
            Arithmetic::Divide | Arithmetic::Remainder if *right == 0 => {
                Err(EvaluationError::DivisionByZero)
            }
            Arithmetic::Divide => whole(left.checked_div(*right)),
            Arithmetic::Remainder => whole(left.checked_rem(*right)),
        },
        (Value::Double(left), Value::Double(right)) => Ok(Value::Double(match how {
            Arithmetic::Add => left + right,
            Arithmetic::Subtract => left - right,
            Arithmetic::Multiply => left * right,
            Arithmetic::Divide => left / right,
            Arithmetic::Remainder => left % right,
        })),
        _ => Err(EvaluationError::Overflow),
    }
}
