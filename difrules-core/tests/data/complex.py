#!/usr/bin/env python3
"""Makes complex.tsv: values and first and second derivatives of elementary functions at complex arguments, by mpmath.

Run:  pip install mpmath
      python complex.py          (writes complex.tsv beside this file)

Lines: name, argument as re,im (for powf and powi re,im,re,im: base and exponent), value, first and second derivative by
z, each as re,im. powf = z^w has the first and second derivative by w after them. Principal branches as in C99 and
mpmath, on the side that the sign of a non-zero imaginary part names; no argument is on a cut. cbrt is the principal
exp(ln(z) / 3), sinc is sin(pi z) / (pi z), and the exponent of powi is an integer.

The derivatives are those of the polynomial through six points about the argument, none at the argument itself; the same
with other points and another precision must agree to 1e-20, real and imaginary part each, else the script raises.
A part that vanishes is written as 0.0.
"""

from pathlib import Path

import mpmath as mp

# Four quadrants at moderate size, near the real axis, far out.
POINTS = [(0.7, 0.4), (-0.6, 0.9), (-1.3, -0.5), (0.8, -1.1), (0.45, 1e-7), (-9.0, 11.5)]
# The same with another point near the real axis, for functions with a cut or an infinity there.
BEYOND = [*POINTS[:4], (-1.75, -1e-7), POINTS[5]]
TINY = [(1e-8, 2e-8), (-2e-8, 1e-8)]
HIGH = [(0.7, 20.0), (-2.5, -20.0)]
WIDE = [(20.0, 0.3), (-18.0, -2.0)]


def sinc(z):
    return mp.sin(mp.pi * z) / (mp.pi * z)


# name: (function, points)
FUNCTIONS = {
    "sqrt": (mp.sqrt, BEYOND),
    "cbrt": (lambda z: mp.exp(mp.log(z) / 3), BEYOND),
    "recip": (lambda z: 1 / z, POINTS),
    "exp": (mp.exp, POINTS),
    "exp2": (lambda z: mp.exp(z * mp.log(2)), POINTS),
    "exp10": (lambda z: mp.exp(z * mp.log(10)), POINTS),
    "exp_m1": (mp.expm1, [*POINTS, *TINY, (1e-10, 6.283185307179586), (-40.0, 1.0)]),
    "ln": (mp.log, [*BEYOND, (0.6, 0.8), (1.0, 1e-9)]),
    "ln_1p": (mp.log1p, [*BEYOND, *TINY, (-0.4, 0.8), (-1.0, 1e-9)]),
    "log2": (lambda z: mp.log(z) / mp.log(2), [*BEYOND, (0.6, 0.8)]),
    "log10": (lambda z: mp.log(z) / mp.log(10), [*BEYOND, (0.6, 0.8)]),
    "sin": (mp.sin, [*POINTS, *HIGH]),
    "cos": (mp.cos, [*POINTS, *HIGH]),
    "tan": (mp.tan, [*POINTS, *HIGH, (1.5707963267948966, 1e-6)]),
    "sec": (mp.sec, [*POINTS, *HIGH]),
    "csc": (mp.csc, [*POINTS, *HIGH]),
    "cot": (mp.cot, [*POINTS, *HIGH]),
    "sinpi": (lambda z: mp.sin(mp.pi * z), [*POINTS, (3.0, 1e-9)]),
    "cospi": (lambda z: mp.cos(mp.pi * z), [*POINTS, (2.5, 1e-9)]),
    "sinc": (sinc, [*POINTS, (1e-6, 2e-6), (0.0, 0.0), (0.3, 0.35)]),
    "asin": (mp.asin, [*BEYOND, POINTS[4], (1.0, 1e-9)]),
    "acos": (mp.acos, [*BEYOND, POINTS[4], (1.0, 1e-9)]),
    "atan": (mp.atan, [*POINTS, (1e-9, 1.5), (1e-9, 1.0)]),
    "sinh": (mp.sinh, [*POINTS, *WIDE]),
    "cosh": (mp.cosh, [*POINTS, *WIDE]),
    "tanh": (mp.tanh, [*POINTS, *WIDE, (1e-6, 1.5707963267948966)]),
    "sech": (mp.sech, [*POINTS, *WIDE]),
    "csch": (mp.csch, [*POINTS, *WIDE]),
    "coth": (mp.coth, [*POINTS, *WIDE]),
    "asinh": (mp.asinh, [*POINTS, (1e-9, 1.5), (-11.5, 1e-7)]),
    "acosh": (mp.acosh, [*BEYOND, POINTS[4], (1.0, 1e-9)]),
    "atanh": (mp.atanh, [*BEYOND, POINTS[4], (1.0, 1e-9), *TINY]),
    "powi": (
        lambda z, n: z ** int(n.real),
        [(*z, n, 0.0) for z, n in zip(POINTS, (2.0, 3.0, -1.0, 5.0, 0.0, -3.0))] + [(0.0, 0.0, 2.0, 0.0)],
    ),
    "powf": (
        lambda z, w: mp.exp(w * mp.log(z)),
        [
            (0.7, 0.4, 1.5, -0.3),
            (-0.6, 0.9, 2.0, 0.0),
            (-1.3, -0.5, -0.75, 1.25),
            (0.8, -1.1, -2.5, -0.5),
            (-1.75, 1e-7, 0.5, 0.5),
            (-9.0, 11.5, 3.2, -2.0),
            (2.0, 0.0, 0.3, 4.0),
            (0.6, 0.8, 10.0, 20.0),
        ],
    ),
}


