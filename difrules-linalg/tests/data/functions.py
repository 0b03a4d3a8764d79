#!/usr/bin/env python3
"""Makes functions.json: values and gradients of the functions of matrices.

Run:  pip install numpy gmpy2
      python functions.py          (writes functions.json beside this file)

It takes some minutes on one core. The committed file was made with Python 3.11, NumPy
2.4 and gmpy2 2.2.

All is arithmetic of 150 digits (GMP, MPFR), rounded to double at the end. A derivative along E is
the upper right block of f([A E; 0 A]), and the gradient for a cotangent Ybar is that for
A^H along Ybar. The script stops unless the gradient is that of the values by differences.

The matrices are of the kinds on which algorithms for functions fail: nilpotent, defective
and nearly so, normal, of repeated eigenvalues, far from normal, badly scaled, of large and
of tiny norm (Higham 2008, Functions of Matrices).

With each value and each gradient comes how far it may be off: the norm of its derivative
by A, all entries to all entries, times the norm of A, and its own norm, both times the
unit roundoff. A test multiplies this by ten.

Format: {"cases": [{"function", "scalar", "name", "a", "p", "b", "cotangent", "results":
[{"matrix", "off"}]}]}: the results are the value and the gradients by each argument that
has one, in the order of the arguments. p is the exponent of pow and powf, and t of
exp_action. A matrix is {"rows", "cols", "re", "im"}, in column-major order.
"""

import json
from pathlib import Path

import gmpy2
import numpy as np
from gmpy2 import mpc

gmpy2.get_context().precision = 500
STEP = mpc(2) ** -100
ROUNDOFF = 2.0**-53


def exact(a):
    """A matrix of doubles as one of numbers of 150 digits."""
    return np.array([[mpc(complex(x)) for x in row] for row in a], dtype=object).reshape(a.shape)


def one(n):
    return exact(np.eye(n))


def adjoint(a):
    return np.array([[x.conjugate() for x in row] for row in a.T], dtype=object)


def norm(a):
    return float(max(sum(abs(complex(x)) for x in row) for row in a))


def inverse(a):
    """By elimination with partial pivoting."""
    n = len(a)
    m = np.concatenate([a, one(n)], 1)
    for k in range(n):
        pivot = k + max(range(n - k), key=lambda i: gmpy2.norm(m[k + i, k]))
        m[[k, pivot]] = m[[pivot, k]]
        m[k] = m[k] / m[k, k]
        for i in range(n):
            if i != k and m[i, k] != 0:
                m[i] = m[i] - m[i, k] * m[k]
    return m[:, n:]


def expm(a):
    """Taylor's series of 2^-s A, squared."""
    size = norm(a)
    squarings = max(0, int(np.ceil(np.log2(size))) + 12) if size > 1e-30 else 0
    a = a / mpc(2) ** squarings
    y, term = one(len(a)), one(len(a))
    for k in range(1, 34):
        term = term.dot(a) / k
        y = y + term
    for _ in range(squarings):
        y = y.dot(y)
    return y


def sqrtm(a):
    """Newton's iteration in the form of Denman and Beavers, to half of the digits and once more."""
    x, y = a, one(len(a))
    for _ in range(200):
        x, y, before = (x + inverse(y)) / 2, (y + inverse(x)) / 2, x
        if norm(x - before) <= 1e-30 * norm(x):
            return (x + inverse(y)) / 2
    raise ArithmeticError("no root")


def logm(a):
    """Roots until next to one, then the series of atanh."""
    roots, unit = 0, one(len(a))
    while norm(a - unit) > 0.05:
        a, roots = sqrtm(a), roots + 1
    z = (a - unit).dot(inverse(a + unit))
    square, total = z.dot(z), z
    for k in range(1, 28):
        z = z.dot(square)
        total = total + z / (2 * k + 1)
    return total * 2 * mpc(2) ** roots


def signm(a):
    """Newton's iteration."""
    for _ in range(200):
        a, before = (a + inverse(a)) / 2, a
        if norm(a - before) <= 1e-30 * norm(a):
            return (a + inverse(a)) / 2
    raise ArithmeticError("no sign")


