use difrules_core::diagnostic::jumps;
use difrules_core::{Cotangent, Real, Scalar, Slot, diagnosed, primitive};
use nalgebra::allocator::Allocator;
use nalgebra::{
    DMatrix, DMatrixView, DMatrixViewMut, DefaultAllocator, Dim, DimMin, DimMinimum, DimSub, Dyn,
    OMatrix, U1,
};

use crate::algebra::modulus::largest_modulus;
use crate::algebra::polar::Steps;
use crate::algebra::scaling::{of_smaller_rows, sizes_of_columns, sizes_of_rows};
use crate::algebra::svd::{PolarFactors, take_off, unitary_factor};
use crate::algebra::weighted::{has_graded_columns, has_graded_rows};
use crate::block::{block, block_mut, buffer, multiply, product, shaped};
use crate::decomposition::svd::{Svd, svd};
use crate::dimensions::SvdAllocator;
use crate::error::Error;
use crate::sample;
use crate::tolerance::{Gap, Quotients, Sizes, asks, plain, undefined, undefined_with};

/// (U, P) of the right polar decomposition A = U P, for an A of any shape: P = (A^H A)^(1/2) is Hermitian
/// positive semidefinite, and U has orthonormal columns, or rows if A is wide.
///
/// Singular values that repeat do not matter: at a unitary matrix the derivatives are exact, of any order. Where one
/// is zero P has a kink, as the modulus of a number has, and U is a choice, of a sign if A is real and square and
/// only one is: along directions that change that value, and for cotangents that ask for it, the derivatives are NaN
/// and this is [reported](difrules_core::report).
///
/// # Errors
/// [`Error::NotFinite`]; [`Error::NoConvergence`].
///
/// # Derivation
/// With the factors A = W S V^H, which the primal saves, U = W V^H, and
/// dU = W Omega V^H + (1 - W W^H) dA V S^-1 V^H + W S^-1 W^H dA (1 - V V^H) with
/// Omega_ij = (D - D^H)_ij / (s_i + s_j), D = W^H dA V (Kenney and Laub 1991, "Polar decomposition and
/// matrix sign function condition estimates", for square A; the rest: `unitary_factor` in
/// `src/algebra/svd.rs`; in a derivative mode, where more rows than columns have sizes of their own, by the iteration in
/// `src/algebra/polar.rs`). The map is its own adjoint. P = U^H A gives dP = dU^H A + U^H dA, and backwards
/// A P_bar^H is added to U_bar and U P_bar to A_bar. For a square A each rule takes six products,
/// 12 n^3 multiplications and additions, beside some 20 n^3 of the primal.
///
/// ```
/// use difrules_linalg::polar;
/// use nalgebra::dmatrix;
///
/// let (u, p) = polar(&dmatrix![0.0_f64, -3.0; 2.0, 0.0])?;
/// assert!((u - dmatrix![0.0, -1.0; 1.0, 0.0]).norm() < 1e-15);
/// assert!((p - dmatrix![2.0, 0.0; 0.0, 3.0]).norm() < 1e-15);
/// # Ok::<(), difrules_linalg::Error>(())
/// ```
#[primitive(
    forward = polar_forward,
    reverse = polar_reverse,
    saves = polar_and_factors -> Svd<T, R, C>,
    reads(a, return),
    instances(
        #[cfg(feature = "f32")] f32,
        f64,
        #[cfg(all(feature = "f32", feature = "complex"))] nalgebra::Complex<f32>,
        #[cfg(feature = "complex")] nalgebra::Complex<f64>,
    ),
    sample = sample::matrix
)]
pub fn polar<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<(OMatrix<T, R, C>, OMatrix<T, C, C>), Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C> + Allocator<C, C>,
{
    polar_and_factors(a).map(|(factors, _)| factors)
}

#[expect(clippy::type_complexity, reason = "what an augmented primal returns")]
fn polar_and_factors<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
) -> Result<((OMatrix<T, R, C>, OMatrix<T, C, C>), Svd<T, R, C>), Error>
where
    DimMinimum<R, C>: DimSub<U1>,
    DefaultAllocator: SvdAllocator<R, C> + Allocator<C, C>,
{
    if !<T::Real as Real>::BASE {
        // In a mode it is the same primitive, one mode further in; the rules read plain factors alone.
        return Ok((polar(a)?, svd(&a.map(plain))?));
    }
    let svd = diagnosed(|| svd(a)).0?;
    let (rows, columns) = a.shape_generic();
    let mut u = OMatrix::zeros_generic(rows, columns);
    let mut p = OMatrix::zeros_generic(columns, columns);
    let (one, zero, v_t) = (T::one(), T::zero(), block(&svd.v_t));
    multiply(one, (block(&svd.u), false), (v_t, false), zero, &mut block_mut(&mut u));
    let mut scaled = svd.v_t.clone();
    for (mut row, &s) in scaled.row_iter_mut().zip(svd.singular_values.iter()) {
        row.apply(|x| *x = x.scale(s));
    }
    multiply(one, (v_t, true), (block(&scaled), false), zero, &mut block_mut(&mut p));
    make_diagonal_real(&mut block_mut(&mut p));
    let values = svd.singular_values.as_slice();
    let sizes = Sizes::of_singular_values(values, block(&svd.u), block(&svd.v_t));
    jumps("polar", sizes.sums_vanish(values));
    Ok(((u, p), svd))
}

