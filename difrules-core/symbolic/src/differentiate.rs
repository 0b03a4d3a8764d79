//! Derivatives of expressions.

use crate::expr::{Expr, is_condition};
use crate::graph::{Graph, Id, Node};

/// Where the partial derivatives of functions are looked up.
pub trait Rules {
    /// The partial derivative of a function of these arguments by one of them.
    ///
    /// # Errors
    /// If it is not known, or has no expression.
    fn partial(
        &self,
        function: &str,
        arguments: &[Expr],
        argument: usize,
    ) -> Result<Expr, DerivativeError>;
}

/// Why an expression has no derivative.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DerivativeError {
    /// There is no rule for a function of so many arguments.
    #[error(
        "there is no rule for `{function}` with {arity} argument{}",
        if *arity == 1 { "" } else { "s" }
    )]
    NoRule {
        /// The function's name.
        function: String,
        /// How many arguments it is called with.
        arity: usize,
    },
    /// Several functions have this name.
    #[error(
        "several functions are called `{function}` and take {arity} arguments; write the path of one"
    )]
    Ambiguous {
        /// The function's name.
        function: String,
        /// How many arguments it is called with.
        arity: usize,
    },
    /// Nobody knows the partial derivative.
    #[error("the derivative of `{function}` by its argument `{argument}` is not known")]
    Unknown {
        /// The function's name.
        function: String,
        /// The argument's name, or its place.
        argument: String,
    },
    /// The rule is a program, not an expression.
    #[error(
        "the derivative of `{function}` by its argument `{argument}` is code, not an expression"
    )]
    NotAnExpression {
        /// The function's name.
        function: String,
        /// The argument's name, or its place.
        argument: String,
    },
}

impl Expr {
    /// The derivative with respect to a variable, by these rules, simplified.
    ///
    /// A part that does not depend on the variable contributes nothing, and its rules are not asked for.
    ///
    /// # Errors
    /// What a rule that is needed says.
    pub fn differentiate(
        &self,
        variable: &str,
        rules: &impl Rules,
    ) -> Result<Self, DerivativeError> {
        let (mut graph, id) = Graph::of(self);
        let Some(derivative) = graph.differentiate(id, variable, rules)? else {
            return Ok(Self::Number(0.0));
        };
        let simple = graph.simplify(derivative);
        Ok(graph.expr(simple))
    }
}

/// A derivative that is zero, whatever it is multiplied by, unless a condition holds.
#[derive(Clone, Copy)]
struct Guarded {
    /// The condition; none where it always holds.
    on: Option<Id>,
    value: Id,
}

/// What is in a node.
#[derive(Clone, Copy, Default)]
struct Traits {
    /// A function that is finite at 0, where its derivative is not.
    vertical_at_zero: bool,
    /// The same at 1 or -1.
    vertical_at_one: bool,
    sums: bool,
}

impl Traits {
    /// Whether the derivative of this factor may be infinite where the other is zero.
    fn meet_zero_of(self, other: Self) -> bool {
        self.vertical_at_zero || self.vertical_at_one && other.sums
    }

    fn is_smooth(self) -> bool {
        !(self.vertical_at_zero || self.vertical_at_one)
    }
}

/// Branches of branches are followed this deep, to find those that are zero.
const DEPTH: usize = 16;

impl Graph {
    /// The derivative of a node; none where it is zero.
    fn differentiate(
        &mut self,
        id: Id,
        variable: &str,
        rules: &impl Rules,
    ) -> Result<Option<Id>, DerivativeError> {
        let wanted = self.depends(id);
        let traits = self.traits(id);
        let constants = self.constants(id);
        let mut known: Vec<Option<Guarded>> = vec![None; id + 1];
        // Each node comes after those it is made of.
        for id in (0..=id).filter(|&id| wanted[id]) {
            let always = |value| Guarded { on: None, value };
            known[id] = match self.nodes[id].clone() {
                // What is undefined has no derivative either.
                _ if constants[id].is_some_and(f64::is_nan) => Some(always(self.number(f64::NAN))),
                Node::Number(_) => None,
                Node::Variable(name) => (*name == *variable).then(|| always(self.number(1.0))),
                Node::Call(function, arguments) => match (&*function, &*arguments) {
                    (function, _) if is_condition(function) => None,
                    // A condition has no derivative.
                    ("select", &[condition, yes, no]) => {
                        self.choice(condition, known[yes], known[no])
                    }
                    _ => self.chain_rule(&function, &arguments, (&known, &traits), rules)?,
                },
            };
        }
        Ok(known[id].map(|derivative| self.written_out(derivative)))
    }

