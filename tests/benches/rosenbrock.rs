//! The gradient of Rosenbrock's function, where every operation is on numbers, against other tapes:
//! `cargo bench --bench rosenbrock`.

use std::hint::black_box;

use ad_trait::AD;
use ad_trait::reverse_ad::adr::adr;
use difrules_core::{Real, value_and_gradient};
use difrules_tests::compare;
use nalgebra::DVector;
use reverse::Gradient;

const SIZE: usize = 1_000_000;

fn rosenbrock<T: Real>(x: &DVector<T>) -> T {
    let hundred: T = nalgebra::convert(100.0);
    x.as_slice()
        .windows(2)
        .map(|x| {
            let (a, b) = (T::one() - x[0], x[1] - x[0] * x[0]);
            hundred * (b * b) + a * a
        })
        .fold(T::zero(), |sum, term| sum + term)
}

// The peers have no scalar in common with us, so the text is repeated in the way of each.

fn rosenbrock_of_ad_trait(x: &[adr]) -> adr {
    let (one, hundred) = (adr::constant(1.0), adr::constant(100.0));
    x.windows(2)
        .map(|x| {
            let (a, b) = (one - x[0], x[1] - x[0] * x[0]);
            hundred * (b * b) + a * a
        })
        .fold(adr::constant(0.0), |sum, term| sum + term)
}

fn rosenbrock_of_reverse<'a>(x: &[reverse::Var<'a>]) -> reverse::Var<'a> {
    x.windows(2)
        .map(|x| {
            let (a, b) = (1.0 - x[0], x[1] - x[0] * x[0]);
            100.0 * (b * b) + a * a
        })
        .sum()
}

fn ours(x: &DVector<f64>) -> (f64, DVector<f64>) {
    value_and_gradient(rosenbrock, x)
}

fn by_ad_trait(x: &DVector<f64>) -> (f64, DVector<f64>) {
    // The first variable empties the graph of the thread, which keeps its memory, as our tape does.
    let x: Vec<_> = x.iter().enumerate().map(|(i, &x)| adr::new_variable(x, i == 0)).collect();
    let y = rosenbrock_of_ad_trait(&x);
    let adjoints = y.get_backwards_mode_grad();
    (y.value(), DVector::from_iterator(SIZE, x.iter().map(|x| adjoints.wrt(x))))
}

fn by_reverse(tape: &reverse::Tape, x: &DVector<f64>) -> (f64, DVector<f64>) {
    // The tape keeps its memory, as ours does.
    tape.clear();
    let x = tape.add_vars(x.as_slice());
    let y = rosenbrock_of_reverse(&x);
    (y.val(), DVector::from_vec(y.grad().wrt(&x)))
}

fn main() {
    let x = DVector::from_fn(SIZE, |i, _| ((i * 7 + 3) % 11) as f64 / 5.0 - 1.0);
    let tape = reverse::Tape::new();

    let (value, gradient) = ours(&x);
    for (peer_value, peer_gradient) in [by_ad_trait(&x), by_reverse(&tape, &x)] {
        assert!((value - peer_value).abs() <= 1e-12 * value.abs());
        assert!((&gradient - &peer_gradient).norm() <= 1e-12 * gradient.norm());
    }

    let mut ours = || {
        black_box(ours(black_box(&x)));
    };
    let mut by_ad_trait = || {
        black_box(by_ad_trait(black_box(&x)));
    };
    let mut by_reverse = || {
        black_box(by_reverse(&tape, black_box(&x)));
    };
    let mut by_new_tape = || {
        black_box(crate::by_reverse(&reverse::Tape::new(), black_box(&x)));
    };
    let name = "value and gradient of Rosenbrock's function, n = 10^6";
    compare(name, Some(0.2), ("ours", &mut ours), ("ad_trait", &mut by_ad_trait));
    compare(name, Some(0.2), ("ours", &mut ours), ("reverse", &mut by_reverse));
    compare(name, None, ("ours", &mut ours), ("reverse, a new tape each", &mut by_new_tape));
}