/// Takes off what rounding makes of the diagonal of a Hermitian matrix, and what a cotangent of it asks in vain.
fn make_diagonal_real<T: Scalar>(p: &mut DMatrixViewMut<'_, T>) {
    (0..p.nrows()).for_each(|j| p[(j, j)] = T::from_real(p[(j, j)].real()));
}

/// The factors in a derivative mode, of A or if the flag says so of A^H = U^H (A U^H): whichever has as many rows as
/// columns or more, and of a square matrix the one whose positive factor is graded less.
fn in_a_mode<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    (u, p): &(OMatrix<T, R, C>, OMatrix<T, C, C>),
    svd: &Svd<T, R, C>,
    all: f64,
) -> (PolarFactors<T>, bool)
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    let Svd { u: w, singular_values: values, v_t } = svd;
    let (rows, columns) = u.shape();
    let values = values.as_slice();
    let sizes = Sizes::of_singular_values(values, block(w), block(v_t));
    let quotients = Quotients::new::<T::Real>("polar", all);
    let (by_rows, by_columns) = (sizes_of_rows(a), sizes_of_columns(a));
    if rows > columns || rows == columns && range(&by_rows) <= range(&by_columns) {
        let right = of_smaller_rows::<T, Dyn>(&by_columns, &block(p).adjoint());
        let (u, v) = (block(u).into_owned(), block(v_t).adjoint());
        let a = block(a).into_owned();
        return (PolarFactors::new(a, (u, right), values, block(&v), sizes, quotients), false);
    }
    // A positive factor of the sizes of the rows.
    let left = of_smaller_rows::<T, Dyn>(&by_rows, &product((block(a), false), (block(u), true)));
    let factors = (block(u).adjoint(), left);
    let a = block(a).adjoint();
    (PolarFactors::new(a, factors, values, block(w), sizes, quotients), true)
}

/// M, or its adjoint.
fn turned<T: Scalar>(m: DMatrixView<'_, T>, adjoint: bool) -> DMatrix<T> {
    if adjoint { m.adjoint() } else { m.into_owned() }
}

/// The [`Steps`] to U in a derivative mode where there are more rows than columns, which have sizes of their own and columns have
/// not, and no singular value is zero, or if the flag says so those to U^H where it is the other way around. Of a square matrix
/// nothing is divided by a small singular value alone, as it would be on the way there.
fn steps<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    svd: &Svd<T, R, C>,
) -> Option<(Steps<T>, bool)>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    let values = svd.singular_values.as_slice();
    let (rows, columns) = a.shape();
    let wide = match (has_graded_rows(a), has_graded_columns(a)) {
        (true, false) if rows > columns => false,
        (false, true) if columns > rows => true,
        _ => return None,
    };
    let sizes = Sizes::of_singular_values(values, block(&svd.u), block(&svd.v_t));
    let steps = sizes.are_positive(values).then(|| Steps::new(block(&turned(block(a), wide))));
    Some((steps??, wide))
}

