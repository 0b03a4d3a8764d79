use difrules_core::testing::Sampler;
use difrules_core::{Cotangent, Real, Scalar, Slot, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{DMatrix, DefaultAllocator, Dim, DimDiff, DimSub, OMatrix, OVector, U1};

use crate::algebra::hermitian_eigen::{hermitian, weighted};
use crate::block::{FIT, block, in_basis, out_of_basis};
use crate::decomposition::symmetric_eigen::{SymmetricEigen, symmetric_eigen};
use crate::error::{Error, shape};
use crate::function::divided_differences::DividedDifferences;
use crate::function::scalar_function::ScalarFunction;
use crate::known::{Known, next};
use crate::sample;
use crate::tolerance::plain;

/// f(A) = V f(w) V^H of a Hermitian A, of which only the lower triangle is read, for a function f of one number: its
/// square root, its exponential, its logarithm, ...
///
/// A is Hermitian by contract, so its cotangent is.
///
/// The derivatives are exact, of any order and for any eigenvalues, the same or close: they are divided differences of
/// f, where those of the eigenvectors, by which the product V f(w) V^H of
/// [`symmetric_eigen`](fn@crate::symmetric_eigen)'s factors is differentiated, are not defined or lose their digits.
/// Where f has no derivative, as the square root at zero, they are infinite or NaN.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::NotFinite`], also for a value of f that is not finite, at the place of its
/// eigenvalue; [`Error::NoConvergence`].
///
/// # Derivation
/// df(A) = V (F o (V^H dA V)) V^H with F_ij = f[w_i, w_j], the divided difference, f'(w) where both are w (Daleckii and
/// Krein 1965, "Integration and differentiation of functions of Hermitian operators"; Higham 2008, Functions of
/// Matrices, theorem 3.11). It is its own adjoint. Derivatives of order k are
///
/// D_ij = sum over the orders of E_1 ... E_k and over l, m, ... of f[w_i, w_l, ..., w_j] E_1,il E_2,lm ...,
///
/// with E in the basis V, linear in each E and the same in any order of them; so the derivative of one of order k by A
/// is one of order k + 1, and by E_j one of order k. The rules are these, and no derivative of V is taken. Each rule takes
/// four products, 8 n^3 multiplications and additions, and n^2 / 2 divided differences, beside some 11 n^3 of the
/// primal.
///
/// ```
/// use difrules_core::gradient;
/// use difrules_linalg::{Error, ScalarFunction, symmetric_function};
/// use nalgebra::{DMatrix, dmatrix};
///
/// let root: ScalarFunction = "sqrt(x)".parse().unwrap();
/// let a = dmatrix![2.5_f64, 1.5; 1.5, 2.5];
/// assert!((symmetric_function(&a, &root)? - dmatrix![1.5, 0.5; 0.5, 1.5]).norm() < 1e-15);
///
/// // At the identity the root moves half as much, whatever the eigenvectors.
/// let identity = DMatrix::<f64>::identity(2, 2);
/// let by_a = gradient(|a| Ok::<_, Error>(symmetric_function(a, &root)?[(0, 1)]), &identity)?;
/// assert_eq!(by_a, dmatrix![0.0, 0.25; 0.25, 0.0]);
/// # Ok::<(), Error>(())
/// ```
#[primitive(
    forward = symmetric_function_forward,
    reverse = symmetric_function_reverse,
    saves = symmetric_function_and_factors -> SymmetricEigen<T, D>,
    reads(a, f),
    constant(f),
    structure(a = hermitian),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample
)]
pub fn symmetric_function<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    f: &ScalarFunction,
) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    symmetric_function_and_factors(a, f).map(|(y, _)| y)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn symmetric_function_and_factors<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    f: &ScalarFunction,
) -> Result<(OMatrix<T, D, D>, SymmetricEigen<T, D>), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    if !<T::Real as Real>::BASE {
        // In a mode it is the same primitive, one mode further in; the rules read plain factors alone.
        return Ok((symmetric_function(a, f)?, symmetric_eigen(&a.map(plain))?));
    }
    let eigen = symmetric_eigen(a)?;
    let SymmetricEigen { eigenvalues, eigenvectors } = &eigen;
    let values = eigenvalues.map(|w| f.derivative(0, w.to_f64()));
    if let Some(k) = values.iter().position(|y| !y.is_finite()) {
        return Err(Error::NotFinite { argument: "f", row: k, column: k });
    }
    let y = weighted(eigenvectors, values.iter().map(|&y| nalgebra::convert(y)));
    Ok((y, eigen))
}

