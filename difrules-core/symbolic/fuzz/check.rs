//! What holds for any text.

use std::collections::HashMap;

use difrules_symbolic::{DerivativeError, Expr, Node, Rules, Straight, condition};

/// Rules by which every function has some derivative.
struct Any;

impl Rules for Any {
    fn partial(
        &self,
        function: &str,
        arguments: &[Expr],
        argument: usize,
    ) -> Result<Expr, DerivativeError> {
        Ok(match (function, arguments) {
            ("add", _) => Expr::Number(1.0),
            ("mul", [x, y]) => {
                if argument == 0 {
                    y.clone()
                } else {
                    x.clone()
                }
            }
            _ => Expr::call("slope", arguments.iter().cloned()),
        })
    }
}

/// Panics where something does not hold.
pub(crate) fn check(text: &str) {
    let expression = match text.parse::<Expr>() {
        Ok(expression) => expression,
        Err(error) => {
            assert!(error.position <= text.len(), "{error}");
            return;
        }
    };
    let simple = expression.simplify();
    same_when_read(&expression);
    same_when_read(&simple);
    same_value(&expression, &simple);
    if let Ok(slope) = expression.differentiate("x", &Any) {
        same_when_read(&slope);
    }
}

/// What is printed is read as the same, and the other forms are printed too.
fn same_when_read(expression: &Expr) {
    let printed = expression.to_string();
    let again: Expr = printed.parse().unwrap_or_else(|error| panic!("{printed}: {error}"));
    assert!(again == *expression, "{printed} is read as {again}");
    let rust = expression.rust().to_string();
    assert!(rust.parse::<Expr>().is_ok(), "{rust}");
    assert!(!expression.latex().to_string().is_empty());
    assert!(!expression.s_expression().to_string().is_empty());
}

/// The values of two expressions are equal, as far as rounding allows, where all that they are made of is finite.
fn same_value(expression: &Expr, simple: &Expr) {
    for seed in 0..2 {
        if let (Some((a, size)), Some((b, other))) = (value(expression, seed), value(simple, seed))
        {
            let tolerance = 1e-6 * size.max(other);
            assert!((a - b).abs() <= tolerance, "{a} for {expression}, {b} for {simple}");
        }
    }
}

/// The value at some point, and the largest number on the way; none where that is large, not finite, or at a jump.
fn value(expression: &Expr, seed: u64) -> Option<(f64, f64)> {
    let program = Straight::new(std::slice::from_ref(expression));
    let mut values: Vec<f64> = Vec::new();
    let mut size: f64 = 1.0;
    let mut points = HashMap::new();
    for step in &program.steps {
        let value = match step {
            Node::Number(number) => *number,
            Node::Variable(name) => {
                *points.entry(name.clone()).or_insert_with(|| point(name, seed))
            }
            Node::Call(function, arguments) => {
                let at: Vec<f64> = arguments.iter().map(|step| values[*step]).collect();
                call(function, &at)?
            }
        };
        // Small numbers are divisors.
        if !value.is_finite() || value.abs() > 1e4 || value != 0.0 && value.abs() < 1e-4 {
            return None;
        }
        size = size.max(value.abs());
        values.push(value);
    }
    Some((values[program.results[0]], size * size))
}

/// A number between 0.5 and 1.5 for a name.
fn point(name: &str, seed: u64) -> f64 {
    let hash = name.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    0.5 + (hash >> 40) as f64 / (1_u64 << 24) as f64
}

fn call(function: &str, at: &[f64]) -> Option<f64> {
    let truth = |holds: bool| f64::from(u8::from(holds));
    Some(match (function, at) {
        ("add", [x, y]) => x + y,
        ("sub", [x, y]) => x - y,
        ("mul", [x, y]) => x * y,
        ("div", [x, y]) => x / y,
        ("left_div", [x, y]) => y / x,
        ("neg", [x]) => -x,
        ("pos", [x]) => *x,
        ("recip", [x]) => x.recip(),
        ("abs2", [x]) => x * x,
        ("powi" | "powf", [x, n]) => x.powf(*n),
        ("sqrt", [x]) => x.sqrt(),
        ("exp", [x]) => x.exp(),
        ("ln", [x]) => x.ln(),
        ("sin", [x]) => x.sin(),
        ("cos", [x]) => x.cos(),
        ("tanh", [x]) => x.tanh(),
        ("select", [condition, x, y]) => {
            if *condition != 0.0 {
                *x
            } else {
                *y
            }
        }
        // A comparison of what is nearly equal may be decided by rounding.
        (_, [x, y]) => {
            let holds = condition(function)?;
            if (x - y).abs() < 1e-6 && !(x.fract() == 0.0 && y.fract() == 0.0) {
                return None;
            }
            truth(holds(*x, *y))
        }
        _ => return None,
    })
}
