"""Exponentials of rotations and motions, their right Jacobians and second derivatives, written to motions.json.

    python motions.py

with mpmath 1.3 or later. The exponential is that of a matrix of 80 digits; the right Jacobian is the integral of
exp(-ad(xi) t) over t from 0 to 1, by the exponential of a block matrix; second derivatives are central differences
with steps of 1e-20. Nothing here knows the formulas under test.
"""

import json

from mpmath import matrix, mp, mpf, pi, eye, zeros

mp.dps = 80


def exponential(a):
    """By scaling, the series, and squaring."""
    n, size = a.rows, max((abs(x) for x in a), default=mpf(0))
    squarings = max(0, int(mp.ceil(mp.log(size, 2))) + 4) if size > 0 else 0
    a = a / mpf(2) ** squarings
    term = total = eye(n)
    for k in range(1, 60):
        term = term * a / k
        total = total + term
    for _ in range(squarings):
        total = total * total
    return total


def integral(a):
    """The integral of exp(a t) over t from 0 to 1."""
    n = a.rows
    block = zeros(2 * n)
    block[:n, :n], block[:n, n:] = a, eye(n)
    return exponential(block)[:n, n:]


def cross(w):
    return matrix([[0, -w[2], w[1]], [w[2], 0, -w[0]], [-w[1], w[0], 0]])


def hat(group, xi):
    """The matrix of a tangent: velocity, angular velocity, growth."""
    dimension = 2 if group.endswith("2") else 3
    kind, angles = group[:-1], 1 if dimension == 2 else 3
    xi = [mpf(0)] * (dimension if kind == "rotation" else 0) + list(xi)
    xi += [mpf(0)] * (kind != "similarity")
    v, w, sigma = xi[:dimension], xi[dimension : dimension + angles], xi[-1]
    turn = cross(w) if dimension == 3 else matrix([[0, -w[0]], [w[0], 0]])
    a = zeros(dimension + 1)
    a[:dimension, :dimension] = turn + eye(dimension) * sigma
    for i in range(dimension):
        a[i, dimension] = v[i]
    return a


def vee(group, a):
    dimension = a.rows - 1
    v = [a[i, dimension] for i in range(dimension)]
    sigma = a[0, 0]
    w = [a[1, 0]] if dimension == 2 else [a[2, 1], a[0, 2], a[1, 0]]
    kind = group[:-1]
    return (v if kind != "rotation" else []) + w + ([sigma] if kind == "similarity" else [])


def adjoint_of_algebra(group, xi):
    a, n = hat(group, xi), len(xi)
    ad = zeros(n)
    for j in range(n):
        unit = hat(group, [mpf(i == j) for i in range(n)])
        for i, x in enumerate(vee(group, a * unit - unit * a)):
            ad[i, j] = x
    return ad


def second(group, xi, u, v):
    h = mpf(10) ** -20
    at = lambda s, t: exponential(hat(group, [x + s * a * h + t * b * h for x, a, b in zip(xi, u, v)]))
    return (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / (4 * h * h)


def numbers(a):
    """By columns, as doubles."""
    return [float(a[i, j]) for j in range(a.cols) for i in range(a.rows)]


ANGLES = [0.0, 1e-200, 1e-11, 1e-6, 0.3, 1.0, float(pi) - 1e-9, float(pi), float(2 * pi), 25.0]
AXIS = [0.6, -0.48, 0.64]
VELOCITY = [1.5, -0.75, 0.25]
U = [0.5, -0.25, 1.0, 0.75, -1.0, 0.25, 0.5]
V = [-1.0, 0.5, 0.25, -0.5, 1.0, 0.75, -0.25]

cases = []
for group in ["rotation2", "rotation3", "isometry2", "isometry3", "similarity2", "similarity3"]:
    dimension, kind = int(group[-1]), group[:-1]
    for i, angle in enumerate(ANGLES):
        w = [angle] if dimension == 2 else [angle * x for x in AXIS]
        v = VELOCITY[:dimension] if kind != "rotation" else []
        for sigma in [0.0, 1e-9, 0.7, -3.0][:: 1 if i in (0, 3, 5, 7) else 2] if kind == "similarity" else [None]:
            xi = v + w + ([sigma] if sigma is not None else [])
            exact = [mpf(x) for x in xi]
            u, v2 = U[: len(xi)], V[: len(xi)]
            cases.append(
                {
                    "group": group,
                    "xi": xi,
                    "exponential": numbers(exponential(hat(group, exact))),
                    "right_jacobian": numbers(integral(-adjoint_of_algebra(group, exact))),
                    "u": u,
                    "v": v2,
                    "second": numbers(second(group, exact, u, v2)),
                }
            )

integrals = []
for j, k, sigma, z in [
    (0, 0, 0.0, 0.0), (1, 1, 1e-9, 1e-30), (2, 2, -1e-9, 1e-12), (2, 2, 0.5, 9.869604401089358), (3, 1, -2.0, 4.0),
    (4, 2, 2.0, 39.47841760435743), (2, 2, -50.0, 1.0), (1, 1, 40.0, 9.0), (0, 0, -900.0, 2.0), (2, 2, 700.0, 0.25),
    (4, 3, 1.0, 300.0), (2, 2, 0.25, 401.0), (1, 1, -3.0, 1e4), (0, 0, 0.5, 1e6), (3, 2, 0.1, 1e5), (2, 2, 0.5, -9.0),
]:
    mp.dps = 40
    sigma, z = mpf(sigma), mpf(z)

    def stumpff(k, x):
        if abs(x) < 30:
            return mp.nsum(lambda n: (-x) ** int(n) / mp.factorial(2 * int(n) + k), [0, mp.inf], method="d") if x else 1 / mp.factorial(k)
        if k == 0:
            return mp.cos(mp.sqrt(x))
        if k == 1:
            return mp.sin(mp.sqrt(x)) / mp.sqrt(x)
        return (1 / mp.factorial(k - 2) - stumpff(k - 2, x)) / x

    pieces = 1 + int(abs(sigma) / 20) + int(mp.sqrt(abs(z)) / 5)
    value = mp.quad(lambda t: t**j * mp.exp(sigma * t) * stumpff(k, z * t * t), mp.linspace(0, 1, pieces + 1))
    integrals.append({"j": j, "k": k, "sigma": float(sigma), "z": float(z), "value": float(value)})

with open(__file__.replace(".py", ".json"), "w") as file:
    lines = lambda rows: "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]"
    file.write(f'{{"cases": {lines(cases)},\n"integrals": {lines(integrals)}}}\n')
