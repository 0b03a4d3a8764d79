//! Sums over data on many cores.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use nalgebra::DMatrix;

use super::{
    recorded, seeded, value_and_jacobian as jacobian, value_and_jacobian_reverse as by_rows,
};
use crate::contract::outcome::{Outcome, OutcomeOf, Term};
use crate::contract::scalar::Real;
use crate::contract::value::{Differentiable, Portable, Shape, With, demand_shape};
use crate::diagnostic::{Diagnostic, Wanted, relay};
use crate::modes::dual::Dual;
use crate::modes::maps::{Along, Numbers, like, seed};
use crate::modes::mark::Derivation;
use crate::modes::reverse::var::Var;
use crate::tape::Number;

/// How many columns of a Hessian one evaluation has.
const HESSIAN_COLUMNS: usize = 8;
/// How many columns of a Jacobian one evaluation has.
const JACOBIAN_COLUMNS: usize = 4;

/// At most so many chunks, as long as they are small.
const CHUNKS: usize = 256;
/// At most so many data are a chunk.
const LARGEST_CHUNK: usize = 64;
/// A tape that has numbered so many values is swept before the next datum: it is in the cache then.
const LONG: usize = 1 << 16;

/// A point on its way to tasks: its numbers and its shape. The point itself, of a mode's numbers and in one piece, may stay on its
/// thread.
struct Packed<X: Differentiable> {
    shape: Shape<X>,
    numbers: Vec<X::Real>,
}

impl<X: Differentiable> Packed<X> {
    fn new(x: &X) -> Self {
        Self { shape: x.shape(), numbers: x.to_reals() }
    }

    fn unpack(&self) -> X {
        X::build_with(&self.shape, &mut Numbers(&self.numbers))
    }
}

/// The value of a sum over data and its gradient by what all terms have in common: the data in parallel.
///
/// `f` is called with the point and each datum, on the threads of [rayon]'s pool. Value and gradient are, bit for
/// bit, the same on any number of threads; see [`parallel`](crate::parallel) for the order in which they are summed.
///
/// # Errors
/// That of the first datum, in their order, for which the function fails.
///
/// # Panics
/// As [`value_and_gradient`](crate::value_and_gradient); where the function panics, that of the first datum passes.
///
/// ```
/// use difrules_core::{Real, lit, par_value_and_gradient};
/// use nalgebra::{Vector2, vector};
///
/// /// How far a line is from a point, squared.
/// fn misfit<T: Real>(line: &Vector2<T>, &(x, y): &(f64, f64)) -> T {
///     let residual = line[0] + line[1] * lit(x) - lit(y);
///     residual * residual
/// }
///
/// let data = [(0.0, 1.0), (1.0, 3.0), (2.0, 4.0)];
/// let (value, gradient) = par_value_and_gradient(misfit, &vector![1.0, 1.0], &data);
/// assert_eq!(value, 2.0);
/// assert_eq!(gradient, vector![-4.0, -6.0]);
/// ```
///
/// [rayon]: https://docs.rs/rayon
pub fn par_value_and_gradient<X, D, F, Y>(f: F, x: &X, data: &[D]) -> Y::Of<(X::Real, X)>
where
    X: Portable,
    D: Sync,
    F: Fn(&With<X, Var<X::Real>>, &D) -> Y + Sync,
    Y: Term<Var<X::Real>>,
{
    let (count, point) = (X::count(&x.shape()), Packed::new(x));
    let chunk = |data: &[D], values: &mut [X::Real]| {
        let mut sum = vec![nalgebra::zero(); count];
        let mut values = values.iter_mut();
        sweep_all(
            |x, datum| f(x, datum).into_parts().0,
            &point.unpack(),
            data,
            |y| *values.next().expect("one a datum") = y,
            |numbers| add(&mut sum, numbers),
        )?;
        Ok(sum)
    };
    let sums = sums(data, count, chunk).map(|(value, sum)| (value, like(x, &sum)));
    Y::from_parts(sums, ())
}

