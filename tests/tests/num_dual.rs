//! num-dual's numbers through registered forward rules: an adapter that knows the registry alone.

use std::any::{Any, TypeId};

use approx::assert_relative_eq;
use difrules_core::registry::{CallError, FindError, by_types};
use difrules_core::{Mode, Real, primitive};
use difrules_linalg::Error;
use nalgebra::{DMatrix, SVector, U1, dmatrix, vector};
use num_dual::{Derivative, Dual64, DualNum, DualSVec64, first_derivative, gradient};

/// A number of num-dual with first derivatives in some directions.
trait Number: nalgebra::Scalar + Copy {
    /// How many.
    const DIRECTIONS: usize;
    fn value(self) -> f64;
    /// None where all derivatives are zero.
    fn derivative(self, direction: usize) -> Option<f64>;
    fn join(value: f64, derivative: impl Fn(usize) -> f64) -> Self;
}

impl Number for Dual64 {
    const DIRECTIONS: usize = 1;

    fn value(self) -> f64 {
        self.re
    }

    fn derivative(self, _: usize) -> Option<f64> {
        Some(self.eps)
    }

    fn join(value: f64, derivative: impl Fn(usize) -> f64) -> Self {
        Self::new(value, derivative(0))
    }
}

impl<const N: usize> Number for DualSVec64<N> {
    const DIRECTIONS: usize = N;

    fn value(self) -> f64 {
        self.re
    }

    fn derivative(self, direction: usize) -> Option<f64> {
        self.eps.0.map(|eps| eps[direction])
    }

    fn join(value: f64, derivative: impl Fn(usize) -> f64) -> Self {
        Self::new(value, Derivative::some(SVector::from_fn(|direction, _| derivative(direction))))
    }
}

/// A number of num-dual or a matrix of them, which comes apart into what a primitive takes.
trait Lift {
    type Number: Number;
    /// What a primitive takes or returns.
    type Plain: Any + Default;
    fn value(&self) -> Self::Plain;
    /// None where it is zero.
    fn tangent(&self, direction: usize) -> Option<Self::Plain>;
    /// Of a value and its tangents, one a direction.
    fn join(value: Self::Plain, tangents: &[Self::Plain]) -> Self;
}

impl<T: Number> Lift for T {
    type Number = T;
    type Plain = f64;

    fn value(&self) -> f64 {
        Number::value(*self)
    }

    fn tangent(&self, direction: usize) -> Option<f64> {
        self.derivative(direction)
    }

    fn join(value: f64, tangents: &[f64]) -> Self {
        Number::join(value, |direction| tangents[direction])
    }
}

impl<T: Number> Lift for DMatrix<T> {
    type Number = T;
    type Plain = DMatrix<f64>;

    fn value(&self) -> DMatrix<f64> {
        self.map(Number::value)
    }

    fn tangent(&self, direction: usize) -> Option<DMatrix<f64>> {
        let varies = self.iter().any(|x| x.derivative(direction).is_some());
        varies.then(|| self.map(|x| x.derivative(direction).unwrap_or(0.0)))
    }

    fn join(value: DMatrix<f64>, tangents: &[DMatrix<f64>]) -> Self {
        DMatrix::from_fn(value.nrows(), value.ncols(), |i, j| {
            Number::join(value[(i, j)], |direction| tangents[direction][(i, j)])
        })
    }
}

/// Why a primitive could not be lifted.
#[derive(Debug)]
enum LiftError {
    /// No primitive, or several, of this name for these types.
    Find(FindError),
    Call(CallError),
}

impl From<FindError> for LiftError {
    fn from(error: FindError) -> Self {
        Self::Find(error)
    }
}

