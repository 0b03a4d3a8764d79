#!/usr/bin/env python3
"""Hard places of the error functions, integrals and inverses.

FUNCTIONS is a dict as there; where a function has arguments that are constants, a third entry names them by position,
and they have no partial ('-').

Run:  python integrals.py          (writes integrals.tsv beside this file)
"""

from pathlib import Path

import mpmath as mp

mp.mp.dps = 60


def erfcx(x):
    return mp.exp(x * x) * mp.erfc(x)


def dawson(x):
    if abs(x) < 60:
        return mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)
    # The asymptotic series, whose least term is exp(-x^2).
    term = total = 1 / (2 * x)
    for k in range(1, 3000):
        term *= (2 * k - 1) / (2 * x * x)
        total += term
        if abs(term) < abs(total) * mp.eps:
            break
    return total


def newton(y, step):
    """Newton's steps from a start, until they are nothing."""
    for _ in range(200):
        change = step(y)
        y -= change
        if abs(change) <= abs(y) * mp.eps * 1000:
            break
    return y


def erfcinv(x):
    if x > 1:
        return -erfcinv(2 - x)
    if x > 0.5:
        return erfinv(1 - x)
    slope = mp.sqrt(mp.pi) / 2
    return newton(mp.sqrt(-mp.log(x)), lambda y: -mp.log(mp.erfc(y) / x) * erfcx(y) * slope)


def erfinv(p):
    if abs(p) > 0.5:
        return mp.sign(p) * erfcinv(1 - abs(p))
    slope = mp.sqrt(mp.pi) / 2
    return newton(p * slope, lambda y: (mp.erf(y) - p) * mp.exp(y * y) * slope)


