//! Inverse kinematics of an arm with seven joints: one function, written once, gives every solver what it asks for.
//!
//! ```text
//! cargo run --release --example robot_arm
//! ```

use argmin::core::{Executor, State};
use argmin::solver::trustregion::{Steihaug, TrustRegion};
use difrules_core::{Function, Real, jacobian, lit, value_and_gradient};
use difrules_linalg::{ArgminProblem, Lbfgs, LeastSquares, OptimiseError, minimum};
use nalgebra::{DVector, Matrix3, SVector, Vector3, vector};

/// The angles of the joints.
type Joints<T> = SVector<T, 7>;
/// Where the hand is, and which way it is turned.
type Pose<T> = (Vector3<T>, Matrix3<T>);

/// How far a joint is from the one before it along its axis, in metres.
const LENGTHS: [f64; 7] = [0.34, 0.0, 0.4, 0.0, 0.4, 0.0, 0.126];
/// How an axis is turned against the one before it, in right angles.
const TURNS: [i8; 7] = [-1, 1, 1, -1, -1, 1, 0];

/// Where the joints take the hand.
fn hand<T: Real>(joints: &Joints<T>) -> Pose<T> {
    let (mut place, mut turned) = (Vector3::<T>::zeros(), Matrix3::<T>::identity());
    for ((&angle, length), turn) in joints.iter().zip(LENGTHS).zip(TURNS) {
        place += turned * vector![T::zero(), T::zero(), lit(length)];
        let (sine, cosine) = (angle.sin(), angle.cos());
        let (zero, turn) = (T::zero(), lit::<T>(f64::from(turn)));
        let still = if turn == zero { T::one() } else { zero };
        turned *= Matrix3::new(
            cosine,
            -sine * still,
            -sine * turn,
            sine,
            cosine * still,
            cosine * turn,
            zero,
            -turn,
            still,
        );
    }
    (place, turned)
}

/// What is left between the hand and a pose: three numbers of its place and nine of how it is turned.
#[derive(Clone)]
struct Reach {
    wanted: Pose<f64>,
}

impl Function for Reach {
    type Point = Joints<f64>;
    type Value = DVector<f64>;

    fn call<T: Real>(&self, joints: &Joints<T>) -> DVector<T> {
        let (place, turned) = hand(joints);
        let place = place - self.wanted.0.map(lit::<T>);
        let turned = (turned - self.wanted.1.map(lit::<T>)) * lit::<T>(0.3);
        DVector::from_iterator(12, place.iter().chain(&turned).copied())
    }
}

/// The same with the place as a parameter, as one number, and a little for each joint that is bent.
struct Effort {
    turned: Matrix3<f64>,
}

impl Function for Effort {
    type Point = (Joints<f64>, Vector3<f64>);
    type Value = f64;

    fn call<T: Real>(&self, (joints, wanted): &(Joints<T>, Vector3<T>)) -> T {
        let (place, turned) = hand(joints);
        let turned = (turned - self.turned.map(lit::<T>)) * lit::<T>(0.3);
        (place - wanted).norm_squared()
            + turned.norm_squared()
            + joints.norm_squared() * lit::<T>(1e-4)
    }
}

/// The effort at a place that is fixed.
struct Fixed(Effort, Vector3<f64>);

impl Function for Fixed {
    type Point = Joints<f64>;
    type Value = f64;

    fn call<T: Real>(&self, joints: &Joints<T>) -> T {
        self.0.call(&(*joints, self.1.map(lit::<T>)))
    }
}

fn start() -> Joints<f64> {
    Joints::from_fn(|i, _| 0.1 + 0.05 * i as f64)
}

/// The joints of the least effort.
fn least(
    effort: &Effort,
    wanted: &Vector3<f64>,
) -> Result<Joints<f64>, OptimiseError<Joints<f64>>> {
    let cost = |joints: &Joints<f64>| {
        let wanted = difrules_core::lift(wanted);
        value_and_gradient(|joints| effort.call(&(*joints, wanted)), joints)
    };
    let solver = Lbfgs { tolerance: 1e-12, ..Lbfgs::new() };
    Ok(solver.minimise(cost, &start())?.x)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A pose that can be reached, since some joints reach it.
    let bent = vector![0.4, 0.6, -0.3, -1.2, 0.5, 0.9, -0.2];
    let wanted = hand(&bent);
    let reach = Reach { wanted };
    println!("wanted: the hand at {:.4}", wanted.0.transpose());

    // Twelve equations of seven unknowns that six conditions bind: the arm can move with its hand still.
    let slopes = jacobian(|joints| reach.call(joints), &bent);
    println!("singular values {:.4}", slopes.singular_values().transpose());
    assert_eq!(slopes.rank(1e-9), 6);

    // This crate's own L-BFGS, on half the sum of the squares.
    let found = Lbfgs::new().minimise(
        |joints| value_and_gradient(|joints| reach.call(joints).norm_squared() * lit(0.5), joints),
        &start(),
    )?;
    arrived("L-BFGS", &found.x, &wanted);

    let problem = LeastSquares::new(reach.clone(), start());
    let (found, report) = levenberg_marquardt::LevenbergMarquardt::new().minimize(problem);
    assert!(report.termination.was_successful(), "{report:?}");
    arrived("Levenberg-Marquardt", found.point(), &wanted);

    let effort = Effort { turned: wanted.1 };
    let joints = least(&effort, &wanted.0)?;

    let problem = ArgminProblem::new(Fixed(Effort { turned: wanted.1 }, wanted.0), &start());
    let parameters = problem.parameters(&start());
    let solver = TrustRegion::new(Steihaug::new().with_max_iters(20));
    let run = Executor::new(problem.clone().by_products(), solver)
        .configure(|state| state.param(parameters).max_iters(100))
        .run()?;
    let best = problem.point(run.state.get_best_param().ok_or("no parameters")?);
    println!("{:>24}  {:.4}", "argmin's trust region", best.transpose());
    assert!((best - joints).norm() < 1e-5, "{best} {joints}");

    // How the joints move as the place is moved: through the solver, by the implicit function theorem.
    let by_place = jacobian(
        |place| minimum(Effort { turned: wanted.1 }, |place| least(&effort, place), place),
        &wanted.0,
    )?;
    for axis in 0..3 {
        let shifted = |h: f64| {
            let mut place = wanted.0;
            place[axis] += h;
            least(&effort, &place)
        };
        let difference = (shifted(1e-4)? - shifted(-1e-4)?) / 2e-4;
        let error = (by_place.column(axis) - difference).norm();
        assert!(error < 1e-4 * by_place.column(axis).norm(), "{axis} {error}");
    }
    println!("joints by the height of the hand {:.3}", by_place.column(2).transpose());
    Ok(())
}

/// Whether joints take the hand where it is wanted.
fn arrived(name: &str, joints: &Joints<f64>, wanted: &Pose<f64>) {
    let (place, turned) = hand(joints);
    let left = (place - wanted.0).norm() + (turned - wanted.1).norm();
    // Whole turns do not matter.
    let angles = joints.map(|angle| angle.sin().atan2(angle.cos()));
    println!("{name:>24}  misses by {left:.1e} with the angles {:.4}", angles.transpose());
    assert!(left < 1e-6, "{name}: {left}");
}