impl From<CallError> for LiftError {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

/// Calls the registered primitive of this name, and its forward rule once a direction.
fn lift<X: Lift, Y: Lift<Number = X::Number>, const N: usize>(
    name: &str,
    arguments: [X; N],
) -> Result<Y, LiftError> {
    let (_, instance) = by_types(name, &[TypeId::of::<X::Plain>(); N])?;
    let mut values = arguments.each_ref().map(X::value);
    let mut value = Y::Plain::default();
    let pushforward =
        instance.pushforward(&mut values.each_mut().map(|x| x as &mut dyn Any), &mut value)?;
    let tangents = (0..X::Number::DIRECTIONS).map(|direction| {
        let mut given = arguments.each_ref().map(|x| x.tangent(direction));
        let mut given = given.each_mut().map(|x| x.as_mut().map(|x| x as &mut dyn Any));
        let mut tangent = Y::Plain::default();
        pushforward.push(&mut given, &mut tangent)?;
        Ok(tangent)
    });
    let tangents: Result<Vec<_>, CallError> = tangents.collect();
    Ok(Y::join(value, &tangents?))
}

/// The logistic function, as a user of both crates registers it.
#[primitive(partial = |_, y| y * (T::one() - y), instances(f64))]
fn sigmoid<T: Real>(x: T) -> T {
    (T::one() + (-x).exp()).recip()
}

/// A primitive with one rule alone.
#[primitive(reverse = |x, _, y_bar| y_bar * (x + x), instances(f64))]
fn reverse_alone<T: Real>(x: T) -> T {
    x * x
}

fn assert_same(ours: Dual64, theirs: Dual64) {
    assert_relative_eq!(ours.re, theirs.re, max_relative = 1e-14);
    assert_relative_eq!(ours.eps, theirs.eps, max_relative = 1e-14);
}

#[test]
fn functions_of_one_number() {
    let x = Dual64::new(0.3, 2.0);
    let theirs: [(&str, fn(&Dual64) -> Dual64); 12] = [
        ("sin", Dual64::sin),
        ("cos", Dual64::cos),
        ("tan", Dual64::tan),
        ("asin", Dual64::asin),
        ("exp", Dual64::exp),
        ("exp_m1", Dual64::exp_m1),
        ("ln", Dual64::ln),
        ("log10", Dual64::log10),
        ("sqrt", Dual64::sqrt),
        ("cbrt", Dual64::cbrt),
        ("tanh", Dual64::tanh),
        ("recip", Dual64::recip),
    ];
    for (name, theirs) in theirs {
        assert_same(lift(name, [x]).expect(name), theirs(&x));
    }
}

#[test]
fn functions_of_two_numbers() {
    let (x, y) = (Dual64::new(3.0, 0.5), Dual64::new(-4.0, 2.0));
    assert_same(lift("hypot", [x, y]).unwrap(), (x * x + y * y).sqrt());
    assert_same(lift("atan2", [x, y]).unwrap(), x.atan2(y));
    assert_same(lift("powf", [x, y]).unwrap(), x.powd(y));
}

#[test]
fn gradients() {
    // x * sin(hypot(y, z)) + atan2(x, z), by both.
    let point = vector![0.4, 1.5, -0.7];
    let ours = gradient(
        |v: SVector<DualSVec64<3>, 3>| {
            let length: DualSVec64<3> = lift("hypot", [v[1], v[2]]).unwrap();
            let sine: DualSVec64<3> = lift("sin", [length]).unwrap();
            v[0] * sine + lift::<_, DualSVec64<3>, 2>("atan2", [v[0], v[2]]).unwrap()
        },
        &point,
    );
    let theirs = gradient(
        |v: SVector<DualSVec64<3>, 3>| {
            v[0] * (v[1] * v[1] + v[2] * v[2]).sqrt().sin() + v[0].atan2(v[2])
        },
        &point,
    );
    assert_relative_eq!(ours.0, theirs.0, max_relative = 1e-14);
    assert_relative_eq!(ours.1, theirs.1, max_relative = 1e-14);
    // A number without derivatives is a constant.
    let y: DualSVec64<3> = lift("exp", [DualSVec64::from_re(0.0)]).unwrap();
    assert_eq!((y.re, y.eps.unwrap_generic(nalgebra::U3, U1)), (1.0, vector![0.0, 0.0, 0.0]));
}

/// A positive definite matrix and right-hand sides, as functions of `t`.
fn system<T: DualNum<Primitive = f64> + nalgebra::Scalar + Copy>(t: T) -> (DMatrix<T>, DMatrix<T>) {
    let constant = T::from;
    let a = dmatrix![
        t.exp() + 4.0, t, t.sin();
        t, constant(3.0), t * t - 0.5;
        t.sin(), t * t - 0.5, constant(5.0) + t
    ];
    let b = dmatrix![t, constant(1.0); t * 2.0, t.recip(); constant(3.0), t.cos()];
    (a, b)
}

fn assert_same_matrices(ours: &DMatrix<Dual64>, theirs: &DMatrix<Dual64>) {
    assert_relative_eq!(ours.map(|x| x.re), theirs.map(|x| x.re), max_relative = 1e-13);
    assert_relative_eq!(
        ours.map(|x| x.eps),
        theirs.map(|x| x.eps),
        epsilon = 1e-15,
        max_relative = 1e-13
    );
}

#[test]
fn matrices() {
    let (a, b) = system(Dual64::new(0.8, 1.0));
    // nalgebra's own algorithms, run on num-dual's numbers.
    let their_l = a.clone().cholesky().unwrap().l();
    let our_l: DMatrix<Dual64> = lift("cholesky", [a.clone()]).unwrap();
    assert_same_matrices(&our_l, &their_l);
    let theirs = their_l.solve_lower_triangular(&b).unwrap();
    assert_same_matrices(&lift("solve_lower_triangular", [our_l.clone(), b]).unwrap(), &theirs);
    // A matrix in, a number out.
    let theirs: Dual64 = their_l.diagonal().iter().map(|x| x.ln() * 2.0).sum();
    assert_same(lift("ln_determinant", [a]).unwrap(), theirs);
}

#[test]
fn matrices_in_several_directions() {
    let t = DualSVec64::<3>::from_re(0.8).derivative(1);
    let (a, _) = system(t);
    let (alone, _) = system(Dual64::new(0.8, 1.0));
    let l: DMatrix<DualSVec64<3>> = lift("cholesky", [a]).unwrap();
    let alone: DMatrix<Dual64> = lift("cholesky", [alone]).unwrap();
    for (x, alone) in l.iter().zip(&alone) {
        let eps = x.eps.unwrap_generic(nalgebra::U3, U1);
        assert_eq!((x.re, eps), (alone.re, vector![0.0, alone.eps, 0.0]));
    }
}

#[test]
fn a_primitive_of_the_users_own() {
    let (y, dy) = first_derivative(|x| lift::<_, Dual64, 1>("sigmoid", [x]).unwrap(), 0.6);
    let (theirs, their_dy) = first_derivative(|x: Dual64| ((-x).exp() + 1.0).recip(), 0.6);
    assert_same(Dual64::new(y, dy), Dual64::new(theirs, their_dy));
    assert_eq!(y, sigmoid(0.6));
}

#[test]
fn refusals_come_with_their_types() {
    let x = Dual64::new(2.0, 1.0);
    let refused = |name| lift::<_, Dual64, 1>(name, [x]).unwrap_err();
    assert!(
        matches!(refused("sine"), LiftError::Find(FindError::Unknown { name }) if name == "sine")
    );
    // Two arguments, and matrices: names that exist, but not for these types.
    assert!(matches!(refused("atan2"), LiftError::Find(FindError::Arity { .. })));
    assert!(matches!(refused("cholesky"), LiftError::Find(FindError::Types { .. })));
    let LiftError::Call(CallError::MissingRule(missing)) = refused("reverse_alone") else {
        panic!("it has no forward rule")
    };
    assert_eq!((missing.primitive, missing.mode), ("all::num_dual::reverse_alone", Mode::Forward));
    assert_eq!(reverse_alone(3.0), 9.0);
    let a = dmatrix![x - 1.0, x; x, x - 1.0];
    let refused = lift::<_, DMatrix<Dual64>, 1>("cholesky", [a.clone()]).unwrap_err();
    let LiftError::Call(CallError::Failed { error, .. }) = refused else { panic!("{refused:?}") };
    let expected = Error::NotPositiveDefinite { pivot: 1, value: -3.0 };
    assert_eq!(error.downcast_ref::<Error>(), Some(&expected));
    let refused = lift::<_, Dual64, 1>("cholesky", [a]).unwrap_err();
    let LiftError::Call(CallError::Type { place, .. }) = refused else { panic!("{refused:?}") };
    assert_eq!(place, "the output");
}
