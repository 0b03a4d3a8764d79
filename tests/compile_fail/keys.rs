//! The keys of the attribute.
#![allow(unused)]

mod alias_twice {
    use difrules_core::primitive;

    #[primitive(partial = |x| x, alias("g", "g"))]
    fn f(x: f64) -> f64 {
        x
    }
}

mod attribute_twice {
    use difrules_core::primitive;

    #[primitive(forward = |x, _, x_dot| 2.0 * x * x_dot)]
    #[primitive(reverse = |x, _, y_bar| 2.0 * x * y_bar)]
    fn square(x: f64) -> f64 {
        x * x
    }
}

mod duplicate_key {
    use difrules_core::primitive;

    #[primitive(partial = |x| x, partial = |x| x)]
    fn f(x: f64) -> f64 {
        x
    }
}

mod flag_with_a_value {
    use difrules_core::primitive;

    #[primitive(partial = |x| 2.0 * x, entrywise = true)]
    fn square(x: f64) -> f64 {
        x * x
    }
}

mod key_without_value {
    use difrules_core::primitive;

    #[primitive(forward)]
    fn f(x: f64) -> f64 {
        x
    }
}

mod keys_without_a_comma {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x + x; instances(f64))]
    fn square<T: Real>(x: T) -> T {
        x * x
    }
}

mod misspelt_keys {
    use difrules_core::{Real, primitive};

    #[primitive(revers = |x, _, y_bar| (x + x) * y_bar, instance(f64), constants(n), samples = draw)]
    fn square<T: Real>(x: T, n: usize) -> T {
        let _ = n;
        x * x
    }
}

mod name_twice {
    use difrules_core::{Real, primitive};

    #[primitive(partial = |x| x, name = "half_square", alias("half_square"), instances(f64))]
    fn half_square<T: Real>(x: T) -> T {
        x * x / nalgebra::convert(2.0)
    }
}

mod names_without_quotes {
    use difrules_core::primitive;

    #[primitive(partial = |x| 2.0 * x, name = sq, alias("pow2", square_of))]
    fn square(x: f64) -> f64 {
        x * x
    }
}

mod path_is_no_path {
    use difrules_core::primitive;

    #[primitive(partial = |_| 1.0, path = "my crate, identity")]
    fn identity(x: f64) -> f64 {
        x
    }
}

mod unknown_key {
    use difrules_core::primitive;

    #[primitive(backward = |x| x)]
    fn f(x: f64) -> f64 {
        x
    }
}

fn main() {}