/// The value of a sum over data, its gradient and its Hessian times a direction: the data in parallel.
///
/// # Errors
/// Those of [`par_value_and_gradient`].
///
/// # Panics
/// As [`par_value_and_gradient`], and if `direction` does not have the shape of `x`.
///
/// ```
/// use difrules_core::{lit, par_value_gradient_and_hvp};
/// use nalgebra::vector;
///
/// let (value, gradient, product) = par_value_gradient_and_hvp(
///     |x, &a: &f64| x[0] * x[0] * x[1] * lit(a),
///     &vector![2.0, 3.0],
///     &vector![1.0, -1.0],
///     &[0.25, 0.75],
/// );
/// assert_eq!(value, 12.0);
/// assert_eq!(gradient, vector![12.0, 4.0]);
/// assert_eq!(product, vector![2.0, 4.0]);
/// ```
pub fn par_value_gradient_and_hvp<X, D, F, Y>(
    f: F,
    x: &X,
    direction: &X,
    data: &[D],
) -> Y::Of<(X::Real, X, X)>
where
    X: Portable,
    D: Sync,
    F: Fn(&With<X, Var<Dual<X::Real>>>, &D) -> Y + Sync,
    Y: Term<Var<Dual<X::Real>>>,
{
    demand_shape(("direction", direction), ("point", x));
    let (count, point, direction) = (X::count(&x.shape()), Packed::new(x), direction.reals());
    let chunk = |data: &[D], values: &mut [X::Real]| {
        let mut sum = vec![nalgebra::zero(); 2 * count];
        let mut values = values.iter_mut();
        let mut derivation = Derivation::default();
        let along = &mut Along([Numbers(&direction)], &mut derivation);
        let point = point.unpack().map_with(along);
        sweep_all(
            |x, datum| f(x, datum).into_parts().0,
            &point,
            data,
            |y| *values.next().expect("one a datum") = y.value,
            |entries: &[Dual<X::Real>]| {
                let (gradient, product) = sum.split_at_mut(count);
                for ((g, p), entry) in gradient.iter_mut().zip(product).zip(entries) {
                    derivation.own(entry.mark());
                    *g += entry.value;
                    *p += entry.tangents[0].moved();
                }
            },
        )?;
        Ok(sum)
    };
    let sums = sums(data, 2 * count, chunk).map(|(value, sum)| {
        let (gradient, product) = sum.split_at(count);
        (value, like(x, gradient), like(x, product))
    });
    Y::from_parts(sums, ())
}

/// The value of a sum over data, its gradient and its Hessian: the data in parallel.
///
/// # Errors
/// Those of [`par_value_and_gradient`].
///
/// # Panics
/// As [`par_value_and_gradient`].
///
/// ```
/// use difrules_core::{lit, par_value_gradient_and_hessian};
/// use nalgebra::{dmatrix, vector};
///
/// let (value, gradient, hessian) = par_value_gradient_and_hessian(
///     |x, &a: &f64| x[0] * x[0] * x[1] * lit(a),
///     &vector![2.0, 3.0],
///     &[0.25, 0.75],
/// );
/// assert_eq!(value, 12.0);
/// assert_eq!(gradient, vector![12.0, 4.0]);
/// assert_eq!(hessian, dmatrix![6.0, 4.0; 4.0, 0.0]);
/// ```
pub fn par_value_gradient_and_hessian<X, D, F, Y>(
    f: F,
    x: &X,
    data: &[D],
) -> Y::Of<(X::Real, X, DMatrix<X::Real>)>
where
    X: Portable,
    D: Sync,
    F: Fn(&With<X, Var<Dual<X::Real, HESSIAN_COLUMNS>>>, &D) -> Y + Sync,
    Y: Term<Var<Dual<X::Real, HESSIAN_COLUMNS>>>,
{
    let (count, point) = (X::count(&x.shape()), Packed::new(x));
    let numbers = count + count * count;
    let chunk = |data: &[D], values: &mut [X::Real]| {
        let mut sum = vec![nalgebra::zero(); numbers];
        let (gradient, hessian) = sum.split_at_mut(count);
        let x = point.unpack();
        // Values and gradient are those of the first evaluation, also of a point without numbers.
        for first in (0..count.max(1)).step_by(HESSIAN_COLUMNS) {
            let mut values = values.iter_mut();
            let mut derivation = Derivation::default();
            let point = seeded::<X, HESSIAN_COLUMNS>(&x, first, &mut derivation);
            sweep_all(
                |x, datum| f(x, datum).into_parts().0,
                &point,
                data,
                |y| *values.next().expect("one a datum") = y.value,
                |entries: &[Dual<X::Real, HESSIAN_COLUMNS>]| {
                    for (row, entry) in entries.iter().enumerate() {
                        derivation.own(entry.mark());
                        if first == 0 {
                            gradient[row] += entry.value;
                        }
                        for (column, tangent) in (first..count).zip(entry.tangents) {
                            hessian[column * count + row] += tangent.moved();
                        }
                    }
                },
            )?;
        }
        Ok(sum)
    };
    let sums = sums(data, numbers, chunk).map(|(value, sum)| {
        let (gradient, hessian) = sum.split_at(count);
        (value, like(x, gradient), DMatrix::from_column_slice(count, count, hessian))
    });
    Y::from_parts(sums, ())
}

