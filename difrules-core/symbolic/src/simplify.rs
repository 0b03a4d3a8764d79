//! Simpler expressions of the same value.
//!
//! Sums are brought to coefficients of different terms, products to powers of different factors, numbers are put
//! together, and zeros and ones vanish. Nothing is multiplied out, so what was written to be accurate stays accurate.
//! As in every symbolic simplification `0 * x` is 0 and `x / x` is 1 for all x.

use std::collections::{BTreeMap, HashMap};

use crate::expr::{Expr, condition, whole};
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
}

impl Sum {
    fn add(&mut self, term: Option<Id>, coefficient: f64) {
        let place = *self.places.entry(term).or_insert(self.terms.len());
        match self.terms.get_mut(place) {
            Some((_, sum)) => *sum += coefficient,
            None => self.terms.push((term, coefficient)),
        }
    }
}

/// The product of a number and of powers of different factors.
struct Product {
    number: f64,
    powers: HashMap<Id, i64>,
}

impl Product {
    fn of(number: f64) -> Self {
        Self { number, powers: HashMap::new() }
    }

    fn multiply(&mut self, factor: Id, exponent: i64) {
        *self.powers.entry(factor).or_default() += exponent;
    }
}

/// The nodes that a sum or a product is made of, without the sums or products between; each with its coefficient or exponent,
/// in the order of their appearance.
struct Leaves<N>(Vec<(Id, N)>);

