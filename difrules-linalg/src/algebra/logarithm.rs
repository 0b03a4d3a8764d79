//! The principal logarithm by inverse scaling and squaring on the Schur form, and its derivative.

use difrules_core::{Real, Scalar};
use nalgebra::{ComplexField, DMatrix, DMatrixView, RealField};

use crate::algebra::basis::{Balance, Basis, decoupled};
use crate::algebra::matrix_function::{
    PlainWork, apart_from_defective_zero, in_domain, on_negative_axis, on_plain, plain_one_norm,
    times,
};
use crate::algebra::schur::{blocks, unordered_schur_factors};
use crate::algebra::square_root::{moving_root, root_of_triangular, solve_of_moving_root};
use crate::block::block;
use crate::error::Error;
use crate::systems::inverse::inverse;

/// The size of X - 1 up to which the approximant of order 7 has a backward error no larger than the unit roundoff in
/// double precision (Al-Mohy and Higham 2012, "Improved inverse scaling and squaring algorithms for the matrix
/// logarithm", table 2.1). That of order 9 is taken, for the sake of the derivatives.
const BOUND: f64 = 0.279;

/// Nodes between -1 and 1 and weights of the rule of Gauss of nine, the others being the negative ones: the partial
/// fractions of the Pade approximant of order 9.
const GAUSS: [(f64, f64); 5] = [
    (0.0, 0.330_239_355_001_259_8),
    (0.324_253_423_403_808_9, 0.312_347_077_040_002_9),
    (0.613_371_432_700_590_4, 0.260_610_696_402_935_4),
    (0.836_031_107_326_635_8, 0.180_648_160_694_857_4),
    (0.968_160_239_507_626_1, 0.081_274_388_361_574_4),
];

/// Most roots that are taken: each halves the exponents, of which a number has eleven bits.
const MOST: usize = 100;

/// The nodes and weights between 0 and 1.
fn gauss() -> impl Iterator<Item = (f64, f64)> {
    let both = |&(node, weight): &(f64, f64)| [(-node, weight), (node, weight)];
    GAUSS.iter().flat_map(both).skip(1).map(|(node, weight)| (0.5 + 0.5 * node, 0.5 * weight))
}

/// Z and its inverse, the logarithm of T, and T with its roots, as many as the approximant needs; A = Z T Z^-1.
struct Logarithm;

impl PlainWork for Logarithm {
    fn run<T: Scalar>(a: DMatrixView<'_, T>) -> Result<Vec<DMatrix<T>>, Error> {
        let (q, t) = unordered_schur_factors(a)?;
        in_domain("ln", &q, &t, on_negative_axis)?;
        apart_from_defective_zero("ln", &q, &t)?;
        let [z, inverse, t] = decoupled(q, t);
        let mut roots = vec![t];
        loop {
            let last = &roots[roots.len() - 1];
            if distance(last) <= BOUND {
                break;
            }
            if roots.len() > MOST {
                return Err(Error::NoConvergence { sweeps: MOST });
            }
            let next = root_of_triangular(last)?;
            roots.push(next);
        }
        let last = &roots[roots.len() - 1];
        let fractions = fractions(last)?;
        let factor: T::Real = nalgebra::convert(((roots.len() - 1) as f64).exp2());
        let mut sum = DMatrix::zeros(last.nrows(), last.ncols());
        for ((_, weight), fraction) in gauss().zip(&fractions) {
            let weight: T::Real = nalgebra::convert(weight);
            sum.zip_apply(fraction, |sum, x: T| *sum += x.scale(weight));
        }
        let mut y = times(&less_one(last), &sum).map(|x| x.scale(factor));
        near_diagonal(&roots[0], &mut y);
        Ok([vec![z, inverse, y], roots].concat())
    }
}

/// X - 1.
fn less_one<T: Scalar>(x: &DMatrix<T>) -> DMatrix<T> {
    let mut y = x.clone();
    (0..x.nrows()).for_each(|i| y[(i, i)] -= T::one());
    y
}

/// The size of X - 1 that the truncation error depends on, by the norms of powers.
fn distance<T: Scalar>(x: &DMatrix<T>) -> f64 {
    let y = less_one(x);
    let size = plain_one_norm(&y);
    if size <= BOUND {
        return size;
    }
    let square = times(&y, &y);
    let second = plain_one_norm(&square).sqrt();
    if second > BOUND && second < 1e100 {
        return second;
    }
    plain_one_norm(&times(&square, &y)).cbrt().max(second).min(size)
}

