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
        // Methods, where functions of the same name are others.
        ("x.sinc() * sinc(x)", "cardinal_sine(x) * sinc(x)"),
        (
            "T::sinc(x) - ComplexField::sinc(x) + math::sinc(x)",
            "cardinal_sine(x) - cardinal_sine(x) + sinc(x)",
        ),
        ("x.log(b) * f64::log(x, 2.0)", "log_base(b, x) * log_base(2, x)"),
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
        ("x +", 3, "at the end"),
        ("x + * ", 6, "at the end"),
        ("sin(x", 5, "at the end"),
        ("x y", 2, "after the expression"),
        ("x # y", 2, "unexpected"),
        ("1.2.3", 0, "is not a number"),
        ("f(x,, y)", 4, "expected an expression"),
        ("if x { 1 }", 10, "at the end"),
        ("", 0, "at the end"),
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
        ("-(x / y) / y", "-x / y / y"),
        ("exp(-0.5 * x^2)", "exp(-0.5 * x^2)"),
        ("-(a + b) * c", "c * (-a - b)"),
        ("recip(x) * y", "y / x"),
        ("x^2 * x^-3", "1 / x"),
        ("(2 * x)^3", "8 * x^3"),
        ("(a / b)^-2", "1 / (a / b)^2"),
        ("exp(0) + cos(0) + ln(1)", "2"),
        ("if 1 { x } else { y }", "x"),
        // A number that is not 0 is true, which is 1.
        ("2 && x", "x != 0"),
        ("x || 0", "x != 0"),
        ("x && x", "x != 0"),
        ("1 && x < y", "x < y"),
        ("!x || 0", "!x"),
        ("2 || x", "1"),
        ("if c { x } else { x }", "x"),
        ("ln(exp(x))", "x"),
        ("1 - (x + 1)", "-x"),
        ("x^0", "1"),
        ("2 * 3 - 6", "0"),
        ("if 2 < 3 { x } else { y }", "x"),
        ("(x^100000)^100000", "(x^100000)^100000"),
        ("x / 1e-310", "x / 1e-310"),
        ("x^2.5 * y", "x^2.5 * y"),
        ("x * x^0.5 / y", "x^1.5 / y"),
        ("x^0.25 / x", "1 / x^0.75"),
        ("x^0.5 * x^0.5", "(x^0.5)^2"),
        ("x^0.5 * x^1.5", "x^0.5 * x^1.5"),
    ] {
        assert_eq!(simple(given), wanted, "{given}");
        // What is simple stays.
        assert_eq!(simple(wanted), wanted, "{given}");
    }
}