/// Coefficients and exponents up to here are multiplied; what has a larger one stays as it is. Numbers this large are exact.
const LARGEST_COEFFICIENT: f64 = (1_u64 << 50) as f64;
const LARGEST_POWER: i64 = 1_000_000_000;

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
            let mut product = Product::of(number);
            for (factor, exponent) in factors.0 {
                self.multiply_to(&mut product, self.simplified[&factor], exponent);
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
        matches!(self.parts(id), Some(("add" | "sub", [_, _]) | ("neg" | "pos", [_])))
    }

    /// Whether a node is a difference or a sum of two others.
    fn is_proper_sum(&self, id: Id) -> bool {
        matches!(self.parts(id), Some(("add" | "sub", [_, _])))
    }

    /// Whether a node multiplies others, or takes powers of one.
    fn is_product(&self, id: Id) -> bool {
        match self.parts(id) {
            Some(("mul" | "div" | "left_div", [_, _]) | ("recip" | "abs2", [_])) => true,
            _ => self.power(id).is_some(),
        }
    }

    /// The exponent of a power that is a whole number.
    fn power(&self, id: Id) -> Option<i32> {
        match self.parts(id) {
            Some(("powi" | "powf", &[_, exponent])) => self.as_number(exponent).and_then(whole),
            _ => None,
        }
    }

    /// The leaves of a sum.
    fn terms(&self, id: Id) -> Leaves<f64> {
        self.leaves(
            id,
            1.0,
            |id, coefficient| self.is_sum(id) && coefficient.abs() <= LARGEST_COEFFICIENT,
            |id, coefficient, give| match self.parts(id) {
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
            },
        )
    }

    /// The leaves of a product, and its sign.
    fn factors(&self, id: Id) -> (Leaves<i64>, f64) {
        let mut sign = 1.0;
        // Minus a sum is a sum.
        let negative = |id: Id| match self.parts(id) {
            Some(("neg", &[x])) => !self.is_proper_sum(x),
            _ => false,
        };
        let leaves = self.leaves(
            id,
            1,
            |id, exponent: i64| {
                let power = self.power(id).map_or(1, i64::from);
                (self.is_product(id) || negative(id)) && (exponent * power).abs() < LARGEST_POWER
            },
            |id, exponent, give| match self.parts(id) {
                Some(("mul", &[x, y])) => {
                    give(x, exponent);
                    give(y, exponent);
                }
                Some(("div", &[x, y])) => {
                    give(x, exponent);
                    give(y, -exponent);
                }
                Some(("left_div", &[x, y])) => {
                    give(x, -exponent);
                    give(y, exponent);
                }
                Some(("recip", &[x])) => give(x, -exponent),
                Some(("abs2", &[x])) => give(x, 2 * exponent),
                Some(("neg", &[x])) => {
                    if exponent % 2 != 0 {
                        sign = -sign;
                    }
                    give(x, exponent);
                }
                Some((_, &[x, _])) => give(x, exponent * self.power(id).map_or(1, i64::from)),
                _ => {}
            },
        );
        (leaves, sign)
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
                let known = match (function, self.as_number(*argument)) {
                    ("exp" | "cos" | "cosh" | "sec" | "sech", Some(0.0)) => Some(1.0),
                    (
                        "sin" | "tan" | "sinh" | "tanh" | "sqrt" | "cbrt" | "asin" | "atan"
                        | "exp_m1" | "ln_1p",
                        Some(0.0),
                    )
                    | ("ln" | "log2" | "log10", Some(1.0)) => Some(0.0),
                    ("sqrt" | "cbrt", Some(1.0)) => Some(1.0),
                    ("!", Some(holds)) => Some(f64::from(u8::from(holds == 0.0))),
                    _ => None,
                };
                match known {
                    Some(number) => self.number(number),
                    None => self.call(function, arguments.to_vec()),
                }
            }
            ("&&" | "||", &[first, second]) if first == second => first,
            ("&&" | "||", &[first, second]) => {
                let (known, other) = match (self.as_number(first), self.as_number(second)) {
                    (Some(known), _) => (known, second),
                    (None, Some(known)) => (known, first),
                    (None, None) => return self.call(function, vec![first, second]),
                };
                let decides = (known != 0.0) == (function == "||");
                if decides { self.number(f64::from(u8::from(known != 0.0))) } else { other }
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
                    self.multiply_to(&mut product, id, 1);
                    let number = std::mem::replace(&mut product.number, 1.0);
                    let term = self.product(product);
                    if self.as_number(term).is_some()
                        || self.is_proper_sum(term) && number.abs() == 1.0
                    {
                        open.push((term, factor * number));
                    } else {
                        sum.add(Some(term), factor * number);
                    }
                }
            }
        }
    }

    /// The node of a sum.
    fn sum(&mut self, sum: Sum) -> Id {
        let mut terms = sum.terms;
        terms.retain(|(_, coefficient)| *coefficient != 0.0);
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
                Some(term) => self.scaled(term, size),
            };
            total = Some(match total {
                None => part,
                Some(total) if coefficient < 0.0 => self.call("sub", vec![total, part]),
                Some(total) => self.call("add", vec![total, part]),
            });
        }
        total.unwrap_or_else(|| self.number(0.0))
    }

    /// A simple term times a number.
    fn scaled(&mut self, term: Id, number: f64) -> Id {
        if number == 1.0 {
            return term;
        }
        let mut product = Product::of(number);
        self.multiply_to(&mut product, term, 1);
        self.product(product)
    }

    /// Multiplies a product by a power of a simple node.
    fn multiply_to(&self, product: &mut Product, id: Id, exponent: i64) {
        // What is left to be multiplied by, the first last.
        let mut open = vec![(id, exponent)];
        while let Some((id, exponent)) = open.pop() {
            if let Some(number) = self.as_number(id) {
                let folded = i32::try_from(exponent)
                    .map_or(f64::NAN, |exponent| product.number * number.powi(exponent));
                // What overflows, or underflows, stays as it is written.
                if folded.is_finite() && (folded != 0.0 || number == 0.0 || product.number == 0.0) {
                    product.number = folded;
                } else {
                    product.multiply(id, exponent);
                }
                continue;
            }
            match self.parts(id) {
                Some(("mul", &[first, second])) => {
                    open.extend([(second, exponent), (first, exponent)])
                }
                Some(("div", &[first, second])) => {
                    open.extend([(second, -exponent), (first, exponent)])
                }
                Some(("neg", &[inner])) => {
                    product.number *= if exponent % 2 == 0 { 1.0 } else { -1.0 };
                    open.push((inner, exponent));
                }
                Some(("powi", &[base, power])) => {
                    let all = self
                        .as_number(power)
                        .and_then(whole)
                        .and_then(|n| exponent.checked_mul(i64::from(n)));
                    match all.filter(|all| all.abs() < LARGEST_POWER) {
                        Some(all) => open.push((base, all)),
                        None => product.multiply(id, exponent),
                    }
                }
                _ => product.multiply(id, exponent),
            }
        }
    }

    /// Puts powers of one factor together where an exponent is not whole, unless the sum is: a root that is not defined for
    /// negative numbers stays one.
    fn join_real_powers(&mut self, powers: &mut HashMap<Id, i64>) {
        let mut real: BTreeMap<Id, Vec<(Id, f64)>> = BTreeMap::new();
        for (&factor, &exponent) in powers.iter() {
            if let Some(("powf", &[base, power])) = self.parts(factor)
                && let Some(power) = self.as_number(power)
            {
                real.entry(base).or_default().push((factor, power * exponent as f64));
            }
        }
        for (base, mut parts) in real {
            // One order, so that the sum is one.
            parts.sort_unstable_by_key(|(factor, _)| *factor);
            let whole = powers.get(&base).copied().unwrap_or(0);
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
            *powers.entry(joined).or_default() += if sum > 0.0 { 1 } else { -1 };
        }
    }

    /// The node of a product.
    fn product(&mut self, product: Product) -> Id {
        let Product { mut number, mut powers } = product;
        self.join_real_powers(&mut powers);
        let mut powers: Vec<_> =
            powers.into_iter().filter(|(_, exponent)| *exponent != 0).collect();
        if number == 0.0 || powers.is_empty() {
            return self.number(number);
        }
        // One order for each set of factors, so that equal products are one node.
        powers.sort_unstable();
        let (mut above, mut below) = (Vec::new(), Vec::new());
        for (factor, exponent) in powers {
            let mut left = exponent.abs();
            while left > 0 {
                let part = left.min(LARGEST_POWER);
                let power = if part == 1 {
                    factor
                } else {
                    let exponent = self.number(part as f64);
                    self.call("powi", vec![factor, exponent])
                };
                if exponent > 0 {
                    above.push(power)
                } else {
                    below.push(power)
                }
                left -= part;
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
        match (multiplied(above), multiplied(below)) {
            (Some(above), None) => above,
            (Some(above), Some(below)) => self.call("div", vec![above, below]),
            _ => self.number(number),
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
