//! The arithmetic of A = P^T L L^H P on the pattern of L: the factor, its tangent, its cotangent, and what it solves.
//!
//! The values of A stand for its lower triangle, so one off the diagonal stands for two entries, it and its conjugate above;
//! of one on the diagonal the real part is read. In the pairing Re sum(conj(a_bar) a_dot) over the values, and with S_bar for the
//! Hermitian cotangent of A in the pairing over all entries, a_bar_ij = 2 s_bar_ij off the diagonal and s_bar_ii on it.
//!
//! Loops are left-looking: the column j of L is that of A less the products of the columns k < j that have an entry in row j,
//! gathered in a column of all rows. The same text runs at every scalar.

use difrules_core::Scalar;
use nalgebra::ComplexField;

use super::analysis::{Analysis, Place};
use crate::algebra::modulus::quotient;

impl Analysis {
    /// The values of A where L has them, and zeros elsewhere.
    fn spread<T: Scalar>(&self, a: &[T]) -> Vec<T> {
        let mut l = vec![T::zero(); self.count()];
        for (place, &a) in self.places.iter().zip(a) {
            l[place.at] = place.of(a);
        }
        l
    }

    /// L.
    ///
    /// # Errors
    /// The row of A of the first pivot that is not positive, and its value.
    pub(super) fn factor<T: Scalar>(
        &self,
        a: &[T],
    ) -> Result<Vec<T>, (usize, <T as Scalar>::Real)> {
        let mut l = self.spread(a);
        let mut column = vec![T::zero(); self.size()];
        for j in 0..self.size() {
            let rows = &self.rows[self.offsets[j]..self.offsets[j + 1]];
            let start = self.offsets[j];
            for (&i, &x) in rows.iter().zip(&l[start..]) {
                column[i] = x;
            }
            for (rows, place, end) in self.before(j) {
                let factor = l[place].conjugate();
                for (&i, &x) in rows.iter().zip(&l[place..end]) {
                    column[i] -= x * factor;
                }
            }
            let pivot = column[j].real();
            // A NaN is not positive either, and an infinite pivot leaves no factor.
            let positive = pivot > nalgebra::zero();
            if !positive || !ComplexField::is_finite(&pivot) {
                return Err((self.order[j], pivot));
            }
            let root = ComplexField::sqrt(pivot);
            l[start] = T::from_real(root);
            for (x, &i) in l[start + 1..].iter_mut().zip(&rows[1..]) {
                *x = column[i].unscale(root);
            }
        }
        Ok(l)
    }

    /// The columns left of column j that have an entry in row j: their rows from j on, and where these begin and end in L.
    fn before(&self, j: usize) -> impl Iterator<Item = (&[usize], usize, usize)> {
        let left = &self.left[self.left_offsets[j]..self.left_offsets[j + 1]];
        left.iter().map(|&(place, k)| {
            let end = self.offsets[k + 1];
            (&self.rows[place..end], place, end)
        })
    }

    /// The tangent of L. With c the column that is gathered for j, l_jj^2 = c_j and l_ij l_jj = c_i:
    /// dl_jj = dc_j / (2 l_jj), dl_ij = (dc_i - l_ij dl_jj) / l_jj, and dc_i is da_ij less
    /// dl_ik conj(l_jk) + l_ik conj(dl_jk) for each k.
    pub(super) fn factor_forward<T: Scalar>(&self, l: &[T], a_dot: &[T]) -> Vec<T> {
        let mut l_dot = self.spread(a_dot);
        let mut column = vec![T::zero(); self.size()];
        for j in 0..self.size() {
            let start = self.offsets[j];
            let rows = &self.rows[start..self.offsets[j + 1]];
            for (&i, &x) in rows.iter().zip(&l_dot[start..]) {
                column[i] = x;
            }
            for (rows, place, end) in self.before(j) {
                let (factor, factor_dot) = (l[place].conjugate(), l_dot[place].conjugate());
                let both = l[place..end].iter().zip(&l_dot[place..end]);
                for (&i, (&x, &x_dot)) in rows.iter().zip(both) {
                    column[i] -= x_dot * factor + x * factor_dot;
                }
            }
            let root = l[start].real();
            let root_dot = column[j].real() / (root + root);
            l_dot[start] = T::from_real(root_dot);
            let both = l_dot[start + 1..].iter_mut().zip(&l[start + 1..]);
            for ((x_dot, &x), &i) in both.zip(&rows[1..]) {
                *x_dot = (column[i] - x.scale(root_dot)).unscale(root);
            }
        }
        l_dot
    }

