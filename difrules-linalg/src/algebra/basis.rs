//! Bases in which a matrix of which a function is taken has about one size, and in which what belongs to eigenvalues of
//! different sizes is apart. They are constants: a function of D^-1 A D is that of A between the same factors.

use difrules_core::{Real, Scalar};
use nalgebra::{DMatrix, DMatrixView};

use crate::algebra::modulus::largest_modulus;
use crate::algebra::scaling::{exponent, times_power};
use crate::algebra::schur::sort_by_modulus;
use crate::algebra::sylvester::{Form, Triangular, eigenvalues};
use crate::block::{block, block_mut, multiply, product, with_value};
use crate::tolerance::plain;

/// The exponents of powers of two on the diagonal of a matrix D.
#[derive(Clone)]
pub(crate) struct Balance(Option<Vec<f64>>);

impl Balance {
    /// So far apart are exponents for which it is worth it.
    const FAR: f64 = 8.0;
    /// By so much the rounding of an entry may become larger.
    const ROOM: f64 = 6.0;
    /// Sweeps over the rows; a few are enough.
    const SWEEPS: usize = 100;

    /// That for which each row of D^-1 A D is of about the size of its column, both without the diagonal, whose rounding is then
    /// that of the entries and not of the largest of them (Osborne 1960, "On pre-conditioning of matrices"). D is 1 where rows
    /// and columns are of about one size already, and where the rounding of D^-1 A D in size, between D and its inverse, is
    /// above that of A: as for a Jordan block with little below it, whose diagonal stays.
    pub(crate) fn of<T: Scalar>(a: DMatrixView<'_, T>) -> Self {
        let size = a.nrows();
        if !Self::is_far(a) {
            return Self(None);
        }
        let mut logarithms = DMatrix::from_fn(size, size, |i, j| {
            let x = plain(a[(i, j)]);
            if i == j || x.is_zero() { f64::NEG_INFINITY } else { exponent([&x]) }
        });
        let diagonal = exponent((0..size).map(|k| &a[(k, k)]));
        let (before, mut powers) = (logarithms.max().max(diagonal), vec![0.0; size]);
        for _ in 0..Self::SWEEPS {
            let mut moved = false;
            for (k, total) in powers.iter_mut().enumerate() {
                let most = |all: &mut dyn Iterator<Item = &f64>| {
                    all.fold(f64::NEG_INFINITY, |most: f64, &x| most.max(x))
                };
                let row = most(&mut logarithms.row(k).iter());
                let column = most(&mut logarithms.column(k).iter());
                // Not rounded up: half a power would go to and fro.
                let power = ((row - column) / 2.0).trunc();
                if !power.is_finite() || power == 0.0 {
                    continue;
                }
                moved = true;
                *total += power;
                logarithms.row_mut(k).apply(|x| *x -= power);
                logarithms.column_mut(k).apply(|x| *x += power);
            }
            if !moved {
                break;
            }
        }
        let (least, most) = powers
            .iter()
            .fold((0.0_f64, 0.0_f64), |(least, most), &power| (least.min(power), most.max(power)));
        let (far, after) = (most - least, logarithms.max().max(diagonal));
        Self((far > Self::FAR && before + Self::ROOM >= after + far).then_some(powers))
    }

    /// Whether some row has entries beside the diagonal of another size than its column.
    fn is_far<T: Scalar>(a: DMatrixView<'_, T>) -> bool {
        let (mut rows, mut columns) = (vec![0.0_f64; a.nrows()], vec![0.0_f64; a.nrows()]);
        for (j, (column, of_column)) in a.column_iter().zip(&mut columns).enumerate() {
            let (above, below) = (0..j, j + 1..a.nrows());
            for part in [above, below] {
                for (x, of_row) in column.as_slice()[part.clone()].iter().zip(&mut rows[part]) {
                    let x = x.norm1().to_f64();
                    *of_column = if x > *of_column { x } else { *of_column };
                    *of_row = if x > *of_row { x } else { *of_row };
                }
            }
        }
        let far = |(row, column): (&f64, &f64)| {
            *row > 0.0 && *column > 0.0 && (row.log2() - column.log2()).abs() > Self::FAR
        };
        rows.iter().zip(&columns).any(far)
    }

    /// D^-1 M D.
    pub(crate) fn inside<T: Scalar>(&self, m: DMatrixView<'_, T>) -> DMatrix<T> {
        self.times(m, |i, j| j - i)
    }

    /// D M D^-1.
    pub(crate) fn outside<T: Scalar>(&self, m: DMatrix<T>) -> DMatrix<T> {
        if self.0.is_none() { m } else { self.times(block(&m), |i, j| i - j) }
    }