/// The values of a function at each datum, and its Jacobian by what they have in common: the rows of each datum's
/// value under those of the one before, the data in parallel, each by
/// [forward evaluations](crate::value_and_jacobian).
///
/// # Errors
/// Those of [`par_value_and_gradient`].
///
/// # Panics
/// As [`value_and_jacobian`](crate::value_and_jacobian); where the function panics, that of the first datum passes.
///
/// ```
/// use difrules_core::{lit, par_value_and_jacobian};
/// use nalgebra::{ComplexField, dmatrix, vector};
///
/// // The residuals of a curve, a row each.
/// let (residuals, jacobian) = par_value_and_jacobian(
///     |p, &(t, y): &(f64, f64)| p[0] * (p[1] * lit(t)).exp() - lit(y),
///     &vector![2.0, 0.0],
///     &[(0.0, 1.0), (1.0, 3.0)],
/// );
/// assert_eq!(residuals, [1.0, -1.0]);
/// assert_eq!(jacobian, dmatrix![1.0, 0.0; 1.0, 2.0]);
/// ```
pub fn par_value_and_jacobian<X, D, F, Y, V>(
    f: F,
    x: &X,
    data: &[D],
) -> <Y as OutcomeOf<V>>::Of<(Vec<With<V, X::Real>>, DMatrix<X::Real>)>
where
    X: Portable,
    D: Sync,
    F: Fn(&With<X, Dual<X::Real, JACOBIAN_COLUMNS>>, &D) -> Y + Sync,
    Y: Outcome<Value = V> + Term<V>,
    V: Portable<Real = Dual<X::Real, JACOBIAN_COLUMNS>>,
{
    let each = |x: &X, datum: &D| jacobian(|x| OutcomeOf::<V>::into_parts(f(x, datum)).0, x);
    Y::from_parts(rows(data, x, each), ())
}

/// The values of a function at each datum, and its Jacobian, as [`par_value_and_jacobian`], each datum by
/// [reverse sweeps](crate::value_and_jacobian_reverse): for points of many numbers.
///
/// # Errors
/// Those of [`par_value_and_gradient`].
///
/// # Panics
/// As [`value_and_jacobian_reverse`](crate::value_and_jacobian_reverse); where the function panics, that of the first
/// datum passes.
///
/// ```
/// use difrules_core::par_value_and_jacobian_reverse;
/// use nalgebra::{dmatrix, vector};
///
/// let (values, jacobian) =
///     par_value_and_jacobian_reverse(|x, &i: &usize| x[i] * x[i], &vector![2.0, 3.0], &[1, 0, 1]);
/// assert_eq!(values, [9.0, 4.0, 9.0]);
/// assert_eq!(jacobian, dmatrix![0.0, 6.0; 4.0, 0.0; 0.0, 6.0]);
/// ```
pub fn par_value_and_jacobian_reverse<X, D, F, Y, V>(
    f: F,
    x: &X,
    data: &[D],
) -> <Y as OutcomeOf<V>>::Of<(Vec<With<V, X::Real>>, DMatrix<X::Real>)>
where
    X: Portable,
    D: Sync,
    F: Fn(&With<X, Var<X::Real>>, &D) -> Y + Sync,
    Y: Outcome<Value = V> + Term<V>,
    V: Portable<Real = Var<X::Real>>,
{
    let each = |x: &X, datum: &D| by_rows(|x| OutcomeOf::<V>::into_parts(f(x, datum)).0, x);
    Y::from_parts(rows(data, x, each), ())
}