def power(a, n):
    y, factor = one(len(a)), a if n >= 0 else inverse(a)
    for _ in range(abs(n)):
        y = y.dot(factor)
    return y


I = mpc(0, 1)
FUNCTIONS = {
    "exp": expm,
    "sin": lambda a: (expm(I * a) - expm(-I * a)) / (2 * I),
    "cos": lambda a: (expm(I * a) + expm(-I * a)) / 2,
    "sinh": lambda a: (expm(a) - expm(-a)) / 2,
    "cosh": lambda a: (expm(a) + expm(-a)) / 2,
    "sqrt": sqrtm,
    "ln": logm,
    "sign": signm,
}


def block(a, e):
    """[A E; 0 A], of which a function is [f(A) L(A, E); 0 f(A)]."""
    return np.block([[a, e], [exact(np.zeros(a.shape)), a]])


def parts(m):
    n = len(m) // 2
    return m[:n, :n], m[:n, n:]


def dot(a, b):
    return sum((x.conjugate() * y for x, y in zip(a.ravel(), b.ravel())), mpc(0))


def quantities(case):
    """The value and the gradients, as functions of A."""
    name, bar, p = case["function"], case["bar"], case["p"]

    def of(a):
        if name == "exp_action":
            b = case["b"]
            at = block(adjoint(p * a), bar.dot(adjoint(b)))
            y, by_a = parts(expm(at))
            value = adjoint(y).dot(b)
            by_t = np.array([[dot(a.dot(value), bar)]], dtype=object)
            return [value, by_t, p.conjugate() * by_a, y.dot(bar)]
        at = block(adjoint(a), bar)
        if name == "powf":
            log = logm(at)
            y, by_a = parts(expm(p * log))
            by_p = mpc(dot(adjoint(parts(log)[0]).dot(adjoint(y)), bar).real)
            return [adjoint(y), by_a, np.array([[by_p]], dtype=object)]
        f = (lambda m: power(m, p)) if name == "pow" else FUNCTIONS[name]
        y, by_a = parts(f(at))
        return [adjoint(y), by_a]

    return of


def plain(a):
    return np.array([[complex(x) for x in row] for row in a]).reshape(a.shape)


def numbers(a, real):
    a = plain(a)
    out = {"rows": a.shape[0], "cols": a.shape[1], "re": a.T.real.ravel().tolist()}
    if not real:
        out["im"] = a.T.imag.ravel().tolist()
    return out


def frobenius(a):
    return float(np.linalg.norm(plain(a)))


def run(function, name, a, random, p=None, b=None):
    real = not np.iscomplexobj(a)
    n = a.shape[0]
    columns = n if b is None else b.shape[1]
    shape = (n, columns)
    bar = random.standard_normal(shape)
    if not real:
        bar = bar + 1j * random.standard_normal(shape)
    case = {"function": function, "p": p, "b": None if b is None else exact(b), "bar": exact(bar)}
    evaluate = quantities(case)
    at = exact(a)
    found = evaluate(at)
    if real:
        for q in found:
            assert all(abs(x.imag) <= 1e-30 * frobenius(q) for x in q.ravel()), (function, name)
    jacobians = [[] for _ in found]
    for j in range(n):
        for i in range(n):
            moved = at.copy()
            moved[i, j] += STEP
            for jacobian, new, old in zip(jacobians, evaluate(moved), found):
                jacobian.append(plain((new - old) / STEP).T.ravel())
    # The gradient by A is the adjoint of how the value moves.
    place = 2 if function == "exp_action" else 1
    by_a = np.array(jacobians[0]).conj() @ bar.T.ravel()
    expected = plain(found[place]).T.ravel()
    size = np.linalg.norm(np.array(jacobians[0])) * np.linalg.norm(bar)
    assert np.linalg.norm(by_a - expected) <= 1e-14 * size + 1e-20, (function, name, by_a, expected)
    size = frobenius(at)
    results = []
    for q, jacobian in zip(found, jacobians):
        off = frobenius(q) + (np.linalg.norm(np.array(jacobian), 2) * size)
        results.append({"matrix": numbers(q, real), "off": off * ROUNDOFF})
    out = {
        "function": function,
        "scalar": "f64" if real else "Complex<f64>",
        "name": name,
        "a": numbers(at, real),
        "cotangent": numbers(exact(bar), real),
        "results": results,
    }
    if p is not None:
        out["p"] = [complex(p).real, complex(p).imag]
    if b is not None:
        out["b"] = numbers(exact(b), real)
    print(function, name, out["scalar"], flush=True)
    return out


