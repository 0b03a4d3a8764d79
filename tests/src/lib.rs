//! Shared by the benchmarks: timing two things on the same work in one run, and packages that are
//! written to be built.

pub mod generated;

use std::time::Instant;

/// How many times each side is run.
const RUNS: usize = 25;

/// Prints the median times of two computations and the median of their ratios. They take turns, so
/// that a change in the machine's speed meets both.
pub fn compare(
    name: &str,
    limit: Option<f64>,
    ours: (&str, &mut dyn FnMut()),
    peer: (&str, &mut dyn FnMut()),
) {
    let mut pairs = Vec::with_capacity(RUNS);
    for run in 0..=RUNS {
        let pair = (milliseconds(ours.1), milliseconds(peer.1));
        // The first pair warms up.
        if run > 0 {
            pairs.push(pair);
        }
    }
    let ratio = median(pairs.iter().map(|(ours, peer)| ours / peer));
    let wanted = limit.map_or(String::new(), |limit| format!(" (wanted: at most {limit})"));
    println!(
        "{name}: {} {:.3} ms, {} {:.3} ms, ratio {ratio:.2}{wanted}",
        ours.0,
        median(pairs.iter().map(|pair| pair.0)),
        peer.0,
        median(pairs.iter().map(|pair| pair.1)),
    );
}

/// Prints the median time of a computation.
pub fn time(name: &str, limit: f64, f: &mut dyn FnMut()) {
    f();
    let median = median((0..RUNS).map(|_| milliseconds(f)));
    println!("{name}: {median:.3} ms (wanted: at most {limit} ms)");
}

fn milliseconds(f: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    f();
    start.elapsed().as_secs_f64() * 1e3
}

/// The median.
pub fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// The program of the project's README is a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
