//! Simpler expressions of the same value.
//!
//! Sums are brought to coefficients of different terms, products to powers of different factors, numbers are put
//! together, and zeros and ones vanish. Nothing is multiplied out, so what was written to be accurate stays accurate.
//! As in every symbolic simplification `0 * x` is 0 and `x / x` is 1 for all x.

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
        let mut graph = Graph::default();
        let id = graph.insert(self);
        let simple = graph.simplify(id);
        graph.expr(simple)
    }
}

/// The sum of different terms with coefficients, in the order of their appearance; none stands for 1.
#[derive(Default)]
struct Sum(Vec<(Option<Id>, f64)>);

impl Sum {
    fn add(&mut self, term: Option<Id>, coefficient: f64) {
        match self.0.iter_mut().find(|(other, _)| *other == term) {
            Some((_, sum)) => *sum += coefficient,
            None => self.0.push((term, coefficient)),
        }
    }
}

/// The product of a number and of powers of different factors.
struct Product {
    number: f64,
    powers: Vec<(Id, i32)>,
}

impl Product {
    /// Multiplies by a power; exponents that are too large to be added stay apart.
    fn multiply(&mut self, factor: Id, exponent: i32) {
        let same = self.powers.iter_mut().find(|(other, sum)| {
            *other == factor && sum.checked_add(exponent).is_some_and(|sum| sum != i32::MIN)
        });
        match same {
            Some((_, sum)) => *sum += exponent,
            None => self.powers.push((factor, exponent)),
        }
    }
}

