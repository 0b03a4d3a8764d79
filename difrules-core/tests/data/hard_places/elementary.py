#!/usr/bin/env python3
"""Makes elementary.tsv: values and partial derivatives of scalar functions where plain formulas cancel or overflow.

Run:  pip install mpmath
      python elementary.py           (writes elementary.tsv beside this file)

The format is that of scalar_reference.tsv: name, arguments, value, partials. mpmath at 60 digits, rounded to doubles; the
arguments are doubles. Degrees are exact.
"""

from pathlib import Path

import mpmath as mp

mp.mp.dps = 60
DEGREE = mp.pi / 180

FUNCTIONS = {
    "exp_m1": (mp.expm1, [1e-20, -1e-9, 700.0, -50.0]),
    "ln_1p": (mp.log1p, [1e-20, -1e-9, 1e300]),
    "asinh": (mp.asinh, [1e-10, 1e10, -1e10, 1e200]),
    "acosh": (mp.acosh, [1 + 2.0**-40, 1e10]),
    "atanh": (mp.atanh, [1e-12, 1 - 2.0**-40]),
    "tanh": (mp.tanh, [1e-12, 15.0, -18.5]),
    "sinpi": (lambda x: mp.sin(mp.pi * x), [1e-10, 1 - 2.0**-40, 1000000.25, -3.75]),
    "cospi": (lambda x: mp.cos(mp.pi * x), [0.5 + 2.0**-40, 1000000.25]),
    "sinc": (lambda x: mp.sin(mp.pi * x) / (mp.pi * x), [1e-8, 1e-3, 0.1, 0.499, 0.501, 1 + 2.0**-30]),
    "sind": (lambda x: mp.sin(x * DEGREE), [1e-10, 180 + 2.0**-30, 3600000030.0]),
    "tand": (lambda x: mp.tan(x * DEGREE), [90 - 2.0**-30, 1e-10]),
    "asech": (lambda x: mp.acosh(1 / x), [1 - 2.0**-40, 1e-200]),
    "acoth": (lambda x: mp.atanh(1 / x), [1 + 2.0**-40, -1e10]),
    "acsch": (lambda x: mp.asinh(1 / x), [1e-10, 1e10]),
    "logistic": (lambda x: 1 / (1 + mp.exp(-x)), [-745.0, -40.0, 40.0]),
    "logit": (lambda x: mp.log(x / (1 - x)), [0.5 + 2.0**-40, 1e-300, 0.26, 0.24, 1 - 2.0**-40]),
    "log1psq": (lambda x: mp.log1p(x * x), [1e-200, 1e-9, 1e200, -1e9]),
    "log1pexp": (lambda x: mp.log1p(mp.exp(x)), [-700.0, -40.0, 40.0, 1e5]),
    "log1mexp": (lambda x: mp.log(1 - mp.exp(x)), [-1e-20, -1e-300, -0.7, -700.0]),
    "log2mexp": (lambda x: mp.log(2 - mp.exp(x)), [1e-10, -1e-20, -700.0]),
    "logexpm1": (lambda x: mp.log(mp.expm1(x)), [1e-20, 0.999, 1.001, 800.0]),
    "log1pmx": (lambda x: mp.log1p(x) - x, [1e-20, -1e-8, 1e-4, 0.3, -0.499, -0.501, 0.999, 1.001]),
    "logmxp1": (lambda x: mp.log(x) - x + 1, [1 + 2.0**-40, 0.999, 1.9, 2.1, 0.51]),
    "xlogx": (lambda x: x * mp.log(x), [1e-300, 1 + 2.0**-40]),
    "hypot": (mp.hypot, [(3e200, 4e200), (3e-200, 4e-200)]),
    "logaddexp": (
        lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
        [(1000.0, 1000.5), (-1000.0, -1001.0), (800.0, -800.0)],
    ),
    "logsubexp": (
        lambda x, y: mp.log(abs(mp.exp(x) - mp.exp(y))),
        [(1000.0, 999.5), (1.0 + 2.0**-30, 1.0), (-800.0, -801.0)],
    ),
    "xlog1py": (lambda x, y: x * mp.log1p(y), [(2.0, 1e-20), (3.0, -1e-9)]),
}


def double(x):
    return repr(float(x))


def main():
    lines = ["# name, arguments, value, partials: see elementary.py"]
    for name, (f, points) in FUNCTIONS.items():
        for point in points:
            point = point if isinstance(point, tuple) else (point,)
            exact = [mp.mpf(x) for x in point]
            # Wide numbers need more digits than the step of a difference takes.
            with mp.workdps(900):
                value = f(*exact)
                partials = []
                for k, x in enumerate(exact):
                    step = (abs(x) if x else mp.mpf(1)) * mp.mpf(10) ** -100
                    ends = [f(*exact[:k], x + h, *exact[k + 1 :]) for h in (step, -step)]
                    partials.append((ends[0] - ends[1]) / (2 * step))
            arguments = ",".join(map(repr, point))
            lines.append(f"{name}\t{arguments}\t{double(value)}\t{','.join(map(double, partials))}")
    Path(__file__).with_name("elementary.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
