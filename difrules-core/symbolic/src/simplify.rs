//! Simpler expressions of the same value.
//!
//! Sums are brought to coefficients of different terms, products to powers of different factors, numbers are put
//! together, and zeros and ones vanish. Nothing is multiplied out, so what was written to be accurate stays accurate.
//! As in every symbolic simplification `0 * x` is 0 and `x / x` is 1 for all x. But what is undefined stays so (`0 / 0`, the
//! quotient of a root by itself at 0), and nothing is put together that overflows or underflows where the text does not:
//! powers of products and quotients stay powers of them, divisions by one divisor stay several, and so do very large and
//! very small numbers where they are. A large number that is added and taken off again stays too: it rounds.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::expr::{Expr, condition, is_condition, whole};
use crate::graph::{Graph, Id, Node};

impl Expr {
    /// A simpler expression of the same value.
    ///
    /// ```
    /// use difrules_symbolic::Expr;
    ///
    /// let expression: Expr = "1 * x + 0 * y - 3 * x + x * sin(x) * x / 2".parse()?;
    /// assert_eq!(expression.simplify().to_string(), "0.5 * x^2 * sin(x) - 2 * x");
    /// # Ok::<(), difrules_symbolic::ParseError>(())
    /// ```
    #[must_use]
    pub fn simplify(&self) -> Self {
        let (mut graph, id) = Graph::of(self);
        let simple = graph.simplify(id);
        graph.expr(simple)
    }
}

/// The sum of different terms with coefficients, in the order of their appearance; none stands for 1.
#[derive(Default)]
struct Sum {
    terms: Vec<(Option<Id>, f64)>,
    places: HashMap<Option<Id>, usize>,
    /// Products as they are written, by what they are put together as.
    written: HashMap<Id, Id>,
}

impl Sum {
    fn add(&mut self, term: Option<Id>, coefficient: f64) {
        let place = *self.places.entry(term).or_insert(self.terms.len());
        match self.terms.get_mut(place) {
            // What overflows stays two terms, and so does what rounds.
            Some((_, sum))
                if !((*sum + coefficient).is_infinite()
                    && sum.is_finite()
                    && coefficient.is_finite()
                    || term.is_none() && cancels(*sum, coefficient)) =>
            {
                *sum += coefficient;
            }
            _ => self.terms.push((term, coefficient)),
        }
    }
}

/// How often a factor multiplies, and how often it divides.
#[derive(Clone, Copy, Default)]
struct Powers {
    above: i64,
    below: i64,
}

impl Powers {
    const ONE: Self = Self { above: 1, below: 0 };

    fn inverse(self) -> Self {
        Self { above: self.below, below: self.above }
    }

    fn times(self, factor: i64) -> Self {
        let Self { above, below } = self;
        let size = factor.saturating_abs();
        let all = Self { above: above.saturating_mul(size), below: below.saturating_mul(size) };
        if factor < 0 { all.inverse() } else { all }
    }

    /// Whether it is so often there that it is left as it is.
    fn is_large(self) -> bool {
        self.above.max(self.below) >= LARGEST_POWER
    }

    /// Whether what it is a power of may be multiplied out.
    fn is_one(self) -> bool {
        self.above <= 1 && self.below <= 1
    }

    fn is_odd(self) -> bool {
        (self.above + self.below) % 2 != 0
    }

    fn difference(self) -> i64 {
        self.above - self.below
    }
}

impl std::ops::AddAssign for Powers {
    fn add_assign(&mut self, other: Self) {
        self.above += other.above;
        self.below += other.below;
    }
}

/// The product of a number and of powers of different factors.
struct Product {
    number: f64,
    powers: HashMap<Id, Powers>,
}

impl Product {
    fn of(number: f64) -> Self {
        Self { number, powers: HashMap::new() }
    }

    fn multiply(&mut self, factor: Id, powers: Powers) {
        *self.powers.entry(factor).or_default() += powers;
    }
}

/// The nodes that a sum or a product is made of, without the sums or products between; each with its coefficient or exponent,
/// in the order of their appearance.
struct Leaves<N>(Vec<(Id, N)>);