def derivatives(f, z, digits):
    """Value and two derivatives of f at z, with points 10^-digits of the size of z apart."""
    with mp.workdps(60 + 6 * digits):
        size = min([mp.mpf(1), *(abs(x) for x in (z.real, z.imag) if x)])
        distance = size * mp.mpf(10) ** -digits
        places = [mp.mpf(k) / 2 for k in (-5, -3, -1, 1, 3, 5)]
        values = [f(z + s * distance) for s in places]
        # The even and the odd part, interpolated at 0.
        even = [(values[2 - k] + values[3 + k]) / 2 for k in range(3)]
        odd = [(values[3 + k] - values[2 - k]) / 2 for k in range(3)]
        value = (150 * even[0] - 25 * even[1] + 3 * even[2]) / 128
        first = (2250 * odd[0] - 125 * odd[1] + 9 * odd[2]) / (960 * distance)
        second = (-34 * even[0] + 39 * even[1] - 5 * even[2]) / (24 * distance**2)
        return [mp.mpc(value), mp.mpc(first), mp.mpc(second)], size


def agreed(name, f, z):
    first, size = derivatives(f, z, 40)
    second, _ = derivatives(f, z, 53)
    # What a part is beside everything else.
    scale = max(abs(b) * size**k for k, b in enumerate(second))
    result = []
    for k, (a, b) in enumerate(zip(first, second)):
        for x, y in ((a.real, b.real), (a.imag, b.imag)):
            if abs(x - y) <= abs(y) * mp.mpf(10) ** -20:
                result.append(float(y))
            elif max(abs(x), abs(y)) * size**k < scale * mp.mpf(10) ** -30:
                result.append(0.0)
            else:
                raise ArithmeticError(f"{name} {z}: order {k}: {mp.nstr(a, 30)} or {mp.nstr(b, 30)}")
    return [result[:2], result[2:4], result[4:]]


def text(numbers):
    return ",".join(repr(float(x)) for x in numbers)


def main():
    mp.mp.dps = 60
    lines = ["# name, argument, value, first and second derivative (powf: by z, then by w): see complex.py"]
    for name, (f, points) in FUNCTIONS.items():
        for point in points:
            z = mp.mpc(*point[:2])
            if len(point) == 2:
                found = agreed(name, f, z)
            else:
                w = mp.mpc(*point[2:])
                found = agreed(name, lambda z: f(z, w), z)
                if name == "powf":
                    found += agreed(name, lambda w: f(z, w), w)[1:]
            lines.append("\t".join([name, text(point), *map(text, found)]))
    Path(__file__).with_name("complex.tsv").write_text("\n".join(lines) + "\n")
    print(len(lines) - 1, "lines")


if __name__ == "__main__":
    main()
