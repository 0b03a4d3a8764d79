//! Functions that cannot be primitives.
#![allow(unused)]

mod async_function {
    use difrules_core::primitive;

    #[primitive(partial = |x| x)]
    async fn f(x: f64) -> f64 {
        x
    }
}

mod const_function {
    use difrules_core::primitive;

    #[primitive(partial = |x| x)]
    const fn f(x: f64) -> f64 {
        x
    }
}

mod error_of_the_scalar {
    use difrules_core::{Real, primitive};

    struct Failed<T>(T);

    #[primitive(partial = |x| x, instances(f64))]
    fn f<T: Real>(x: T) -> Result<T, Failed<T>> {
        Ok(x)
    }
}

mod extra_bound {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x, instances(f64))]
    fn f<T: Real + Default>(x: T) -> T {
        x
    }
}

mod generic_without_instances {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x)]
    fn f<T: Real>(x: T) -> T {
        x
    }
}

mod generic_without_scalar {
    use difrules_core::primitive;

    #[primitive(partial = |x| x, instances(f64))]
    fn f<T: Copy>(x: T) -> T {
        x
    }
}

mod impl_trait_argument {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x, instances(f64))]
    fn same<T: Real>(x: impl Into<T>) -> T {
        x.into()
    }
}

mod impl_trait_not_kept {
    use difrules_core::{Real, primitive};

    #[primitive(forward = |_, _, _, x_dot| x_dot, constant(f), instances(<f64, fn()>))]
    fn called<T: Real>(x: T, f: impl Fn()) -> T {
        f();
        x
    }
}

mod no_numbers {
    use difrules_core::primitive;

    #[primitive(partial = |x| x)]
    fn f(x: i32) -> i32 {
        x
    }
}

mod not_a_function {
    use difrules_core::primitive;

    #[primitive(partial = |x| x)]
    struct Thing;
}

mod pattern_argument {
    use difrules_core::primitive;

    #[primitive(partial = |x| x)]
    fn f((x, y): (f64, f64)) -> f64 {
        x
    }
}

mod returns_a_reference {
    use difrules_core::primitive;

    #[primitive(forward = rule)]
    fn f(x: &nalgebra::DMatrix<f64>) -> &f64 {
        &x[0]
    }
}

mod returns_a_view {
    use difrules_core::{Real, primitive};
    use nalgebra::{DMatrix, DVectorView};

    #[primitive(forward = |_, _, a_dot| a_dot.column(0), instances(f64))]
    fn first<'a, T: Real>(a: &'a DMatrix<T>) -> DVectorView<'a, T> {
        a.column(0)
    }
}

mod returns_impl_trait {
    use difrules_core::{Real, primitive};

    #[primitive(forward = |_, _, x_dot| x_dot, instances(f64))]
    fn opaque<T: Real>(x: T) -> impl Into<T> {
        x
    }
}

mod returns_nothing {
    use difrules_core::primitive;

    #[primitive(forward = |x, x_dot| ())]
    fn f(x: f64) {}
}

mod takes_self {
    use difrules_core::primitive;

    struct Thing;

    impl Thing {
        #[primitive(partial = |x| x)]
        fn f(&self, x: f64) -> f64 {
            x
        }
    }
}

mod two_scalars {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x, instances(f64))]
    fn f<T: Real, U: Real>(x: T, y: U) -> T {
        x
    }
}

mod unsafe_function {
    use difrules_core::primitive;

    #[primitive(partial = |x| x)]
    unsafe fn f(x: f64) -> f64 {
        x
    }
}

mod variadic_function {
    use difrules_core::primitive;

    extern "C" {
        #[primitive(partial = |x| x)]
        fn sum(x: f64, ...) -> f64;
    }
}

mod view_by_reference {
    use difrules_core::{Real, primitive};
    use nalgebra::DMatrixView;

    #[primitive(forward = |_, _, a_dot| a_dot.sum(), instances(f64))]
    fn total<T: Real>(a: &DMatrixView<'_, T>) -> T {
        a.sum()
    }
}

fn main() {}