/// The derivative of f(A) of the order of the number of directions, which are matrices side by side.
fn by_differences<T: Scalar, D: Dim>(
    eigen: &SymmetricEigen<T, D>,
    directions: &[OMatrix<T, D, D>],
    f: &ScalarFunction,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D>,
{
    /// Adds the terms that begin with this path, with what is made of its factors.
    fn walk<T: Scalar, D: Dim>(
        path: &mut Vec<usize>,
        left: &mut Vec<&OMatrix<T, D, D>>,
        factor: T,
        differences: &mut DividedDifferences<'_>,
        sum: &mut OMatrix<T, D, D>,
    ) where
        DefaultAllocator: Allocator<D, D>,
    {
        let (first, last) = (path[0], path[path.len() - 1]);
        if left.is_empty() {
            let difference = nalgebra::convert(differences.at(path.clone()));
            sum[(first, last)] += factor.scale(difference);
            return;
        }
        for k in 0..left.len() {
            let direction = left.swap_remove(k);
            for next in 0..sum.nrows() {
                let entry = direction[(last, next)];
                // What does not move contributes nothing, though a derivative of f be infinite.
                if entry.norm1() == nalgebra::zero() {
                    continue;
                }
                path.push(next);
                walk(path, left, factor * entry, differences, sum);
                path.pop();
            }
            left.push(direction);
            let end = left.len() - 1;
            left.swap(k, end);
        }
    }

    let SymmetricEigen { eigenvalues, eigenvectors } = eigen;
    let points: Vec<f64> = eigenvalues.iter().map(|w| w.to_f64()).collect();
    let mut differences = DividedDifferences::new(f, &points);
    let turned: Vec<_> = directions.iter().map(|e| in_basis(eigenvectors, block(e))).collect();
    let (size, _) = eigenvectors.shape_generic();
    let mut sum = OMatrix::zeros_generic(size, size);
    let mut left: Vec<_> = turned.iter().collect();
    for first in 0..points.len() {
        walk(&mut vec![first], &mut left, T::one(), &mut differences, &mut sum);
    }
    out_of_basis(eigenvectors, &sum)
}

/// The derivative along directions: at a plain number by divided differences, in a mode as the primitive that has its
/// rules.
fn derivative<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    eigen: &SymmetricEigen<T, D>,
    directions: &[OMatrix<T, D, D>],
    f: &ScalarFunction,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    if <T::Real as Real>::BASE {
        return by_differences(eigen, directions, f);
    }
    let columns = a.ncols();
    let mut beside = DMatrix::zeros(a.nrows(), columns * directions.len());
    for (k, direction) in directions.iter().enumerate() {
        beside.columns_mut(k * columns, columns).copy_from(&block(direction));
    }
    symmetric_function_derivative(a, &beside, f, &Known::eigen(eigen)).expect(FIT)
}

fn symmetric_function_forward<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    f: &ScalarFunction,
    eigen: &SymmetricEigen<T, D>,
    a_dot: &OMatrix<T, D, D>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    derivative(a, eigen, std::slice::from_ref(a_dot), f)
}

fn symmetric_function_reverse<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    f: &ScalarFunction,
    eigen: &SymmetricEigen<T, D>,
    y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    a_bar.add(|| derivative(a, eigen, &[hermitian(&y_bar.into_owned())], f));
}

fn sample<T: Scalar>(random: &mut Sampler) -> (DMatrix<T>, ScalarFunction) {
    let a = sample::hermitian(random);
    (a, random.choose(&[ScalarFunction::new(|_, x| x.exp()), ScalarFunction::new(sine)]))
}

/// The derivatives of the sine.
fn sine(order: usize, x: f64) -> f64 {
    match order % 4 {
        0 => x.sin(),
        1 => x.cos(),
        2 => -x.sin(),
        _ => -x.cos(),
    }
}

/// The derivative of [`symmetric_function`](fn@symmetric_function) along directions, which are matrices side by side, of the
/// order of their number: for whose derivatives the rules call it.
///
/// `known` are the factors of A, if the caller has them.
///
/// # Errors
/// [`Error::NotSquare`]; [`Error::DimensionMismatch`]; [`Error::NotFinite`]; [`Error::NoConvergence`].
#[primitive(
    forward = symmetric_function_derivative_forward,
    reverse = symmetric_function_derivative_reverse,
    saves = symmetric_function_derivative_and_factors -> SymmetricEigen<T, D>,
    reads(a, directions, f),
    constant(f, known),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample_of_derivative
)]
pub(crate) fn symmetric_function_derivative<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    directions: &DMatrix<T>,
    f: &ScalarFunction,
    known: &Known,
) -> Result<OMatrix<T, D, D>, Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    symmetric_function_derivative_and_factors(a, directions, f, known).map(|(y, _)| y)
}

