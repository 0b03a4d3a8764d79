//! Derivatives over processes. `just mpi` runs it on four; any other number says so and skips.

use std::panic::{AssertUnwindSafe, catch_unwind};

use difrules_core::mpi::{
    Kind, MpiError, Processes, Ranks, jvp, value_and_gradient, value_gradient_and_hvp,
};
use difrules_core::{Dual, Real, Var, lit, primitive};
use nalgebra::{Complex, DVector, dvector};

type Outcome<T> = Result<T, MpiError>;

/// A program that has every communication, and in which each process uses less than it gets.
fn program<T: Real>(x: &DVector<T>, ranks: &Ranks<T>) -> Outcome<T> {
    let (rank, size) = (ranks.rank(), ranks.size());
    let sum = ranks.all_reduce(&x.map(|x| x * x))?;
    // Constant but in one process.
    let own = if rank == 1 { x[0] } else { lit(0.5) };
    let total = ranks.all_reduce(&own)?;
    let roots = ranks.broadcast(2, &(x[1], Complex::new(x[2], x[0])))?;
    let gathered = ranks.gather(1, &(x[0] * x[1]))?;
    let products: Vec<T> = gathered.unwrap_or_default();
    let parts: Vec<T> = products.iter().map(|p| p.sin()).collect();
    let part = ranks.scatter(1, &parts, &x[0])?;
    let reduced = ranks.reduce(size - 1, &x[2])?;
    // Round a ring.
    ranks.send((rank + 1) % size, &(x[0] * x[2]))?;
    let before = ranks.receive((rank + size - 1) % size, &x[0])?;
    let mut twice = x[1];
    ranks.all_reduce_mut(&mut twice)?;
    let mut after = Complex::new(x[2], x[0] * x[1]);
    ranks.exchange_mut((rank + size - 1) % size, (rank + 1) % size, &mut after)?;
    let turned = ranks.exchange(rank, rank, &after.im)? * after.re;
    let (mut last, mut third) = (x[0], x[1] * x[1]);
    ranks.reduce_mut(0, &mut last)?;
    ranks.scatter_mut(3, &vec![x[2]; if rank == 3 { size } else { 0 }], &mut third)?;
    let modulus = roots.1 * Complex::new(T::one(), lit(0.5));
    // What is used where.
    Ok(match rank {
        0 => sum[0] * sum[1] * total + before + last * last * turned,
        1 => total * total * roots.0 + part * sum[2] + third * third,
        2 => modulus.re * modulus.im * before * part + turned * third,
        _ => reduced.map_or(T::zero(), |r| r * r * r) + twice * twice * before,
    })
}

fn point(rank: usize) -> DVector<f64> {
    DVector::from_fn(3, |i, _| 0.3 + 0.2 * rank as f64 - 0.35 * i as f64)
}

fn direction(rank: usize) -> DVector<f64> {
    DVector::from_fn(3, |i, _| ((3 * rank + i) as f64 * 1.7).sin())
}

/// The sum over processes of the program at a point of this process.
fn total(processes: &Processes, x: &DVector<f64>) -> f64 {
    let ranks = processes.plain();
    ranks.all_reduce(&program(x, &ranks).unwrap()).unwrap()
}

fn near(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance * (1.0 + expected.abs()),
        "{what}: {found} {expected}"
    );
}

