#!/usr/bin/env python3
"""Hard places of the Bessel and Airy functions.

Functions with an order have no partial derivative by it: ORDERED lists them, and the file has "-" in its place. There are
more digits where mpmath's series cancel. A point where the partial is 0 to all digits (an extremum) is left out, since the
test has no absolute floor for partials.

Run:  python bessel.py          (writes bessel.tsv beside this file)
"""

from pathlib import Path

import mpmath as mp


def zeta(x):
    return 2 * mp.mpf(x) / 3 * mp.sqrt(x)


def unscaled_below(f):
    return lambda x: f(x) * (mp.exp(-zeta(x)) if x > 0 else 1)


def ai_prime(x):
    return mp.airyai(x, derivative=1)


def bi_prime(x):
    return mp.airybi(x, derivative=1)


ORDERED = {"besselj", "besseljx", "bessely", "besselyx", "besseli", "besselix", "besselk", "besselkx"}

J = [
    (2.0, 1e-30),
    (0.5, 1e-30),
    (2.5, 1e-100),
    (3.0, -2.5),
    (-3.0, 2.5),
    (-2.5, 0.3),
    (-1.5 + 2.0**-30, 1e-3),
    (2.0 + 2.0**-40, 1e-3),
    (2.0**-40, 1e-6),
    (2.0, 5.135622301840683),
    (1.5, 4.493409457909064),
    (100.0, 100.0),
    (100.0, 5.0),
    (40.5, 64.0),
    (0.25, 1e6),
    (3.0, 1e6),
    (30.0, 200.0),
    (-30.25, 200.0),
    (1000.0, 2000.0),
    (1.25, 24.99),
    (1.25, 27.0),
]
Y = [
    (0.25, 1e-30),
    (2.0, 1e-30),
    (-2.5, 0.3),
    (-2.5 + 2.0**-30, 1e-3),
    (-1.0, 0.7),
    (2.0**-40, 1e-6),
    (2.0, 3.3842417671495935),
    (1.5, 2.798386045783887),
    (100.0, 100.0),
    (100.0, 5.0),
    (40.5, 64.0),
    (0.25, 1e6),
    (3.0, 1e6),
    (-30.25, 200.0),
    (1000.0, 2000.0),
    (1.25, 24.99),
    (1.25, 27.0),
]
I = [
    (2.0, 1e-30),
    (0.5, 1e-30),
    (3.0, -2.5),
    (-3.0, 2.5),
    (-2.5, 0.3),
    (2.0**-40, 1e-6),
    (100.0, 5.0),
    (100.0, 300.0),
    (0.25, 700.0),
    (-30.25, 40.0),
    (1.25, 24.9),
    (1.25, 25.1),
]
K = [
    (0.0, 1e-300),
    (2.0, 1e-30),
    (2.0**-40, 1e-6),
    (-2.5, 0.3),
    (20.0, 0.5),
    (60.0, 5.0),
    (0.25, 600.0),
    (1.25, 24.9),
    (1.25, 25.1),
]

FUNCTIONS = {
    # Near zeros, far out, tiny.
    "besselj0": (lambda x: mp.besselj(0, x), [1e-8, 2.404825557695773, -5.520078110286311, 30.634606468431976, 1e6, 1e9]),
    "besselj1": (lambda x: mp.besselj(1, x), [1e-30, 3.8317059702075125, -7.015586669815619, 1e6]),
    "bessely0": (lambda x: mp.bessely(0, x), [1e-300, 0.8935769662791675, 3.957678419314858, 1e6]),
    "bessely1": (lambda x: mp.bessely(1, x), [1e-100, 2.197141326031017, 5.429681040794135, 1e6]),
    "besselj": (mp.besselj, J),
    "besseljx": (mp.besselj, J[:4]),
    "bessely": (mp.bessely, Y),
    "besselyx": (mp.bessely, Y[:4]),
    "besseli": (mp.besseli, I),
    "besselix": (
        lambda n, x: mp.besseli(n, x) * mp.exp(-abs(x)),
        I + [(0.25, 1e3), (4.04, 1e6), (4.04, 1e3), (100.0, 1e3), (-0.5, 30.0), (2.0, -2.5), (3.0, -300.0)],
    ),
    "besselk": (mp.besselk, K),
    "besselkx": (
        lambda n, x: mp.besselk(n, x) * mp.exp(x),
        K + [(0.25, 1e3), (4.04, 1e6), (4.04, 1e3), (-0.5, 30.0)],
    ),
    # Near zeros of the value and of the derivative, where the methods change, underflow, far out.
    "airyai": (mp.airyai, [1e-20, -2.338107410459767, -10.5, -11.24, -11.26, 11.24, 11.26, 100.0, -1e6]),
    "airyaiprime": (ai_prime, [1e-20, -1.018792971647471, -3.2481975821798366, -10.5, 11.24, 11.26, 100.0, -1e6]),
    "airybi": (mp.airybi, [1e-20, -1.173713222709128, -6.169852128310251, -10.5, -11.26, 11.24, 11.26, 100.0, -1e6]),
    "airybiprime": (bi_prime, [1e-20, -2.294439682614123, -4.073155089071828, -10.5, 11.24, 11.26, 100.0, -1e6]),
    "airyaix": (lambda x: mp.airyai(x) * mp.exp(zeta(x)), [1e-20, 1e-6, 5.0, 11.24, 11.26, 20.0, 1e3, 1e6]),
    "airyaiprimex": (lambda x: ai_prime(x) * mp.exp(zeta(x)), [1e-20, 1e-6, 5.0, 11.24, 11.26, 20.0, 1e3, 1e6]),
    "airybix": (unscaled_below(mp.airybi), [-6.169852128310251, -1e3, 1e-20, 1e-6, 5.0, 11.24, 11.26, 20.0, 1e3, 1e6]),
    "airybiprimex": (unscaled_below(bi_prime), [-4.073155089071828, -1e3, 1e-20, 1e-6, 5.0, 11.24, 11.26, 20.0, 1e3, 1e6]),
}


def double(x):
    return repr(float(x))


def derivative(f, x):
    """By central differences of the fourth order."""
    step = abs(x) * mp.mpf(10) ** -25 / max(1, abs(x))
    ends = [f(x + k * step) for k in (-2, -1, 1, 2)]
    return (8 * (ends[2] - ends[1]) - (ends[3] - ends[0])) / (12 * step)


def main():
    lines = ["# name, arguments, value, partials: see bessel.py"]
    for name, (f, points) in FUNCTIONS.items():
        for point in points:
            point = point if isinstance(point, tuple) else (point,)
            ordered = name in ORDERED
            x = mp.mpf(point[-1])
            small = max(0, -int(mp.log10(abs(x))))
            # K is small far out, where the series for it cancel.
            far = int(0.9 * abs(x)) if name.startswith("besselk") and abs(x) < 1200 else 0
            with mp.workdps(160 + (700 if small > 40 else 4 * small) + far):
                order = [mp.mpf(point[0])] if ordered else []
                at = lambda t: mp.re(f(*order, t))
                value, slope = at(x), derivative(at, x)
            arguments = ",".join(map(repr, point))
            lines.append(f"{name}\t{arguments}\t{double(value)}\t{'-,' if ordered else ''}{double(slope)}")
    Path(__file__).with_suffix(".tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
