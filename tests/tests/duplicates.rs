//! Two primitives of one path: both are there, and both places are told.

use difrules_core::registry::{by_name, by_path, duplicates};
use difrules_core::{Real, find, primitive, primitives};

fn first(x: f64) -> f64 {
    #[primitive(partial = |x| x + x, instances(f64))]
    fn inner<T: Real>(x: T) -> T {
        x * x
    }
    inner(x)
}

fn second(x: f64) -> f64 {
    #[primitive(partial = |_| T::one(), instances(f64))]
    fn inner<T: Real>(x: T) -> T {
        x
    }
    inner(x)
}

#[test]
fn both_are_kept_and_reported() {
    assert_eq!((first(3.0), second(3.0)), (9.0, 3.0));
    let path = "duplicates::inner";
    assert_eq!(primitives().iter().filter(|record| record.path == path).count(), 2);
    assert_eq!(by_name("inner", 1).len(), 2);
    // A name that fits several says so; a path finds the first.
    let error = find("inner", 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`inner` with 1 arguments may be `duplicates::inner` or `duplicates::inner`; write the path of the one \
         that is meant"
    );
    let [duplicate] = duplicates() else { panic!("{:?}", duplicates()) };
    assert!(std::ptr::eq(by_path(path).unwrap(), duplicate.first));
    assert!(duplicate.first.line < duplicate.second.line);
    let text = duplicate.to_string();
    for record in [duplicate.first, duplicate.second] {
        assert!(text.contains(&format!("duplicates.rs:{}", record.line)), "{text}");
    }
}