fn derivatives(processes: &Processes) {
    let ranks = processes.plain::<f64>();
    let (x, v) = (point(ranks.rank()), direction(ranks.rank()));
    let plain = program(&x, &processes.plain()).unwrap();
    let (value, gradient) = value_and_gradient(processes, program, &x).unwrap();
    assert_eq!(value.to_bits(), plain.to_bits(), "the plain value");
    let (value, slope) = jvp(processes, program, &x, &v).unwrap();
    assert_eq!(value.to_bits(), plain.to_bits(), "the plain value, forward");
    let slope = ranks.all_reduce(&slope).unwrap();
    let by_gradient = ranks.all_reduce(&gradient.dot(&v)).unwrap();
    near(by_gradient, slope, 1e-13, "forward against reverse");
    let step = 1e-5;
    let difference =
        (total(processes, &(&x + &v * step)) - total(processes, &(&x - &v * step))) / (2.0 * step);
    near(slope, difference, 1e-8, "against a difference");
    // One entry of one process after the other.
    for rank in 0..ranks.size() {
        for i in 0..3 {
            let mut moved = [x.clone(), x.clone()];
            if ranks.rank() == rank {
                moved[0][i] += step;
                moved[1][i] -= step;
            }
            let [up, down] = moved.map(|x| total(processes, &x));
            if ranks.rank() == rank {
                near(gradient[i], (up - down) / (2.0 * step), 1e-8, "an entry");
            }
        }
    }
    let (value, again, product) = value_gradient_and_hvp(processes, program, &x, &v).unwrap();
    assert_eq!(value.to_bits(), plain.to_bits(), "the plain value, second order");
    assert!((again - &gradient).norm() <= 1e-14 * gradient.norm());
    let at = |step: f64| value_and_gradient(processes, program, &(&x + &v * step)).unwrap().1;
    let difference = (at(step) - at(-step)) / (2.0 * step);
    for (found, expected) in product.iter().zip(&difference) {
        near(*found, *expected, 1e-7, "the Hessian");
    }
    // Symmetric over processes: v^T H w = w^T H v.
    let w = direction(ranks.rank() + 7);
    let other = value_gradient_and_hvp(processes, program, &x, &w).unwrap().2;
    let sides = ranks.all_reduce(&(product.dot(&w), other.dot(&v))).unwrap();
    near(sides.0, sides.1, 1e-12, "symmetry");
    // A direction that rests but in one process.
    let alone = if ranks.rank() == 3 { v.clone() } else { DVector::zeros(3) };
    let (_, slope) = jvp(processes, program, &x, &alone).unwrap();
    let pair = ranks.all_reduce(&(slope, gradient.dot(&alone))).unwrap();
    near(pair.0, pair.1, 1e-13, "one process moves");
    let product = value_gradient_and_hvp(processes, program, &x, &alone).unwrap().2;
    let sides = ranks.all_reduce(&(product.dot(&w), other.dot(&alone))).unwrap();
    near(sides.0, sides.1, 1e-12, "symmetry where one process moves");
}

/// What each line of the page's table says.
fn conventions(processes: &Processes) {
    let ranks = processes.plain::<f64>();
    let (rank, size) = (ranks.rank(), ranks.size() as f64);
    let slope = |f: &dyn Fn(Var<f64>, &Ranks<Var<f64>>) -> Outcome<Var<f64>>| {
        value_and_gradient(processes, |x, ranks| f(*x, ranks), &2.0).unwrap().1
    };
    let factor = Var::constant(rank as f64 + 1.0);
    let all = size * (size + 1.0) / 2.0;
    let own = slope(&|x, _| Ok(x * factor));
    assert_eq!(ranks.all_reduce(&own), Ok(all));
    let shared = slope(&|x, ranks| Ok(ranks.broadcast(0, &x)? * factor));
    assert_eq!(shared, if rank == 0 { all } else { 0.0 });
    let round = slope(&|x, ranks| {
        let size = ranks.size();
        let before = ranks.exchange((rank + 1) % size, (rank + size - 1) % size, &(x * x))?;
        Ok(before * factor)
    });
    assert_eq!(
        round,
        4.0 * ((rank + 1) % ranks.size() + 1) as f64,
        "what the next one does with it"
    );
    let counted = slope(&|x, ranks| ranks.all_reduce(&(x * factor)));
    assert_eq!(ranks.all_reduce(&counted), Ok(size * all));
    let once = slope(&|x, ranks| {
        let sum = ranks.all_reduce(&(x * factor))?;
        Ok(if ranks.rank() == 0 { sum } else { Var::constant(0.0) })
    });
    assert_eq!(ranks.all_reduce(&once), Ok(all));
}

