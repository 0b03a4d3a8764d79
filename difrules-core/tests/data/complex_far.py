#!/usr/bin/env python3
"""Makes complex_far.tsv: values, first and second derivatives of elementary functions at complex arguments where plain
formulas overflow, underflow or cancel: very large and very small ones, on the axes and just off them, and those at which
the result nearly overflows or does.

Run:  pip install mpmath gmpy2
      python complex_far.py          (writes complex_far.tsv beside this file; without gmpy2 it takes minutes)

Lines: name, argument as re,im (two of them for div, mul, powf and powi), value, first and second derivative by the first
argument, and for div, mul and powf the derivative by the second, each as re,im. What is beyond the doubles is inf or 0.0.
A zero part stands for a number that is next to nothing and has the zero's sign, so that each side of a branch cut is told
from the other.
"""

import math
from pathlib import Path

import mpmath as mp

mp.mp.dps = 4000
NOTHING = mp.mpf(10) ** -2500

H = 1e200
L = 1e-200
FAR = [(H, H), (-H, L), (L, -H), (H, 1.0), (1e308, 1e308), (1e300, 0.0), (-H, -0.0), (0.0, H), (-0.0, 1e300), (1e-300, 1e300)]
NEAR = [(L, 2 * L), (-L, 3 * L), (L, 1e-300), (1e-308, -3e-308), (1e-300, 0.0), (0.0, 1e-300), (-L, -0.0), (1e-300, -L)]
BESIDE = [(0.95, 1e-9), (1e-9, 0.95), (0.95, 1e-160), (1e-160, 0.95), (1.05, 1e-9), (1e-9, 1.05), (2.0, 1e-160)]
BESIDE += [(-2.0, -1e-160), (-1e-160, 2.0), (-0.3, 1e-9), (1.0, 1e-200), (1e-9, 1e-160)]
AXES = [(0.3, -0.0), (2.0, 0.0), (2.0, -0.0), (-2.0, 0.0), (-0.0, 2.0), (0.0, -2.0), (0.0, 0.3)]
ALL = FAR + NEAR + BESIDE + AXES
# Where an exponential of the real part overflows or underflows.
WIDE = [(709.9, 0.785), (-709.9, 0.785), (710.2, 2.0), (-745.2, 0.3), (350.0, 1.0), (30.0, -2.0), (709.9, 0.0), (711.0, -0.0)]
WIDE += [(-709.9, 0.0), (800.0, 0.0), (-800.0, 1.0), (800.0, 1e-9), (400.0, 1e-160), (-400.0, 1e-9), (25.0, 1e-160)]
TURN = [(1.5707963267948966, 1e-9), (1.5707963267948966, 0.0), (3.141592653589793, 1e-160), (20.0, 1e-9), (1e200, 1.0)]
PI_HIGH = [(0.5, 200.0), (0.3, 226.0), (0.3, -230.0), (0.0, 226.5), (1e-160, 250.0), (1e15, 1.0)]
NEAR_AND_BESIDE = NEAR + BESIDE + AXES
WIDE_ALL = WIDE + NEAR_AND_BESIDE + [(y, x) for x, y in TURN]
HIGH_ALL = [(y, x) for x, y in WIDE] + NEAR_AND_BESIDE + TURN

I = mp.mpc(0, 1)
PI = mp.pi
L2 = mp.log(2)
L10 = mp.log(10)
exp, log, sin, cos, sinh, cosh, sqrt = mp.exp, mp.log, mp.sin, mp.cos, mp.sinh, mp.cosh, mp.sqrt


def cbrt(z):
    return exp(log(z) / 3)


def over_root(z):
    return 1 / (sqrt(1 - z) * sqrt(1 + z))


def over_other_root(z):
    return 1 / (sqrt(z - 1) * sqrt(z + 1))