/// (1 + z (X - 1))^-1 for each node z.
fn fractions<T: Scalar>(x: &DMatrix<T>) -> Result<Vec<DMatrix<T>>, Error> {
    let fraction = |(node, _)| {
        let node: T::Real = nalgebra::convert(node);
        let mut y = less_one(x).map(|x| x.scale(node));
        (0..x.nrows()).for_each(|i| y[(i, i)] += T::one());
        inverse(&y)
    };
    gauss().map(fraction).collect()
}

/// Puts the logarithms of the blocks on the diagonal of T in their places, and those next to them, which the roots have
/// lost digits of (Al-Mohy, Higham and Relton 2013, "Computing the Frechet derivative of the matrix logarithm and
/// estimating the condition number", section 5).
fn near_diagonal<T: Scalar>(t: &DMatrix<T>, y: &mut DMatrix<T>) {
    let mut before = None;
    for rows in blocks(block(t)) {
        let k = rows.start;
        if rows.len() == 2 {
            // A pair of eigenvalues x + iw, with the block [x u; v x] and w^2 = -u v.
            let (x, u, v) = (t[(k, k)].real(), t[(k, k + 1)].real(), t[(k + 1, k)].real());
            let root = |x| ComplexField::sqrt(ComplexField::abs(x));
            let w = root(u) * root(v);
            let size = ComplexField::ln(ComplexField::hypot(x, w));
            let turn = RealField::atan2(w, x) / w;
            y[(k, k)] = T::from_real(size);
            y[(k + 1, k + 1)] = T::from_real(size);
            y[(k, k + 1)] = T::from_real(u * turn);
            y[(k + 1, k)] = T::from_real(v * turn);
            before = None;
            continue;
        }
        let (value, found) = (t[(k, k)], ComplexField::ln(t[(k, k)]));
        y[(k, k)] = found;
        if let Some((other, found_other)) = before {
            let (gap, middle): (T, T) = (value - other, value + other);
            let half = middle.modulus().to_f64() * 0.5;
            let slope = if gap.is_zero() {
                T::one() / value
            } else if gap.modulus().to_f64() < half {
                // Of numbers on both sides of the negative axis the logarithms differ by a turn more.
                let near = ComplexField::atanh(gap / middle).scale(nalgebra::convert(2.0));
                let far: T = found - found_other;
                if (far - near).modulus().to_f64() < 1.0 { near / gap } else { far / gap }
            } else {
                (found - found_other) / gap
            };
            y[(k - 1, k)] = t[(k - 1, k)] * slope;
        }
        before = Some((value, found));
    }
}

/// What the logarithm of A was made of.
pub struct LogarithmSteps<T: Scalar> {
    basis: Basis<T>,
    /// The roots in the basis, and their plain values, which are triangular.
    roots: Vec<(DMatrix<T>, DMatrix<T>)>,
    /// Those of the partial fractions.
    fractions: Vec<DMatrix<T>>,
}

impl<T: Scalar> LogarithmSteps<T> {
    /// The logarithm of a finite A, which in a mode is its plain value, and what it was made of.
    ///
    /// # Errors
    /// [`Error::OutsideDomain`]; [`Error::NoConvergence`]; [`Error::Overflow`].
    pub(crate) fn new(a: DMatrixView<'_, T>) -> Result<(DMatrix<T>, Self), Error> {
        let balance = Balance::of(a);
        let balanced = balance.inside(a);
        let mut found = on_plain::<Logarithm, T>(block(&balanced))?.into_iter();
        let [z, inverse, y, t] = [(); 4].map(|()| found.next().expect("four matrices and roots"));
        let basis = Basis::new(balance, z, inverse);
        let mut last = basis.moving(a, t);
        let mut roots = Vec::new();
        for plain in found {
            last = moving_root(&last, &plain);
            roots.push((last.clone(), plain));
        }
        let fractions = fractions(&last)?;
        Ok((basis.outside(&y), Self { basis, roots, fractions }))
    }

    /// The derivative along E: of each root X in turn, X dX + dX X is the one before; and of the partial fractions,
    /// w R (1 + z R)^-1 with R = X - 1, it is w (1 + z R)^-1 dR (1 + z R)^-1.
    pub(crate) fn derivative(&self, e: DMatrixView<'_, T>) -> DMatrix<T> {
        let mut e = self.basis.inside(e);
        for (x, plain) in &self.roots {
            e = solve_of_moving_root(x, plain, e);
        }
        let factor = (self.roots.len() as f64).exp2();
        let mut sum = DMatrix::zeros(e.nrows(), e.ncols());
        for ((_, weight), fraction) in gauss().zip(&self.fractions) {
            let weight: T::Real = nalgebra::convert(weight * factor);
            let term = times(&times(fraction, &e), fraction);
            sum.zip_apply(&term, |sum, x: T| *sum += x.scale(weight));
        }
        self.basis.outside(&sum)
    }
}