/// Coefficients and exponents up to here are multiplied; what has a larger one stays as it is. Numbers this large are exact.
const LARGEST_COEFFICIENT: f64 = (1_u64 << 50) as f64;
const LARGEST_POWER: i64 = 1_000_000_000;

/// What is added to a number of this size, and to larger ones, loses digits on purpose, where it is taken off again.
const ROUNDS: f64 = 1e6;

/// Whether two large numbers take off most of each other.
fn cancels(x: f64, y: f64) -> bool {
    let most = x.abs().max(y.abs());
    most >= ROUNDS && most.is_finite() && (x + y).abs() < 0.5 * most
}

/// Divisions by one divisor up to here stay several.
const DIVISIONS: i64 = 8;

/// Whether a number, or its inverse, takes a product near to the ends of the floating-point numbers. A zero does not: it makes
/// the product zero.
fn is_extreme(number: f64) -> bool {
    !(number == 0.0 || (1e-30..=1e30).contains(&number.abs()))
}

impl Graph {
    /// The simpler node of the same value.
    pub(crate) fn simplify(&mut self, id: Id) -> Id {
        let mut open = vec![id];
        while let Some(&id) = open.last() {
            if self.simplified.contains_key(&id) {
                open.pop();
                continue;
            }
            let parts = self.parts_to_simplify(id);
            let missing =
                parts.into_iter().rev().filter(|part| !self.simplified.contains_key(part));
            let before = open.len();
            open.extend(missing);
            if open.len() == before {
                let simple = self.simplify_node(id);
                self.simplified.insert(id, simple);
                self.simplified.insert(simple, simple);
                open.pop();
            }
        }
        self.simplified[&id]
    }

    /// The parts of a node whose simple nodes it needs.
    fn parts_to_simplify(&self, id: Id) -> Vec<Id> {
        if self.is_sum(id) {
            self.terms(id).0.into_iter().map(|(id, _)| id).collect()
        } else if self.is_product(id) {
            self.factors(id).0.0.into_iter().map(|(id, _)| id).collect()
        } else if let Node::Call(_, arguments) = &self.nodes[id] {
            arguments.clone()
        } else {
            Vec::new()
        }
    }

    fn simplify_node(&mut self, id: Id) -> Id {
        if self.is_sum(id) {
            let mut sum = Sum::default();
            for (term, coefficient) in self.terms(id).0 {
                self.add_to(&mut sum, self.simplified[&term], coefficient);
            }
            return self.sum(sum);
        }
        if self.is_product(id) {
            let (factors, number) = self.factors(id);
            if let Some(written) = self.as_written(id, &factors, number) {
                return written;
            }
            let mut product = Product::of(number);
            for (factor, powers) in factors.0 {
                self.multiply_to(&mut product, self.simplified[&factor], powers);
            }
            return self.product(product);
        }
        match self.nodes[id].clone() {
            Node::Number(_) | Node::Variable(_) => id,
            Node::Call(function, arguments) => {
                let arguments: Vec<_> = arguments.iter().map(|a| self.simplified[a]).collect();
                self.simplify_call(&function, &arguments)
            }
        }
    }

