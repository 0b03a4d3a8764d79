#!/usr/bin/env python3
"""Makes complex_far.tsv: values and first derivatives of elementary functions at complex arguments where plain formulas
overflow, underflow or cancel: very large and very small ones, and those at which the result nearly overflows.

Run:  pip install mpmath
      python complex_far.py          (writes complex_far.tsv beside this file)

Lines: name, argument as re,im (for powf and div re,im,re,im), value and derivative by the first argument, each as re,im.
What is beyond the doubles is inf or 0.0.
"""

from pathlib import Path

import mpmath as mp

mp.mp.dps = 60

H = 1e200
L = 1e-200
FAR = [(H, H), (-H, L), (L, -H), (H, 1.0), (1e308, 1e308), (-1e308, 1e308)]
NEAR = [(L, L), (-L, 3 * L), (L, 1e-300), (1e-308, -1e-308)]
ALL = FAR + NEAR
# Where an exponential of the real part, or of the imaginary one, overflows or underflows.
WIDE = [(709.9, 0.785), (-709.9, 0.785), (710.2, 2.0), (-745.2, 0.3), (350.0, 1.0), (30.0, -2.0)]
HIGH = [(y, x) for x, y in WIDE]

one = mp.mpf(1)
FUNCTIONS = {
    "recip": (lambda z: 1 / z, lambda z: -1 / z**2, ALL),
    "sqrt": (mp.sqrt, lambda z: 1 / (2 * mp.sqrt(z)), ALL),
    "cbrt": (lambda z: mp.exp(mp.log(z) / 3), lambda z: mp.exp(mp.log(z) / 3) / (3 * z), ALL),
    "ln": (mp.log, lambda z: 1 / z, ALL + [(0.6, 0.8), (1 - 2.0**-30, 2.0**-20)]),
    "log2": (lambda z: mp.log(z) / mp.log(2), lambda z: 1 / z / mp.log(2), ALL),
    "log10": (lambda z: mp.log(z) / mp.log(10), lambda z: 1 / z / mp.log(10), ALL),
    "ln_1p": (lambda z: mp.log(1 + z), lambda z: 1 / (1 + z), ALL),
    "exp": (mp.exp, mp.exp, WIDE + NEAR),
    "exp2": (lambda z: mp.mpf(2) ** z, lambda z: mp.log(2) * mp.mpf(2) ** z, [(1023.5, 1.0), (-1074.0, 0.5), (3.0, 2.0)]),
    "exp10": (lambda z: mp.mpf(10) ** z, lambda z: mp.log(10) * mp.mpf(10) ** z, [(307.5, 1.0), (-307.0, 0.5)]),
    "exp_m1": (mp.expm1, mp.exp, WIDE + NEAR),
    "sinh": (mp.sinh, mp.cosh, WIDE + NEAR),
    "cosh": (mp.cosh, mp.sinh, WIDE),
    "tanh": (mp.tanh, lambda z: mp.sech(z) ** 2, WIDE + NEAR),
    "sech": (mp.sech, lambda z: -mp.sech(z) * mp.tanh(z), WIDE),
    "csch": (mp.csch, lambda z: -mp.csch(z) * mp.coth(z), WIDE + [(1e-100, 2e-100)]),
    "coth": (mp.coth, lambda z: -mp.csch(z) ** 2, WIDE + [(1e-100, 2e-100)]),
    "sin": (mp.sin, mp.cos, HIGH + NEAR),
    "cos": (mp.cos, lambda z: -mp.sin(z), HIGH),
    "tan": (mp.tan, lambda z: mp.sec(z) ** 2, HIGH + NEAR),
    "sec": (mp.sec, lambda z: mp.sec(z) * mp.tan(z), HIGH),
    "csc": (mp.csc, lambda z: -mp.csc(z) * mp.cot(z), HIGH + [(1e-100, 2e-100)]),
    "cot": (mp.cot, lambda z: -mp.csc(z) ** 2, HIGH + [(1e-100, 2e-100)]),
    "asin": (mp.asin, lambda z: 1 / (mp.sqrt(1 - z) * mp.sqrt(1 + z)), ALL),
    "acos": (mp.acos, lambda z: -1 / (mp.sqrt(1 - z) * mp.sqrt(1 + z)), ALL),
    "atan": (mp.atan, lambda z: 1 / (1 + z * z), ALL),
    "asinh": (mp.asinh, lambda z: 1 / (mp.sqrt(1 + 1j * z) * mp.sqrt(1 - 1j * z)), ALL),
    "acosh": (mp.acosh, lambda z: 1 / (mp.sqrt(z - 1) * mp.sqrt(z + 1)), ALL),
    "atanh": (mp.atanh, lambda z: 1 / (1 - z * z), ALL),
}
PAIRS = {
    "div": (
        lambda z, w: z / w,
        lambda z, w: 1 / w,
        [((H, H), (H, -L)), ((L, L), (L, 2 * L)), ((1.0, 2.0), (H, H)), ((H, L), (L, H)), ((3.0, 4.0), (1e308, 1e308))],
    ),
    "powf": (
        lambda z, w: mp.exp(w * mp.log(z)),
        lambda z, w: w * mp.exp((w - 1) * mp.log(z)),
        [((H, H), (1.5, 0.0)), ((L, L), (-1.5, 0.0)), ((H, -H), (-1.0, 0.5)), ((2.0, 1.0), (900.0, 0.0)), ((L, 0.0), (1.25, 0.0))],
    ),
}


def text(z):
    z = mp.mpc(z)
    return f"{float(z.real)!r},{float(z.imag)!r}"


def main():
    lines = ["# name, argument, value, derivative: see complex_far.py"]
    with mp.workdps(1000):
        for name, (f, slope, points) in FUNCTIONS.items():
            for point in points:
                z = mp.mpc(*point)
                lines.append(f"{name}\t{point[0]!r},{point[1]!r}\t{text(f(z))}\t{text(slope(z))}")
        for name, (f, slope, points) in PAIRS.items():
            for first, second in points:
                z, w = mp.mpc(*first), mp.mpc(*second)
                at = ",".join(map(repr, first + second))
                lines.append(f"{name}\t{at}\t{text(f(z, w))}\t{text(slope(z, w))}")
    Path(__file__).with_name("complex_far.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
