//! Expressions without a registry: parsed, printed, simplified, differentiated by rules that are given here.

use difrules_symbolic::{DerivativeError, Expr, Rules, Straight};

fn parse(text: &str) -> Expr {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn simple(text: &str) -> String {
    parse(text).simplify().to_string()
}

#[test]
fn rust_is_parsed() {
    for (rust, plain) in [
        ("x . sin () + T :: one ()", "sin(x) + 1"),
        ("convert::<f64, T>(3.0) * y * y", "3 * y * y"),
        ("<T>::pi() / f64::from(2)", "π / 2"),
        ("{ let s = x.cos(); s * s }", "cos(x) * cos(x)"),
        (
            "if y.to_f64() > -0.5 { y + T::one() } else { x.exp() }",
            "if y > -0.5 { y + 1 } else { exp(x) }",
        ),
        ("-x.powi(2)", "-x^2"),
        ("(-x).powi(2)", "(-x)^2"),
        ("x.powf(0.5) ^ 2", "(x^0.5)^2"),
        ("2.0_f64 * 1e-3 - 1_000", "2 * 0.001 - 1000"),
        ("std::f64::consts::PI * crate::kernels::bell(x)", "π * bell(x)"),
        ("a - (b - c) - (d + e)", "a - (b - c) - (d + e)"),
        ("a / (b / c) * (d * e)", "a / (b / c) * (d * e)"),
        ("x^y^2", "x^y^2"),
        ("(x^y)^2", "(x^y)^2"),
        ("2^-x", "2^(-x)"),
        ("x % y", "x % y"),
        (
            "if x < 0 && !(y >= 1) || x != y { 1 } else if x == y { 2 } else { 3 }",
            "if x < 0 && !(y >= 1) || x != y { 1 } else { if x == y { 2 } else { 3 } }",
        ),
    ] {
        let expression = parse(rust);
        assert_eq!(expression.to_string(), plain);
        assert_eq!(parse(plain), expression, "{plain}");
    }
}

#[test]
fn what_is_no_expression_is_refused_where_it_is_wrong() {
    for (text, position, part) in [
        ("x +", 3, "missing at the end"),
        ("x + * ", 6, "missing at the end"),
        ("sin(x", 5, "missing at the end"),
        ("x y", 2, "does not go on"),
        ("x # y", 2, "has no place"),
        ("1.2.3", 0, "is no number"),
        ("f(x,, y)", 4, "has to be a name"),
        ("if x { 1 }", 10, "missing at the end"),
        ("", 0, "missing at the end"),
    ] {
        let error = text.parse::<Expr>().expect_err(text);
        assert!(error.message.contains(part) && error.position == position, "{text}: {error:?}");
    }
}

#[test]
fn sums_and_products_are_brought_together() {
    for (given, wanted) in [
        ("x + x", "2 * x"),
        ("x - x", "0"),
        ("0 * sin(x) + y * 1", "y"),
        ("x * y + y * x", "2 * x * y"),
        ("x * x^2 / x", "x^2"),
        ("x / x", "1"),
        ("-(-x)", "x"),
        ("-(a - b)", "b - a"),
        ("2 * (x + y) - x", "2 * (x + y) - x"),
        ("-x + 1", "1 - x"),
        ("a + -2 * b", "a - 2 * b"),
        ("x * -1 * y", "-x * y"),
        ("-(x / y) / y", "-x / y^2"),
        ("exp(-0.5 * x^2)", "exp(-0.5 * x^2)"),
        ("-(a + b) * c", "c * (-a - b)"),
        ("recip(x) * y", "y / x"),
        ("x^2 * x^-3", "1 / x"),
        ("(2 * x)^3", "8 * x^3"),
        ("(a / b)^-2", "b^2 / a^2"),
        ("exp(0) + cos(0) + ln(1)", "2"),
        ("if 1 { x } else { y }", "x"),
        ("if c { x } else { x }", "x"),
        ("ln(exp(x))", "x"),
        ("1 - (x + 1)", "-x"),
        ("x^0", "1"),
        ("2 * 3 - 6", "0"),
        ("if 2 < 3 { x } else { y }", "x"),
        ("(x^100000)^100000", "(x^100000)^100000"),
        ("x / 1e-310", "x / 1e-310"),
        ("x^2.5 * y", "x^2.5 * y"),
    ] {
        assert_eq!(simple(given), wanted, "{given}");
        // What is simple stays.
        assert_eq!(simple(wanted), wanted, "{given}");
    }
}

#[test]
fn formulas_are_printed() {
    let expression = parse("-(a_1 + 2) * sqrt(x) / exp(-x^2) + besselj(nu, x)");
    assert_eq!(
        expression.latex().to_string(),
        r"\frac{-\left(a_{\mathrm{1}} + 2\right) \, \sqrt{x}}{e^{-x^{2}}} + J_{\nu}\left(x\right)"
    );
    assert_eq!(
        expression.s_expression().to_string(),
        "(add (div (mul (neg (add a_1 2)) (sqrt x)) (exp (neg (powi x 2)))) (besselj nu x))"
    );
    assert_eq!(
        expression.rust().to_string(),
        "-(a_1 + 2.0) * sqrt(x) / exp(-powi(x, 2)) + besselj(nu, x)"
    );
}

/// A few rules.
struct Few;

impl Rules for Few {
    fn partial(
        &self,
        function: &str,
        x: &[Expr],
        argument: usize,
    ) -> Result<Expr, DerivativeError> {
        let one = || Expr::Number(1.0);
        Ok(match (function, argument) {
            ("add", _) => one(),
            ("sub", 0) => one(),
            ("sub", _) => -one(),
            ("mul", i) => x[1 - i].clone(),
            ("exp", _) => Expr::call("exp", [x[0].clone()]),
            ("order", 0) => {
                return Err(DerivativeError::Unknown {
                    function: function.into(),
                    argument: "n".into(),
                });
            }
            ("order", _) => x[0].clone(),
            _ => {
                return Err(DerivativeError::NoRule { function: function.into(), arity: x.len() });
            }
        })
    }
}

#[test]
fn only_rules_that_are_needed_are_asked_for() {
    let expression = parse("order(2, x) + mystery(y) * 3 + exp(x * x)");
    let by_x = expression.differentiate("x", &Few).unwrap();
    assert_eq!(by_x.to_string(), "2 + 2 * x * exp(x^2)");
    assert!(matches!(expression.differentiate("y", &Few), Err(DerivativeError::NoRule { .. })));
    assert!(matches!(
        parse("order(x, 1)").differentiate("x", &Few),
        Err(DerivativeError::Unknown { .. })
    ));
    assert_eq!(expression.differentiate("z", &Few).unwrap(), Expr::Number(0.0));
}

/// The derivative of exp(exp(.. x)) is a product of all of them: as a tree it grows with the square of the depth.
#[test]
fn shared_parts_are_worked_on_once() {
    let mut expression = parse("x");
    for _ in 0..200 {
        expression = Expr::call("exp", [expression]);
    }
    let derivative = expression.differentiate("x", &Few).unwrap();
    let program = Straight::new(&[expression, derivative]);
    assert!(program.steps.len() < 800, "{}", program.steps.len());
}
