//! Derivatives of expressions.

use crate::expr::{Expr, condition};
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
    #[error("there is no rule for a function `{function}` of {arity} arguments")]
    NoRule {
        /// The function's name.
        function: String,
        /// How many arguments it is called with.
        arity: usize,
    },
    /// Several functions have this name.
    #[error(
        "several functions of {arity} arguments are called `{function}`; write the path of one"
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

impl Graph {
    /// The derivative of a node; none where it is zero.
    fn differentiate(
        &mut self,
        id: Id,
        variable: &str,
        rules: &impl Rules,
    ) -> Result<Option<Id>, DerivativeError> {
        let wanted = self.depends(id);
        let mut known: Vec<Option<Id>> = vec![None; id + 1];
        // Each node comes after those it is made of.
        for id in (0..=id).filter(|&id| wanted[id]) {
            known[id] = match self.nodes[id].clone() {
                // What is undefined has no derivative either.
                Node::Number(number) => number.is_nan().then_some(id),
                Node::Variable(name) => (*name == *variable).then(|| self.number(1.0)),
                Node::Call(function, arguments) => {
                    self.chain_rule(&function, &arguments, &known, rules)?
                }
            };
        }
        Ok(known[id])
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

    fn chain_rule(
        &mut self,
        function: &str,
        arguments: &[Id],
        known: &[Option<Id>],
        rules: &impl Rules,
    ) -> Result<Option<Id>, DerivativeError> {
        if is_condition(function) {
            return Ok(None);
        }
        let mut sum = None;
        for (i, &argument) in arguments.iter().enumerate() {
            let Some(inner) = known[argument] else { continue };
            let term = match (function, arguments) {
                // A condition has no derivative.
                ("select", [_, _, _]) if i == 0 => continue,
                ("select", &[condition, _, _]) => {
                    let zero = self.number(0.0);
                    let branches = if i == 1 { [inner, zero] } else { [zero, inner] };
                    self.call("select", vec![condition, branches[0], branches[1]])
                }
                _ => {
                    let given: Vec<_> = arguments.iter().map(|&id| self.expr(id)).collect();
                    let partial = rules.partial(function, &given, i)?;
                    let partial = self.insert(&partial);
                    self.call("mul", vec![partial, inner])
                }
            };
            sum = Some(match sum {
                None => term,
                Some(sum) => self.call("add", vec![sum, term]),
            });
        }
        Ok(sum)
    }
}

/// Whether the values of a function are true or false.
fn is_condition(function: &str) -> bool {
    function == "!" || condition(function).is_some()
}