/// Records the function at each datum and sweeps back; a long tape is swept before the next datum.
fn sweep_all<P, D, E>(
    f: impl Fn(&With<P, Var<P::Real>>, &D) -> Result<Var<P::Real>, E>,
    point: &P,
    data: &[D],
    mut value: impl FnMut(P::Real),
    mut take: impl FnMut(&[P::Real]),
) -> Result<(), E>
where
    P: Differentiable,
{
    let inputs = P::count(&point.shape());
    let mut data = data.iter().peekable();
    let mut seeds = Vec::with_capacity(data.len());
    while data.peek().is_some() {
        let (tape, variables) = recorded(point);
        for datum in data.by_ref() {
            let y = f(&variables, datum)?;
            seeds.push((y.number(tape.stamp()), seed(y.value_unseen(), nalgebra::one())));
            value(y.value_unseen());
            // A sweep takes as long as a value for each input, at least.
            if tape.values() > inputs + LONG.max(inputs) {
                break;
            }
        }
        tape.close(|tape| take(tape.sweep(seeds.drain(..))));
    }
    Ok(())
}

/// The sum of the values of data, and the sums of what each chunk has.
fn sums<R: Real, D: Sync, E: Send>(
    data: &[D],
    count: usize,
    chunk: impl Fn(&[D], &mut [R]) -> Result<Vec<R>, E> + Sync,
) -> Result<(R, Vec<R>), E> {
    let mut values = vec![R::zero(); data.len()];
    let merge = |sum: &mut Vec<R>, other: Vec<R>| add(sum, &other);
    let sums = in_chunks(R::RECORDED, data, &mut values, &chunk, &merge)?;
    let value = values.into_iter().fold(R::zero(), |sum, value| sum + value);
    Ok((value, sums.unwrap_or_else(|| vec![R::zero(); count])))
}

/// What a chunk of data has: of each value the shape, the numbers of all, and their rows one after the other.
struct Rows<V: Differentiable> {
    shapes: Vec<Shape<V>>,
    values: Vec<V::Real>,
    rows: Vec<V::Real>,
}

/// The values of each datum, and the rows of all.
fn rows<X: Portable, D: Sync, E: Send, V: Portable<Real = X::Real>>(
    data: &[D],
    x: &X,
    each: impl Fn(&X, &D) -> Result<(V, DMatrix<X::Real>), E> + Sync,
) -> Result<(Vec<V>, DMatrix<X::Real>), E> {
    let (columns, point) = (X::count(&x.shape()), Packed::new(x));
    let none = || Rows::<V> { shapes: Vec::new(), values: Vec::new(), rows: Vec::new() };
    let chunk = |data: &[D], _: &mut [()]| {
        let (x, mut all) = (point.unpack(), none());
        for datum in data {
            let (value, jacobian) = each(&x, datum)?;
            all.shapes.push(value.shape());
            value.for_each_real(&mut |number| all.values.push(number));
            jacobian.row_iter().for_each(|row| all.rows.extend(row.iter()));
        }
        Ok(all)
    };
    let merge = |first: &mut Rows<V>, second: Rows<V>| {
        first.shapes.extend(second.shapes);
        first.values.extend(second.values);
        first.rows.extend(second.rows);
    };
    let here = X::Real::RECORDED;
    let all = in_chunks(here, data, &mut vec![(); data.len()], &chunk, &merge)?;
    let all = all.unwrap_or_else(none);
    let jacobian = DMatrix::from_row_slice(all.values.len(), columns, &all.rows);
    let mut numbers = Numbers(&all.values);
    let values = all.shapes.iter().map(|shape| V::build_with(shape, &mut numbers)).collect();
    Ok((values, jacobian))
}

fn add<R: Real>(sum: &mut [R], numbers: &[R]) {
    for (sum, &number) in sum.iter_mut().zip(numbers) {
        *sum += number;
    }
}