def ndtr(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2


def kepler(mean, e):
    # A start from the left of the solution, by halvings.
    turns = mp.nint(mean / (2 * mp.pi))
    reduced = mean - 2 * mp.pi * turns
    low, high = mp.mpf(0), abs(reduced) / (1 - e)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if middle - e * mp.sin(middle) > abs(reduced) else (middle, high)
    y = newton(high, lambda y: (y - e * mp.sin(y) - abs(reduced)) / (1 - e * mp.cos(y)))
    return mp.sign(reduced) * y + 2 * mp.pi * turns


def spence(x):
    if x > 2:
        return -spence(1 / x) - mp.log(x) ** 2 / 2
    if x < 0.5:
        return mp.pi**2 / 6 - mp.log(x) * mp.log1p(-x) - spence(1 - x)
    # The series of the derivative w / (exp(w) - 1).
    w = -mp.log(x)
    total, power = w - w * w / 4, w**3 / 6
    for k in range(1, 2000):
        term = mp.bernoulli(2 * k) * power
        total += term
        if abs(term) < abs(total) * mp.eps:
            break
        power *= w * w / ((2 * k + 2) * (2 * k + 3))
    return total


def lambert_w(branch, x):
    return mp.re(mp.lambertw(x, int(branch)))


FUNCTIONS = {
    "erf": (mp.erf, [1e-300, -1e-9, 5.5, -6.0, 25.0]),
    "erfc": (mp.erfc, [-6.0, 0.5, 10.0, 26.0]),
    "erfcx": (erfcx, [-26.0, -1e-9, 1e-9, 0.99, 1.01, 5.0, 24.9, 25.1, 1e4, 1e8]),
    "erfc_ratio": (
        lambda n, x: mp.sqrt(mp.pi) / 2 * erfcx(x) if n == 0 else 1 / mp.sqrt(mp.pi) / erfcx(x) - x,
        [(0, 1e6), (1, -20.0), (1, 0.0), (1, 1.7), (1, 1.8), (1, 30.0), (1, 1e8)],
        {0},
    ),
    "erfi": (mp.erfi, [1e-300, 2.499, 2.501, 20.0, -26.5]),
    "dawson": (dawson, [1e-300, 0.924, 0.999, 1.001, 2.499, 2.501, 7.4, 7.6, -30.0, 1e4, 1e8]),
    "dawson_derivative": (
        lambda n, x: 1 - 2 * x * dawson(x) if n == 1 else -2 * x * (1 - 2 * x * dawson(x)) - 2 * dawson(x),
        [(1, 1e-9), (1, 0.999), (1, 1.001), (1, 7.4), (1, 7.6), (1, 1e4), (2, 3.0), (2, 1e6)],
        {0},
    ),
    "erfinv": (erfinv, [1e-300, 0.499, 0.501, 1 - 2.0**-40, -(1 - 2.0**-53)]),
    "erfcinv": (erfcinv, [1e-300, 1e-20, 0.499, 0.501, 1 + 2.0**-40, 2 - 2.0**-50]),
    "logerfc": (lambda x: mp.log(mp.erfc(x)), [1e-20, -0.499, -0.501, -5.0, 0.499, 0.501, 30.0, 1e8]),
    "logerfcx": (lambda x: mp.log(erfcx(x)), [1e-20, -0.499, -0.501, 0.499, 0.501, -1e3, 1e8]),
    "erf_between": (
        lambda x, y: mp.erf(y) - mp.erf(x),
        [(10.0, 11.0), (-11.0, -10.0), (1.0, 1.0 + 2.0**-40), (20.0, 20.0 + 2.0**-40), (-5.0, 5.0), (0.3, 0.2)],
    ),
    "ndtr": (ndtr, [-37.0, -1.001, -0.999, 8.0]),
    "log_ndtr": (lambda x: mp.log(ndtr(x)), [-1e10, -1e4, -40.0, -1.001, -0.999, 8.0, 37.0]),
    "ndtri": (lambda p: -mp.sqrt(2) * erfcinv(2 * p), [1e-300, 0.5 + 2.0**-40, 1 - 2.0**-40]),
    "expint": (mp.e1, [1e-300, 0.999, 1.001, 50.0, 700.0]),
    "expint_n": (
        lambda n, x: mp.expint(int(n), x),
        [(-5, 1e-3), (-5, 30.0), (0, 2.0), (2, 1e-10), (3, 0.999), (3, 1.001), (24, 0.5), (25, 0.5), (26, 0.5)]
        + [(30, 0.999), (50, 1e-5), (50, 1.001), (50, 700.0)],
        {0},
    ),
    "sinint": (mp.si, [1e-300, 1e-8, 1.999, 2.001, -40.0, 1e5, 1e9]),
    "cosint": (mp.ci, [1e-300, 0.6, 0.616505485620716, 1.999, 2.001, 3.38418042255118, 1e5]),
    "fresnel_s": (mp.fresnels, [1e-50, 1.499, 1.501, -10.3, 1000.3, 100000.3]),
    "fresnel_c": (mp.fresnelc, [1e-300, 1.499, 1.501, -10.3, 1000.3, 100000.3]),
    "spence": (spence, [1e-300, 0.499, 0.501, 1 + 2.0**-40, 1 - 2.0**-30, 1.999, 2.001, 1e10]),
    "ellipk": (mp.ellipk, [1e-20, -1e-9, 0.5, 1 - 2.0**-50, -1.0, -1e5]),
    "ellipe": (mp.ellipe, [1e-20, -1e-9, 0.5, 1 - 2.0**-50, -1.0, -1e5]),
    "lambert_w": (
        lambert_w,
        [(0, 1e-300), (0, -1e-9), (0, 1e300), (0, -0.3), (0, -0.367879441), (0, -0.3678794411714423)]
        + [(-1, -1e-300), (-1, -0.2), (-1, -0.367879441), (-1, -0.3678794411714423)],
        {0},
    ),
    "lambert_w_plus_one": (
        lambda branch, x: 1 + lambert_w(branch, x),
        [(0, 1e300), (0, -0.259), (0, -0.367879441), (0, -0.3678794411714423)]
        + [(-1, -0.355), (-1, -0.367879441), (-1, -0.3678794411714423)],
        {0},
    ),
    "eccentric_anomaly": (
        kepler,
        [(1e-9, 0.999999), (-1e-9, 0.999999), (1e-300, 0.5), (1e-3, 1 - 2.0**-40), (3.0, 0.999999), (20.0, 0.9)],
    ),
    "softplus": (lambda x: mp.log1p(mp.exp(x)), [-700.0, -40.0, 40.0, 1e5]),
    "gelu": (lambda x: x * ndtr(x), [-37.0, -5.0, -1e-20, 8.0]),
    "silu": (lambda x: x / (1 + mp.exp(-x)), [-700.0, -40.0, -1e-20, 40.0]),
    "exprel": (lambda x: mp.expm1(x) / x, [1e-300, -1e-8, 0.1, 1.999, 2.001, -1.999, -2.001, 709.0, 712.0, -1e10]),
    "cosm1": (lambda x: -2 * mp.sin(x / 2) ** 2, [1e-150, 1e-8, 6.283185307179586, 3.0]),
    "huber": (
        lambda x, d: x * x / 2 if abs(x) <= d else d * (abs(x) - d / 2),
        [(1e-200, 1.0), (-1e200, 1.0), (2.0, 3.0)],
    ),
}


def double(x):
    return repr(float(x))


def main():
    lines = ["# name, arguments, value, partials: see integrals.py"]
    for name, (f, points, *constants) in FUNCTIONS.items():
        constants = constants[0] if constants else set()
        for point in points:
            point = point if isinstance(point, tuple) else (point,)
            exact = [mp.mpf(x) for x in point]
            # Wide numbers need more digits than the step of a difference takes.
            with mp.workdps(900):
                value = f(*exact)
                partials = []
                for k, x in enumerate(exact):
                    if k in constants:
                        partials.append("-")
                        continue
                    step = (abs(x) if x else mp.mpf(1)) * mp.mpf(10) ** -100
                    ends = [f(*exact[:k], x + h, *exact[k + 1 :]) for h in (step, -step)]
                    partials.append(double((ends[0] - ends[1]) / (2 * step)))
            arguments = ",".join(repr(float(x)) for x in point)
            lines.append(f"{name}\t{arguments}\t{double(value)}\t{','.join(partials)}")
    Path(__file__).with_suffix(".tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
