//! Constants, and arguments that may be left out.
#![allow(unused)]

mod all_constants {
    use difrules_core::primitive;

    #[primitive(partial = |x| x, constant(x))]
    fn f(x: f64) -> f64 {
        x
    }
}

mod constant_is_overwritten {
    use difrules_core::primitive;

    #[primitive(forward = rule, constant(y))]
    fn f(x: f64, y: &mut f64) {
        *y = x;
    }
}

mod constant_names_no_argument {
    use difrules_core::primitive;

    #[primitive(partial = |x| x, constant(n))]
    fn f(x: f64) -> f64 {
        x
    }
}

mod constant_not_named {
    use difrules_core::primitive;

    #[primitive(partial = |x, n| x)]
    fn f(x: f64, n: i32) -> f64 {
        x.powi(n)
    }
}

mod constant_of_the_scalar {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x, n| x, constant(n), instances(f64))]
    fn f<T: Real>(x: T, n: &[T]) -> T {
        x
    }
}

mod constant_with_a_lifetime {
    use std::borrow::Cow;

    use difrules_core::{Real, primitive};

    #[primitive(forward = |_, _, _, x_dot| x_dot, constant(name), instances(f64))]
    fn named<T: Real>(x: T, name: Cow<'_, str>) -> T {
        x
    }
}

mod constant_without_parentheses {
    use difrules_core::primitive;

    #[primitive(partial = |x, n| x, constant = n)]
    fn first(x: f64, n: usize) -> f64 {
        let _ = n;
        x
    }
}

mod opaque_constant_of_a_plain_function {
    use difrules_core::primitive;

    #[primitive(forward = |_, _, _, x_dot| x_dot, constant(f))]
    fn called(x: f64, f: impl Fn(f64) -> f64 + Clone + 'static) -> f64 {
        f(x)
    }
}

mod optional_names_no_argument {
    use difrules_core::{Real, primitive};
    use nalgebra::DVector;

    #[primitive(forward = |_, _, a_dot| a_dot.unwrap().sum(), optional(b), instances(f64))]
    fn total<T: Real>(a: &DVector<T>) -> T {
        a.sum()
    }
}

mod optional_of_a_number {
    use difrules_core::{Real, primitive};

    #[primitive(forward = |_, _, x_dot| x_dot, optional(x), instances(f64))]
    fn same<T: Real>(x: T) -> T {
        x
    }
}

mod tangent_of_a_constant {
    use difrules_core::primitive;

    #[primitive(forward = |x, n, y, x_dot, n_dot| x_dot, constant(n))]
    fn f(x: f64, n: i32) -> f64 {
        x.powi(n)
    }
}

fn main() {}