/// The tangents in a derivative mode. With dU = U X + Y, from U^H U = 1, dU^H A is X^H P: Y^H U is zero, and with all of
/// its derivatives, which are of Z over the squares of small singular values. For A^H = U^H N, of which that makes
/// dU^H = U^H X + Y, it is U^H X A + Z U, as Y N is Z.
fn forward_in_a_mode<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    factors: &(OMatrix<T, R, C>, OMatrix<T, C, C>),
    svd: &Svd<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> (OMatrix<T, R, C>, OMatrix<T, C, C>)
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    let (u, p) = factors;
    if let Some((steps, wide)) = steps(a, svd) {
        let u_dot = turned(block(&steps.along(block(&turned(block(a_dot), wide)))), wide);
        let mut p_dot = product((block(&u_dot), true), (block(a), false));
        let others = ((block(u), true), (block(a_dot), false));
        multiply(T::one(), others.0, others.1, T::one(), &mut block_mut(&mut p_dot));
        return (shaped(u.shape_generic(), &u_dot), shaped(p.shape_generic(), &p_dot));
    }
    let (mut tall, wide) = in_a_mode(a, factors, svd, largest_modulus(a_dot.iter()));
    let direction = turned(block(a_dot), wide);
    let along = product((block(&tall.w), true), (block(&direction), false));
    let rest = tall.rest(block(&direction));
    let (x, y) = (tall.inside(&along), tall.outside(&rest));
    let mut u_dot = product((block(&tall.w), false), (block(&x), false));
    let one = T::one();
    let mut p_dot = product((block(u), true), (block(a_dot), false));
    let mut add = |left: (&DMatrix<T>, bool), right: DMatrixView<'_, T>| {
        let left = (block(left.0), left.1);
        multiply(one, left, (right, false), one, &mut block_mut(&mut p_dot));
    };
    if wide {
        add((&u_dot, false), block(a));
        add((&tall.split(rest).0, false), block(u));
    } else {
        add((&x, true), block(&tall.p));
    }
    // Where P has zeros it has a kink.
    if let (_, Some(jumping)) = tall.split(y.clone()) {
        add((&jumping, !wide), block(a));
    }
    u_dot += y;
    tall.report();
    if !wide {
        p_dot = of_smaller_rows::<T, Dyn>(&sizes_of_columns(a), &p_dot.adjoint());
    }
    let u_dot = turned(block(&u_dot), wide);
    (shaped(u.shape_generic(), &u_dot), shaped(p.shape_generic(), &p_dot))
}

/// The adjoint of [`forward_in_a_mode`]: A P_bar, which U_bar is added to in the rule of plain numbers, has W^H (A P_bar)
/// = P P_bar within W, and nothing outside; of A^H it is W^H (P_bar A^H) = (U P_bar U^H) N and, over N,
/// (1 - W W^H) P_bar W.
fn reverse_in_a_mode<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    factors: &(OMatrix<T, R, C>, OMatrix<T, C, C>),
    svd: &Svd<T, R, C>,
    u_bar: DMatrixView<'_, T>,
    p_bar: DMatrixView<'_, T>,
) -> DMatrix<T>
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>,
{
    let both = product((block(a), false), (p_bar, false));
    if let Some((steps, wide)) = steps(a, svd) {
        let u_bar = u_bar.clone_owned() + both;
        return turned(block(&steps.back(turned(block(&u_bar), wide))), wide);
    }
    let all = largest_modulus(u_bar.iter()).max(largest_modulus(both.iter()));
    let (mut tall, wide) = in_a_mode(a, factors, svd, all);
    let (u_bar, both) = (turned(u_bar, wide), turned(block(&both), wide));
    let mut along = product((block(&tall.w), true), (block(&u_bar), false));
    let mut y = DMatrix::zeros(u_bar.nrows(), u_bar.ncols());
    if wide {
        let onto = product((p_bar, false), (block(&tall.w), false));
        let within = product((block(&tall.w), true), (block(&onto), false));
        along += product((block(&within), false), (block(&tall.p), false));
        y += tall.split(tall.rest(block(&onto))).0;
    } else {
        along += product((block(&tall.p), false), (p_bar, false));
    }
    y += tall.outside(&tall.rest(block(&u_bar)));
    // Where P has zeros it has a kink.
    if let (_, Some(jumping)) = tall.split(tall.rest(block(&both))) {
        y += tall.outside(&jumping);
    }
    let x = tall.inside(&along);
    let (w, x) = ((block(&tall.w), false), (block(&x), false));
    multiply(T::one(), w, x, T::one(), &mut block_mut(&mut y));
    tall.report();
    turned(block(&y), wide)
}

/// What a Hermitian matrix is outside of the first rows V^H, where P is zero.
fn outside<T: Scalar>(
    count: usize,
    v_t: DMatrixView<'_, T>,
    p_bar: DMatrixView<'_, T>,
) -> DMatrix<T> {
    let v_t = v_t.rows(0, count).into_owned();
    let without = |m: &DMatrix<T>| {
        let mut rest = m.clone();
        let mut along = DMatrix::zeros(m.nrows(), count);
        take_off((block(&v_t), true), &mut block_mut(&mut along), &mut block_mut(&mut rest));
        rest.adjoint()
    };
    without(&without(&p_bar.into_owned()))
}

/// How many times larger the largest is than the smallest.
fn range(sizes: &[f64]) -> f64 {
    let largest = sizes.iter().fold(0.0, |largest: f64, &size| largest.max(size));
    sizes.iter().fold(1.0, |most: f64, &size| most.max(largest / size))
}

