#!/usr/bin/env python3
"""Makes taylor.tsv: derivatives of order 0 to 4 of the scalar functions along directions, by mpmath.

Run:  pip install mpmath
      python taylor.py                        (writes taylor.tsv beside this file; some minutes)
      python taylor.py --check reference.tsv  (compares value and partials with scalar_reference.tsv instead)

Lines: name, arguments, direction (0.0 for an argument that is held), d0, d1, d2, d3, d4, where dk is the k-th derivative
of t -> f(arguments + t direction) at t = 0, not divided by k!. The arguments are doubles; the derivatives are rounded to
doubles.

The derivatives are those of the polynomial through six points on both sides of t = 0, none at 0 itself, so that a
removable singularity needs nothing special. The distance of the points is 1e-40 of the size of the arguments, and the
working precision carries what the division by the fourth power of that takes; the same with other points and another
precision must agree to 1e-20, else the script raises. A derivative that vanishes is written as 0.0.

Conventions that the names alone do not say: Bessel functions, airy functions with x at the end, E_n and lambert_w take
order or branch first; besselix = exp(-|x|) I, besselkx = exp(x) K, besseljx = J and besselyx = Y (real arguments);
airyaix = Ai exp(2/3 x^1.5), airybix = Bi exp(-2/3 x^1.5), primes likewise. besselh(nu, x) is the first Hankel function,
and the functions ending in x of that family are scaled by exp(-ix) (first) and exp(ix) (second); these are complex, and
stand here as two functions, with .re and .im after the name. gammainc_* and betainc are regularised, betainc(a, b, x).
erf_between(x, y) = erf(y) - erf(x), log_base(b, x) = ln x / ln b, left_div(x, y) = y / x, atan2(y, x), huber(x, delta),
eccentric_anomaly(mean anomaly, eccentricity), zeta(s, z) of Hurwitz, ellipk and ellipe by the parameter m, spence(x) =
Li2(1 - x), fresnel_s and fresnel_c with pi t^2 / 2, expint = E1, ln_gamma = ln |gamma|. rem2pi rounds to the nearest
multiple and has x alone as argument here; modulo has the sign of the divisor, rem that of the dividend.
"""

import sys
from pathlib import Path

import mpmath as mp

# What fills in the arguments that a function of one argument has.
ONE = [(1.0,)]
FIRST = [(1.0, 0.0)]
SECOND = [(0.0, 1.0)]
BOTH = [(1.0, 0.0), (0.0, 1.0), (0.5, -1.25)]
THREE = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.5, -1.25, 0.75)]


def solve(f, slope, y):
    """Newton's method from y, to the last digits of the working precision."""
    target = mp.mpf(10) ** (10 - mp.mp.dps)
    for _ in range(200):
        step = f(y) / slope(y)
        y -= step
        if abs(step) <= target * max(abs(y), target):
            return y
    raise ArithmeticError(f"no convergence at {mp.nstr(y, 20)}")


def erfcx(x):
    return mp.exp(x * x) * mp.erfc(x)


def erfcinv(x):
    if x > 1:
        return -erfcinv(2 - x)
    if x > 0.5:
        return erfinv(1 - x)
    # The logarithm of erfc is concave, so this converges from any start.
    slope = lambda y: -2 / mp.sqrt(mp.pi) * mp.exp(-y * y) / mp.erfc(y)
    return solve(lambda y: mp.log(mp.erfc(y)) - mp.log(x), slope, mp.mpf(0))


def erfinv(x):
    if x < 0:
        return -erfinv(-x)
    if x > 0.5:
        return erfcinv(1 - x)
    return solve(lambda y: mp.erf(y) - x, lambda y: 2 / mp.sqrt(mp.pi) * mp.exp(-y * y), x)