# Value, first and second derivative, arguments.
FUNCTIONS = {
    "recip": (lambda z: 1 / z, lambda z: -1 / z**2, lambda z: 2 / z**3, ALL),
    "sqrt": (sqrt, lambda z: 1 / (2 * sqrt(z)), lambda z: -1 / (4 * z * sqrt(z)), ALL),
    "cbrt": (cbrt, lambda z: cbrt(z) / (3 * z), lambda z: -2 * cbrt(z) / (9 * z * z), ALL),
    "ln": (log, lambda z: 1 / z, lambda z: -1 / z**2, ALL + [(0.6, 0.8), (1 - 2.0**-30, 2.0**-20)]),
    "log2": (lambda z: log(z) / L2, lambda z: 1 / z / L2, lambda z: -1 / z**2 / L2, FAR + NEAR),
    "log10": (lambda z: log(z) / L10, lambda z: 1 / z / L10, lambda z: -1 / z**2 / L10, FAR + NEAR),
    "ln_1p": (lambda z: log(1 + z), lambda z: 1 / (1 + z), lambda z: -1 / (1 + z) ** 2, ALL),
    "exp": (exp, exp, exp, WIDE_ALL),
    "exp2": (lambda z: exp(z * L2), lambda z: L2 * exp(z * L2), lambda z: L2**2 * exp(z * L2),
             [(1023.4, 1.0), (-1074.0, 0.5), (3.0, 2.0), (1026.0, 0.0), (2000.0, 1e-9), (0.25, H), (-3.0, -1e16), (0.0, 1e308)] + NEAR_AND_BESIDE),
    "exp10": (lambda z: exp(z * L10), lambda z: L10 * exp(z * L10), lambda z: L10**2 * exp(z * L10),
              [(307.5, 1.0), (-307.0, 0.5), (310.0, 0.0), (400.0, 1e-160), (0.25, -H), (3.0, 1e16), (0.0, 1e308)] + NEAR_AND_BESIDE),
    "exp_m1": (lambda z: exp(z) - 1, exp, exp, WIDE_ALL),
    "sinh": (sinh, cosh, sinh, WIDE_ALL),
    "cosh": (cosh, sinh, cosh, WIDE_ALL),
    "tanh": (mp.tanh, lambda z: 1 / cosh(z) ** 2, lambda z: -2 * sinh(z) / cosh(z) ** 3, WIDE_ALL),
    "sech": (lambda z: 1 / cosh(z), lambda z: -sinh(z) / cosh(z) ** 2, lambda z: (sinh(z) ** 2 - 1) / cosh(z) ** 3, WIDE_ALL),
    "csch": (lambda z: 1 / sinh(z), lambda z: -cosh(z) / sinh(z) ** 2, lambda z: (1 + cosh(z) ** 2) / sinh(z) ** 3, WIDE_ALL),
    "coth": (lambda z: cosh(z) / sinh(z), lambda z: -1 / sinh(z) ** 2, lambda z: 2 * cosh(z) / sinh(z) ** 3, WIDE_ALL),
    "sin": (sin, cos, lambda z: -sin(z), HIGH_ALL),
    "cos": (cos, lambda z: -sin(z), lambda z: -cos(z), HIGH_ALL),
    "tan": (mp.tan, lambda z: 1 / cos(z) ** 2, lambda z: 2 * sin(z) / cos(z) ** 3, HIGH_ALL),
    "sec": (lambda z: 1 / cos(z), lambda z: sin(z) / cos(z) ** 2, lambda z: (1 + sin(z) ** 2) / cos(z) ** 3, HIGH_ALL),
    "csc": (lambda z: 1 / sin(z), lambda z: -cos(z) / sin(z) ** 2, lambda z: (1 + cos(z) ** 2) / sin(z) ** 3, HIGH_ALL),
    "cot": (lambda z: cos(z) / sin(z), lambda z: -1 / sin(z) ** 2, lambda z: 2 * cos(z) / sin(z) ** 3, HIGH_ALL),
    "sinpi": (lambda z: sin(PI * z), lambda z: PI * cos(PI * z), lambda z: -(PI**2) * sin(PI * z), PI_HIGH + NEAR_AND_BESIDE),
    "cospi": (lambda z: cos(PI * z), lambda z: -PI * sin(PI * z), lambda z: -(PI**2) * cos(PI * z), PI_HIGH + NEAR_AND_BESIDE),
    "sinc": (
        lambda z: sin(PI * z) / (PI * z),
        lambda z: (PI * z * cos(PI * z) - sin(PI * z)) / (PI * z * z),
        lambda z: (2 * sin(PI * z) - 2 * PI * z * cos(PI * z) - PI**2 * z * z * sin(PI * z)) / (PI * z**3),
        [(0.5, 200.0), (0.3, 226.0), (0.0, 226.5), (0.3, 229.0), (-0.3, -300.0), (0.2, 1e5), (-0.7, 1e200), (1e308, 15.0), (0.0, 1e3)] + NEAR_AND_BESIDE,
    ),
    "asin": (lambda z: -I * log(I * z + 1 / over_root(z)), over_root, lambda z: z * over_root(z) ** 3, ALL),
    "acos": (lambda z: PI / 2 + I * log(I * z + 1 / over_root(z)), lambda z: -over_root(z), lambda z: -z * over_root(z) ** 3, ALL),
    "atan": (lambda z: (log(1 + I * z) - log(1 - I * z)) / (2 * I), lambda z: 1 / (1 + z * z), lambda z: -2 * z / (1 + z * z) ** 2, ALL + [(1e16, -1e16)]),
    "asinh": (lambda z: log(z + 1 / over_root(I * z)), lambda z: over_root(I * z), lambda z: -z * over_root(I * z) ** 3, ALL),
    "acosh": (
        lambda z: 2 * log(sqrt((z + 1) / 2) + sqrt((z - 1) / 2)),
        over_other_root,
        lambda z: -z * over_other_root(z) ** 3,
        ALL,
    ),
    "atanh": (lambda z: (log(1 + z) - log(1 - z)) / 2, lambda z: 1 / (1 - z * z), lambda z: 2 * z / (1 - z * z) ** 2, ALL),
}
POINTS_OF_POWI = [(H, H), (0.0, 1e-300), (1e-300, 0.0), (0.0, 1e300), (0.95, 1e-9), (1e-160, 0.95), (-H, 0.0), (L, 1e-300), (2.0, 0.0)]
PAIRS = {
    "div": (
        lambda z, w: z / w,
        lambda z, w: 1 / w,
        lambda z, w: 0,
        lambda z, w: -z / w**2,
        [((H, H), (H, -L)), ((L, L), (L, 2 * L)), ((1.0, 2.0), (H, H)), ((H, L), (L, H)), ((3.0, 4.0), (1e308, 1e308)),
         ((1.0, 0.0), (1e-300, 0.0)), ((1.0, 0.0), (0.0, 1e-300)), ((0.0, 1.0), (1e-300, 1e-300)), ((H, 0.0), (0.0, H)),
         ((1e300, 0.0), (1e-300, 0.0)), ((1e-300, 0.0), (1e300, 0.0)), ((1.0, 1e-9), (0.95, 1e-160)), ((1.0, 1.0), (1e-9, 2.0)),
         ((2.0, 0.0), (3.0, 1e-160)), ((1e300, 1e300), (1e300, 1e-300)), ((L, 1e-300), (0.0, 2.0)), ((1.0, 1.0), (L, H))],
    ),
    "mul": (
        lambda z, w: z * w,
        lambda z, w: w,
        lambda z, w: 0,
        lambda z, w: z,
        [((H, H), (H, H)), ((H, 0.0), (H, 0.0)), ((0.0, 1e300), (0.0, 1e300)), ((L, L), (L, L)), ((L, 1e-300), (H, 1e300)),
         ((1.0, 1e-160), (2.0, -1e-9)), ((1e300, -1e300), (1e-300, 1e300)), ((H, L), (H, L)), ((H, 1e-300), (2.0, 0.0))],
    ),
    "powf": (
        lambda z, w: exp(w * log(z)),
        lambda z, w: w * exp((w - 1) * log(z)),
        lambda z, w: w * (w - 1) * exp((w - 2) * log(z)),
        lambda z, w: log(z) * exp(w * log(z)),
        [((H, H), (1.5, 0.0)), ((L, L), (-1.5, 0.0)), ((H, -H), (-1.0, 0.5)), ((2.0, 1.0), (900.0, 0.0)), ((L, 0.0), (1.25, 0.0)),
         ((1e300, 0.0), (2.0, 0.0)), ((1e-300, 0.0), (-1.5, 0.0)), ((0.0, 1e-300), (-2.0, 0.0)), ((0.0, 1e300), (2.0, 0.0)),
         ((0.0, 1e-300), (2.0, 0.0)), ((-H, 0.0), (2.5, 0.0)), ((-1e-300, -0.0), (0.5, 0.0)), ((2.0, 0.0), (2000.0, 0.0)),
         ((0.5, 0.0), (-2000.0, 0.0)), ((0.95, 1e-9), (2.5, 0.0)), ((0.95, 1e-160), (3.0, 0.0)), ((1e-160, 0.95), (3.0, 0.0)),
         ((2.0, 1e-160), (0.5, 1e-160)), ((1e-300, 1e-300), (1.0, 0.0)), ((0.0, L), (1.0, 0.0)), ((1e300, 1e300), (-1.0, 0.0)),
         ((1e-300, 1e-300), (-1.0, 0.0)), ((0.0, -1e-300), (-1.0, 0.0)), ((2.0, 1e-160), (70.0, 0.0)), ((2.0, 1e-9), (1100.0, 0.0)),
         ((1e-5, 2e-5), (100.0, 0.0))],
    ),
    "powi": (
        lambda z, w: z ** int(w.real),
        lambda z, w: w * z ** int(w.real - 1),
        lambda z, w: w * (w - 1) * z ** int(w.real - 2),
        None,
        [(z, (n, 0.0)) for z in POINTS_OF_POWI for n in (1.0, 2.0, 3.0, -1.0, -2.0, -3.0)]
        + [((2.0, 1e-160), (1100.0, 0.0)), ((2.0, 0.0), (-2000.0, 0.0)), ((0.0, 2.0), (1101.0, 0.0)), ((1.0, 1e-9), (1000000.0, 0.0))],
    ),
}


def number(point):
    return mp.mpc(*(mp.mpf(x) if x else math.copysign(1, x) * NOTHING for x in point))


def text(z):
    z = mp.mpc(z)
    with mp.workdps(25):
        return f"{float(+z.real)!r},{float(+z.imag)!r}"


def main():
    lines = ["# name, argument, value, derivatives: see complex_far.py"]
    for name, (*functions, points) in FUNCTIONS.items():
        for point in points:
            z = number(point)
            lines.append("\t".join([name, f"{point[0]!r},{point[1]!r}", *(text(f(z)) for f in functions)]))
    for name, (*functions, by_second, points) in PAIRS.items():
        for first, second in points:
            # An exponent is a plain number.
            exponent = mp.mpc(*second) if second[1] else mp.mpc(second[0], NOTHING**2)
            z, w = number(first), exponent if name == "powf" else mp.mpc(*second) if name == "powi" else number(second)
            results = [f(z, w) for f in functions] + ([by_second(z, w)] if by_second else [])
            lines.append("\t".join([name, ",".join(map(repr, first + second)), *map(text, results)]))
    Path(__file__).with_name("complex_far.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
