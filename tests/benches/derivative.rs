//! What `derivative!` writes against what a person writes: instructions, counted by valgrind's callgrind, of loops that
//! compute a value and its derivatives: `cargo bench -p difrules-tests --bench derivative`.

use std::hint::black_box;
use std::process::Command;

use difrules_core::{derivative, math};

const TURNS: usize = 1000;

/// The derivatives of each example by `derivative!`, by hand, and by the value alone.
struct Example {
    name: &'static str,
    expanded: fn(f64, f64) -> f64,
    by_hand: fn(f64, f64) -> f64,
    value: fn(f64, f64) -> f64,
}

/// Loops that differ in one number, or the compiler would make one of two that are alike.
macro_rules! looped {
    ($name:ident, $number:literal, |$x:ident, $y:ident| $body:expr) => {
        #[inline(never)]
        fn $name(x: f64, y: f64) -> f64 {
            let mut sum = 0.0;
            for i in 0..TURNS {
                let ($x, $y) = (x + i as f64 * 1e-3, y);
                sum += $body;
            }
            sum + black_box($number)
        }
    };
}

fn examples() -> [Example; 4] {
    looped!(bell_expanded, 0.1, |x, y| {
        let (f, by_x, by_y) = derivative!(exp(-x * x / y) * sin(y), x, y);
        f + by_x + by_y
    });
    looped!(bell_by_hand, 0.2, |x, y| {
        let bell = (-x * x / y).exp();
        let (sin, cos) = (y.sin(), y.cos());
        let f = bell * sin;
        f - 2.0 * x / y * f + (x * x / (y * y) * f + bell * cos)
    });
    looped!(bell_value, 0.3, |x, y| (-x * x / y).exp() * y.sin());
    looped!(tanh_expanded, 0.4, |x, y| {
        let (f, first, second) = derivative!(tanh(y * x), x; 2);
        f + first + second
    });
    looped!(tanh_by_hand, 0.5, |x, y| {
        let f = math::tanh(y * x);
        let first = y * (1.0 - f * f);
        f + first - 2.0 * f * y * first
    });
    looped!(tanh_value, 0.6, |x, y| math::tanh(y * x));
    looped!(black_scholes_expanded, 0.7, |x, y| {
        // A call at the strike 1 for one year: value, delta and vega.
        let (f, delta, vega) =
            derivative!(x * ndtr(ln(x) / y + 0.5 * y) - ndtr(ln(x) / y - 0.5 * y), x, y);
        f + delta + vega
    });
    looped!(black_scholes_by_hand, 0.8, |x, y| {
        let ratio = math::ln(x) / y;
        let (up, down) = (ratio + 0.5 * y, ratio - 0.5 * y);
        let (n_up, n_down) = (math::ndtr(up), math::ndtr(down));
        let root = (2.0 * std::f64::consts::PI).sqrt();
        let (d_up, d_down) = ((-0.5 * up * up).exp() / root, (-0.5 * down * down).exp() / root);
        let f = x * n_up - n_down;
        let delta = n_up + d_up / y - d_down / (x * y);
        let vega = x * d_up * (0.5 - ratio / y) + d_down * (0.5 + ratio / y);
        f + delta + vega
    });
    looped!(black_scholes_value, 0.9, |x, y| {
        x * math::ndtr(math::ln(x) / y + 0.5 * y) - math::ndtr(math::ln(x) / y - 0.5 * y)
    });
    looped!(rational_expanded, 1.1, |x, y| {
        let (f, by_x, by_y) = derivative!((x * y - 1.0) / (1.0 + x * x + y * y), x, y);
        f + by_x + by_y
    });
    looped!(rational_by_hand, 1.2, |x, y| {
        let below = 1.0 + x * x + y * y;
        let f = (x * y - 1.0) / below;
        f + (y - 2.0 * x * f) / below + (x - 2.0 * y * f) / below
    });
    looped!(rational_value, 1.3, |x, y| (x * y - 1.0) / (1.0 + x * x + y * y));
    [
        Example { name: "bell", expanded: bell_expanded, by_hand: bell_by_hand, value: bell_value },
        Example { name: "tanh", expanded: tanh_expanded, by_hand: tanh_by_hand, value: tanh_value },
        Example {
            name: "black_scholes",
            expanded: black_scholes_expanded,
            by_hand: black_scholes_by_hand,
            value: black_scholes_value,
        },
        Example {
            name: "rational",
            expanded: rational_expanded,
            by_hand: rational_by_hand,
            value: rational_value,
        },
    ]
}

/// The instructions that valgrind counts in the loop whose name contains this.
fn instructions(example: &str, way: &str) -> Option<u64> {
    let run = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        .arg(format!("--toggle-collect=*{example}_{way}*"))
        .arg(std::env::current_exe().ok()?)
        .args(["--run", example, way])
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&run.stderr).into_owned();
    let counted = text.lines().find_map(|line| line.split("Collected :").nth(1))?;
    counted.trim().parse().ok()
}

fn main() {
    let arguments: Vec<_> = std::env::args().collect();
    let (x, y) = (black_box(0.7), black_box(1.3));
    if let Some(at) = arguments.iter().position(|argument| argument == "--run") {
        let example =
            examples().into_iter().find(|e| e.name == arguments[at + 1]).expect("one of these");
        let run = match arguments[at + 2].as_str() {
            "expanded" => example.expanded,
            "by_hand" => example.by_hand,
            _ => example.value,
        };
        println!("{}", run(x, y));
        return;
    }
    for example in examples() {
        let (expanded, by_hand) = ((example.expanded)(x, y), (example.by_hand)(x, y));
        // The loops add different numbers, below 2.
        assert!((expanded - by_hand).abs() < 0.2, "{expanded} {by_hand}");
        let count = |way| instructions(example.name, way).map(|all| all as f64 / TURNS as f64);
        let (Some(expanded), Some(by_hand), Some(value)) =
            (count("expanded"), count("by_hand"), count("value"))
        else {
            println!("no valgrind here: nothing counted");
            return;
        };
        println!(
            "{}: {expanded:.1} instructions a turn by derivative!, {by_hand:.1} by hand, ratio {:.2}; the value alone \
             {value:.1}",
            example.name,
            expanded / by_hand,
        );
    }
}
