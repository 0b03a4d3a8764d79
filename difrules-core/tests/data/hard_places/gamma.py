#!/usr/bin/env python3
"""Hard places of the gamma, beta and incomplete functions: where plain formulas cancel or overflow.

FUNCTIONS has name: (function, points), with a third element where an argument has no partial: the set of
such arguments (a whole order, the s of zeta), for which the file has "-".

Run:  python gamma.py          (writes gamma.tsv beside this file)
"""

from pathlib import Path

import mpmath as mp


def lower_series(a, x):
    """The sum of x^n / ((a+1) .. (a+n)), to all digits: its terms are positive."""
    term = total = mp.mpf(1)
    n = 0
    while n <= x or term > total * mp.eps:
        n += 1
        term *= x / (a + n)
        total += term
    return total


def lower(a, x):
    return mp.exp(a * mp.log(x) - x - mp.loggamma(a + 1)) * lower_series(a, x)


def gamma_density(a, x):
    return mp.exp((a - 1) * mp.log(x) - x - mp.loggamma(a))


def ln_beta(a, b):
    return mp.loggamma(a) + mp.loggamma(b) - mp.loggamma(a + b)


def beta_density(a, b, x):
    return mp.exp((a - 1) * mp.log(x) + (b - 1) * mp.log(1 - x) - ln_beta(a, b))


def betainc(a, b, x):
    """DLMF 8.17.8, whose terms are positive, on the side where they fall."""
    if x > (a + 1) / (a + b + 2):
        return 1 - betainc(b, a, 1 - x)
    term = total = mp.mpf(1)
    n = 0
    while (a + b + n) * x > (a + 1 + n) * mp.mpf("0.9999") or term > total * mp.eps:
        term *= (a + b + n) / (a + 1 + n) * x
        n += 1
        total += term
    return mp.exp(a * mp.log(x) + b * mp.log(1 - x) - ln_beta(a, b)) / a * total


def invdigamma(y):
    x = mp.exp(y) + mp.mpf("0.5") if y > -2.22 else -1 / (y + mp.euler)
    for _ in range(40):
        step = (mp.digamma(x) - y) / mp.psi(1, x)
        x -= step
        if abs(step) < abs(x) * mp.mpf(10) ** (-mp.mp.dps + 5):
            break
    return x


DIGAMMA_ZERO = 1.4616321449683622