    /// A product of several different factors in the order in which it is written: in another, what overflows or underflows on
    /// the way may be another part. Only its numbers are put together. None where something is to be put together.
    fn as_written(&mut self, id: Id, factors: &Leaves<Powers>, sign: f64) -> Option<Id> {
        let Leaves(leaves) = factors;
        let (mut number, mut different, mut several) = (sign, HashSet::new(), 0);
        for (leaf, powers) in leaves {
            let simple = self.simplified[leaf];
            match self.as_number(simple) {
                Some(value) => number *= value.powi(i32::try_from(powers.difference()).ok()?),
                None => {
                    let plain = powers.above + powers.below == 1
                        && !self.is_product(simple)
                        && !self.is_rigid(simple)
                        && !matches!(self.parts(simple), Some(("neg" | "powi" | "powf", _)));
                    if !plain || !different.insert(simple) {
                        return None;
                    }
                    several += 1;
                }
            }
        }
        if several < 3 || !number.is_normal() || is_extreme(number) {
            return None;
        }
        let leaves: HashSet<Id> = leaves.iter().map(|(leaf, _)| *leaf).collect();
        let (mut open, mut between) = (vec![id], Vec::new());
        while let Some(node) = open.pop().filter(|node| !leaves.contains(node)) {
            between.push(node);
            match self.parts(node) {
                Some(("mul" | "div", &[first, second])) => {
                    open.extend([first, second].into_iter().filter(|part| !leaves.contains(part)));
                }
                Some(("recip", [part])) => open.extend(Some(*part).filter(|x| !leaves.contains(x))),
                _ => return None,
            }
        }
        // Each comes after what it is made of.
        between.sort_unstable();
        let mut written: HashMap<Id, Option<Id>> = HashMap::new();
        for node in between {
            let (divides, first, second) = match self.parts(node)? {
                ("mul", &[first, second]) => (false, Some(first), second),
                ("div", &[first, second]) => (true, Some(first), second),
                (_, &[second]) => (true, None, second),
                _ => return None,
            };
            let part = |graph: &Self, part: Id| match written.get(&part) {
                Some(part) => *part,
                None => {
                    let simple = graph.simplified[&part];
                    graph.as_number(simple).is_none().then_some(simple)
                }
            };
            let parts = (first.and_then(|first| part(self, first)), part(self, second));
            let product = match parts {
                (Some(first), Some(second)) if divides => {
                    Some(self.call("div", vec![first, second]))
                }
                // One order of two factors, so that equal products are one node.
                (Some(first), Some(second)) => {
                    let factors = !self.is_product(first);
                    let swapped = factors && !self.is_product(second) && second < first;
                    let parts = if swapped { vec![second, first] } else { vec![first, second] };
                    Some(self.call("mul", parts))
                }
                (None, Some(second)) if divides => {
                    let one = self.number(1.0);
                    Some(self.call("div", vec![one, second]))
                }
                (first, second) => first.or(second),
            };
            written.insert(node, product);
        }
        let product = written[&id]?;
        Some(if number == 1.0 { product } else { self.with_number(number, product) })
    }

    /// A number times a product, next to its first factor.
    fn with_number(&mut self, number: f64, product: Id) -> Id {
        let (mut first, mut later) = (product, Vec::new());
        while let Some((function @ ("mul" | "div"), &[next, other])) = self.parts(first) {
            later.push((function.to_owned(), other));
            first = next;
        }
        let first = match self.as_number(first) {
            Some(value) => self.number(number * value),
            None if number == -1.0 => self.negated(first),
            None => {
                let number = self.number(number);
                self.call("mul", vec![number, first])
            }
        };
        let multiply =
            |product, (function, other): (String, Id)| self.call(&function, vec![product, other]);
        later.into_iter().rev().fold(first, multiply)
    }

