//! `derivative!` and `elementwise!`.
#![allow(unused)]

mod derivative_of_an_unknown_function {
    use difrules_core::derivative;

    fn bell(t: f64) -> f64 {
        (-t * t).exp()
    }

    fn case() {
        let x = 0.3_f64;
        let _ = derivative!(x * bell(2.0 * x), x);
    }
}

mod derivative_of_no_expression {
    use difrules_core::derivative;

    fn case() {
        let x = 0.3_f64;
        let _ = derivative!(x * [1.0, 2.0][0] + x, x);
    }
}

mod derivative_of_order_zero {
    use difrules_core::derivative;

    fn case() {
        let x = 0.3_f64;
        let _ = derivative!(x * x, x; 0);
    }
}

mod derivative_that_nobody_knows {
    use difrules_core::derivative;

    fn case() {
        let (s, x) = (2.5_f64, 0.3_f64);
        let _ = derivative!(zeta(s, x), s);
    }
}

mod derivative_without_variable {
    use difrules_core::derivative;

    fn case() {
        let x = 0.3_f64;
        let _ = derivative!(x * x);
    }
}

mod elementwise_of_an_unknown_function {
    use difrules_core::Real;
    use difrules_linalg::{Matrix, elementwise};

    fn bells<T: Real>(a: &Matrix<T>) -> Matrix<T> {
        elementwise!(|x| bell(x), a)
    }
}

mod elementwise_of_no_closure {
    use difrules_core::Real;
    use difrules_linalg::{Matrix, elementwise};

    fn squares<T: Real>(a: &Matrix<T>) -> Matrix<T> {
        elementwise!(a * a)
    }
}

fn main() {}
