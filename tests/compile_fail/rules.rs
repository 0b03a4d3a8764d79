//! Rules, and what they read.
#![allow(unused)]

mod no_rule {
    use difrules_core::{Real, primitive};

    #[primitive(instances(f64))]
    fn f<T: Real>(x: T) -> T {
        x
    }
}

mod partial_and_rules {
    use difrules_core::primitive;

    #[primitive(partial = |x| x, forward = |x, y, x_dot| x_dot)]
    fn f(x: f64) -> f64 {
        x
    }
}

mod partial_in_quotes {
    use difrules_core::primitive;

    #[primitive(partial = "2.0 * x")]
    fn square(x: f64) -> f64 {
        x * x
    }
}

mod partial_is_no_closure {
    use difrules_core::primitive;

    #[primitive(partial = other)]
    fn f(x: f64) -> f64 {
        x
    }
}

mod partial_of_a_matrix {
    use difrules_core::primitive;

    #[primitive(partial = |a| a.trace())]
    fn f(a: &nalgebra::DMatrix<f64>) -> f64 {
        a.trace()
    }
}

mod partial_with_wrong_parameters {
    use difrules_core::primitive;

    #[primitive(partial = |x, y, z| x)]
    fn f(x: f64) -> f64 {
        x
    }
}

mod partials_all_unknown {
    use difrules_core::{Real, primitive};

    #[primitive(partial = (unknown, unknown), instances(f64))]
    fn mystery<T: Real>(x: T, y: T) -> T {
        x + y
    }
}

mod reads_beside_closures {
    use difrules_core::primitive;

    #[primitive(forward = |x, y, x_dot| x_dot, reads(x))]
    fn f(x: f64) -> f64 {
        x
    }
}

mod reads_no_argument {
    use difrules_core::primitive;

    #[primitive(forward = rule, reads(z))]
    fn f(x: f64) -> f64 {
        x
    }
}

mod reads_no_result {
    use difrules_core::primitive;

    #[primitive(forward = rule, reads(return))]
    fn f(x: &mut nalgebra::DMatrix<f64>) {
        x.fill(1.0);
    }
}

mod reads_twice {
    use difrules_core::primitive;

    #[primitive(forward = rule, reads(x, x))]
    fn f(x: f64) -> f64 {
        x
    }
}

mod rule_with_wrong_parameters {
    use difrules_core::primitive;

    #[primitive(forward = |x, x_dot| x_dot)]
    fn f(x: f64) -> f64 {
        x
    }
}

mod sample_is_no_function {
    use difrules_core::primitive;

    #[primitive(partial = |x| 2.0 * x, sample = 3.0)]
    fn square(x: f64) -> f64 {
        x * x
    }
}

mod saves_without_type {
    use difrules_core::primitive;

    #[primitive(forward = rule, saves = saving)]
    fn f(x: f64) -> f64 {
        x
    }
}

mod symbolic_of_too_few_arguments {
    use difrules_core::{Real, primitive};

    #[primitive(partial = (|_, y| y, |x, _| x), symbolic = |_, y| y, instances(f64))]
    fn product<T: Real>(x: T, y: T) -> T {
        x * y
    }
}

mod too_few_partials {
    use difrules_core::primitive;

    #[primitive(partial = |x, y| y)]
    fn f(x: f64, y: f64) -> f64 {
        x * y
    }
}

fn main() {}