/// The directions, apart.
fn apart<T: Scalar, D: Dim>(a: &OMatrix<T, D, D>, directions: &DMatrix<T>) -> Vec<OMatrix<T, D, D>>
where
    DefaultAllocator: Allocator<D, D>,
{
    let (size, _) = a.shape_generic();
    let count = size.value();
    (0..directions.ncols() / count.max(1))
        .map(|k| OMatrix::from_fn_generic(size, size, |i, j| directions[(i, k * count + j)]))
        .collect()
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn symmetric_function_derivative_and_factors<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    directions: &DMatrix<T>,
    f: &ScalarFunction,
    known: &Known,
) -> Result<(OMatrix<T, D, D>, SymmetricEigen<T, D>), Error>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let columns = directions.ncols() - directions.ncols() % a.ncols().max(1);
    shape("directions", directions.shape(), (a.nrows(), columns))?;
    let (size, _) = a.shape_generic();
    let factors = || match known.reals() {
        Some(mut reals) => Ok(SymmetricEigen {
            eigenvalues: OVector::from_fn_generic(size, U1, |_, _| next(&mut reals)),
            eigenvectors: OMatrix::from_fn_generic(size, size, |_, _| next(&mut reals)),
        }),
        None => symmetric_eigen(&a.map(plain)),
    };
    let eigen = factors()?;
    let y = if <T::Real as Real>::BASE {
        by_differences(&eigen, &apart(a, directions), f)
    } else {
        symmetric_function_derivative(a, directions, f, known)?
    };
    Ok((y, eigen))
}

fn symmetric_function_derivative_forward<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    directions: &DMatrix<T>,
    f: &ScalarFunction,
    eigen: &SymmetricEigen<T, D>,
    a_dot: &OMatrix<T, D, D>,
    directions_dot: &DMatrix<T>,
) -> OMatrix<T, D, D>
where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let mut directions = apart(a, directions);
    let moved = apart(a, directions_dot);
    directions.push(a_dot.clone());
    let mut y_dot = derivative(a, eigen, &directions, f);
    directions.pop();
    for (k, moved) in moved.into_iter().enumerate() {
        let direction = std::mem::replace(&mut directions[k], moved);
        y_dot += derivative(a, eigen, &directions, f);
        directions[k] = direction;
    }
    y_dot
}

fn symmetric_function_derivative_reverse<T: Scalar, D: DimSub<U1>>(
    a: &OMatrix<T, D, D>,
    directions: &DMatrix<T>,
    f: &ScalarFunction,
    eigen: &SymmetricEigen<T, D>,
    y_bar: Cotangent<'_, OMatrix<T, D, D>>,
    a_bar: Slot<'_, OMatrix<T, D, D>>,
    directions_bar: Slot<'_, DMatrix<T>>,
) where
    DefaultAllocator: Allocator<D, D> + Allocator<D> + Allocator<DimDiff<D, U1>>,
{
    let y_bar: OMatrix<T, D, D> = y_bar.into_owned();
    // Of directions that are not Hermitian the adjoint takes the adjoints.
    let mut adjoints: Vec<OMatrix<T, D, D>> =
        apart(a, directions).iter().map(|e| e.adjoint()).collect();
    if let Some(mut bar) = directions_bar.buffer() {
        for k in 0..adjoints.len() {
            let adjoint = std::mem::replace(&mut adjoints[k], y_bar.clone());
            let part = derivative(a, eigen, &adjoints, f);
            let columns = a.ncols();
            bar.columns_mut(k * columns, columns).zip_apply(&block(&part), |bar, x| *bar += x);
            adjoints[k] = adjoint;
        }
    }
    a_bar.add(|| {
        adjoints.push(y_bar);
        hermitian(&derivative(a, eigen, &adjoints, f))
    });
}

fn sample_of_derivative<T: Scalar>(
    random: &mut Sampler,
) -> (DMatrix<T>, DMatrix<T>, ScalarFunction, Known) {
    let size = random.size(0, 3);
    let a = hermitian(&random.matrix::<T>(size, size));
    let count = a.nrows() * random.size(1, 2);
    let directions = random.matrix(a.nrows(), count);
    (a, directions, ScalarFunction::new(|_, x| x.exp()), Known::default())
}