FUNCTIONS = {
    "gamma": (mp.gamma, [DIGAMMA_ZERO, 1.4616331, 1e-150, -3 + 2.0**-30, -0.5 + 2.0**-40, 170.5, -100.25]),
    "ln_gamma": (
        lambda x: mp.log(abs(mp.gamma(x))) if x < 0 else mp.loggamma(x),
        [1 + 2.0**-40, 1 - 2.0**-40, 2 + 2.0**-40, 2 - 2.0**-30, 1.4616331, 1e300, 1e-300, -1e-10, -2.457024738220801, -20.25],
    ),
    "digamma": (mp.digamma, [DIGAMMA_ZERO, 1.4616321450, 1.47, 1.7616, 1.1616, 1e-150, 1e150, -1e-10, -3 + 2.0**-30, -0.504083008264455, -50.25]),
    "trigamma": (lambda x: mp.psi(1, x), [1e-100, 1e100, -1e-10, -4 + 2.0**-30, -0.5, -50.5]),
    "polygamma": (
        lambda n, x: mp.psi(int(n), x),
        [(2, 1e-90), (20, 0.01), (20, 1000.0), (3, -0.5), (21, -5.25), (4, -3 + 2.0**-20), (60, 40.5), (60, -7.25), (150, 900.0)],
        {0},
    ),
    "invdigamma": (invdigamma, [-1e100, -1e5, -2.22, 1e-10, 0.0, -0.5772156649015329, 19.9, 20.1, 500.0]),
    "zeta": (
        lambda s, z: mp.zeta(s, z),
        [(1 + 2.0**-40, 2.0), (1 + 2.0**-30, 1e8), (2.5, 1e-100), (2.5, 1e100), (50.0, 3.0), (60.0, 45.0), (3.0, -2.25), (0.5, 0.3), (2.0**-40, 0.3), (-0.75, 7.0), (-3.5, 0.3), (-3.0, 12.0), (-20.5, 0.7)],
        {0},
    ),
    "beta": (
        lambda a, b: mp.gamma(a) * mp.gamma(b) / mp.gamma(a + b),
        [(1e-200, 1e-200), (1e-10, 300.0), (100.0, 2.0**-20), (1e8, 0.25), (500.0, 400.0), (30.0, 25.0), (-0.5, 2.25), (-2.25, -3.5)],
    ),
    "ln_beta": (
        ln_beta,
        [(1e10, 1e-3), (1e-3, 1e10), (1e15, 1e15), (1e15, 3.0), (1e-200, 1e-100), (9.99, 1e6), (10.01, 1e6), (1.0, 1 + 2.0**-30)],
    ),
    "gamma_density": (
        gamma_density,
        [(1e-10, 1e-100), (1e6, 1000500.0), (1e6, 999000.5), (1e12, 1e12 + 1e6), (0.5, 1e-100), (50.0, 700.0), (300.0, 20.0)],
    ),
    "gammainc_lower": (
        lower,
        [(1e-10, 0.5), (1e-10, 1e-50), (1e-3, 3.0), (0.5, 1e-20), (5.0, 1e-20), (0.49, 0.99), (0.51, 1.01), (20.0, 21.0), (30.0, 30.0), (40.0, 26.01), (40.0, 25.99), (40.0, 53.99), (40.0, 54.01), (100.0, 30.0), (300.0, 300.0), (1000.0, 900.0), (1000.0, 1100.0)],
    ),
    "gammainc_upper": (
        lambda a, x: 1 - lower(a, x),
        [(1e-10, 0.5), (1e-10, 30.0), (1e-3, 3.0), (0.5, 400.0), (0.49, 0.99), (20.0, 60.0), (40.0, 53.99), (40.0, 54.01), (100.0, 300.0), (300.0, 380.0), (1000.0, 1100.0)],
    ),
    "beta_density": (
        beta_density,
        [(1e-10, 2.0, 1e-100), (1e6, 2e6, 0.3335), (1e6, 1e6, 0.5 + 2.0**-20), (3.0, 1e8, 1e-8), (40.0, 40.0, 1e-5), (0.5, 0.5, 1 - 2.0**-40)],
    ),
    "betainc": (
        betainc,
        [(1e-10, 1e-10, 0.25), (1e-10, 3.0, 0.25), (3.0, 1e-10, 0.75), (5.0, 1e-3, 0.999), (0.25, 0.125, 1e-100), (60.0, 50.0, 0.25), (60.0, 50.0, 0.75), (3.0, 1e8, 2e-8), (1000.0, 1200.0, 0.45), (1000.0, 1200.0, 0.5), (5.0, 7.0, 1e-30), (5.0, 7.0, 0.875)],
    ),
}


def double(x):
    return repr(float(x))


def lines_of(name, f, points, without=frozenset()):
    for point in points:
        point = point if isinstance(point, tuple) else (point,)
        exact = [mp.mpf(x) for x in point]
        # Tails need more digits than the step of a difference takes.
        with mp.workdps(900):
            value, partials = f(*exact), []
            for k, x in enumerate(exact):
                if k in without:
                    partials.append("-")
                    continue
                step = (abs(x) if x else mp.mpf(1)) * mp.mpf(10) ** -100
                ends = [f(*exact[:k], x + h, *exact[k + 1 :]) for h in (step, -step)]
                partials.append(double((ends[0] - ends[1]) / (2 * step)))
        yield f"{name}\t{','.join(map(repr, point))}\t{double(value)}\t{','.join(partials)}"


def main():
    lines = ["# name, arguments, value, partials: see gamma.py"]
    for name, entry in FUNCTIONS.items():
        lines += lines_of(name, *entry)
    Path(__file__).with_name("gamma.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