    fn times<T: Scalar>(
        &self,
        m: DMatrixView<'_, T>,
        power: impl Fn(f64, f64) -> f64,
    ) -> DMatrix<T> {
        let Some(powers) = &self.0 else { return m.into_owned() };
        DMatrix::from_fn(m.nrows(), m.ncols(), |i, j| {
            times_power(m[(i, j)], power(powers[i], powers[j]))
        })
    }
}

/// D Z and its inverse, of plain numbers.
pub(crate) struct Basis<T: Scalar> {
    balance: Balance,
    z: DMatrix<T>,
    inverse: DMatrix<T>,
}

impl<T: Scalar> Basis<T> {
    /// Of D, and of the matrices that [`decoupled`](fn@decoupled) has first for the balanced matrix.
    pub(crate) fn new(balance: Balance, z: DMatrix<T>, inverse: DMatrix<T>) -> Self {
        Self { balance, z, inverse }
    }

    /// Z^-1 D^-1 M D Z.
    pub(crate) fn inside(&self, m: DMatrixView<'_, T>) -> DMatrix<T> {
        let right = product((block(&self.balance.inside(m)), false), (block(&self.z), false));
        product((block(&self.inverse), false), (block(&right), false))
    }

    /// That of A, of which the value is known.
    pub(crate) fn moving(&self, a: DMatrixView<'_, T>, value: DMatrix<T>) -> DMatrix<T> {
        if T::Real::BASE {
            return value;
        }
        self.inside(a).zip_map(&value, with_value)
    }

    /// D Z M Z^-1 D^-1.
    pub(crate) fn outside(&self, m: &DMatrix<T>) -> DMatrix<T> {
        let left = product((block(&self.z), false), (block(m), false));
        self.balance.outside(product((block(&left), false), (block(&self.inverse), false)))
    }
}

/// How far apart moduli are that are of different sizes.
const APART: f64 = 1e3;

/// The largest entry of an R that is used.
const LARGEST: f64 = 1e3;

/// Z, its inverse and Z^-1 A Z of A = Q T Q^H, which has nothing between eigenvalues of different sizes.
///
/// With T = [T1 N; 0 T2], T1 R - R T2 = -N and S = [1 R; 0 1], S^-1 T S is diag(T1, T2). So what a function is made of is not
/// mixed, whose derivatives by small eigenvalues, as those of a logarithm, are far larger than by others.
pub(crate) fn decoupled<T: Scalar>(mut q: DMatrix<T>, mut t: DMatrix<T>) -> [DMatrix<T>; 3] {
    let moduli = |t: &DMatrix<T>| -> Vec<f64> {
        eigenvalues((block(t), false)).iter().map(|value| value.norm()).collect()
    };
    let mut sorted = moduli(&t);
    sorted.sort_by(|a, b| b.total_cmp(a));
    let is_cut = |pair: &&[f64]| pair[0] > APART * pair[1] && pair[1] > 0.0;
    let cuts: Vec<f64> =
        sorted.windows(2).filter(is_cut).map(|pair| pair[0].sqrt() * pair[1].sqrt()).collect();
    if cuts.is_empty() {
        let inverse = q.adjoint();
        return [q, inverse, t];
    }
    let place = |modulus: f64| cuts.iter().filter(|&&cut| modulus < cut).count();
    let mut places: Vec<usize> = moduli(&t).into_iter().map(place).collect();
    let runs = places.chunk_by(|a, b| a == b).count();
    if runs > cuts.len() + 1 {
        sort_by_modulus(&mut q, &mut t, place);
        places = moduli(&t).into_iter().map(place).collect();
    }
    let (mut z, mut inverse, one) = (q.clone(), q.adjoint(), T::one());
    let size = t.nrows();
    let mut first = 0;
    for k in 1..size {
        if places[k..].iter().any(|place| places[first..k].contains(place)) {
            continue;
        }
        let mut r = -t.view((first, k), (k - first, size - k));
        let equation = Triangular {
            form: Form::Sum,
            r: (t.view((first, first), (k - first, k - first)), false),
            minus: true,
            s: (t.view((k, k), (size - k, size - k)), false),
        };
        let is_solved = equation.solve(&mut block_mut(&mut r)).is_ok();
        let fits = is_solved && largest_modulus(r.iter()) <= LARGEST;
        if !fits {
            continue;
        }
        t.view_mut((first, k), (k - first, size - k)).fill(T::zero());
        let (before, mut after) = z.columns_range_pair_mut(first..k, k..);
        multiply(one, (before.as_view(), false), (block(&r), false), one, &mut after);
        let (mut above, below) = inverse.rows_range_pair_mut(first..k, k..);
        multiply(-one, (block(&r), false), (below.as_view(), false), one, &mut above);
        first = k;
    }
    [z, inverse, t]
}