def jordan(value, n):
    return value * np.eye(n) + np.eye(n, k=1)


def frank(n):
    return np.array([[n - max(i, j) if j >= i - 1 else 0.0 for j in range(n)] for i in range(n)])


def pascal(n):
    p = np.ones((n, n))
    for i in range(1, n):
        for j in range(1, n):
            p[i, j] = p[i - 1, j] + p[i, j - 1]
    return p


def main():
    random = np.random.default_rng(20240609)
    normal = random.standard_normal
    q4 = np.linalg.qr(normal((4, 4)))[0]
    turn = lambda x: np.array([[np.cos(x), -np.sin(x)], [np.sin(x), np.cos(x)]])
    both = lambda a, b: np.block([[a, np.zeros((len(a), len(b)))], [np.zeros((len(b), len(a))), b]])
    entire = {
        "one number": np.array([[0.7]]),
        "zero": np.zeros((2, 2)),
        "one": np.eye(3),
        "general": normal((4, 4)),
        "complex": normal((3, 3)) + 1j * normal((3, 3)),
        "nilpotent": np.triu(normal((4, 4)), 1) * 3,
        "nilpotent in no basis": q4 @ (np.triu(normal((4, 4)), 1)) @ q4.T,
        "Jordan": jordan(0.7, 4),
        "complex Jordan": jordan(0.4 + 0.9j, 3),
        "Jordan in no basis": q4 @ jordan(-0.3, 4) @ q4.T,
        "nearly defective": np.array([[1, 1, 0], [0, 1 + 1e-9, 1], [0, 0, 1 - 1e-9]]),
        "normal": q4 @ both(0.8 * turn(1.1), 1.7 * turn(2.5)) @ q4.T,
        "skew": np.array([[0, 2.0, -1], [-2, 0, 0.5], [1, -0.5, 0]]),
        "Hermitian": (lambda m: m + m.conj().T)(normal((3, 3)) + 1j * normal((3, 3))),
        "Frank": frank(5),
        "Pascal": pascal(4),
        "badly scaled": np.array([[1, 1e6], [0, -1.0]]),
        "far from normal": np.triu(normal((4, 4)), 1) * 40 + np.diag([0.1, -0.2, 0.3, -0.4]),
        "lower triangular": np.tril(normal((4, 4))),
        "diagonal": np.diag([1.0, 2.0, 2.0, -3.0]),
        "large": 300 * (q4 @ np.diag([-1.0, -0.9, -0.5, -0.1]) @ q4.T),
        "large and turning": both(1000 * turn(np.pi / 2 + 1e-3), 900 * turn(np.pi / 2)),
        "tiny": 1e-12 * normal((3, 3)),
        "graded": np.array([[1e3, 1, 1e-3], [1, 1e-1, 1e-4], [1e-3, 1e-4, 1e-6]]) * 1e-1,
    }
    principal = {
        "one number": np.array([[0.7]]),
        "one": np.eye(3),
        "next to one": np.eye(3) + 1e-9 * normal((3, 3)),
        "general": normal((4, 4)) + 3 * np.eye(4),
        "complex": normal((3, 3)) + 1j * normal((3, 3)) + 3 * np.eye(3),
        "unipotent": np.triu(normal((4, 4)), 1) * 3 + np.eye(4),
        "Jordan": jordan(0.1, 4),
        "complex Jordan": jordan(-0.4 + 0.9j, 3),
        "Jordan in no basis": q4 @ jordan(0.3, 4) @ q4.T,
        "nearly defective": np.array([[1, 1, 0], [0, 1 + 1e-9, 1], [0, 0, 1 - 1e-9]]),
        "normal": q4 @ both(0.8 * turn(1.1), 1.7 * turn(3.1)) @ q4.T,
        "next to the axis": -np.array([[1.0, 2], [0, 1]]) + 1e-3 * np.array([[0, 0], [1, 0]]),
        "Frank": frank(4),
        "Pascal": pascal(4),
        "badly scaled": np.array([[1, 1e6], [0, 2.0]]),
        "far from normal": np.triu(normal((4, 4)), 1) * 40 + np.diag([0.1, 0.2, 0.3, 4]),
        "lower triangular": np.tril(normal((4, 4)), -1) + np.diag([1.0, 2, 3, 4]),
        "diagonal": np.diag([1e-10, 2.0, 2.0, 1e10]),
        "large": 1000 * (normal((3, 3)) + 3 * np.eye(3)),
        "tiny": 1e-12 * (normal((3, 3)) + 3 * np.eye(3)),
        "both sides of the axis": np.array([[np.exp(3.1j), 1, 2], [0, np.exp(-3.1j), 1], [0, 0, np.exp(3j)]]),
    }
    signs = {
        "one number": np.array([[-0.7]]),
        "general": normal((4, 4)),
        "complex": normal((3, 3)) + 1j * normal((3, 3)),
        "Jordan": both(jordan(0.5, 2), jordan(-0.4, 2)) @ np.eye(4),
        "triangular": np.triu(normal((4, 4)), 1) * 3 + np.diag([1.0, -1, 1, -2]),
        "badly scaled": np.array([[1, 1e6], [0, -1.0]]),
        "normal": q4 @ both(0.8 * turn(1.1), 1.7 * turn(2.5)) @ q4.T,
        "pairs": np.block([[turn(1.0), normal((2, 2))], [np.zeros((2, 2)), turn(2.5)]]),
        "diagonal": np.diag([1e-10, -2.0, 2.0, -1e10]),
        "large": 1000 * normal((3, 3)),
        "tiny": 1e-12 * normal((3, 3)),
    }
    cases = []
    for function in ["exp", "sin", "cos", "sinh", "cosh"]:
        for name, a in entire.items():
            # The others overflow.
            if name.startswith("large and") and function != "exp":
                continue
            cases.append(run(function, name, a, random))
    for function in ["sqrt", "ln"]:
        for name, a in principal.items():
            cases.append(run(function, name, a, random))
    for name, a in signs.items():
        cases.append(run("sign", name, a, random))
    for k, (name, a) in enumerate(principal.items()):
        for p in [[1 / 3, -0.7, 2.5], [0.5, 10.3, -2.2]][k % 2]:
            cases.append(run("powf", name, a, random, mpc(p)))
    for k, (name, a) in enumerate(entire.items()):
        for p in [[0, 1, 7], [2, 10, 5]][k % 2]:
            cases.append(run("pow", name, a, random, p))
    for k, (name, a) in enumerate(principal.items()):
        for p in [[-1, -6], [-3]][k % 2]:
            cases.append(run("pow", name, a, random, p))
    for k, (name, a) in enumerate(entire.items()):
        n, columns = a.shape[0], 1 + k % 3
        b, t = normal((n, columns)), mpc(([1.0, -0.6, 2.5][k % 3]))
        if name in ["large and turning", "badly scaled"]:
            t = mpc(0.05)
        if np.iscomplexobj(a):
            b, t = b + 1j * normal((n, columns)), mpc(0.5, -1.25)
        cases.append(run("exp_action", name, a, random, t, b))
    lines = ",\n".join(json.dumps(case) for case in cases)
    Path(__file__).with_name("functions.json").write_text('{"cases": [\n' + lines + "\n]}\n")


if __name__ == "__main__":
    main()
