//! Who hears a report, and what it says about what is not defined.

use difrules_core::diagnostic::{Diagnostic, leaves_out_undefined};
use difrules_core::{diagnosed, leaving_out_undefined, report};

#[test]
fn the_innermost_listens() {
    let say = || report(Diagnostic::undefined("f", "no"));
    let ((), heard) = diagnosed(|| {
        say();
        assert_eq!(diagnosed(say).1.len(), 1);
        let panicked = std::panic::catch_unwind(|| diagnosed(|| panic!("in the middle")));
        assert!(panicked.is_err());
        say();
    });
    assert_eq!(heard, [Diagnostic::undefined("f", "no"), Diagnostic::undefined("f", "no")]);
    // Nobody listens: to the log.
    say();
    assert!(diagnosed(|| ()).1.is_empty());
}

#[test]
fn the_setting_ends_with_the_call() {
    let left = leaving_out_undefined(|| {
        let panicked = std::panic::catch_unwind(|| leaving_out_undefined(|| panic!("within")));
        assert!(panicked.is_err());
        (leaves_out_undefined(), std::thread::spawn(leaves_out_undefined).join().unwrap())
    });
    assert_eq!(left, (true, false));
    assert!(!leaves_out_undefined());
}