    /// What a derivative of a node depends on: not on conditions, which have none.
    fn depends(&self, id: Id) -> Vec<bool> {
        let mut wanted = vec![false; id + 1];
        wanted[id] = true;
        for id in (0..=id).rev() {
            if let (true, Node::Call(function, arguments)) = (wanted[id], &self.nodes[id]) {
                let first = match &**function {
                    "select" => 1,
                    function if is_condition(function) => arguments.len(),
                    _ => 0,
                };
                arguments.iter().skip(first).for_each(|&argument| wanted[argument] = true);
            }
        }
        wanted
    }

    /// The numbers that nodes up to this one are, as far as it takes to know which are undefined: those of arithmetic, and of
    /// what is undefined.
    fn constants(&self, id: Id) -> Vec<Option<f64>> {
        let mut constants: Vec<Option<f64>> = vec![None; id + 1];
        for id in 0..=id {
            constants[id] = match &self.nodes[id] {
                Node::Number(number) => Some(*number),
                Node::Variable(_) => None,
                Node::Call(function, arguments) => match (&**function, &arguments[..]) {
                    (function, _) if is_condition(function) => None,
                    (function, &[x]) => constants[x].and_then(|x| of_one(function, x)),
                    (function, &[x, y]) => {
                        constants[x].zip(constants[y]).and_then(|(x, y)| of_two(function, x, y))
                    }
                    _ => None,
                },
            };
        }
        constants
    }

    fn chain_rule(
        &mut self,
        function: &str,
        arguments: &[Id],
        (known, traits): (&[Option<Guarded>], &[Traits]),
        rules: &impl Rules,
    ) -> Result<Option<Guarded>, DerivativeError> {
        let mut sum: Option<Guarded> = None;
        for (i, &argument) in arguments.iter().enumerate() {
            let Some(inner) = known[argument] else { continue };
            let given: Vec<_> = arguments.iter().map(|&id| self.expr(id)).collect();
            let partial = rules.partial(function, &given, i)?;
            let partial = self.insert(&partial);
            // A branch that does not depend on the argument contributes nothing, infinite or not.
            let Some(partial) = self.guarded(partial, DEPTH) else { continue };
            let value = self.call("mul", vec![partial.value, inner.value]);
            let other = self.other_factor(function, arguments, i);
            let value = match other.and_then(|other| Some((other, known[other]?.value))) {
                Some((other, slope)) if traits[argument].meet_zero_of(traits[other]) => {
                    let slope = (!traits[other].is_smooth()).then_some(slope);
                    self.by_product_rule((other, slope), inner.value, value)
                }
                _ => value,
            };
            let term = Guarded { on: self.both(partial.on, inner.on), value };
            sum = Some(match sum {
                None => term,
                Some(sum) => {
                    let on = match (sum.on, term.on) {
                        (Some(first), Some(second)) => Some(self.either(first, second)),
                        _ => None,
                    };
                    let terms = vec![self.written_out(sum), self.written_out(term)];
                    Guarded { on, value: self.call("add", terms) }
                }
            });
        }
        Ok(sum)
    }

    /// The other factor of a product, or the dividend: the derivative by the one is zero where that is.
    fn other_factor(&self, function: &str, arguments: &[Id], i: usize) -> Option<Id> {
        match (function, arguments) {
            ("mul", [..]) => Some(arguments[1 - i]),
            ("div", &[dividend, _]) if i == 1 => Some(dividend),
            ("left_div", &[_, dividend]) if i == 0 => Some(dividend),
            _ => None,
        }
    }

    /// The term u v' of the derivative of a product, given v'. Where u is zero, and moves with a finite derivative, v only has
    /// to be continuous there for the product to have one: an infinite v' contributes nothing then, as in every mode.
    fn by_product_rule(&mut self, (u, by_u): (Id, Option<Id>), slope: Id, term: Id) -> Id {
        let (zero, infinity) = (self.number(0.0), self.number(f64::INFINITY));
        let size = self.call("abs", vec![slope]);
        let (nothing, vertical) =
            (self.call("==", vec![u, zero]), self.call("==", vec![size, infinity]));
        let mut all = self.call("&&", vec![nothing, vertical]);
        if let Some(slope) = by_u {
            let size = self.call("abs", vec![slope]);
            let finite = self.call("<", vec![size, infinity]);
            all = self.call("&&", vec![all, finite]);
        }
        self.call("select", vec![all, zero, term])
    }