    fn as_number(&self, id: Id) -> Option<f64> {
        match self.nodes[id] {
            Node::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The function and the arguments of a call.
    fn parts(&self, id: Id) -> Option<(&str, &[Id])> {
        match &self.nodes[id] {
            Node::Call(function, arguments) => Some((function, arguments)),
            _ => None,
        }
    }

    /// Whether a node adds others, or changes the sign of one.
    fn is_sum(&self, id: Id) -> bool {
        match self.parts(id) {
            // Of two numbers it is one.
            Some(("add" | "sub", &[x, y])) => self.as_number(x).zip(self.as_number(y)).is_none(),
            Some((function, [_])) => matches!(function, "neg" | "pos"),
            _ => false,
        }
    }

    /// Whether a node is a difference or a sum of two others.
    fn is_proper_sum(&self, id: Id) -> bool {
        matches!(self.parts(id), Some(("add" | "sub", [_, _])))
    }

    /// Whether a node multiplies others, or takes powers of one.
    fn is_product(&self, id: Id) -> bool {
        match self.parts(id) {
            Some(("mul" | "div" | "left_div", [_, _])) => !self.is_rigid(id),
            Some(("recip" | "abs2", [_])) => true,
            _ => self.power(id).is_some(),
        }
    }

    /// Whether a node is a product with, or a quotient by, a number that does not leave its place.
    fn is_rigid(&self, id: Id) -> bool {
        let extreme = |id| self.as_number(id).is_some_and(is_extreme);
        let zero = |id| self.as_number(id) == Some(0.0);
        match self.parts(id) {
            Some(("mul", &[x, y])) => extreme(x) || extreme(y),
            Some(("div", &[x, y]) | ("left_div", &[y, x])) => extreme(x) || extreme(y) || zero(y),
            _ => false,
        }
    }

    /// Whether a node is undefined, or infinite, because of a number in it.
    fn is_undefined(&self, id: Id) -> bool {
        let infinite = |id| self.as_number(id).is_some_and(|number| !number.is_finite());
        let zero = |id| self.as_number(id) == Some(0.0);
        infinite(id)
            || match self.parts(id) {
                Some(("mul", &[x, y])) => infinite(x) || infinite(y),
                Some(("div", &[x, y]) | ("left_div", &[y, x])) => infinite(x) || zero(y),
                _ => false,
            }
    }

    /// Whether a factor divided by itself is taken as 1: not a root, or whatever else is zero or undefined where its
    /// derivative is.
    fn is_cancelled(&self, id: Id) -> bool {
        match &self.nodes[id] {
            Node::Number(number) => *number != 0.0 && number.is_finite(),
            Node::Variable(_) => true,
            Node::Call(function, _) => {
                !matches!(
                    &**function,
                    "sqrt"
                        | "cbrt"
                        | "powf"
                        | "hypot"
                        | "ln"
                        | "log2"
                        | "log10"
                        | "ln_1p"
                        | "asin"
                        | "acos"
                        | "asind"
                        | "acosd"
                        | "acosh"
                        | "atanh"
                ) && !self.is_undefined(id)
            }
        }
    }

    /// The exponent of a power that is a whole number.
    fn power(&self, id: Id) -> Option<i32> {
        match self.parts(id) {
            Some(("powi" | "powf", &[_, exponent])) => self.as_number(exponent).and_then(whole),
            _ => None,
        }
    }

    /// The leaves of a sum; numbers that round are not put together yet.
    fn terms(&self, id: Id) -> Leaves<f64> {
        let mut rounding: Vec<(Id, f64)> = Vec::new();
        let Leaves(mut leaves) = self.leaves(
            id,
            1.0_f64,
            |id, coefficient| self.is_sum(id) && coefficient.abs() <= LARGEST_COEFFICIENT,
            |id, coefficient, give| {
                let mut give = |part: Id, coefficient: f64| {
                    let rounds = self.as_number(part).is_some_and(|number| number.abs() >= ROUNDS);
                    if !rounds {
                        give(part, coefficient);
                    } else if coefficient != 0.0 {
                        rounding.push((part, coefficient));
                    }
                };
                match self.parts(id) {
                    Some(("add", &[x, y])) => {
                        give(x, coefficient);
                        give(y, coefficient);
                    }
                    Some(("sub", &[x, y])) => {
                        give(x, coefficient);
                        give(y, -coefficient);
                    }
                    Some(("neg", &[x])) => give(x, -coefficient),
                    Some((_, &[x])) => give(x, coefficient),
                    _ => {}
                }
            },
        );
        leaves.extend(rounding);
        Leaves(leaves)
    }

    /// The leaves of a product, and its sign.
    fn factors(&self, id: Id) -> (Leaves<Powers>, f64) {
        let mut sign = 1.0;
        // Minus a sum is a sum.
        let negative = |id: Id| match self.parts(id) {
            Some(("neg", &[x])) => !self.is_proper_sum(x),
            _ => false,
        };
        let leaves = self.leaves(
            id,
            Powers::ONE,
            |id, powers: Powers| {
                let power = self.power(id).map_or(1, i64::from);
                let splits = match self.parts(id) {
                    Some(("mul" | "div" | "left_div", _)) => {
                        self.is_product(id) && (powers.is_one() || self.is_plain_multiple(id))
                    }
                    _ => self.is_product(id) || negative(id),
                };
                splits && !powers.times(power).is_large()
            },
            |id, powers, give| match self.parts(id) {
                Some(("mul", &[x, y])) => {
                    give(x, powers);
                    give(y, powers);
                }
                Some(("div", &[x, y]) | ("left_div", &[y, x])) => {
                    give(x, powers);
                    give(y, powers.inverse());
                }
                Some(("recip", &[x])) => give(x, powers.inverse()),
                Some(("abs2", &[x])) => give(x, powers.times(2)),
                Some(("neg", &[x])) => {
                    if powers.is_odd() {
                        sign = -sign;
                    }
                    give(x, powers);
                }
                Some((_, &[x, _])) => {
                    give(x, powers.times(self.power(id).map_or(1, i64::from)));
                }
                _ => {}
            },
        );
        (leaves, sign)
    }

    /// Whether a node is a small number times something else: a power of it is one of each.
    fn is_plain_multiple(&self, id: Id) -> bool {
        let plain = |id| {
            self.as_number(id).is_some_and(|number| (1.0 / 16.0..=16.0).contains(&number.abs()))
        };
        matches!(self.parts(id), Some(("mul", &[x, y])) if plain(x) || plain(y))
    }

    /// What a node is made of without the nodes between, by how much of them is in it: each node between is visited once.
    fn leaves<N: Copy + Default + std::ops::AddAssign>(
        &self,
        id: Id,
        one: N,
        between: impl Fn(Id, N) -> bool,
        mut split: impl FnMut(Id, N, &mut dyn FnMut(Id, N)),
    ) -> Leaves<N> {
        // The nodes below, each once, the left ones first.
        let mut order = HashMap::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            let place = order.len();
            if order.contains_key(&id) {
                continue;
            }
            order.insert(id, place);
            if between(id, one) {
                let first = open.len();
                split(id, N::default(), &mut |part, _| open.push(part));
                open[first..].reverse();
            }
        }
        // Each comes after what it is made of, so from the last on.
        let mut below: Vec<_> = order.keys().copied().collect();
        below.sort_unstable();
        let mut weights = HashMap::from([(id, one)]);
        let mut leaves = Vec::new();
        for part in below.into_iter().rev() {
            let Some(&weight) = weights.get(&part) else { continue };
            if between(part, weight) {
                split(part, weight, &mut |part, more| *weights.entry(part).or_default() += more);
            } else {
                leaves.push((part, weight));
            }
        }
        leaves.sort_unstable_by_key(|(part, _)| order[part]);
        Leaves(leaves)
    }

    /// The call of simple arguments, simplified.
    fn simplify_call(&mut self, function: &str, arguments: &[Id]) -> Id {
        match (function, arguments) {
            ("select", [chosen, then, otherwise]) => match self.as_number(*chosen) {
                Some(chosen) => {
                    if chosen == 0.0 {
                        *otherwise
                    } else {
                        *then
                    }
                }
                None if then == otherwise => *then,
                None => self.call(function, arguments.to_vec()),
            },
            (_, [argument]) => {
                if let ("ln", Some(("exp", &[inner]))) = (function, self.parts(*argument)) {
                    return inner;
                }
                let odd = matches!(
                    function,
                    "sin"
                        | "tan"
                        | "sinh"
                        | "tanh"
                        | "sqrt"
                        | "cbrt"
                        | "asin"
                        | "atan"
                        | "exp_m1"
                        | "ln_1p"
                );
                if odd && self.as_number(*argument) == Some(0.0) {
                    return *argument;
                }
                let known = match (function, self.as_number(*argument)) {
                    ("exp" | "cos" | "cosh" | "sec" | "sech", Some(0.0)) => Some(1.0),
                    ("ln" | "log2" | "log10", Some(1.0)) => Some(0.0),
                    ("sqrt" | "cbrt", Some(1.0)) => Some(1.0),
                    ("!", Some(holds)) => Some(f64::from(u8::from(holds == 0.0))),
                    _ => None,
                };
                match known {
                    Some(number) => self.number(number),
                    None => self.call(function, arguments.to_vec()),
                }
            }
            ("&&" | "||", &[first, second]) if first == second => self.truth(first),
            ("&&" | "||", &[first, second]) => {
                let (known, other) = match (self.as_number(first), self.as_number(second)) {
                    (Some(known), _) => (known, second),
                    (None, Some(known)) => (known, first),
                    (None, None) => return self.call(function, vec![first, second]),
                };
                let decides = (known != 0.0) == (function == "||");
                if decides {
                    self.number(f64::from(u8::from(known != 0.0)))
                } else {
                    self.truth(other)
                }
            }
            ("mul" | "div" | "left_div", &[first, second]) => {
                let numbers = self.as_number(first).zip(self.as_number(second));
                let folded = numbers.map(|(x, y)| match function {
                    "mul" => x * y,
                    "div" => x / y,
                    _ => y / x,
                });
                if let Some(folded) = folded.filter(|folded| !folded.is_subnormal()) {
                    return self.number(folded);
                }
                let node = self.call(function, vec![first, second]);
                if numbers.is_some() || self.is_rigid(node) {
                    return node;
                }
                let mut product = Product::of(1.0);
                self.multiply_to(&mut product, node, Powers::ONE);
                self.product(product)
            }
            ("add" | "sub", &[first, second]) => {
                let numbers = self.as_number(first).zip(self.as_number(second));
                let folded = numbers.map(|(x, y)| if function == "add" { x + y } else { x - y });
                match (folded, numbers) {
                    // What overflows stays two.
                    (Some(sum), Some((x, y)))
                        if !(sum.is_infinite() && x.is_finite() && y.is_finite()) =>
                    {
                        self.number(sum)
                    }
                    _ => self.call(function, vec![first, second]),
                }
            }
            (_, [first, second]) => {
                let numbers = self.as_number(*first).zip(self.as_number(*second));
                match condition(function).zip(numbers) {
                    Some((holds, (x, y))) => self.number(f64::from(u8::from(holds(x, y)))),
                    None => self.call(function, arguments.to_vec()),
                }
            }
            _ => self.call(function, arguments.to_vec()),
        }
    }

    /// Whether a node is not zero, as 1 or 0: what is asked need not be a comparison.
    fn truth(&mut self, id: Id) -> Id {
        match &self.nodes[id] {
            Node::Number(number) => self.number(f64::from(u8::from(*number != 0.0))),
            Node::Call(function, _) if is_condition(function) => id,
            _ => {
                let zero = self.number(0.0);
                self.call("!=", vec![id, zero])
            }
        }
    }

    /// Adds a simple node, times a number, to a sum.
    fn add_to(&mut self, sum: &mut Sum, id: Id, factor: f64) {
        // What is left to be added, the first last.
        let mut open = vec![(id, factor)];
        while let Some((id, factor)) = open.pop() {
            if let Some(number) = self.as_number(id) {
                sum.add(None, factor * number);
                continue;
            }
            if factor.abs() > LARGEST_COEFFICIENT {
                sum.add(Some(id), factor);
                continue;
            }
            match self.parts(id) {
                Some(("add", &[first, second])) => open.extend([(second, factor), (first, factor)]),
                Some(("sub", &[first, second])) => {
                    open.extend([(second, -factor), (first, factor)]);
                }
                _ => {
                    let mut product = Product::of(1.0);
                    self.multiply_to(&mut product, id, Powers::ONE);
                    if product.number != 0.0 && is_extreme(factor * product.number) {
                        sum.add(Some(id), factor);
                        continue;
                    }
                    let number = std::mem::replace(&mut product.number, 1.0);
                    let term = self.product(product);
                    if self.as_number(term).is_some()
                        || self.is_proper_sum(term) && number.abs() == 1.0
                    {
                        open.push((term, factor * number));
                    } else {
                        if number == 1.0 && term != id {
                            sum.written.entry(term).or_insert(id);
                        }
                        sum.add(Some(term), factor * number);
                    }
                }
            }
        }
    }

    /// The node of a sum.
    fn sum(&mut self, sum: Sum) -> Id {
        let mut terms = sum.terms;
        terms.retain(|(term, coefficient)| {
            *coefficient != 0.0 || term.is_some_and(|term| self.is_undefined(term))
        });
        self.part_numbers(&mut terms);
        // A sum begins with what is added, where there is such a term.
        if let Some(first) = terms.iter().position(|(_, coefficient)| *coefficient > 0.0) {
            let term = terms.remove(first);
            terms.insert(0, term);
        }
        let mut total = None;
        for (term, coefficient) in terms {
            let size = match (term, total) {
                // The sign of the first term stays with it.
                (_, None) => coefficient,
                _ => coefficient.abs(),
            };
            let part = match term {
                None => self.number(size),
                Some(term) => match sum.written.get(&term) {
                    Some(written) if size == 1.0 => *written,
                    _ => self.scaled(term, size),
                },
            };
            total = Some(match total {
                None => part,
                Some(total) if coefficient < 0.0 => self.call("sub", vec![total, part]),
                Some(total) => self.call("add", vec![total, part]),
            });
        }
        total.unwrap_or_else(|| self.number(0.0))
    }

    /// Puts numbers that stay several around the other terms, so that each rounds these: one first, the others last; without
    /// others they are one.
    fn part_numbers(&mut self, terms: &mut Vec<(Option<Id>, f64)>) {
        let numbers: Vec<f64> =
            terms.iter().filter(|(term, _)| term.is_none()).map(|(_, number)| *number).collect();
        if numbers.len() < 2 || numbers.iter().any(|number| !number.is_finite()) {
            return;
        }
        terms.retain(|(term, _)| term.is_some());
        if terms.is_empty() {
            terms.push((None, numbers.iter().sum()));
            terms.retain(|(_, number)| *number != 0.0);
            return;
        }
        let positive = terms.iter().any(|(_, coefficient)| *coefficient > 0.0);
        let first = numbers.iter().position(|number| *number > 0.0).unwrap_or(0);
        let at = if positive { terms.len() } else { 0 };
        terms.insert(at, (None, numbers[first]));
        let others = numbers.iter().enumerate().filter(|(i, _)| *i != first);
        terms.extend(others.map(|(_, &number)| (None, number)));
    }

    /// A simple term times a number.
    fn scaled(&mut self, term: Id, number: f64) -> Id {
        if number == 1.0 {
            return term;
        }
        let mut product = Product::of(number);
        self.multiply_to(&mut product, term, Powers::ONE);
        self.product(product)
    }

    /// Multiplies a product by powers of a simple node.
    fn multiply_to(&self, product: &mut Product, id: Id, powers: Powers) {
        // What is left to be multiplied by, the first last.
        let mut open = vec![(id, powers)];
        while let Some((id, powers)) = open.pop() {
            if let Some(number) = self.as_number(id) {
                let power = |exponent| i32::try_from(exponent).map_or(f64::NAN, |n| number.powi(n));
                let folded = if number == 0.0 {
                    product.number * power(powers.above) / power(powers.below)
                } else {
                    product.number * power(powers.difference())
                };
                // What overflows, or underflows, stays as it is written.
                let unchanged = product.number.abs() == 1.0 && number.is_finite();
                if folded.is_normal()
                    || folded == 0.0 && (number == 0.0 || product.number == 0.0)
                    || unchanged && powers.difference() == 1
                {
                    product.number = folded;
                } else {
                    product.multiply(id, powers);
                }
                continue;
            }
            let together = powers.is_one() || self.is_plain_multiple(id);
            match self.parts(id) {
                Some(("mul", &[first, second])) if together && !self.is_rigid(id) => {
                    open.extend([(second, powers), (first, powers)])
                }
                Some(("div", &[first, second])) if together && !self.is_rigid(id) => {
                    open.extend([(second, powers.inverse()), (first, powers)])
                }
                Some(("neg", &[inner])) => {
                    product.number *= if powers.is_odd() { -1.0 } else { 1.0 };
                    open.push((inner, powers));
                }
                Some(("powi", &[base, power])) => {
                    let all = self
                        .as_number(power)
                        .and_then(whole)
                        .map(|n| powers.times(i64::from(n)))
                        .filter(|all| !all.is_large());
                    match all {
                        Some(all) => open.push((base, all)),
                        None => product.multiply(id, powers),
                    }
                }
                _ => product.multiply(id, powers),
            }
        }
    }

    /// Puts powers of one factor together where an exponent is not whole, unless the sum is: a root that is not defined for
    /// negative numbers stays one.
    fn join_real_powers(&mut self, powers: &mut HashMap<Id, Powers>) {
        let mut real: BTreeMap<Id, Vec<(Id, f64)>> = BTreeMap::new();
        for (&factor, &exponent) in powers.iter() {
            if let Some(("powf", &[base, power])) = self.parts(factor)
                && let Some(power) = self.as_number(power)
            {
                let exponent = exponent.difference() as f64;
                real.entry(base).or_default().push((factor, power * exponent));
            }
        }
        for (base, mut parts) in real {
            // One order, so that the sum is one.
            parts.sort_unstable_by_key(|(factor, _)| *factor);
            let whole = powers.get(&base).map_or(0, |powers| powers.difference());
            let sum = parts.iter().fold(whole as f64, |sum, (_, power)| sum + power);
            if whole == 0 && parts.len() == 1 || sum.fract() == 0.0 || !sum.is_finite() {
                continue;
            }
            powers.remove(&base);
            for (factor, _) in &parts {
                powers.remove(factor);
            }
            let size = self.number(sum.abs());
            let joined = self.call("powf", vec![base, size]);
            *powers.entry(joined).or_default() +=
                if sum > 0.0 { Powers::ONE } else { Powers::ONE.inverse() };
        }
    }

    /// The node of a product.
    fn product(&mut self, product: Product) -> Id {
        let Product { mut number, mut powers } = product;
        self.join_real_powers(&mut powers);
        for (factor, exponent) in &mut powers {
            if self.is_cancelled(*factor) {
                let difference = exponent.difference();
                *exponent = Powers { above: difference.max(0), below: (-difference).max(0) };
            }
        }
        let mut powers: Vec<_> = powers
            .into_iter()
            .filter(|(_, exponent)| exponent.above != 0 || exponent.below != 0)
            .collect();
        if number == 0.0 && powers.iter().any(|(factor, _)| self.is_undefined(*factor)) {
            return self.number(f64::NAN);
        }
        if number == 0.0 || powers.is_empty() {
            return self.number(number);
        }
        // One order for each set of factors, so that equal products are one node.
        powers.sort_unstable_by_key(|(factor, _)| *factor);
        // What is divided may be small or large where the power of a divisor is not a number.
        let divides_often =
            is_extreme(number) || powers.iter().any(|(_, exponent)| exponent.above > 0);
        let (mut above, mut below, mut divisors) = (Vec::new(), Vec::new(), Vec::new());
        for (factor, exponent) in powers {
            self.push_power(&mut above, factor, exponent.above);
            if divides_often && (2..=DIVISIONS).contains(&exponent.below) {
                divisors.extend(std::iter::repeat_n(factor, exponent.below as usize));
            } else {
                self.push_power(&mut below, factor, exponent.below);
            }
        }
        // The sign goes to the first factor.
        if number == -1.0
            && let Some(first) = above.first_mut()
        {
            *first = self.negated(*first);
            number = 1.0;
        }
        if number != 1.0 || above.is_empty() {
            above.insert(0, self.number(number));
        }
        let mut multiplied = |factors: Vec<Id>| {
            factors.into_iter().reduce(|others, factor| self.call("mul", vec![others, factor]))
        };
        let quotient = match (multiplied(above), multiplied(below)) {
            (Some(above), None) => above,
            (Some(above), Some(below)) => match self.as_number(above).zip(self.as_number(below)) {
                Some((above, below)) if below == 0.0 => self.number(above / below),
                _ => self.call("div", vec![above, below]),
            },
            _ => self.number(number),
        };
        divisors.into_iter().fold(quotient, |above, below| self.call("div", vec![above, below]))
    }

    /// Appends a power of a factor, as several where the exponent is beyond what one may have.
    fn push_power(&mut self, to: &mut Vec<Id>, factor: Id, exponent: i64) {
        let mut left = exponent;
        while left > 0 {
            let part = left.min(LARGEST_POWER);
            to.push(if part == 1 {
                factor
            } else {
                let exponent = self.number(part as f64);
                self.call("powi", vec![factor, exponent])
            });
            left -= part;
        }
    }

    /// Minus a factor.
    fn negated(&mut self, factor: Id) -> Id {
        if let Some(number) = self.as_number(factor) {
            return self.number(-number);
        }
        if self.is_proper_sum(factor) {
            let mut sum = Sum::default();
            self.add_to(&mut sum, factor, -1.0);
            return self.sum(sum);
        }
        self.call("neg", vec![factor])
    }
}
