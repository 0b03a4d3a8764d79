#!/usr/bin/env python3
"""Makes equations.json: values and gradients of matrix equations, updates and statistics.

Run:  pip install mpmath
      python equations.py          (writes equations.json beside this file)

It takes a minute on one core. All is computed by definition in 50-digit arithmetic: linear equations as
systems for all entries, by elimination; Riccati equations by Newton's method on such systems, from the
identity in small steps of a homotopy; a factor of A + s x x^H as L times the Cholesky factor of
1 + s p p^H, p = L^-1 x; products of reflections one by one. Gradients are central differences. The script
stops unless the equations are solved to 1e-40 and the Riccati solutions stabilise.

Format and conventions are those of reference.json, which see; of q and r of the Riccati equations the
gradients are Hermitian, and of l they are zero above the diagonal.
"""

import json
import random
from pathlib import Path

import mpmath as mp

mp.mp.dps = 50
STEP = mp.mpf(10) ** -18
RANDOM = random.Random(20261126)


def normal(rows, columns, complex_):
    def number():
        x = RANDOM.gauss(0, 1)
        return mp.mpc(x, RANDOM.gauss(0, 1)) if complex_ else mp.mpf(x)

    return mp.matrix([[number() for _ in range(columns)] for _ in range(rows)]) if rows and columns else mp.zeros(rows, columns)


def definite(size, complex_):
    a = normal(size, size, complex_)
    return rounded(a * a.H + mp.eye(size))


def rounded(a):
    return mp.matrix(a.rows, a.cols) + a.apply(lambda x: mp.mpc(float(mp.re(x)), float(mp.im(x))) if isinstance(x, mp.mpc) else mp.mpf(float(x)))


def hermitian(a):
    return (a + a.H) / 2