def ndtr(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def invdigamma(y):
    # Minka's start (Estimating a Dirichlet distribution, appendix C).
    start = mp.exp(y) + 0.5 if y >= -2.22 else -1 / (y + mp.euler)
    return solve(lambda x: mp.digamma(x) - y, lambda x: mp.psi(1, x), start)


def eccentric_anomaly(mean, eccentricity):
    start = mean + eccentricity * mp.sign(mp.sin(mean))
    f = lambda e: e - eccentricity * mp.sin(e) - mean
    return solve(f, lambda e: 1 - eccentricity * mp.cos(e), start)


def huber(x, delta):
    return x * x / 2 if abs(x) <= delta else delta * (abs(x) - delta / 2)


def degree():
    return mp.pi / 180


def asec(x):
    return mp.acos(1 / x)


def acsc(x):
    return mp.asin(1 / x)


def acot(x):
    return mp.atan(1 / x)


def two_thirds(x):
    return 2 * x * mp.sqrt(x) / 3


def sinc(x):
    return mp.sin(mp.pi * x) / (mp.pi * x)


def beta_ln(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


# The inverse trigonometric functions at their ordinary points.
INSIDE = [0.3, -0.85, 0.0, 0.998]
OUTSIDE = [1.75, -3.5, 40.0, 1.002]
POSITIVE = [0.7, 3.25, 120.0]
ANY = [0.7, -2.3, 0.0]

# name: (function, points[, directions])
FUNCTIONS = {
    "neg": (lambda x: -x, ANY),
    "add": (lambda x, y: x + y, [(1.5, -0.3), (-20.0, 7.25), (0.0, 0.0)], BOTH),
    "sub": (lambda x, y: x - y, [(1.5, -0.3), (-20.0, 7.25), (0.0, 0.0)], BOTH),
    "mul": (lambda x, y: x * y, [(1.5, -0.3), (-20.0, 7.25), (0.0, 0.0), (0.0, 3.0)], BOTH),
    "div": (lambda x, y: x / y, [(1.5, -0.3), (-20.0, 7.25), (0.0, 2.0)], BOTH),
    "left_div": (lambda x, y: y / x, [(1.5, -0.3), (-20.0, 7.25), (2.0, 0.0)], BOTH),
    "mul_add": (lambda x, a, b: x * a + b, [(1.5, -0.3, 2.0), (-20.0, 7.25, 0.1), (0.0, 0.0, 0.0)], THREE),
    "sqrt": (mp.sqrt, [0.7, 1e-6, 12345.678, 4.0]),
    "cbrt": (lambda x: mp.sign(x) * mp.cbrt(abs(x)), [0.7, -3.375, 1e-6, -4e7]),
    "abs2": (lambda x: x * x, ANY),
    "recip": (lambda x: 1 / x, [0.7, -2.3, 150.0, -1e-3]),
    "abs": (abs, [0.7, -2.3, 1e5]),
    "signum": (mp.sign, [0.7, -2.3]),
    "fract": (lambda x: x - (mp.floor(x) if x >= 0 else mp.ceil(x)), [0.7, -2.3]),
    "copysign": (lambda x, s: abs(x) * mp.sign(s), [(1.5, -0.3), (-2.5, -0.3), (-2.5, 4.0), (1.5, 2.0)], BOTH),
    "clamp": (lambda x, lo, hi: min(max(x, lo), hi), [(0.5, -1.0, 1.0), (-3.0, -1.0, 1.0), (3.0, -1.0, 1.0)], THREE),
    "powi": (lambda x, n: x ** int(n), [(1.7, 5.0), (-2.3, 3.0), (0.0, 3.0), (-0.8, -2.0), (1.3, 0.0), (0.0, 1.0), (0.0, 4.0), (3.0, -1.0)], FIRST),
    "powf": (
        lambda x, y: mp.power(x, y),
        [(1.7, 2.6), (0.02, -1.5), (37.0, 0.5), (1.0, 3.0), (2.5, 2.0), (3.0, 0.0), (1.0, 0.0)],
        BOTH,
    ),
    "powf ": (lambda x, y: x ** int(y), [(-2.5, 3.0), (-0.75, -2.0), (0.0, 3.0), (0.0, 2.0), (0.0, 1.0), (-3.0, 0.0), (0.0, 4.0)], FIRST),
    "hypot": (lambda x, y: mp.sqrt(x * x + y * y), [(3.0, 4.0), (-0.2, 5.0), (2.0, 0.0), (0.0, -1.5)], BOTH),
    "max": (max, [(1.0, 2.0), (3.0, -2.0)], BOTH),
    "min": (min, [(1.0, 2.0), (3.0, -2.0)], BOTH),
    "maximum": (max, [(1.0, 2.0), (3.0, -2.0)], BOTH),
    "minimum": (min, [(1.0, 2.0), (3.0, -2.0)], BOTH),
    "ldexp": (lambda x, n: mp.ldexp(x, int(n)), [(1.7, 5.0), (-2.3, -3.0), (0.0, 4.0)], FIRST),
    "rem": (lambda x, y: x - y * (mp.floor(x / y) if x / y >= 0 else mp.ceil(x / y)), [(5.5, 2.0), (-5.5, 2.0), (5.5, -2.0), (100.25, 7.0)], BOTH),
    "modulo": (lambda x, y: x - y * mp.floor(x / y), [(5.5, 2.0), (-5.5, 2.0), (5.5, -2.0), (100.25, 7.0)], BOTH),
    "mod2pi": (lambda x: x - 2 * mp.pi * mp.floor(x / (2 * mp.pi)), [1.5, -2.0, 100.0]),
    "rem2pi": (lambda x: x - 2 * mp.pi * mp.floor(x / (2 * mp.pi) + mp.mpf(1) / 2), [1.5, -4.0, 100.0]),
    "ln": (mp.log, [0.7, 1e-5, 1.0, 54321.0]),
    "log10": (mp.log10, [0.7, 1e-5, 1.0, 54321.0]),
    "log2": (lambda x: mp.log(x) / mp.log(2), [0.7, 1e-5, 1.0, 54321.0]),
    "ln_1p": (mp.log1p, [0.7, -0.9, 1e-9, 0.0, 54321.0]),
    "log_base": (lambda b, x: mp.log(x) / mp.log(b), [(2.0, 5.3), (0.4, 0.02), (10.0, 1.0)], BOTH),
    "exp": (mp.exp, [0.7, -20.5, 0.0, 50.0]),
    "exp2": (lambda x: mp.power(2, x), [0.7, -20.5, 0.0, 50.0]),
    "exp10": (lambda x: mp.power(10, x), [0.7, -20.5, 0.0, 50.0]),
    "exp_m1": (mp.expm1, [0.7, -20.5, 0.0, 50.0, 1e-9, -40.0]),
    "exprel": (lambda x: mp.expm1(x) / x, [0.7, -30.0, 0.0, 1e-5, 20.0, -0.2]),
    "cosm1": (lambda x: -2 * mp.sin(x / 2) ** 2, [0.7, -20.5, 0.0, 1e-5]),
    "sin": (mp.sin, [0.7, -20.5, 0.0, 1000.0]),
    "cos": (mp.cos, [0.7, -20.5, 0.0, 1000.0]),
    "tan": (mp.tan, [0.7, -20.5, 0.0, 1.57]),
    "sec": (mp.sec, [0.7, -20.5, 0.0, 1.57]),
    "csc": (mp.csc, [0.7, -20.5, 0.01, 1.5]),
    "cot": (mp.cot, [0.7, -20.5, 0.01, 1.5]),
    "sind": (lambda x: mp.sin(x * degree()), [40.0, -1170.5, 0.0, 180.0, 30.0]),
    "cosd": (lambda x: mp.cos(x * degree()), [40.0, -1170.5, 0.0, 90.0, 60.0]),
    "tand": (lambda x: mp.tan(x * degree()), [40.0, -1171.5, 0.0, 45.0, 89.5]),
    "secd": (lambda x: mp.sec(x * degree()), [40.0, -1171.5, 0.0, 60.0, 89.5]),
    "cscd": (lambda x: mp.csc(x * degree()), [40.0, -1171.5, 90.0, 30.0, 0.5]),
    "cotd": (lambda x: mp.cot(x * degree()), [40.0, -1171.5, 90.0, 45.0, 0.5]),
    "sinpi": (lambda x: mp.sin(mp.pi * x), [0.3, -7.4, 0.0, 3.0, 0.5, 1e6]),
    "cospi": (lambda x: mp.cos(mp.pi * x), [0.3, -7.4, 0.0, 3.0, 0.5, 1e6 + 0.5]),
    "sinc": (sinc, [0.3, -7.4, 0.0, 3.0, 1e-6, 0.49, 0.51, 0.05]),
    "asin": (mp.asin, INSIDE),
    "acos": (mp.acos, INSIDE),
    "atan": (mp.atan, [0.7, -2.3, 0.0, 1e4]),
    "asec": (asec, OUTSIDE),
    "acsc": (acsc, OUTSIDE),
    "acot": (acot, [0.7, -2.3, 1e-3, 1e4]),
    "asind": (lambda x: mp.asin(x) / degree(), INSIDE),
    "acosd": (lambda x: mp.acos(x) / degree(), INSIDE),
    "atand": (lambda x: mp.atan(x) / degree(), [0.7, -2.3, 0.0, 1e4]),
    "asecd": (lambda x: asec(x) / degree(), OUTSIDE),
    "acscd": (lambda x: acsc(x) / degree(), OUTSIDE),
    "acotd": (lambda x: acot(x) / degree(), [0.7, -2.3, 1e-3, 1e4]),
    "atan2": (lambda y, x: mp.atan2(y, x), [(1.5, 0.7), (-0.3, -2.0), (4.0, -0.01), (0.0, 2.0), (2.0, 0.0)], BOTH),
    "to_radians": (lambda x: x * degree(), ANY),
    "to_degrees": (lambda x: x / degree(), ANY),
    "sinh": (mp.sinh, [0.7, -20.5, 0.0, 1e-5]),
    "cosh": (mp.cosh, [0.7, -20.5, 0.0, 1e-5]),
    "tanh": (mp.tanh, [0.7, -3.5, 0.0, 20.5]),
    "sech": (mp.sech, [0.7, -3.5, 0.0, 20.5]),
    "csch": (mp.csch, [0.7, -3.5, 0.01, 20.5]),
    "coth": (mp.coth, [0.7, -3.5, 0.01, 20.5]),
    "asinh": (mp.asinh, [0.7, -20.5, 0.0, 1e6]),
    "acosh": (mp.acosh, [1.7, 20.5, 1.001, 1e6]),
    "atanh": (mp.atanh, INSIDE),
    "asech": (lambda x: mp.acosh(1 / x), [0.3, 0.85, 1e-4, 0.998]),
    "acsch": (lambda x: mp.asinh(1 / x), [0.7, -2.3, 1e-3, 1e4]),
    "acoth": (lambda x: mp.atanh(1 / x), OUTSIDE),
    "gamma": (mp.gamma, [0.7, -2.3, 15.5, 4.0, 1e-3]),
    "ln_gamma": (lambda x: mp.log(abs(mp.gamma(x))), [0.7, -1.5, 1000.5, 1.0, 2.0, 1e-3]),
    "digamma": (mp.digamma, [0.7, -2.3, 1000.5, 1.4616321449683622, 1e-3]),
    "trigamma": (lambda x: mp.psi(1, x), [0.7, -2.3, 1000.5, 1e-3]),
    "polygamma": (lambda n, x: mp.psi(int(n), x), [(0.0, 0.7), (1.0, 3.5), (2.0, -1.3), (3.0, 0.02), (4.0, 40.0), (7.0, 2.25)], SECOND),
    "invdigamma": (invdigamma, [0.7, -2.3, 0.0, 8.0, -40.0]),
    "beta": (mp.beta, [(1.5, 0.7), (6.0, 11.25), (0.02, 30.0)], BOTH),
    "ln_beta": (beta_ln, [(1.5, 0.7), (60.0, 110.25), (0.02, 30.0)], BOTH),
    "zeta": (lambda s, z: mp.zeta(s, z), [(2.0, 0.7), (3.5, 12.0), (1.25, 1.0), (6.0, 0.05)], SECOND),
    "erf": (mp.erf, [0.7, -2.3, 0.0, 5.5]),
    "erfc": (mp.erfc, [0.7, -2.3, 0.0, 20.0]),
    "erfi": (mp.erfi, [0.7, -2.3, 0.0, 10.0]),
    "erfinv": (erfinv, [0.7, -0.995, 0.0, 1e-8]),
    "erfcinv": (erfcinv, [0.7, 1.9, 1.0, 1e-10]),
    "erfcx": (erfcx, [0.7, -2.3, 0.0, 30.0, 1e4]),
    "logerfc": (lambda x: mp.log(mp.erfc(x)), [0.7, -2.3, 0.0, 30.0, -5.0]),
    "logerfcx": (lambda x: x * x + mp.log(mp.erfc(x)), [0.7, -2.3, 0.0, 30.0]),
    "erf_between": (lambda x, y: mp.erf(y) - mp.erf(x), [(0.3, 0.9), (-1.5, 2.0), (4.0, 4.5), (1.0, 1.0)], BOTH),
    "dawson": (lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x), [0.7, -2.3, 0.0, 30.0]),
    "ndtr": (ndtr, [0.7, -2.3, 0.0, -20.0, 6.0]),
    "ndtri": (lambda p: -mp.sqrt(2) * erfcinv(2 * p), [0.3, 0.95, 0.5, 1e-10]),
    "log_ndtr": (lambda x: mp.log(ndtr(x)), [0.7, -2.3, 0.0, -50.0, 8.0]),
    "fresnel_s": (mp.fresnels, [0.7, -2.3, 0.0, 10.0]),
    "fresnel_c": (mp.fresnelc, [0.7, -2.3, 0.0, 10.0]),
    "sinint": (mp.si, [0.7, -2.3, 0.0, 30.0]),
    "cosint": (mp.ci, [0.7, 2.3, 1e-3, 30.0]),
    "expint": (mp.e1, [0.7, 2.3, 1e-3, 30.0]),
    "expint_n": (lambda n, x: mp.expint(n, x), [(1.0, 0.7), (3.0, 2.3), (2.0, 1e-2), (5.0, 30.0), (0.0, 1.5)], SECOND),
    "spence": (lambda x: mp.re(mp.polylog(2, 1 - x)), [0.7, 1.0, 5.5, 0.01, 1.001]),
    "gammainc_lower": (lambda a, x: mp.gammainc(a, 0, x, regularized=True), [(1.5, 0.7), (0.25, 3.0), (12.0, 9.5), (3.0, 20.0)], BOTH),
    "gammainc_upper": (lambda a, x: mp.gammainc(a, x, regularized=True), [(1.5, 0.7), (0.25, 3.0), (12.0, 9.5), (3.0, 20.0)], BOTH),
    "betainc": (lambda a, b, x: mp.betainc(a, b, 0, x, regularized=True), [(1.5, 0.7, 0.3), (6.0, 11.25, 0.45), (0.25, 3.0, 0.9)], THREE),
    "airyai": (mp.airyai, [0.7, -2.3, 0.0, 8.0, -15.0]),
    "airyaiprime": (lambda x: mp.airyai(x, derivative=1), [0.7, -2.3, 0.0, 8.0, -15.0]),
    "airybi": (mp.airybi, [0.7, -2.3, 0.0, 8.0, -15.0]),
    "airybiprime": (lambda x: mp.airybi(x, derivative=1), [0.7, -2.3, 0.0, 8.0, -15.0]),
    "airyaix": (lambda x: mp.airyai(x) * mp.exp(two_thirds(x)), [0.7, 2.3, 15.0, 200.0]),
    "airyaiprimex": (lambda x: mp.airyai(x, derivative=1) * mp.exp(two_thirds(x)), [0.7, 2.3, 15.0, 200.0]),
    "airybix": (lambda x: mp.airybi(x) * mp.exp(-two_thirds(x)), [0.7, 2.3, 15.0, 200.0]),
    "airybiprimex": (lambda x: mp.airybi(x, derivative=1) * mp.exp(-two_thirds(x)), [0.7, 2.3, 15.0, 200.0]),
    "besselj0": (lambda x: mp.besselj(0, x), [0.7, -2.3, 0.0, 40.0, 2.404825557695773]),
    "besselj1": (lambda x: mp.besselj(1, x), [0.7, -2.3, 0.0, 40.0, 3.8317059702075125]),
    "bessely0": (lambda x: mp.bessely(0, x), [0.7, 2.3, 1e-3, 40.0]),
    "bessely1": (lambda x: mp.bessely(1, x), [0.7, 2.3, 1e-3, 40.0]),
    "besselj": (mp.besselj, [(0.0, 0.7), (3.0, -2.3), (2.0, 0.0), (1.5, 9.0), (-0.3, 2.0), (10.0, 40.0)], SECOND),
    "besseljx": (mp.besselj, [(0.0, 0.7), (3.0, 2.3), (1.5, 9.0), (10.0, 40.0)], SECOND),
    "bessely": (mp.bessely, [(0.0, 0.7), (3.0, 2.3), (1.5, 9.0), (-0.3, 2.0), (10.0, 40.0)], SECOND),
    "besselyx": (mp.bessely, [(0.0, 0.7), (3.0, 2.3), (1.5, 9.0), (10.0, 40.0)], SECOND),
    "besseli": (mp.besseli, [(0.0, 0.7), (3.0, -2.3), (2.0, 0.0), (1.5, 9.0), (-0.3, 2.0), (10.0, 40.0)], SECOND),
    "besselix": (lambda nu, x: mp.exp(-abs(x)) * mp.besseli(nu, x), [(0.0, 0.7), (3.0, -2.3), (1.5, 9.0), (-0.3, 2.0), (10.0, 400.0)], SECOND),
    "besselk": (mp.besselk, [(0.0, 0.7), (3.0, 2.3), (1.5, 9.0), (-0.3, 2.0), (10.0, 40.0)], SECOND),
    "besselkx": (lambda nu, x: mp.exp(x) * mp.besselk(nu, x), [(0.0, 0.7), (3.0, 2.3), (1.5, 9.0), (-0.3, 2.0), (10.0, 400.0)], SECOND),
    "ellipk": (mp.ellipk, [0.3, -2.3, 0.0, 0.99, 1e-6]),
    "ellipe": (mp.ellipe, [0.3, -2.3, 0.0, 0.99, 1e-6]),
    "xlogx": (lambda x: x * mp.log(x), [0.7, 1.0, 1e-5, 500.0]),
    "xlogy": (lambda x, y: x * mp.log(y), [(1.5, 0.7), (-2.0, 30.0), (0.0, 2.5), (3.0, 1.0)], BOTH),
    "xlog1py": (lambda x, y: x * mp.log1p(y), [(1.5, 0.7), (-2.0, -0.9), (0.0, 2.5), (3.0, 0.0), (2.0, 1e-9)], BOTH),
    "logistic": (lambda x: 1 / (1 + mp.exp(-x)), [0.7, -2.3, 0.0, 40.0, -40.0]),
    "logit": (lambda x: mp.log(x) - mp.log1p(-x), [0.3, 0.9, 0.5, 1e-5]),
    "log1psq": (lambda x: mp.log1p(x * x), [0.7, -2.3, 0.0, 1.0, 1e4, 1e-5]),
    "log1pexp": (lambda x: mp.log1p(mp.exp(x)), [0.7, -2.3, 0.0, 40.0, -40.0]),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), [0.7, -2.3, 0.0, 40.0, -40.0]),
    "log1mexp": (lambda x: mp.log(-mp.expm1(x)), [-0.7, -2.3, -1e-4, -40.0]),
    "log2mexp": (lambda x: mp.log1p(-mp.expm1(x)), [0.3, -2.3, 0.0, 0.69, -40.0]),
    "logexpm1": (lambda x: mp.log(mp.expm1(x)), [0.7, 2.3, 1e-4, 40.0]),
    "log1pmx": (lambda x: mp.log1p(x) - x, [0.7, -0.9, 0.0, 1e-6, 50.0, -0.3]),
    "logmxp1": (lambda x: mp.log(x) - x + 1, [0.7, 1.0, 1.000001, 50.0, 0.1]),
    "logaddexp": (lambda x, y: x + mp.log1p(mp.exp(y - x)), [(1.5, 0.7), (-30.0, 4.0), (2.0, 2.0), (1000.0, 999.5)], BOTH),
    "logsubexp": (lambda x, y: x + mp.log(abs(mp.expm1(y - x))), [(1.5, 0.7), (-3.0, 4.0), (2.0, 1.999), (1000.0, 999.5)], BOTH),
    "relu": (lambda x: max(x, mp.mpf(0)), [0.7, -2.3]),
    "gelu": (lambda x: x * ndtr(x), [0.7, -2.3, 0.0, -12.0, 9.0]),
    "silu": (lambda x: x / (1 + mp.exp(-x)), [0.7, -2.3, 0.0, -40.0, 40.0]),
    "huber": (huber, [(0.7, 1.5), (-2.3, 1.5), (4.0, 0.25), (0.0, 1.0)], BOTH),
    "lambert_w": (lambda k, x: mp.re(mp.lambertw(x, int(k))), [(0.0, 0.7), (0.0, -0.2), (0.0, 0.0), (0.0, 1e4), (0.0, -0.36), (-1.0, -0.2), (-1.0, -1e-4), (-1.0, -0.36)], SECOND),
    "eccentric_anomaly": (eccentric_anomaly, [(0.7, 0.3), (-2.3, 0.85), (0.0, 0.5), (1.5, 0.0), (0.01, 0.98), (20.0, 0.6)], BOTH),
}

