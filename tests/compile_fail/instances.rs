//! Instances and kernels.
#![allow(unused)]

mod impl_of_a_generic_type {
    use difrules_core::primitive;

    struct Model<P>(P);

    impl<P> Model<P> {
        #[primitive(partial = |x| 2.0 * x, impl = Model<P>)]
        fn square(x: f64) -> f64 {
            x * x
        }
    }
}

mod instance_of_an_integer {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x + x, instances(i32, f64))]
    fn square<T: Real>(x: T) -> T {
        x * x
    }
}

mod instance_in_quotes {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x + x, instances("f64"))]
    fn square<T: Real>(x: T) -> T {
        x * x
    }
}

mod instance_of_another_parameter {
    use difrules_core::{Real, primitive};

    #[primitive(forward = |_, _, _, x_dot| x_dot, constant(flag), instances(f64))]
    fn flagged<T: Real, F: Clone + 'static>(x: T, flag: F) -> T {
        x
    }
}

mod instance_twice {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x, instances(f64, f64))]
    fn f<T: Real>(x: T) -> T {
        x
    }
}

mod instance_with_another_attribute {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x, instances(#[inline] f32, f64))]
    fn f<T: Real>(x: T) -> T {
        x
    }

    #[primitive(partial = |x| x, instances(#[cfg(unix)] f64))]
    fn g<T: Real>(x: T) -> T {
        x
    }
}

mod instance_without_const {
    use difrules_core::{Real, primitive};

    #[primitive(forward = rule, instances(f64))]
    fn f<T: Real, const N: usize>(x: &nalgebra::SVector<T, N>) -> T {
        x.sum()
    }
}

mod instance_without_parameters {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x, instances(<>))]
    fn f<T: Real>(x: T) -> T {
        x
    }
}

mod instances_none {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x + x, instances())]
    fn square<T: Real>(x: T) -> T {
        x * x
    }
}

mod instances_none_of_what_is_unknown {
    use difrules_core::{Real, primitive};
    use nalgebra::SVector;

    #[primitive(forward = |_, _, x_dot| x_dot.sum(), instances())]
    fn total<T: Real, const N: usize>(x: &SVector<T, N>) -> T {
        x.sum()
    }
}

mod instances_not_said {
    use difrules_core::{Real, primitive};

    #[primitive(forward = |_, _, _, x_dot| x_dot, constant(f))]
    fn called<T: Real, F: Fn(f64) -> f64 + Clone + 'static>(x: T, f: F) -> T {
        x
    }
}

mod instances_of_a_plain_function {
    use difrules_core::primitive;

    #[primitive(partial = |x| x, instances(f64))]
    fn f(x: f64) -> f64 {
        x
    }
}

mod kernel_beside_what {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x, kernel(sideways(f64 = other)), instances(f64))]
    fn f<T: Real>(x: T) -> T {
        x
    }
}

mod kernel_of_a_plain_function {
    use difrules_core::primitive;

    #[primitive(partial = |x| x, kernel(f64 = other))]
    fn f(x: f64) -> f64 {
        x
    }
}

mod kernel_twice {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x, instances(f64), kernel(f64 = a, f64 = b))]
    fn f<T: Real>(x: T) -> T {
        x
    }
}

mod kernel_without_instance {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x, instances(f64), kernel(f64 = a, f32 = b))]
    fn f<T: Real>(x: T) -> T {
        x
    }
}

mod kernel_without_rule {
    use difrules_core::{Real, primitive};

    #[primitive(forward = |x, y, x_dot| x_dot, kernel(reverse(f64 = other)), instances(f64))]
    fn f<T: Real>(x: T) -> T {
        x
    }
}

fn main() {}
