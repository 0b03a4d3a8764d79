//! Finite differences and the estimates of their errors.

use difrules_core::testing::difference;

/// The error is small, and as large as the estimate says or smaller.
#[test]
fn the_error_is_estimated() {
    type Function = fn(f64) -> f64;
    let cases: [(Function, f64, f64); 10] = [
        (|t| (1.0 + t).sin(), 1.0_f64.cos(), 1e-12),
        (|t| (30.0 * t).sin(), 30.0, 1e-9),
        (|t| t.exp() * 1e6, 1e6, 1e-6),
        (|t| 1e-9 * (2.0 + t).ln(), 0.5e-9, 1e-20),
        (|t| (0.01 + t).ln(), 100.0, 1e-7),
        (|t| (1e-3 + t).sqrt(), 0.5 / 1e-3_f64.sqrt(), 1e-6),
        (|t| 5.0 * t * t * t + 3.0 * t, 3.0, 1e-11),
        (|_| 7.0, 0.0, 1e-11),
        (|_| 0.0, 0.0, 0.0),
        // Less precise than its last digit.
        (|t| ((1e6 + t.sin()) - 1e6) * 2.0, 2.0, 1e-7),
    ];
    for (i, (f, expected, limit)) in cases.into_iter().enumerate() {
        let domain = |t: f64| Some(vec![f(t)]).filter(|y| y[0].is_finite());
        let found = difference(domain).unwrap();
        let error = (found.derivative[0] - expected).abs();
        assert!(error <= limit, "{i}: {error:e} {found:?}");
        assert!(error <= 10.0 * found.error[0], "{i}: {error:e} {found:?}");
    }
}

#[test]
fn components_have_their_own_steps() {
    let found = difference(|t| Some(vec![(100.0 * t).sin(), t, (1.0 + t).ln() * 1e8])).unwrap();
    for (found, (expected, limit)) in
        found.derivative.iter().zip([(100.0, 1e-7), (1.0, 1e-12), (1e8, 1e-3)])
    {
        assert!((found - expected).abs() < limit, "{found}");
    }
}

#[test]
fn kinks_are_seen() {
    let found = difference(|t| Some(vec![t.abs(), t.max(0.0), t.exp()])).unwrap();
    for (i, (derivative, kink)) in [(0.0, 2.0), (0.5, 1.0), (1.0, 0.0)].into_iter().enumerate() {
        assert!((found.derivative[i] - derivative).abs() < 1e-9, "{i}: {found:?}");
        assert!((found.kink[i] - kink).abs() < 1e-9, "{i}: {found:?}");
    }
}

#[test]
fn the_edge_of_a_domain_has_no_difference() {
    assert!(difference(|t| (t >= 0.0).then(|| vec![t.sqrt()])).is_none());
}
