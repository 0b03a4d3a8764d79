//! Calls through the registry, without the types, against calls of the functions:
//! `cargo bench --bench calls`.

use std::hint::black_box;
use std::time::Instant;

use difrules_core::{find, math};
use difrules_tests::median;

/// How many calls one timing is about.
const CALLS: u32 = 100_000;

/// The median time of a call in nanoseconds.
fn nanoseconds(mut call: impl FnMut()) -> f64 {
    median((0..25).map(|_| {
        let start = Instant::now();
        (0..CALLS).for_each(|_| call());
        start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS)
    }))
}

fn main() {
    let hypot = find("hypot", 2).expect("registered").instance("f64").expect("registered");
    let (mut x, mut y, mut z, mut z_dot) = (3.0_f64, 4.0_f64, 0.0_f64, 0.0_f64);
    let (mut x_bar, mut y_bar, mut x_dot) = (0.0_f64, 0.0_f64, 1.0_f64);

    let plain = nanoseconds(|| {
        black_box(math::hypot(black_box(x), black_box(y)));
    });
    let rows = [
        (
            "call",
            nanoseconds(|| {
                hypot.call(black_box(&mut [&mut x, &mut y]), &mut z).expect("of its types");
            }),
        ),
        (
            "forward",
            nanoseconds(|| {
                let tangents = &mut [Some(&mut x_dot as _), None];
                hypot
                    .forward(&mut [&mut x, &mut y], tangents, &mut z, &mut z_dot)
                    .expect("of its types");
            }),
        ),
        (
            "reverse and pull",
            nanoseconds(|| {
                let pullback = hypot.reverse(&mut [&mut x, &mut y], &mut z).expect("of its types");
                let adjoints = &mut [Some(&mut x_bar as _), Some(&mut y_bar as _)];
                pullback.pull(&1.0_f64, adjoints).expect("of its types");
            }),
        ),
    ];
    println!("the function itself: {plain:.1} ns");
    for (what, time) in rows {
        println!("{what}: {time:.1} ns, {:.1} ns more (wanted: at most 60)", time - plain);
    }
}