    /// Which nodes up to this one have a function in them that is finite where its derivative is not, and which have a sum.
    fn traits(&self, id: Id) -> Vec<Traits> {
        let mut traits = vec![Traits::default(); id + 1];
        for id in 0..=id {
            let Node::Call(function, arguments) = &self.nodes[id] else { continue };
            let mut own = Traits {
                vertical_at_zero: matches!(&**function, "sqrt" | "cbrt"),
                vertical_at_one: matches!(&**function, "asin" | "acos" | "acosh" | "asec" | "acsc"),
                sums: matches!(&**function, "add" | "sub"),
            };
            for argument in arguments {
                let part = traits[*argument];
                own.vertical_at_zero |= part.vertical_at_zero;
                own.vertical_at_one |= part.vertical_at_one;
                own.sums |= part.sums;
            }
            traits[id] = own;
        }
        traits
    }

    /// A partial derivative apart from the branches that are zero; none where all are.
    fn guarded(&mut self, id: Id, depth: usize) -> Option<Guarded> {
        match &self.nodes[id] {
            Node::Number(0.0) => None,
            Node::Call(function, arguments) if &**function == "select" && depth > 0 => {
                let &[condition, yes, no] = &arguments[..] else { unreachable!("by its arity") };
                let (yes, no) = (self.guarded(yes, depth - 1), self.guarded(no, depth - 1));
                self.choice(condition, yes, no)
            }
            _ => Some(Guarded { on: None, value: id }),
        }
    }

    fn choice(
        &mut self,
        condition: Id,
        yes: Option<Guarded>,
        no: Option<Guarded>,
    ) -> Option<Guarded> {
        let not = |graph: &mut Self| graph.call("!", vec![condition]);
        Some(match (yes, no) {
            (None, None) => return None,
            (Some(yes), None) => {
                Guarded { on: self.both(Some(condition), yes.on), value: yes.value }
            }
            (None, Some(no)) => {
                let not = not(self);
                Guarded { on: self.both(Some(not), no.on), value: no.value }
            }
            (Some(yes), Some(no)) => {
                let value = self.call("select", vec![condition, yes.value, no.value]);
                let on = match (yes.on, no.on) {
                    (None, None) => None,
                    (yes, no) => {
                        let not = not(self);
                        let yes = self.both(Some(condition), yes).expect("a condition");
                        let no = self.both(Some(not), no).expect("a condition");
                        Some(self.either(yes, no))
                    }
                };
                Guarded { on, value }
            }
        })
    }

    fn both(&mut self, first: Option<Id>, second: Option<Id>) -> Option<Id> {
        match (first, second) {
            (Some(first), Some(second)) if first != second => {
                Some(self.call("&&", vec![first, second]))
            }
            (first, second) => first.or(second),
        }
    }

    fn either(&mut self, first: Id, second: Id) -> Id {
        if first == second { first } else { self.call("||", vec![first, second]) }
    }

    fn written_out(&mut self, Guarded { on, value }: Guarded) -> Id {
        let Some(condition) = on else { return value };
        let zero = self.number(0.0);
        // As it is read more easily.
        match self.nodes[condition].clone() {
            Node::Call(function, opposite) if &*function == "!" => {
                self.call("select", vec![opposite[0], zero, value])
            }
            _ => self.call("select", vec![condition, value, zero]),
        }
    }
}

/// The value of a function of one number; none where it is not looked at.
fn of_one(function: &str, x: f64) -> Option<f64> {
    Some(match function {
        _ if x.is_nan() => x,
        "neg" => -x,
        "pos" => x,
        "recip" => 1.0 / x,
        "abs2" => x * x,
        "sqrt" => x.sqrt(),
        "ln" => x.ln(),
        "log2" => x.log2(),
        "log10" => x.log10(),
        "ln_1p" => x.ln_1p(),
        "asin" => x.asin(),
        "acos" => x.acos(),
        "acosh" => x.acosh(),
        "atanh" => x.atanh(),
        _ => return None,
    })
}

/// The value of a function of two numbers; none where it is not looked at.
fn of_two(function: &str, x: f64, y: f64) -> Option<f64> {
    Some(match function {
        "add" => x + y,
        "sub" => x - y,
        "mul" => x * y,
        "div" => x / y,
        "left_div" => y / x,
        "powi" | "powf" => x.powf(y),
        _ => return None,
    })
}
