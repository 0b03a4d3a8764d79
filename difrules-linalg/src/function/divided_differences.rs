//! Divided differences of a function at eigenvalues, which may be close or the same.

use std::collections::HashMap;

use crate::function::scalar_function::ScalarFunction;

/// The points in increasing order, and what is known already.
pub(super) struct DividedDifferences<'a> {
    f: &'a ScalarFunction,
    points: &'a [f64],
    known: HashMap<Vec<usize>, f64>,
}

/// Nodes between -1 and 1 and weights of the rule of Gauss of ten, the positive ones.
const GAUSS: [(f64, f64); 5] = [
    (0.148_874_338_981_631_2, 0.295_524_224_714_752_9),
    (0.433_395_394_129_247_2, 0.269_266_719_309_996_4),
    (0.679_409_568_299_024_4, 0.219_086_362_515_982_04),
    (0.865_063_366_688_984_5, 0.149_451_349_150_580_6),
    (0.973_906_528_517_171_7, 0.066_671_344_308_688_14),
];

impl<'a> DividedDifferences<'a> {
    pub(super) fn new(f: &'a ScalarFunction, points: &'a [f64]) -> Self {
        Self { f, points, known: HashMap::new() }
    }

    /// f[x_i, x_j, ...] of points by their numbers, in any order.
    ///
    /// The quotient (f[x_1, ..] - f[.., x_{k-1}]) / (x_k - x_0) loses the digits that its numerator does. Where that
    /// is much of it, the points are close beside what the function does between them, and
    ///
    /// f[x_0, ..., x_k] = integral from 0 to 1 of t^{k-1} f'[x_0 + t (x_1 - x_0), ..., x_0 + t (x_k - x_0)] dt
    ///
    /// (Hermite; de Boor 2005, "Divided differences", section 9) has all of them by a few points. It is taken if it is
    /// the quotient but for the digits that this has lost: a function that is not smooth between them has it not.
    pub(super) fn at(&mut self, mut numbers: Vec<usize>) -> f64 {
        numbers.sort_unstable();
        if let [i] = numbers[..] {
            return self.f.derivative(0, self.points[i]);
        }
        if let Some(&known) = self.known.get(&numbers) {
            return known;
        }
        let points: Vec<f64> = numbers.iter().map(|&i| self.points[i]).collect();
        let (first, last) = (points[0], points[points.len() - 1]);
        let found = if first == last {
            repeated(self.f, 0, points.len() - 1, first)
        } else {
            let upper = self.at(numbers[1..].to_vec());
            let lower = self.at(numbers[..numbers.len() - 1].to_vec());
            let (difference, size) = (upper - lower, upper.abs() + lower.abs());
            let quotient = difference / (last - first);
            if difference.abs() > 0.1 * size {
                quotient
            } else {
                let smooth = smooth(self.f, 0, &points);
                let rounding = 1e-14 * size / (last - first);
                let is_smooth = (smooth - quotient).abs() <= rounding + 1e-12 * smooth.abs();
                if is_smooth { smooth } else { quotient }
            }
        };
        self.known.insert(numbers, found);
        found
    }
}

/// The divided difference of f's derivative of an order at k + 1 points that are one.
fn repeated(f: &ScalarFunction, order: usize, k: usize, x: f64) -> f64 {
    let factorial: f64 = (1..=k).map(|i| i as f64).product();
    f.derivative(order + k, x) / factorial
}

/// The divided difference of f's derivative of an order by the integral.
fn smooth(f: &ScalarFunction, order: usize, points: &[f64]) -> f64 {
    let (first, k) = (points[0], points.len() - 1);
    if points.iter().all(|&x| x == first) {
        return repeated(f, order, k, first);
    }
    let term = |t: f64| {
        let moved: Vec<f64> = points[1..].iter().map(|x| first + t * (x - first)).collect();
        t.powi(k as i32 - 1) * smooth(f, order + 1, &moved)
    };
    GAUSS.iter().fold(0.0, |sum, &(node, weight)| {
        sum + 0.5 * weight * (term(0.5 - 0.5 * node) + term(0.5 + 0.5 * node))
    })
}
