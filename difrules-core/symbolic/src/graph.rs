//! Expressions with equal parts shared: what is worked on inside, and what is compiled.

use std::collections::HashMap;
use std::sync::Arc;

use crate::expr::Expr;

/// The place of a node.
pub(crate) type Id = usize;

/// One step of a straight-line program: a number, a variable, or a function of earlier steps.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A number.
    Number(f64),
    /// A variable.
    Variable(Arc<str>),
    /// A function of the steps of these numbers.
    Call(Arc<str>, Vec<usize>),
}

/// What equal nodes have in common; zeros differ by their sign.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Number(u64),
    Variable(Arc<str>),
    Call(Arc<str>, Vec<Id>),
}

impl Key {
    fn of(node: &Node) -> Self {
        match node {
            Node::Number(number) => Self::Number(number.to_bits()),
            Node::Variable(name) => Self::Variable(name.clone()),
            Node::Call(function, arguments) => Self::Call(function.clone(), arguments.clone()),
        }
    }
}

/// Nodes, each after those it is made of, none twice.
#[derive(Default)]
pub(crate) struct Graph {
    pub(crate) nodes: Vec<Node>,
    ids: HashMap<Key, Id>,
    /// Where parts of expressions have been put, by their addresses; the arguments, so that these stay.
    parts: HashMap<(Arc<str>, *const Expr), (Id, Arc<[Expr]>)>,
    exprs: Vec<Option<Expr>>,
    pub(crate) simplified: HashMap<Id, Id>,
}

impl Graph {
    pub(crate) fn node(&mut self, node: Node) -> Id {
        *self.ids.entry(Key::of(&node)).or_insert_with(|| {
            self.nodes.push(node);
            self.exprs.push(None);
            self.nodes.len() - 1
        })
    }

    pub(crate) fn number(&mut self, number: f64) -> Id {
        self.node(Node::Number(number))
    }

    pub(crate) fn call(&mut self, function: &str, arguments: Vec<Id>) -> Id {
        self.node(Node::Call(function.into(), arguments))
    }

    /// The node of an expression.
    pub(crate) fn insert(&mut self, expr: &Expr) -> Id {
        match expr {
            Expr::Number(number) => self.number(*number),
            Expr::Variable(name) => self.node(Node::Variable(name.clone())),
            Expr::Call(function, arguments) => {
                let place = (function.clone(), arguments.as_ptr());
                if let Some((id, _)) = self.parts.get(&place) {
                    return *id;
                }
                let ids = arguments.iter().map(|argument| self.insert(argument)).collect();
                let id = self.node(Node::Call(function.clone(), ids));
                self.parts.insert(place, (id, arguments.clone()));
                id
            }
        }
    }

    /// The expression of a node, with equal parts shared.
    pub(crate) fn expr(&mut self, id: Id) -> Expr {
        if let Some(expr) = &self.exprs[id] {
            return expr.clone();
        }
        let expr = match self.nodes[id].clone() {
            Node::Number(number) => Expr::Number(number),
            Node::Variable(name) => Expr::Variable(name),
            Node::Call(function, arguments) => {
                let arguments = arguments.into_iter().map(|argument| self.expr(argument));
                Expr::Call(function, arguments.collect())
            }
        };
        self.exprs[id] = Some(expr.clone());
        expr
    }
}

/// Expressions as one straight-line program: every part that is equal to another is computed once.
///
/// ```
/// use difrules_symbolic::{Expr, Straight};
///
/// let expressions: [Expr; 2] = ["sin(x) + sin(x)^2".parse()?, "3 * sin(x)".parse()?];
/// let program = Straight::new(&expressions);
/// let sines = program.steps.iter().filter(|step| {
///     matches!(step, difrules_symbolic::Node::Call(function, _) if &**function == "sin")
/// });
/// assert_eq!((sines.count(), program.results.len()), (1, 2));
/// # Ok::<(), difrules_symbolic::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Straight {
    /// The steps, each after those that it reads.
    pub steps: Vec<Node>,
    /// The step of each expression.
    pub results: Vec<usize>,
}

impl Straight {
    /// The program of these expressions.
    pub fn new(expressions: &[Expr]) -> Self {
        let mut graph = Graph::default();
        let results = expressions.iter().map(|expr| graph.insert(expr)).collect();
        Self { steps: graph.nodes, results }
    }
}