fn failures(processes: &Processes) {
    let ranks = processes.plain::<f64>();
    let (rank, size) = (ranks.rank(), ranks.size());
    let reason = |f: &dyn Fn(Var<f64>, &Ranks<Var<f64>>) -> Outcome<Var<f64>>| {
        value_and_gradient(processes, |x, ranks| f(*x, ranks), &2.0).unwrap_err()
    };
    let unmatched =
        |other| MpiError::Unmatched { rank: 0, operation: Kind::AllReduce, other_rank: 1, other };
    let found =
        reason(&|x, ranks| if rank == 1 { ranks.broadcast(0, &x) } else { ranks.all_reduce(&x) });
    assert_eq!(found, unmatched(Kind::Broadcast(0)));
    // One leaves something out.
    let found = reason(&|x, ranks| if rank == 1 { Ok(x) } else { ranks.all_reduce(&x) });
    assert_eq!(found, unmatched(Kind::End));
    // It fails in one.
    let wrong = MpiError::NoProcess { operation: Kind::Send(size), rank: size, size };
    let found = reason(&|x, ranks| {
        if rank == 2 {
            ranks.send(size, &x)?;
        }
        ranks.all_reduce(&x)
    });
    assert_eq!(found, if rank == 2 { wrong } else { MpiError::Elsewhere { rank: 2 } });
    let found = reason(&|x, ranks| {
        ranks.all_reduce(&DVector::from_element(1 + rank / 3, x)).map(|sum| sum[0])
    });
    let operation = Kind::AllReduce;
    assert_eq!(found, MpiError::Count { operation, rank: 3, count: 2, expected: 1 });
    // Counts that differ, though their sum is right.
    let lengths = [1, 2, 3, 2];
    let found = reason(&|x, ranks| {
        ranks.gather(1, &DVector::from_element(lengths[rank], x))?;
        Ok(x)
    });
    let operation = Kind::Gather(1);
    assert_eq!(found, MpiError::Count { operation, rank: 0, count: 1, expected: 2 });
    let parts = lengths.map(DVector::<f64>::zeros);
    let found = ranks.scatter(0, &parts, &parts[1]).unwrap_err();
    let operation = Kind::Scatter(0);
    let wrong = MpiError::Count { operation, rank: 0, count: 1, expected: 2 };
    assert_eq!(found, if rank == 0 { wrong } else { MpiError::Elsewhere { rank: 0 } });
    let found = ranks.scatter(0, &vec![parts[1].clone(); size], &parts[rank.max(1)]).unwrap_err();
    assert_eq!(found, MpiError::Count { operation, rank: 2, count: 3, expected: 2 });
    let found = ranks.scatter(0, &vec![parts[1].clone(); size + 1], &parts[1]).unwrap_err();
    assert_eq!(found, MpiError::Count { operation, rank: 0, count: 10, expected: 8 });
    let found = reason(&|x, ranks| ranks.broadcast(size, &x));
    assert_eq!(found, MpiError::NoProcess { operation: Kind::Broadcast(size), rank: size, size });
    // A message of another length.
    let found = reason(&|x, ranks| {
        match ranks.rank() {
            0 => ranks.send(1, &[x, x])?,
            1 => _ = ranks.receive(0, &x)?,
            _ => {}
        }
        ranks.all_reduce(&x)
    });
    let operation = Kind::Receive(0);
    let count = MpiError::Count { operation, rank: 0, count: 2, expected: 1 };
    assert_eq!(found, if rank == 1 { count } else { MpiError::Elsewhere { rank: 1 } });
}

