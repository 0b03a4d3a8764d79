//! Expressions with equal parts shared: what is worked on inside, and what is compiled.

use std::collections::HashMap;
use std::sync::Arc;

use crate::expr::{Arguments, Expr};

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
    /// Where calls of expressions have been put, by the addresses of their arguments; the arguments, so that these stay.
    parts: HashMap<(Arc<str>, *const Expr), (Id, Arguments)>,
    exprs: Vec<Option<Expr>>,
    pub(crate) simplified: HashMap<Id, Id>,
}

impl Graph {
    /// The graph of an expression, and its node.
    pub(crate) fn of(expr: &Expr) -> (Self, Id) {
        let mut graph = Self::default();
        let id = graph.insert(expr);
        (graph, id)
    }

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

    /// The node of an expression, where that of its arguments are there.
    fn find(&mut self, expr: &Expr) -> Option<Id> {
        Some(match expr {
            Expr::Number(number) => self.number(*number),
            Expr::Variable(name) => self.node(Node::Variable(name.clone())),
            Expr::Call(function, arguments) => {
                self.parts.get(&(function.clone(), arguments.as_ptr()))?.0
            }
        })
    }

    /// The node of an expression.
    pub(crate) fn insert(&mut self, expr: &Expr) -> Id {
        // The calls whose arguments are being put in, with the nodes of those that are.
        let mut open: Vec<(&Expr, Vec<Id>)> = Vec::new();
        let mut next = expr;
        loop {
            let mut done = self.find(next);
            if done.is_none() {
                open.push((next, Vec::new()));
            }
            loop {
                let Some((call, ids)) = open.last_mut() else {
                    return done.expect("nothing is left to be put in");
                };
                ids.extend(done.take());
                let Expr::Call(function, arguments) = *call else { unreachable!("a call") };
                if let Some(argument) = arguments.get(ids.len()) {
                    next = argument;
                    break;
                }
                let id = self.node(Node::Call(function.clone(), std::mem::take(ids)));
                self.parts.insert((function.clone(), arguments.as_ptr()), (id, arguments.clone()));
                open.pop();
                done = Some(id);
            }
        }
    }

    /// The expression of a node, with equal parts shared.
    pub(crate) fn expr(&mut self, id: Id) -> Expr {
        let mut open = vec![id];
        while let Some(&id) = open.last() {
            let missing = |&argument: &Id| self.exprs[argument].is_none();
            if let Node::Call(_, arguments) = &self.nodes[id]
                && self.exprs[id].is_none()
                && arguments.iter().any(missing)
            {
                open.extend(arguments.iter().copied().filter(missing));
                continue;
            }
            open.pop();
            if self.exprs[id].is_none() {
                let expr = match &self.nodes[id] {
                    Node::Number(number) => Expr::Number(*number),
                    Node::Variable(name) => Expr::Variable(name.clone()),
                    Node::Call(function, arguments) => {
                        let arguments = arguments.iter().flat_map(|&a| self.exprs[a].clone());
                        Expr::Call(function.clone(), arguments.collect())
                    }
                };
                self.exprs[id] = Some(expr);
            }
        }
        self.exprs[id].clone().expect("it is made above")
    }

    /// The expression of a node, where each part that it is made of is first changed.
    pub(crate) fn expr_with(&self, id: Id, mut change: impl FnMut(Id, Expr) -> Expr) -> Expr {
        let mut exprs: Vec<Expr> = Vec::with_capacity(id + 1);
        for (id, node) in self.nodes.iter().enumerate().take(id + 1) {
            let expr = match node {
                Node::Number(number) => Expr::Number(*number),
                Node::Variable(name) => Expr::Variable(name.clone()),
                Node::Call(function, arguments) => Expr::Call(
                    function.clone(),
                    arguments.iter().map(|&a| exprs[a].clone()).collect(),
                ),
            };
            exprs.push(change(id, expr));
        }
        exprs.pop().expect("it has a node")
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