/// What overflows, underflows or is undefined only when it is put together stays as it is.
#[test]
fn nothing_is_put_together_that_changes_the_value() {
    for (given, wanted) in [
        ("x * 1e-200 * 1e-200", "x * 1e-200 * 1e-200"),
        ("x / 1e200 / 1e200", "x / 1e200 / 1e200"),
        ("(x * 1e200) * (1e200 * y)", "x * 1e200 * (1e200 * y)"),
        ("x * 1 * 1e200", "x * 1e200"),
        ("0 * x * 1e200", "0"),
        ("y / x / x / x", "y / x / x / x"),
        ("1e-300 / x / x", "1e-300 / x / x"),
        ("1 / x / x", "1 / x^2"),
        ("(x / y)^2", "(x / y)^2"),
        ("(x * y)^3 * x", "x * (x * y)^3"),
        ("(x * y) * (x * y)", "(x * y)^2"),
        ("0 / 0", "f64::NAN"),
        ("1 / 0 - 1 / 0", "f64::NAN"),
        ("(1 / 0) * 0 * x", "f64::NAN"),
        ("x * 0 / 0", "f64::NAN"),
        ("x * (1 / 0) - x * (1 / 0)", "f64::NAN"),
        ("1 / sin(-0)", "-f64::INFINITY"),
        ("(x + 1e16) - 1e16", "x + 1e16 - 1e16"),
        ("1e16 - (1e16 - x)", "x + 1e16 - 1e16"),
        ("-x + 3e10 - 3e10", "30000000000 - x - 30000000000"),
        ("1e16 - 1e16 + x", "x"),
        ("sqrt(x) / sqrt(x)", "sqrt(x) / sqrt(x)"),
        ("cbrt(x)^2 / cbrt(x)^2", "cbrt(x)^2 / cbrt(x) / cbrt(x)"),
        ("1.7e308 * x + 1.7e308 * x", "2 * (1.7e308 * x)"),
        ("x * (y * z)", "x * (y * z)"),
        ("x / y * z", "x / y * z"),
        ("x / y / z", "x / y / z"),
        ("x / (y / z)", "x / (y / z)"),
        ("1 / x / y / z", "1 / x / y / z"),
        ("3 * (x * (2 * y * z))", "6 * x * (y * z)"),
        ("-(x / y * z) + 1", "1 - x / y * z"),
        ("x * (y * z) + 2 * (x * (y * z)) - x * y * z", "2 * x * y * z"),
    ] {
        assert_eq!(simple(given), wanted, "{given}");
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

/// A part that is undefined without a variable makes the derivative undefined, wherever it stands.
#[test]
fn undefined_parts_have_no_derivative() {
    for text in [
        "0 / 0 - x",
        "x - 0 / 0",
        "x * x + 0 / 0",
        "0 * (0 / 0) + x",
        "sin(0 / 0) + x",
        "ln(-1) + x",
        "1 / 0 - 1 / 0 + x",
        "asin(2) + x",
        "f64::NAN - x",
        "if x < 2 { 0 / 0 + x } else { sqrt(-1) }",
    ] {
        let slope = parse(text).differentiate("x", &Few).unwrap();
        assert!(slope.to_string().contains("NAN"), "{text}: {slope}");
        assert!(!slope.simplify().to_string().is_empty());
    }
    for (text, slope) in [("1 / 0 + x", "1"), ("ln(0) + 2 * x", "2"), ("0 / 0 < 1 && x < 2", "0")] {
        assert_eq!(parse(text).differentiate("x", &Few).unwrap().to_string(), slope, "{text}");
    }
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

#[test]
fn what_rust_would_not_say_is_refused() {
    for (text, part) in [
        ("ln(exp())", "takes 1 argument, not 0"),
        ("add(x, y, z)", "takes 2 arguments, not 3"),
        ("select(x, y)", "takes 3 arguments, not 2"),
        ("select(a, b, c, d)", "takes 3 arguments, not 4"),
        ("x^neg()", "takes 1 argument, not 0"),
        ("x.powi()", "takes 2 arguments, not 1"),
        ("x.sqrt(2)", "takes 1 argument, not 2"),
        ("recip()", "takes 1 argument"),
        ("x**2", "not an operator"),
        ("2 ** x", "not an operator"),
        ("a < b < c", "cannot be chained"),
        ("a == b != c", "cannot be chained"),
        ("::if ", "expected a name"),
        ("::else", "expected a name"),
        ("let", "expected an expression"),
        ("as + 1", "expected an expression"),
        ("x.if()", "expected a name"),
        ("f::<x + y>(z)", "in a list of types"),
        ("x²", "unexpected"),
        ("1e999", "is not a number"),
        ("1.5i32", "is not a number"),
        ("0x10", "is not a number"),
        ("1..2", "expected a name"),
        ("x as i32", "a cast"),
        ("(x as i32) as f64", "a cast"),
        ("x as u8 as f64", "a cast"),
        ("x as f32", "a cast"),
        ("(n / 2) as f64", "a cast"),
        ("{ let a = 1 a }", "expected `;`"),
        ("{ let a = 1; }", "expected an expression"),
        ("if x { 1 } else 2", "expected `{`"),
        ("f(x y)", "expected `)`"),
        (")", "expected an expression"),
        ("x)", "after the expression"),
        ("&&x", "expected an expression"),
        ("x = y", "after the expression"),
    ] {
        let error = text.parse::<Expr>().expect_err(text);
        assert!(error.message.contains(part), "{text}: {error:?}");
        assert!(error.position <= text.len(), "{text}: {error:?}");
    }
}

#[test]
fn names_mean_what_they_say() {
    for (text, plain) in [
        ("material::E * x", "material::E * x"),
        ("E * PI", "E * PI"),
        ("consts::PI", "consts::PI"),
        ("f64::consts::PI + core::f64::consts::TAU", "π + two_pi()"),
        ("material::exp(x)", "material::exp(x)"),
        ("crate::mine::gamma(x) + super::sin(x)", "crate::mine::gamma(x) + super::sin(x)"),
        ("own::pi()", "own::pi()"),
        ("difrules_core::math::exp(x) + math::sin(x) + T::pi()", "exp(x) + sin(x) + π"),
        ("f64::sqrt(x) + ComplexField::abs(x)", "sqrt(x) + abs(x)"),
        ("{ let e = 2; own::e + e }", "own::e + 2"),
        (
            "f64::NAN + f64::INFINITY - f64::NEG_INFINITY",
            "f64::NAN + f64::INFINITY - -f64::INFINITY",
        ),
        ("(n + 1) as f64 * x", "(n + 1) * x"),
        ("0.1f32 * x", "0.10000000149011612 * x"),
        ("-2^2 + -2.powi(2)", "-2^2 + -2^2"),
        ("2 * **x", "2 * x"),
        ("if if a { b } else { c } { 1 } else { 2 }", "if if a { b } else { c } { 1 } else { 2 }"),
        ("(a < b) < c", "(a < b) < c"),
        ("f(x, y,)", "f(x, y)"),
        ("{ let x = y; { let x = x * x; x + x } + x }", "y * y + y * y + y"),
    ] {
        let expression = parse(text);
        assert_eq!(expression.to_string(), plain, "{text}");
        assert_eq!(parse(plain), expression, "{text}");
    }
}

#[test]
fn numbers_out_of_the_ordinary_are_printed_as_they_are_read() {
    for number in [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        5e-324,
        1.7976931348623157e308,
        1e16,
        0.1 + 0.2,
    ] {
        for expression in [
            Expr::Number(number),
            Expr::call("neg", [Expr::Number(number)]),
            Expr::call("sub", [Expr::Number(number), Expr::Number(number)]),
        ] {
            assert_eq!(parse(&expression.to_string()), expression);
            assert!(expression.rust().to_string().parse::<Expr>().is_ok(), "{}", expression.rust());
        }
    }
}

#[test]
fn powers_of_any_size_are_simplified() {
    for (given, wanted) in [
        ("(x^524288)^(-4096)", "1 / (x^524288)^4096"),
        ("(x^999999)^999999 * (x^999999)^-999999", "1"),
        ("powi(x, -2147483648) * x", "x * powi(x, -2147483648)"),
        ("((x^65536)^32768)^2", "(x^65536)^65536"),
        ("2^-2000 * x", "x / 2^2000"),
        ("x^999999 * x^999999", "powi(x, 1999998)"),
        ("recip(x^999999)^999999", "1 / (x^999999)^999999"),
        ("0^-1 * x", "x / 0"),
    ] {
        assert_eq!(simple(given), wanted, "{given}");
        assert_eq!(simple(wanted), wanted, "{given}");
    }
    // Powers whose exponents are beyond what a power may have are written as several.
    let product: Vec<_> = (1..=4000).map(|i| format!("x^{}", 999_999 - i)).collect();
    let (large, rest) =
        ("powi(x, 1000000000)", 4000 * 999_999 - 4000 * 4001 / 2 - 3_000_000_000_i64);
    assert_eq!(
        simple(&product.join(" * ")),
        format!("{large} * {large} * {large} * powi(x, {rest})")
    );
}

/// What is nested deeper than the stack, or repeats itself more often than there is time for, is worked on as well.
#[test]
fn depth_and_size_have_no_end() {
    let deep = 5_000;
    let texts = [
        format!("{}x{}", "sin(".repeat(deep), ")".repeat(deep)),
        format!("x{}", ".exp()".repeat(deep)),
        format!("{}x{}", "(".repeat(deep), ")".repeat(deep)),
        format!("{}x", "-".repeat(deep)),
        format!("{}x", "x^".repeat(deep)),
        format!("{}x{}", "x - (".repeat(deep), ")".repeat(deep)),
        vec!["x * y"; 5_001].join(" + "),
        (0..deep).map(|i| format!("x{i} * x")).collect::<Vec<_>>().join(" * "),
        format!("{}x{}", "if x < 1 { ".repeat(deep), " } else { 2 }".repeat(deep)),
        format!("{}x }}", "if x < 1 { x } else ".repeat(deep) + "{ "),
        format!("{}x{}", "{ let y = x; y + ".repeat(deep), " }".repeat(deep)),
    ];
    let check = |text: &str| {
        let start = &text[..20];
        let expression = parse(text);
        let again = parse(&expression.to_string());
        assert!(again == expression, "{start}");
        let simple = expression.simplify();
        assert!(parse(&simple.to_string()) == simple, "{start}");
        assert!(
            !simple.latex().to_string().is_empty() && !simple.s_expression().to_string().is_empty()
        );
        assert!(format!("{simple:?}").len() > 5);
        let replaced = expression.substitute(&[("x", Expr::variable("z"))]);
        assert!(replaced.variables().contains("z"), "{start}");
        assert!(!Straight::new(&[expression, simple, replaced]).steps.is_empty());
    };
    std::thread::scope(|scope| {
        texts.iter().for_each(|text| {
            scope.spawn(|| check(text));
        });
    });
    for (text, message) in
        [("(".repeat(deep), "at the end"), ("f(".repeat(deep) + ")", "at the end")]
    {
        assert!(text.parse::<Expr>().unwrap_err().message.contains(message));
    }
}

#[test]
fn what_is_shared_is_worked_on_once() {
    for text in ["(a + b) * (a - b)", "a * b", "sin(a) + b"] {
        let mut expression = parse("x");
        for _ in 0..60 {
            let both = expression.substitute(&[("y", Expr::Number(2.0))]);
            expression = parse(text).substitute(&[("a", both.clone()), ("b", both)]);
        }
        let text = expression.to_string();
        assert!(text.len() < 10_000, "{}", text.len());
        assert!(parse(&text) == expression);
        assert!(expression.rust().to_string().len() < 10_000);
        assert!(expression.latex().to_string().len() < 20_000);
        assert!(expression.s_expression().to_string().len() < 10_000);
        let simple = expression.simplify();
        assert!(parse(&simple.to_string()) == simple);
    }
    // By text: each name twice the one before.
    let mut text = String::from("{ let a0 = x + 1; ");
    for i in 0..200 {
        text += &format!("let a{} = a{i} * a{i} + a{i}; ", i + 1);
    }
    let expression = parse(&(text + "a200 }"));
    let by_x = expression.differentiate("x", &Few).unwrap();
    assert!(by_x == parse(&by_x.to_string()) && by_x != expression);
    let doubled = parse(&format!(
        "{{ let a0 = x; {}a1100 }}",
        (0..1100).map(|i| format!("let a{} = a{i} + a{i}; ", i + 1)).collect::<String>()
    ));
    let simple = doubled.simplify();
    assert!(
        simple.variables().contains("x") && !simple.to_string().contains("INFINITY"),
        "{simple}"
    );
}

/// Terms or factors that differ, so many that it would be noticed if the time grew with the square of their number.
#[test]
fn many_different_terms_are_brought_together() {
    for mark in [" + ", " - ", " * ", " / "] {
        let text: Vec<_> = (0..3_000).map(|i| format!("sin(x{i})")).collect();
        let expression = parse(&(text.join(mark) + mark + &text.join(mark)));
        let simple = expression.simplify();
        assert_eq!(Straight::new(&[simple]).results.len(), 1);
    }
}