    /// The cotangent of the values of A, added to `a_bar`, from that of L, which is overwritten.
    ///
    /// The columns backwards: c_bar_i = l_bar_ij / l_jj below the diagonal, what this leaves for the root is
    /// l_bar_jj - sum_i Re(conj(c_bar_i) l_ij), and c_bar_j is that over 2 l_jj. Then c_i - l_ik conj(l_jk) gives
    /// l_bar_ik -= c_bar_i l_jk and l_bar_jk -= conj(c_bar_i) l_ik. It takes twice the multiplications and additions of the
    /// factorisation.
    ///
    /// Where l_bar is 2 / l_jj on the diagonal and zero elsewhere, c_bar_i is 2 z_ij, with Z = A^-1 in the order of L, and
    /// c_bar_j = z_jj, for these are the recurrences of Takahashi, Fagan and Chin (1973; Erisman and Tinney 1975),
    /// z_ij = -sum_k z_ik l_kj / l_jj and z_jj = (1 / l_jj - sum_k conj(l_kj) z_kj) / l_jj, over the k > j in which column j has
    /// entries: all the z_ik that they ask for are in places where L has entries.
    pub(super) fn factor_reverse<T: Scalar>(
        &self,
        l: &[T],
        mut l_bar: Vec<T>,
        mut add: impl FnMut(usize, T),
    ) {
        let mut column = vec![T::zero(); self.size()];
        for j in (0..self.size()).rev() {
            let start = self.offsets[j];
            let range = start + 1..self.offsets[j + 1];
            let root = l[start].real();
            let mut rest = l_bar[start].real();
            for place in range {
                let bar = l_bar[place].unscale(root);
                rest -= (bar.conjugate() * l[place]).real();
                l_bar[place] = bar;
                column[self.rows[place]] = bar;
            }
            column[j] = T::from_real(rest / (root + root));
            l_bar[start] = column[j];
            for (rows, place, end) in self.before(j) {
                let factor = l[place];
                let mut sum = T::zero();
                for (&i, place) in rows.iter().zip(place..end) {
                    let bar = column[i];
                    l_bar[place] -= bar * factor;
                    sum += bar.conjugate() * l[place];
                }
                l_bar[place] -= sum;
            }
        }
        for (entry, place) in self.places.iter().enumerate() {
            add(entry, place.of(l_bar[place.at]));
        }
    }

    /// The entries of A^-1 where A has them, twice off the diagonal: the derivative of ln det A by its values.
    pub(super) fn inverse<T: Scalar>(&self, l: &[T]) -> Vec<T> {
        let mut l_bar = vec![T::zero(); self.count()];
        let one: <T as Scalar>::Real = nalgebra::one();
        for &start in &self.offsets[..self.size()] {
            l_bar[start] = T::from_real((one + one) / l[start].real());
        }
        let mut inverse = vec![T::zero(); self.places.len()];
        self.factor_reverse(l, l_bar, |entry, bar| inverse[entry] = bar);
        inverse
    }

    /// L X = B in place, for X and B in the order of L.
    pub(super) fn solve_lower<T: Scalar>(&self, l: &[T], x: &mut [T]) {
        for j in 0..self.size() {
            let (start, end) = (self.offsets[j], self.offsets[j + 1]);
            let value = quotient(x[j], l[start]);
            x[j] = value;
            for (&i, &l) in self.rows[start + 1..end].iter().zip(&l[start + 1..end]) {
                x[i] -= l * value;
            }
        }
    }

    /// L^H X = B in place, for X and B in the order of L.
    pub(super) fn solve_adjoint<T: Scalar>(&self, l: &[T], x: &mut [T]) {
        for j in (0..self.size()).rev() {
            let (start, end) = (self.offsets[j], self.offsets[j + 1]);
            let below = self.rows[start + 1..end].iter().zip(&l[start + 1..end]);
            let rest = below.fold(x[j], |rest, (&i, l)| rest - l.conjugate() * x[i]);
            x[j] = quotient(rest, l[start].conjugate());
        }
    }

    /// A X = B in place, where A = P^T L L^H P and `b` is a column in the order of A.
    pub(super) fn solve<T: Scalar>(&self, l: &[T], b: &mut [T]) {
        let mut x = self.in_order(b);
        self.solve_lower(l, &mut x);
        self.solve_adjoint(l, &mut x);
        self.order.iter().zip(x).for_each(|(&row, x)| b[row] = x);
    }

    /// A column in the order of L.
    pub(super) fn in_order<T: Scalar>(&self, b: &[T]) -> Vec<T> {
        self.order.iter().map(|&row| b[row]).collect()
    }

    /// L X, for a column in the order of L.
    pub(super) fn lower_product<T: Scalar>(&self, l: &[T], x: &[T]) -> Vec<T> {
        let mut product = vec![T::zero(); x.len()];
        for (j, &x) in x.iter().enumerate() {
            let range = self.offsets[j]..self.offsets[j + 1];
            for (&i, &l) in self.rows[range.clone()].iter().zip(&l[range]) {
                product[i] += l * x;
            }
        }
        product
    }

    /// L^H X, for a column in the order of L.
    pub(super) fn adjoint_product<T: Scalar>(&self, l: &[T], x: &[T]) -> Vec<T> {
        let sum = |j: usize| {
            let range = self.offsets[j]..self.offsets[j + 1];
            let terms = self.rows[range.clone()].iter().zip(&l[range]);
            terms.fold(T::zero(), |sum, (&i, l)| sum + l.conjugate() * x[i])
        };
        (0..x.len()).map(sum).collect()
    }

    /// The diagonal of L, in the order of the rows of A.
    pub(super) fn pivots<T: Scalar>(&self, l: &[T]) -> Vec<T> {
        let mut pivots = vec![T::zero(); self.size()];
        for (&row, &start) in self.order.iter().zip(&self.offsets) {
            pivots[row] = l[start];
        }
        pivots
    }
}

impl Place {
    /// The value there of an entry of A, and back.
    fn of<T: Scalar>(self, a: T) -> T {
        if self.diagonal {
            T::from_real(a.real())
        } else if self.mirrored {
            a.conjugate()
        } else {
            a
        }
    }
}