def linear(f, rows, columns):
    """X of f(X) = C for a linear f over the complex numbers, as a function of C."""
    count = rows * columns
    system = mp.zeros(count)
    for k in range(count):
        unit = mp.zeros(rows, columns)
        unit[k % rows, k // rows] = 1
        image = f(unit)
        for l in range(count):
            system[l, k] = image[l % rows, l // rows]

    def solve(c):
        right = mp.matrix([c[l % rows, l // rows] for l in range(count)])
        x = mp.lu_solve(system, right)
        return mp.matrix([[x[i + j * rows] for j in range(columns)] for i in range(rows)])

    return solve


def sylvester(a, b, c):
    return linear(lambda x: a * x + x * b, c.rows, c.cols)(c)


def continuous_lyapunov(a, q):
    return linear(lambda x: a * x + x * a.H, q.rows, q.cols)(q)


def discrete_lyapunov(a, q):
    return linear(lambda x: a * x * a.H - x, q.rows, q.cols)(-q)


def gain(discrete, a, b, r, x):
    if discrete:
        return mp.inverse(r + b.H * x * b) * b.H * x * a
    return mp.inverse(r) * b.H * x


def newton(discrete, a, b, q, r, x):
    for _ in range(60):
        k = gain(discrete, a, b, r, x)
        closed = a - b * k
        costs = k.H * r * k + q
        if discrete:
            new = linear(lambda x: x - closed.H * x * closed, a.rows, a.rows)(costs)
        else:
            new = linear(lambda x: closed.H * x + x * closed, a.rows, a.rows)(-costs)
        change = mp.norm(new - x, 1)
        x = new
        if change < mp.mpf(10) ** -40 * (1 + mp.norm(x, 1)):
            return x
    raise AssertionError("no convergence")


STARTS = {}


def riccati(discrete):
    def solve(a, b, q, r):
        q, r = hermitian(q), hermitian(r)
        key = (discrete, a.rows, isinstance(a[0, 0], mp.mpc))
        if key not in STARTS:
            # From what is stable by itself to the whole.
            x = mp.zeros(a.rows)
            for step in range(1, 21):
                t = mp.mpf(step) / 20
                start = a * t if discrete else a * t - (1 - t) * 4 * mp.eye(a.rows)
                x = newton(discrete, start, b, q, r, x)
            STARTS[key] = x
        x = newton(discrete, a, b, q, r, STARTS[key])
        closed = a - b * gain(discrete, a, b, r, x)
        values = mp.eig(closed, left=False, right=False)
        assert all(abs(l) < 1 if discrete else mp.re(l) < 0 for l in values)
        return x

    return solve


def lower(l):
    return mp.matrix([[l[i, j] if i >= j else mp.mpf(0) for j in range(l.cols)] for i in range(l.rows)])


def cholesky_rank_one_update(l, x, s):
    l = lower(l)
    p = mp.lu_solve(l, x)
    inner = mp.eye(l.rows) + mp.re(s[0]) * p * p.H
    # By elimination, so that it works for complex numbers too.
    factor = mp.zeros(l.rows)
    for j in range(l.rows):
        factor[j, j] = mp.sqrt(mp.re(inner[j, j]))
        for i in range(j + 1, l.rows):
            factor[i, j] = inner[i, j] / factor[j, j]
        for k in range(j + 1, l.rows):
            for i in range(k, l.rows):
                inner[i, k] -= factor[i, j] * mp.conj(factor[k, j])
    return l * factor


def householder_product(vectors, tau):
    q = mp.eye(vectors.rows)
    for k in range(tau.rows):
        v = mp.matrix([0] * k + [1] + [vectors[i, k] for i in range(k + 1, vectors.rows)])
        q = q - q * v * v.H * tau[k]
    return q[:, 0 : vectors.cols]


def mvn_ln_pdf(x, mu, l):
    l = lower(l)
    z = mp.lu_solve(l, x - mu)
    value = -sum(z[i] ** 2 for i in range(l.rows)) / 2 - l.rows * mp.log(2 * mp.pi) / 2
    return mp.matrix([value - sum(mp.log(l[i, i]) for i in range(l.rows))])


def covariance(x):
    n = x.cols
    z = x.copy()
    for i in range(x.rows):
        mean = sum(x[i, j] for j in range(n)) / n
        for j in range(n):
            z[i, j] -= mean
    return z * z.H / (n - 1)


def gradients(f, arguments, cotangent, real):
    def value(changed):
        y = f(*changed)
        return sum(mp.re(mp.conj(cotangent[i, j]) * y[i, j]) for i in range(y.rows) for j in range(y.cols))

    all_ = []
    for k, argument in enumerate(arguments):
        gradient = mp.zeros(argument.rows, argument.cols)
        is_complex = any(isinstance(x, mp.mpc) for x in argument)
        for i in range(argument.rows):
            for j in range(argument.cols):
                for unit in [mp.mpf(1), mp.mpc(0, 1)][: 2 if is_complex else 1]:
                    ends = []
                    for sign in (1, -1):
                        moved = argument.copy()
                        moved[i, j] += sign * STEP * unit
                        ends.append(value([moved if l == k else x for l, x in enumerate(arguments)]))
                    gradient[i, j] += unit * (ends[0] - ends[1]) / (2 * STEP)
        all_.append(gradient)
    return all_


def written(a, complex_):
    entries = [a[i, j] for j in range(a.cols) for i in range(a.rows)]
    found = {"rows": a.rows, "cols": a.cols, "re": [float(mp.re(x)) for x in entries]}
    if complex_:
        found["im"] = [float(mp.im(x)) for x in entries]
    return found


def main():
    cases = []

    def add(f, arguments, complex_):
        arguments = [rounded(x) for x in arguments]
        value = f(*arguments)
        cotangent = rounded(normal(value.rows, value.cols, complex_))
        found = gradients(f, arguments, cotangent, not complex_)
        is_complex = [any(isinstance(x, mp.mpc) for x in a) for a in arguments]
        cases.append({
            "primitive": f.__name__,
            "scalar": "Complex<f64>" if complex_ else "f64",
            "arguments": [written(a, c) for a, c in zip(arguments, is_complex)],
            "values": [written(value, complex_)],
            "cotangents": [written(cotangent, complex_)],
            "gradients": [written(g, c) for g, c in zip(found, is_complex)],
        })
        print(f.__name__, complex_)

    continuous, discrete = riccati(False), riccati(True)
    continuous.__name__, discrete.__name__ = "continuous_riccati", "discrete_riccati"
    for complex_ in (False, True):
        def any_(rows, columns):
            return normal(rows, columns, complex_)

        add(sylvester, [any_(4, 4), any_(2, 2), any_(4, 2)], complex_)
        add(continuous_lyapunov, [any_(4, 4), any_(4, 4)], complex_)
        add(discrete_lyapunov, [any_(3, 3), any_(3, 3)], complex_)
        for f in (continuous, discrete):
            add(f, [any_(3, 3), any_(3, 2), definite(3, complex_), definite(2, complex_)], complex_)
        l = lower(any_(4, 4)) + 3 * mp.eye(4)
        for s in (2, -0.25):
            add(cholesky_rank_one_update, [l, any_(4, 1), mp.matrix([mp.mpf(s)])], complex_)
        add(householder_product, [any_(5, 3), any_(3, 1)], complex_)
        add(householder_product, [any_(4, 3), any_(2, 1)], complex_)
        add(covariance, [any_(3, 5)], complex_)
    add(mvn_ln_pdf, [normal(4, 1, False), normal(4, 1, False), lower(normal(4, 4, False)) + 3 * mp.eye(4)], False)
    path = Path(__file__).with_name("equations.json")
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path.write_text('{"made_with":{"mpmath":"%s"},\n"cases":[\n%s\n]}\n' % (mp.__version__, lines))


if __name__ == "__main__":
    main()