HANKEL = {
    "besselh": lambda nu, x: mp.hankel1(nu, x),
    "hankelh1": lambda nu, x: mp.hankel1(nu, x),
    "hankelh2": lambda nu, x: mp.hankel2(nu, x),
    "besselhx": lambda nu, x: mp.hankel1(nu, x) * mp.expj(-x),
    "hankelh1x": lambda nu, x: mp.hankel1(nu, x) * mp.expj(-x),
    "hankelh2x": lambda nu, x: mp.hankel2(nu, x) * mp.expj(x),
}
for _name, _f in HANKEL.items():
    _points = [(0.0, 0.7), (3.0, 2.3), (1.5, 9.0), (10.0, 40.0)]
    FUNCTIONS[_name + ".re"] = (lambda nu, x, f=_f: mp.re(f(nu, x)), _points, SECOND)
    FUNCTIONS[_name + ".im"] = (lambda nu, x, f=_f: mp.im(f(nu, x)), _points, SECOND)


def derivatives(f, point, direction, digits, orders=5):
    """The derivatives of t -> f(point + t direction) at 0, with points 10^-digits of the size of the arguments apart."""
    # The division by the fourth power of the distance takes four times the digits, a removable singularity some more.
    with mp.workdps(60 + 7 * digits):
        exact = [mp.mpf(x) for x in point]
        sizes = [abs(x / d) for x, d in zip(exact, direction) if d and x]
        distance = min([mp.mpf(1), *sizes]) * mp.mpf(10) ** -digits
        places = [mp.mpf(k) / 2 for k in (-5, -3, -1, 1, 3, 5)]
        values = [f(*(x + s * distance * d if d else x for x, d in zip(exact, direction))) for s in places]
        if not all(mp.isfinite(v) and mp.im(v) == 0 for v in values):
            raise ArithmeticError(f"not a finite real number at {point}")
        # Newton's divided differences, and the coefficients of their polynomial.
        differences = [mp.re(v) for v in values]
        for step in range(1, len(places)):
            for i in range(len(places) - 1, step - 1, -1):
                differences[i] = (differences[i] - differences[i - 1]) / (places[i] - places[i - step])
        coefficients = [mp.mpf(0)] * len(places)
        for i in range(len(places) - 1, -1, -1):
            coefficients = [
                (coefficients[k - 1] if k else 0) - places[i] * coefficients[k] + (differences[i] if k == 0 else 0)
                for k in range(len(places))
            ]
        return [mp.factorial(k) * coefficients[k] / distance**k for k in range(orders)], distance * mp.mpf(10) ** digits


