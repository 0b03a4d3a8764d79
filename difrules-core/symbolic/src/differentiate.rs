//! Derivatives of expressions.

use std::collections::HashMap;

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
        let mut graph = Graph::default();
        let id = graph.insert(self);
        let derivative =
            Differentiation { graph: &mut graph, variable, rules, known: HashMap::new() }.of(id)?;
        let Some(derivative) = derivative else { return Ok(Self::Number(0.0)) };
        let simple = graph.simplify(derivative);
        Ok(graph.expr(simple))
    }
}

struct Differentiation<'a, R> {
    graph: &'a mut Graph,
    variable: &'a str,
    rules: &'a R,
    known: HashMap<Id, Option<Id>>,
}

impl<R: Rules> Differentiation<'_, R> {
    /// The derivative of a node; none where it is zero.
    fn of(&mut self, id: Id) -> Result<Option<Id>, DerivativeError> {
        if let Some(known) = self.known.get(&id) {
            return Ok(*known);
        }
        let derivative = match self.graph.nodes[id].clone() {
            Node::Number(_) => None,
            Node::Variable(name) => (*name == *self.variable).then(|| self.graph.number(1.0)),
            Node::Call(function, arguments) => self.of_call(&function, &arguments)?,
        };
        self.known.insert(id, derivative);
        Ok(derivative)
    }

    /// The chain rule.
    fn of_call(&mut self, function: &str, arguments: &[Id]) -> Result<Option<Id>, DerivativeError> {
        if function == "!" || condition(function).is_some() {
            return Ok(None);
        }
        let mut sum = None;
        for (i, &argument) in arguments.iter().enumerate() {
            if function == "select" && i == 0 {
                // A condition has no derivative.
                continue;
            }
            let Some(inner) = self.of(argument)? else { continue };
            let term = if function == "select" {
                // The condition has no derivative, so this is one of the two branches.
                let zero = self.graph.number(0.0);
                let branches = if i == 1 { [inner, zero] } else { [zero, inner] };
                self.graph.call("select", vec![arguments[0], branches[0], branches[1]])
            } else {
                let given: Vec<_> = arguments.iter().map(|&id| self.graph.expr(id)).collect();
                let partial = self.rules.partial(function, &given, i)?;
                let partial = self.graph.insert(&partial);
                self.graph.call("mul", vec![partial, inner])
            };
            sum = Some(match sum {
                None => term,
                Some(sum) => self.graph.call("add", vec![sum, term]),
            });
        }
        Ok(sum)
    }
}