/// Why a chunk has no result.
enum Failure<E> {
    Error(E),
    Panic(Box<dyn Any + Send>),
    /// One before it has none.
    Later,
}

/// What is done with chunks of data.
struct Work<'a, C, M> {
    chunk: &'a C,
    merge: &'a M,
    /// How many data are a chunk.
    size: usize,
    /// Whether it is to stay on this thread.
    here: bool,
    wanted: Wanted,
    /// What chunks reported, each with its first datum.
    heard: Mutex<Vec<(usize, Vec<Diagnostic>)>>,
    /// The first datum of the first chunk so far that failed.
    failed: AtomicUsize,
}

/// Calls `chunk` for all data, cut into chunks, each with a place for each datum, and merges what they return in a
/// binary tree, which depends on the number of data alone. Nothing where there are no data.
///
/// # Panics
/// As the first chunk that fails does, if it does.
fn in_chunks<D: Sync, P: Send, S: Send, E: Send>(
    here: bool,
    data: &[D],
    places: &mut [P],
    chunk: &(impl Fn(&[D], &mut [P]) -> Result<S, E> + Sync),
    merge: &(impl Fn(&mut S, S) + Sync),
) -> Result<Option<S>, E> {
    if data.is_empty() {
        return Ok(None);
    }
    let work = Work {
        chunk,
        merge,
        size: data.len().div_ceil(CHUNKS).min(LARGEST_CHUNK),
        here,
        wanted: Wanted::here(),
        heard: Mutex::default(),
        failed: AtomicUsize::new(usize::MAX),
    };
    let merged = work.all(0, data, places);
    let mut heard = work.heard.into_inner().unwrap_or_else(PoisonError::into_inner);
    heard.sort_by_key(|&(first, _)| first);
    let last = work.failed.into_inner();
    heard.into_iter().filter(|&(first, _)| first <= last).for_each(|(_, heard)| relay(heard));
    match merged {
        Ok(merged) => Ok(Some(merged)),
        Err(Failure::Error(error)) => Err(error),
        Err(Failure::Panic(panic)) => resume_unwind(panic),
        Err(Failure::Later) => unreachable!("the first failure is no later one"),
    }
}

impl<C, M> Work<'_, C, M> {
    /// The merged result of data from the `first` on.
    fn all<D: Sync, P: Send, S: Send, E: Send>(
        &self,
        first: usize,
        data: &[D],
        places: &mut [P],
    ) -> Result<S, Failure<E>>
    where
        C: Fn(&[D], &mut [P]) -> Result<S, E> + Sync,
        M: Fn(&mut S, S) + Sync,
    {
        let chunks = data.len().div_ceil(self.size);
        if chunks < 2 {
            return self.one(first, data, places);
        }
        let middle = chunks / 2 * self.size;
        let (left, right) = data.split_at(middle);
        let (left_places, right_places) = places.split_at_mut(middle);
        let mut left = || self.all(first, left, left_places);
        let mut right = || self.all(first + middle, right, right_places);
        let (left, right) = if self.here { (left(), right()) } else { rayon::join(left, right) };
        let mut sum = left?;
        (self.merge)(&mut sum, right?);
        Ok(sum)
    }

    /// The result of one chunk.
    fn one<D, P, S, E>(&self, first: usize, data: &[D], places: &mut [P]) -> Result<S, Failure<E>>
    where
        C: Fn(&[D], &mut [P]) -> Result<S, E>,
    {
        if self.failed.load(Ordering::Relaxed) < first {
            return Err(Failure::Later);
        }
        // What a panic leaves behind is not looked at: the tape is closed, the places are dropped.
        let call = || catch_unwind(AssertUnwindSafe(|| (self.chunk)(data, places)));
        let (result, heard) = self.wanted.heed(call);
        if !heard.is_empty() {
            let mut all = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
            all.push((first, heard));
        }
        let result = match result {
            Ok(result) => result.map_err(Failure::Error),
            Err(panic) => Err(Failure::Panic(panic)),
        };
        if result.is_err() {
            self.failed.fetch_min(first, Ordering::Relaxed);
        }
        result
    }
}
