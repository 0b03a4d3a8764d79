//! Shared by the benchmarks: timing two things on the same work in one run, and packages that are
//! written to be built.

pub mod generated;

use std::collections::HashMap;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use difrules_core::Differentiable;
use difrules_core::contract::passing::Arguments;
use difrules_core::contract::{Inputs, Primitive, Room};

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

/// The time of one run of each of several computations, in milliseconds: medians over runs in turn, each
/// long enough to be measured.
pub fn times(computations: &mut [&mut dyn FnMut()]) -> Vec<f64> {
    let repeats: Vec<usize> = computations
        .iter_mut()
        .map(|f| {
            f();
            let once = milliseconds(&mut || f()).max(1e-5);
            (1.0 / once).ceil() as usize
        })
        .collect();
    let mut found = vec![Vec::new(); computations.len()];
    for _ in 0..9 {
        for ((f, &repeats), found) in computations.iter_mut().zip(&repeats).zip(&mut found) {
            let all = milliseconds(&mut || (0..repeats).for_each(|_| f()));
            found.push(all / repeats as f64);
        }
    }
    found.into_iter().map(|times| median(times.into_iter())).collect()
}

/// What a primitive's call and rules take at plain numbers, in milliseconds.
pub struct Cost {
    /// The call, at the arguments.
    pub primal: f64,
    /// The forward rule.
    pub forward: f64,
    /// The reverse rule, all arguments wanted.
    pub reverse: f64,
}

/// Measures a primitive without `&mut` arguments, whose arguments are its own tangents and whose output is
/// its own cotangent.
///
/// # Panics
/// If the arguments are not in its domain.
pub fn cost<P: Primitive>(inputs: Inputs<P, f64>) -> Cost {
    let copy = |inputs: &Inputs<P, f64>| P::Arguments::map::<f64, f64>(inputs, &mut |_, x| x);
    let (mut lent, mut tangents) = (copy(&inputs), copy(&inputs));
    let Ok(evaluation) = P::evaluate::<f64>(inputs) else { panic!("not in the domain") };
    let cotangent = evaluation.output.to_reals();
    let shapes = P::shapes(&evaluation);
    let mut adjoints = vec![Vec::new(); P::Arguments::IN_PLACE.len()];
    P::Arguments::map::<f64, f64>(&tangents, &mut |argument, x| {
        adjoints[argument].push(0.0);
        x
    });
    let Ok(again) = P::evaluate::<f64>(copy(&tangents)) else { panic!("not in the domain") };
    let residual = P::residual(again);
    let mut outputs = cotangent.clone();
    let found = times(&mut [
        &mut || {
            black_box(P::primal::<f64>(P::Arguments::lend(black_box(&mut lent))));
        },
        &mut || {
            black_box(P::forward(black_box(&evaluation), &mut tangents));
        },
        &mut || {
            outputs.copy_from_slice(&cotangent);
            let mut slots = [const { None }; 8];
            for (slot, adjoint) in slots.iter_mut().zip(&mut adjoints) {
                *slot = Some(Room::from(adjoint.as_mut_slice()));
            }
            let slots = &mut slots[..P::Arguments::IN_PLACE.len()];
            P::reverse(black_box(&residual), &shapes, &mut outputs, slots);
        },
    ]);
    Cost { primal: found[0], forward: found[1], reverse: found[2] }
}

/// What a script of the folder `benches/peers` has measured of other systems, by the name of the program and its size;
/// nothing where Python lacks them.
pub fn peers(script: &str) -> HashMap<(String, usize), Vec<f64>> {
    let script = format!("{}/benches/peers/{script}", env!("CARGO_MANIFEST_DIR"));
    let Ok(output) = Command::new("python3").arg(script).output() else { return HashMap::new() };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split(' ');
        let (name, n) = (words.next()?.to_string(), words.next()?.parse().ok()?);
        let found = words.map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(((name, n), found))
    });
    lines.collect()
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
