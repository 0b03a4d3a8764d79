//! The steady state of a network of twenty species, fed and washed out, and how it depends on each of its rates.
//!
//! ```text
//! cargo run --release --example reactions
//! ```

use difrules_core::{Differentiable, Function, Real, gradient, jvp, lift, lit, value_and_jacobian};
use difrules_linalg::{Error, ImplicitError, root, solve};
use nalgebra::{DMatrix, DVector};

const SPECIES: usize = 20;

/// What the concentrations depend on.
#[derive(Clone, Debug, Differentiable)]
struct Rates<T> {
    /// Of species i to species i + 1, around the circle.
    forward: DVector<T>,
    /// The same back.
    backward: DVector<T>,
    /// Of A_i + A_(i+7) to two A_(i+3).
    meeting: DVector<T>,
    /// What is fed of the first species, and the part of all that is washed out.
    feed: T,
    outflow: T,
}

/// How fast each concentration changes: zero at the steady state.
struct Network;

impl Function for Network {
    type Point = (DVector<f64>, Rates<f64>);
    type Value = DVector<f64>;

    fn call<T: Real>(&self, (x, rates): &(DVector<T>, Rates<T>)) -> DVector<T> {
        let mut change = x.map(|x| -x * rates.outflow);
        change[0] += rates.feed;
        for i in 0..SPECIES {
            let (next, other, product) = ((i + 1) % SPECIES, (i + 7) % SPECIES, (i + 3) % SPECIES);
            let flow = rates.forward[i] * x[i] - rates.backward[i] * x[next];
            change[i] -= flow;
            change[next] += flow;
            let met = rates.meeting[i] * x[i] * x[other];
            change[i] -= met;
            change[other] -= met;
            change[product] += met * lit(2.0);
        }
        change
    }
}

/// How fast the concentrations change, and the derivatives by them.
fn change_and_slopes(x: &DVector<f64>, rates: &Rates<f64>) -> (DVector<f64>, DMatrix<f64>) {
    let rates = lift(rates);
    value_and_jacobian(|x| Network.call(&(x.clone(), rates.clone())), x)
}

/// Newton's method, with steps that leave every concentration positive.
fn steady(rates: &Rates<f64>) -> Result<DVector<f64>, Error> {
    let mut x = DVector::from_element(SPECIES, rates.feed / rates.outflow / SPECIES as f64);
    for _ in 0..100 {
        let (change, slopes) = change_and_slopes(&x, rates);
        let step = solve(&slopes, &change)?;
        let longest = step.zip_map(&x, |step, x| step / x).max();
        x -= &step * (0.9 / longest.max(0.9));
        if step.amax() < 1e-14 {
            break;
        }
    }
    Ok(x)
}

/// What is made of the last species, in any mode.
fn yielded<T: Real>(rates: &Rates<T>) -> Result<T, ImplicitError<Error>> {
    Ok(root(Network, steady, rates)?[SPECIES - 1])
}

fn main() -> Result<(), ImplicitError<Error>> {
    let rates = Rates {
        forward: DVector::from_fn(SPECIES, |i, _| 1.0 + 0.5 * (i as f64).sin()),
        backward: DVector::from_fn(SPECIES, |i, _| 0.4 + 0.2 * (2.0 * i as f64).cos()),
        meeting: DVector::from_fn(SPECIES, |i, _| 0.3 + 0.1 * (3.0 * i as f64).sin()),
        feed: 2.0,
        outflow: 0.05,
    };

    // What is fed is washed out, whatever happens between.
    let x = root(Network, steady, &rates)?;
    println!("concentrations {:.4}", x.transpose());
    assert!((x.sum() * rates.outflow - rates.feed).abs() < 1e-12 && x.min() > 0.0);

    // By all 62 rates at once: one sweep, which solves once with the transposed Jacobian.
    let by = gradient(yielded, &rates)?;
    let elasticities = by.forward.component_mul(&rates.forward) / yielded(&rates)?;
    println!("elasticities by the forward rates {:.4}", elasticities.transpose());

    // Along one rate in forward mode, and by differences of the solver itself.
    for i in 0..SPECIES {
        let mut direction = Rates {
            forward: DVector::zeros(SPECIES),
            backward: DVector::zeros(SPECIES),
            meeting: DVector::zeros(SPECIES),
            feed: 0.0,
            outflow: 0.0,
        };
        direction.meeting[i] = 1.0;
        let (_, along) = jvp(yielded, &rates, &direction)?;
        let shifted = |h: f64| {
            let mut rates = rates.clone();
            rates.meeting[i] += h;
            steady(&rates).map_err(ImplicitError::Solver)
        };
        let difference = (shifted(1e-5)?[SPECIES - 1] - shifted(-1e-5)?[SPECIES - 1]) / 2e-5;
        assert!((along - by.meeting[i]).abs() < 1e-12 * by.meeting.amax());
        assert!((along - difference).abs() < 1e-7 * by.meeting.amax(), "{along} {difference}");
    }

    // Scaling all rates alone changes nothing: the slopes along them sum to zero.
    let pairs = [(&by.forward, &rates.forward), (&by.backward, &rates.backward)];
    let linear: f64 = pairs.iter().map(|(by, rate)| by.dot(rate)).sum();
    let all = linear + by.meeting.dot(&rates.meeting) + by.feed * rates.feed;
    let all = all + by.outflow * rates.outflow;
    println!("slope along all rates {all:.1e}");
    assert!(all.abs() < 1e-12);

    // Without outflow nothing says how much there is in all. A solver may find one of the steady states, here that which is
    // nearest; but the equations do not determine how it moves, and the error says so.
    let closed = Rates { feed: 0.0, outflow: 0.0, ..rates };
    let nearest = |rates: &Rates<f64>| {
        let mut x = x.clone();
        for _ in 0..50 {
            let (change, slopes) = change_and_slopes(&x, rates);
            x -= slopes.pseudo_inverse(1e-9)? * change;
        }
        Ok::<_, &'static str>(x)
    };
    let failed = gradient(|rates| root(Network, nearest, rates).map(|x| x[0]), &closed);
    let failed = failed.unwrap_err();
    println!("closed: {failed}");
    assert!(matches!(failed, ImplicitError::Singular { .. }));
    Ok(())
}
