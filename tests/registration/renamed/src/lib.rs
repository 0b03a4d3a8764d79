//! A crate that has difrules under other names, and one that is called `core` among its dependencies: what the
//! macros write names neither.

#[cfg(test)]
mod tests {
    use algebra::{Matrix, elementwise};
    use dr::{Differentiable, Real, Slot, derivative, find, gradient, primitive};
    use nalgebra::{DVector, dmatrix, dvector};

    #[derive(Clone, Debug, PartialEq, Differentiable)]
    #[differentiable(crate = dr)]
    struct Scaled<T> {
        by: T,
        vector: DVector<T>,
        #[constant]
        name: String,
    }

    #[primitive(partial = |x| x + x, instances(f64), crate = dr)]
    fn square_under_another_name<T: Real>(x: T) -> T {
        x * x
    }

    /// The scaled sum.
    #[primitive(
        forward = |s, _, _, s_dot| s.by * s_dot.vector.sum() + s_dot.by * s.vector.sum(),
        reverse = sum_reverse,
        reads(s),
        saves = sum_and_nothing -> (),
        instances(f64),
        crate = dr
    )]
    fn scaled_sum<T: Real>(s: &Scaled<T>) -> Option<T> {
        Some(s.by * s.vector.sum())
    }

    fn sum_and_nothing<T: Real>(s: &Scaled<T>) -> Option<(T, ())> {
        Some((s.by * s.vector.sum(), ()))
    }

    fn sum_reverse<T: Real>(s: &Scaled<T>, (): &(), y_bar: T, s_bar: Slot<'_, Scaled<T>>) {
        if let Some((by, mut vector)) = s_bar.buffer() {
            *by += y_bar * s.vector.sum();
            vector.add_scalar_mut(y_bar * s.by);
        }
    }

    /// The user's own, of the name that the crate has elsewhere.
    mod difrules_core {
        pub(super) fn twice(x: f64) -> f64 {
            x + x
        }
    }

    #[primitive(partial = |x| crate::tests::difrules_core::twice(x), crate = dr)]
    fn plain_under_another_name(x: f64) -> f64 {
        x * x
    }

    #[test]
    fn macros_find_what_they_name() {
        assert_eq!(gradient(|x| square_under_another_name(*x), &3.0_f64), 6.0);
        assert_eq!(gradient(|x| plain_under_another_name::on(*x), &3.0_f64), 6.0);
        let at = Scaled { by: 2.0, vector: dvector![1.0, 3.0], name: "s".into() };
        let by = gradient(|s| scaled_sum(s).unwrap(), &at);
        assert_eq!(by, Scaled { by: 4.0, vector: dvector![2.0, 2.0], name: "s".into() });
        let x = 2.0_f64;
        assert_eq!(derivative!(x * x + x, x, crate = dr), (6.0, 5.0));
        let squares = elementwise!(|x| x * x, &Matrix::from(dmatrix![1.0, 2.0]));
        assert_eq!(*squares, dmatrix![1.0, 4.0]);
        assert_eq!(core::negated(1.0), -1.0);
        assert!(find("scaled_sum", 1).is_ok());
    }
}