def agreed(name, f, point, direction, orders=5):
    """Derivatives that two sets of points and two precisions agree on."""
    first, size = derivatives(f, point, direction, 40, orders)
    second, _ = derivatives(f, point, direction, 53, orders)
    with mp.workdps(60):
        # What a derivative is beside the others, where none vanishes.
        scale = max(abs(x) * size**k for k, x in enumerate(second))
        result = []
        for k, (a, b) in enumerate(zip(first, second)):
            if abs(a - b) <= abs(b) * mp.mpf(10) ** -20:
                result.append(float(b))
            elif max(abs(a), abs(b)) * size**k < scale * mp.mpf(10) ** -30:
                result.append(0.0)
            else:
                raise ArithmeticError(f"{name} {point} {direction}: order {k}: {mp.nstr(a, 30)} or {mp.nstr(b, 30)}")
        if not all(mp.isfinite(x) for x in result):
            raise OverflowError(f"{name} {point} {direction}: {result}")
        return result


def text(numbers):
    return ",".join(repr(float(x)) for x in numbers)


def write():
    lines = ["# name, arguments, direction, derivatives of order 0 to 4 along it: see taylor.py"]
    for name, (f, points, *directions) in FUNCTIONS.items():
        for point in points:
            point = point if isinstance(point, tuple) else (point,)
            for direction in directions[0] if directions else ONE:
                found = agreed(name, f, point, direction)
                numbers = "\t".join(repr(x) for x in found)
                lines.append(f"{name.strip()}\t{text(point)}\t{text(direction)}\t{numbers}")
    Path(__file__).with_name("taylor.tsv").write_text("\n".join(lines) + "\n")
    print(len(lines) - 1, "lines")


def check(path):
    """Compares the functions above with values and partials of another source."""
    lines, worst, unknown = 0, 0.0, set()
    for line in Path(path).read_text().splitlines():
        if line.startswith("#"):
            continue
        name, arguments, value, partials = line.split("\t")
        if name not in FUNCTIONS:
            unknown.add(name)
            continue
        point = [float(x) for x in arguments.split(",")]
        for k, partial in enumerate(partials.split(",")):
            if partial != "-":
                direction = [float(i == k) for i in range(len(point))]
                found = agreed(name, FUNCTIONS[name][0], point, direction, 2)
                for a, b in zip(found, (float(value), float(partial))):
                    error = abs(a - b) / max(abs(b), 1e-300)
                    worst = max(worst, error)
                    if error > 1e-15:
                        print(f"{name} {arguments}: {a!r} is {b!r} there")
                lines += 1
    print(lines, "partials compared, worst relative difference", worst, "- unknown:", sorted(unknown))


if __name__ == "__main__":
    check(sys.argv[2]) if sys.argv[1:2] == ["--check"] else write()