/// What goes round a ring is longer than what MPI keeps for a process that does not receive yet.
fn long_messages(processes: &Processes) {
    let ranks = processes.plain::<f64>();
    let (rank, size) = (ranks.rank(), ranks.size());
    let f = |x: &DVector<Var<f64>>, ranks: &Ranks<Var<f64>>| -> Outcome<Var<f64>> {
        let before = ranks.exchange((rank + 1) % size, (rank + size - 1) % size, x)?;
        Ok(before[before.len() - 1] * before[0])
    };
    let x = DVector::repeat(100_000, 1.0 + rank as f64);
    let (value, slope) = value_and_gradient(processes, f, &x).unwrap();
    let before = 1.0 + ((rank + size - 1) % size) as f64;
    assert_eq!((value, slope[0], slope[1]), (before * before, 1.0 + rank as f64, 0.0));
    // Of other lengths.
    let found = ranks.exchange(rank ^ 1, rank ^ 1, &vec![1.0; rank]);
    let (operation, other) = (Kind::Exchange { to: rank ^ 1, from: rank ^ 1 }, rank ^ 1);
    let wrong = MpiError::Count { operation, rank: other, count: other, expected: rank };
    assert_eq!(found, Err(wrong));
    // Half of it is with itself.
    let found = ranks.exchange(rank, rank ^ 1, &1.0).unwrap_err();
    let operation = Kind::Exchange { to: rank, from: rank ^ 1 };
    assert_eq!(found, MpiError::NoProcess { operation, rank, size });
    // Nothing at all is a message too.
    let none = DVector::<f64>::zeros(0);
    assert_eq!(ranks.exchange(rank ^ 1, rank ^ 1, &none).unwrap(), none);
    assert_eq!(ranks.scatter(0, &vec![none.clone(); size], &none).unwrap(), none);
    assert_eq!(ranks.gather(0, &none).unwrap().map_or(0, |all| all.len()) % size, 0);
}

/// A sum that panics in process 1 where it is differentiated.
#[primitive(
    forward = |_x, breaks, _y, x_dot| { assert!(!breaks, "the rule"); x_dot },
    reverse = |_x, breaks, _y, y_bar| { assert!(!breaks, "the rule"); y_bar },
    constant(_breaks),
    instances(f64)
)]
fn fragile<T: Real>(x: T, _breaks: bool) -> T {
    x
}

fn panics(processes: &Processes) {
    let ranks = processes.plain::<f64>();
    let rank = ranks.rank();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let caught = |f: &dyn Fn(Var<f64>, &Ranks<Var<f64>>) -> Outcome<Var<f64>>| {
        let call = || value_and_gradient(processes, |x, ranks| f(*x, ranks), &2.0);
        catch_unwind(AssertUnwindSafe(call)).ok()
    };
    // In the function: the others are told.
    for meets_after in [true, false] {
        let found = caught(&|x, ranks| {
            let sum = ranks.all_reduce(&x)?;
            assert!(rank != 1);
            if meets_after { ranks.all_reduce(&sum) } else { Ok(sum) }
        });
        let elsewhere = Some(Err(MpiError::Elsewhere { rank: 1 }));
        assert_eq!(found, if rank == 1 { None } else { elsewhere });
    }
    // In a rule of the sweep, where all are about to communicate.
    let found = caught(&|x, ranks| {
        let sum = ranks.all_reduce(&(x * x))?;
        Ok(fragile(sum, rank == 1))
    });
    assert_eq!(found, None);
    // In a transform within.
    let found = caught(&|x, ranks| {
        let inner = value_and_gradient(
            processes,
            |y: &Var<f64>, ranks: &Ranks<Var<f64>>| {
                assert!(rank != 1);
                ranks.all_reduce(y)
            },
            &1.0,
        )?;
        Ok(ranks.all_reduce(&x)? * Var::constant(inner.0))
    });
    assert_eq!(found, if rank == 1 { None } else { Some(Err(MpiError::Elsewhere { rank: 1 })) });
    std::panic::set_hook(hook);
    // A failure that one process overlooks.
    let found = caught(&|x, ranks| {
        let operand = if rank == 0 { DVector::zeros(2) } else { DVector::from_element(1, x) };
        match ranks.all_reduce(&operand) {
            Err(_) if rank == 2 => {
                let _ = ranks.all_reduce(&x);
                Ok(x)
            }
            sum => Ok(sum?[0]),
        }
    });
    let operation = Kind::AllReduce;
    let wrong = MpiError::Count { operation, rank: 1, count: 1, expected: 2 };
    assert_eq!(found, Some(Err(wrong)));
    // All go on.
    assert_eq!(caught(&|x, ranks| ranks.all_reduce(&x)), Some(Ok((8.0, 4.0))));
}