fn polar_forward<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    factors: &(OMatrix<T, R, C>, OMatrix<T, C, C>),
    svd: &Svd<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> (OMatrix<T, R, C>, OMatrix<T, C, C>)
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    if !<T::Real as Real>::BASE {
        let (mut u_dot, mut p_dot) = forward_in_a_mode(a, factors, svd, a_dot);
        make_diagonal_real(&mut block_mut(&mut p_dot));
        let values = svd.singular_values.as_slice();
        let sizes = Sizes::of_singular_values(values, block(&svd.u), block(&svd.v_t));
        if sizes.sums_vanish(values) {
            // What is undefined is so in every mode.
            let (u, p) = (factors.0.map(plain), factors.1.map(plain));
            let svd = Svd {
                u: svd.u.map(plain),
                singular_values: svd.singular_values.map(plain),
                v_t: svd.v_t.map(plain),
            };
            let along = || tangents(&a.map(plain), &(u, p), &svd, &a_dot.map(plain));
            let (of_u, of_p) = diagnosed(along).0;
            let nothing = undefined_with(a.iter().chain(a_dot.iter()));
            let lose = |x: &mut T, plain: T| {
                if plain.norm1().to_f64().is_nan() {
                    *x = nothing;
                }
            };
            u_dot.zip_apply(&of_u, lose);
            p_dot.zip_apply(&of_p, lose);
        }
        return (u_dot, p_dot);
    }
    tangents(a, factors, svd, a_dot)
}

/// The tangents by the singular vectors.
fn tangents<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    (u, p): &(OMatrix<T, R, C>, OMatrix<T, C, C>),
    Svd { u: w, singular_values: values, v_t }: &Svd<T, R, C>,
    a_dot: &OMatrix<T, R, C>,
) -> (OMatrix<T, R, C>, OMatrix<T, C, C>)
where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    let u_dot = unitary_factor("polar", block(a), w, values, v_t, block(a_dot));
    let (columns, _) = p.shape_generic();
    let mut p_dot = OMatrix::zeros_generic(columns, columns);
    let (one, zero) = (T::one(), T::zero());
    multiply(one, (block(&u_dot), true), (block(a), false), zero, &mut block_mut(&mut p_dot));
    multiply(one, (block(u), true), (block(a_dot), false), one, &mut block_mut(&mut p_dot));
    make_diagonal_real(&mut block_mut(&mut p_dot));
    (u_dot, p_dot)
}

fn polar_reverse<T: Scalar, R: DimMin<C>, C: Dim>(
    a: &OMatrix<T, R, C>,
    factors: &(OMatrix<T, R, C>, OMatrix<T, C, C>),
    svd: &Svd<T, R, C>,
    (mut u_bar, mut p_bar): Cotangent<'_, (OMatrix<T, R, C>, OMatrix<T, C, C>)>,
    a_bar: Slot<'_, OMatrix<T, R, C>>,
) where
    DefaultAllocator: Allocator<R, C>
        + Allocator<C, C>
        + Allocator<R, DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, C>
        + Allocator<DimMinimum<R, C>>
        + Allocator<DimMinimum<R, C>, DimMinimum<R, C>>,
{
    let Some(mut a_bar) = a_bar.buffer() else { return };
    let (u, _) = factors;
    let (mut u_bar, mut p_bar) = (buffer(&mut u_bar), buffer(&mut p_bar));
    make_diagonal_real(&mut p_bar);
    let asked = asks(u_bar.iter());
    let one = T::one();
    if !<T::Real as Real>::BASE {
        // P is Hermitian: nothing else is asked.
        let half: T::Real = nalgebra::convert(0.5);
        let hermitian = (&p_bar + p_bar.adjoint()).map(|x| x.scale(half));
        p_bar.copy_from(&hermitian);
    }
    let p_bar = p_bar.as_view();
    multiply(one, (block(u), false), (p_bar, false), one, &mut buffer(&mut a_bar));
    let Svd { u: w, singular_values: values, v_t } = svd;
    if <T::Real as Real>::BASE {
        multiply(one, (block(a), false), (p_bar, true), one, &mut u_bar);
        a_bar += unitary_factor("polar", block(a), w, values, v_t, u_bar.as_view());
    } else {
        let mut a_bar = buffer(&mut a_bar);
        a_bar += reverse_in_a_mode(a, factors, svd, u_bar.as_view(), p_bar);
    }
    // What is left of P where a singular value is zero is the modulus of a number, or of several.
    let sizes = Sizes::of_singular_values(values.as_slice(), block(w), block(v_t));
    let is_zero = |i: &usize| sizes.gap(*i, *i, values[*i]) == Gap::Nothing;
    let Some(first) = (0..values.len()).find(is_zero) else { return };
    let along = outside(first, block(v_t), p_bar);
    let mut quotients = Quotients::new::<T::Real>("polar", largest_modulus(p_bar.iter()));
    let mut kink = T::zero();
    along.iter().for_each(|&x| kink += quotients.over_nothing(x));
    if asked {
        quotients.lose(1.0);
        kink += undefined();
    }
    a_bar.apply(|x| *x += kink);
    quotients.report(|| "a singular value is zero: there the unitary factor jumps and the positive one has a kink");
}