impl Graph {
    /// The simpler node of the same value.
    pub(crate) fn simplify(&mut self, id: Id) -> Id {
        if let Some(&simple) = self.simplified.get(&id) {
            return simple;
        }
        let simple = match self.nodes[id].clone() {
            Node::Number(_) | Node::Variable(_) => id,
            Node::Call(function, arguments) => {
                let arguments: Vec<_> = arguments.into_iter().map(|a| self.simplify(a)).collect();
                self.simplify_call(&function, &arguments)
            }
        };
        self.simplified.insert(id, simple);
        self.simplified.insert(simple, simple);
        simple
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

    /// The call of simple arguments, simplified.
    fn simplify_call(&mut self, function: &str, arguments: &[Id]) -> Id {
        match (function, arguments) {
            ("add" | "sub" | "neg" | "pos", _) => {
                let mut sum = Sum::default();
                let last = if matches!(function, "add" | "pos") { 1.0 } else { -1.0 };
                if let [first, _] = arguments {
                    self.add_to(&mut sum, *first, 1.0);
                }
                if let Some(argument) = arguments.last() {
                    self.add_to(&mut sum, *argument, last);
                }
                self.sum(sum)
            }
            ("mul" | "div" | "left_div", [first, second]) => {
                let exponents = match function {
                    "mul" => [1, 1],
                    "div" => [1, -1],
                    _ => [-1, 1],
                };
                self.power_product(&[(*first, exponents[0]), (*second, exponents[1])])
            }
            ("recip", [argument]) => self.power_product(&[(*argument, -1)]),
            ("abs2", [argument]) => self.power_product(&[(*argument, 2)]),
            ("powi" | "powf", [base, exponent]) => {
                match self.as_number(*exponent).and_then(whole) {
                    Some(n) => self.power_product(&[(*base, n)]),
                    None => self.call(function, arguments.to_vec()),
                }
            }
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
            ("ln", [argument]) if self.parts(*argument).is_some_and(|(name, _)| name == "exp") => {
                self.parts(*argument).map_or(*argument, |(_, inner)| inner[0])
            }
            (_, [argument]) => {
                let known = match (function, self.as_number(*argument)) {
                    ("exp" | "cos" | "cosh" | "sec" | "sech", Some(0.0)) => Some(1.0),
                    (
                        "sin" | "tan" | "sinh" | "tanh" | "sqrt" | "cbrt" | "asin" | "atan"
                        | "exp_m1" | "ln_1p",
                        Some(0.0),
                    )
                    | ("ln" | "log2" | "log10", Some(1.0)) => Some(0.0),
                    ("sqrt" | "cbrt", Some(1.0)) => Some(1.0),
                    _ => None,
                };
                match known {
                    Some(number) => self.number(number),
                    None => self.call(function, arguments.to_vec()),
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

    /// Adds a simple node, times a number, to a sum.
    fn add_to(&mut self, sum: &mut Sum, id: Id, factor: f64) {
        if let Some(number) = self.as_number(id) {
            return sum.add(None, factor * number);
        }
        match self.parts(id) {
            Some(("add", &[first, second])) => {
                self.add_to(sum, first, factor);
                self.add_to(sum, second, factor);
            }
            Some(("sub", &[first, second])) => {
                self.add_to(sum, first, factor);
                self.add_to(sum, second, -factor);
            }
            _ => {
                let mut product = Product { number: 1.0, powers: Vec::new() };
                self.multiply_to(&mut product, id, 1);
                let number = std::mem::replace(&mut product.number, 1.0);
                let term = self.product(product);
                if self.as_number(term).is_some()
                    || self.parts(term).is_some_and(|(f, _)| f == "add" || f == "sub")
                        && number.abs() == 1.0
                {
                    self.add_to(sum, term, factor * number);
                } else {
                    sum.add(Some(term), factor * number);
                }
            }
        }
    }

    /// The node of a sum.
    fn sum(&mut self, sum: Sum) -> Id {
        let mut terms = sum.0;
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
        let mut product = Product { number, powers: Vec::new() };
        self.multiply_to(&mut product, term, 1);
        self.product(product)
    }

    /// The product of powers of simple nodes.
    fn power_product(&mut self, powers: &[(Id, i32)]) -> Id {
        let mut product = Product { number: 1.0, powers: Vec::new() };
        for &(id, exponent) in powers {
            self.multiply_to(&mut product, id, exponent);
        }
        self.product(product)
    }

    /// Multiplies a product by a power of a simple node.
    fn multiply_to(&mut self, product: &mut Product, id: Id, exponent: i32) {
        if let Some(number) = self.as_number(id) {
            let folded = product.number * number.powi(exponent);
            // What overflows, or underflows, stays as it is written.
            if folded.is_finite() && (folded != 0.0 || number == 0.0 || product.number == 0.0) {
                product.number = folded;
            } else {
                product.multiply(id, exponent);
            }
            return;
        }
        match self.parts(id) {
            Some(("mul", &[first, second])) => {
                self.multiply_to(product, first, exponent);
                self.multiply_to(product, second, exponent);
            }
            Some(("div", &[first, second])) => {
                self.multiply_to(product, first, exponent);
                self.multiply_to(product, second, -exponent);
            }
            Some(("neg", &[inner])) => {
                product.number *= if exponent % 2 == 0 { 1.0 } else { -1.0 };
                self.multiply_to(product, inner, exponent);
            }
            Some(("powi", &[base, power])) => {
                let power = self.as_number(power).and_then(whole);
                match power.and_then(|n| exponent.checked_mul(n)) {
                    Some(all) if all.abs() < 1_000_000_000 => self.multiply_to(product, base, all),
                    _ => product.multiply(id, exponent),
                }
            }
            _ => product.multiply(id, exponent),
        }
    }

    /// The node of a product.
    fn product(&mut self, product: Product) -> Id {
        let Product { number, mut powers } = product;
        powers.retain(|(_, exponent)| *exponent != 0);
        if number == 0.0 || powers.is_empty() {
            return self.number(number);
        }
        // One order for each set of factors, so that equal products are one node.
        powers.sort_unstable();
        let mut above = None;
        let mut below = None;
        for (factor, exponent) in powers {
            let side = if exponent > 0 { &mut above } else { &mut below };
            let power = if exponent.abs() == 1 {
                factor
            } else {
                let exponent = self.number(f64::from(exponent.abs()));
                self.call("powi", vec![factor, exponent])
            };
            *side = Some(match *side {
                None => power,
                Some(others) => self.call("mul", vec![others, power]),
            });
        }
        let above = match above {
            None => self.number(number),
            Some(above) if number == 1.0 => above,
            Some(above) if number == -1.0 => self.negated(above),
            Some(above) => {
                let number = self.number(number);
                self.leading(number, above)
            }
        };
        match below {
            None => above,
            Some(below) => self.call("div", vec![above, below]),
        }
    }

    /// A number times a product, the number at its front.
    fn leading(&mut self, number: Id, product: Id) -> Id {
        match self.parts(product) {
            Some(("mul", &[others, last])) => {
                let others = self.leading(number, others);
                self.call("mul", vec![others, last])
            }
            _ => self.call("mul", vec![number, product]),
        }
    }

    /// Minus a product: minus its first factor.
    fn negated(&mut self, product: Id) -> Id {
        match self.parts(product) {
            Some(("mul", &[others, last])) => {
                let others = self.negated(others);
                self.call("mul", vec![others, last])
            }
            Some(("add" | "sub", _)) => {
                let mut sum = Sum::default();
                self.add_to(&mut sum, product, -1.0);
                self.sum(sum)
            }
            _ => self.call("neg", vec![product]),
        }
    }
}