/// One derivative within another communicates by its own processes.
fn within(processes: &Processes) {
    let size = processes.plain::<f64>().size() as f64;
    let f = |x: &Var<f64>, ranks: &Ranks<Var<f64>>| -> Outcome<Var<f64>> {
        let cube = |y: &Var<f64>, ranks: &Ranks<Var<f64>>| ranks.all_reduce(&(*y * *y * *y));
        let (sum, slope) = value_and_gradient(processes, cube, &2.0)?;
        assert_eq!((sum, slope), (8.0 * size, 12.0 * size));
        Ok(ranks.all_reduce(x)? * Var::constant(slope))
    };
    let found = value_and_gradient(processes, f, &1.0).unwrap();
    assert_eq!(found, (12.0 * size * size, 12.0 * size * size));
}

fn values(processes: &Processes) {
    let ranks = processes.plain::<f32>();
    let size = ranks.size() as f32;
    // f32, complex, tuples, empty.
    let x = (Complex::new(1.0_f32, 2.0), vec![0.5_f32; 3], DVector::<f32>::zeros(0));
    let sum = ranks.all_reduce(&x).unwrap();
    assert_eq!(sum.0, Complex::new(size, 2.0 * size));
    assert_eq!(sum.1, [0.5 * size; 3]);
    let f = |x: &DVector<Var<f32>>, ranks: &Ranks<Var<f32>>| -> Outcome<Var<f32>> {
        Ok(ranks.all_reduce(x)?.iter().fold(Var::constant(0.0), |sum, x| sum + *x * *x))
    };
    let (value, slope) = value_and_gradient(processes, f, &dvector![1.0_f32, 2.0]).unwrap();
    assert_eq!(value, 5.0 * size * size);
    assert_eq!(slope, dvector![2.0 * size * size, 4.0 * size * size]);
    // What is not finite in one process is, and nobody waits.
    let rank = ranks.rank();
    let f = |x: &Var<f64>, ranks: &Ranks<Var<f64>>| -> Outcome<Var<f64>> {
        let x = if rank == 1 { *x / Var::constant(0.0) } else { *x };
        ranks.all_reduce(&x)
    };
    let (value, slope) = value_and_gradient(processes, f, &1.0_f64).unwrap();
    assert!(value.is_infinite() && slope.is_finite() == (rank != 1));
}

fn main() {
    let universe = mpi::initialize().expect("MPI starts once");
    {
        let processes = Processes::new(&universe.world());
        let (rank, size) = (processes.plain::<f64>().rank(), processes.plain::<f64>().size());
        if size != 4 {
            println!("skipped: it is run by `mpirun -n 4`, and there are {size} processes");
            return;
        }
        // A process that fails ends all.
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            hook(panic);
            eprintln!("in process {rank}");
            std::process::exit(101);
        }));
        derivatives(&processes);
        conventions(&processes);
        failures(&processes);
        values(&processes);
        long_messages(&processes);
        within(&processes);
        panics(&processes);
        let (_, slope) =
            jvp(&processes, |x: &Dual<f64>, ranks| ranks.all_reduce(x), &1.0, &(rank as f64))
                .unwrap();
        assert_eq!(slope, 6.0);
        if rank == 0 {
            println!("4 processes: derivatives, conventions, failures, values, messages, panics");
        }
    }
}
