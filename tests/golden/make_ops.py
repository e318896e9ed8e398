"""Golden values for the operations whose edge cases deserve an outside reference.

ops.safetensors: OP.x (or OP.a, OP.b) is the input, OP.y the result, OP.dy an upstream gradient and
OP.dx the gradient for it, where the op has one. float64 (many inputs make no sense in float32), or
int64 where said. The reference is PyTorch unless the line says otherwise.

  softmax.x [10, 4], the input also of log_softmax and logsumexp, all along axis 1. Its rows:
      ordinary; 1000, -1000, 0, 999; all 1e308; some -inf; one left of -inf; all -inf; one +inf;
      two +inf; a NaN; all -1000. Where the limit is undefined (all -inf, or +inf) softmax and
      log_softmax are NaN in the whole row, while logsumexp is -inf or +inf. NaN spreads over its
      row, no further. The gradients dy, dx are [6, 4], dy of logsumexp [6]: rows 0 to 4 and 9
  var.x [3, 5], .dy [3]; .unbiased.axis1, .unbiased.all, .unbiased.dx (along axis 1); .biased. too.
      Row 1 is 1e8 plus small values, row 2 is constant; computed with 80-bit numbers. For
      var.single [2, 1] along axis 1 .unbiased.single is NaN (0 / 0), .biased.single 0
  prod.x [4, 3], .y, .dy, .dx along axis 1: rows with no zero, one, two, three. At an only zero the
      gradient is the product of the others
  pow.a, .b, .y, .dy, .da, .db [14]: 0^0, negative bases, infinities, NaN. .da.finite, .db.finite
      (bool) say where the gradient is finite; elsewhere it is stored as 0
  cumsum.x [3, 4], .axis0, .axis1, .dy and .dx along axis 1; cumsum.int.x, .int.axis1 int64
  argsort.x [3, 8]: ties, -0.0 beside 0.0 (equal), infinities. .ascending, .descending int64, both
      stable along axis 1: equal values keep their order, also descending. argsort.int.x int64
      alike; argsort.nan.x [1, 6] alike: NaN is the greatest (NumPy, PyTorch)
  topk.largest.values, .indices, .smallest.values, .indices [3, 4]: of argsort.x, in the stable
      order (PyTorch leaves that of ties open)
  gelu.x, .dy [23], .erf.y, .erf.dx, .tanh.y, .tanh.dx by mpmath with 60 digits: right to the last
      bit in the far negative tail too, where 0.5 x (1 + erf(x / sqrt 2)) cancels (PyTorch agrees
      to 1e-14 absolutely there, not relatively; at -inf it says NaN, so that is not asked)
  softplus.x, .y, .dy, .dx [19] by mpmath; PyTorch's is x itself above 20, off by up to 2e-9.
      softplus(-inf) = 0, softplus(inf) = inf, with the slopes 0 and 1
  remainder.a, .b, .y, floor_divide.y [48] by NumPy, as in Python: the quotient goes down, the
      remainder has the sign of the divisor, also if zero; by 0.0: NaN, and the quotient a / b
  remainder.int.a, .int.b, .int.y, floor_divide.int.y [24] int64 by NumPy, without division by 0
  round.x, .y [19]: half to even; the sign of zero is kept
  repeat.x [2, 3], .tile [4, 9]: (2, 3) times, as torch.repeat and numpy.tile. .each.axis0,
      .each.axis1: every row or column twice in succession, as numpy.repeat
  pad.x [2, 3], .y [5, 6]: 1 row before, 2 after, 0 columns before, 3 after, filled with -1.5
  flip.x [2, 3, 2], .axis0, .axis1, .axes02
"""

import mpmath
import numpy as np
import torch
from golden_file import save

INF, NAN = float("inf"), float("nan")
generator = torch.Generator().manual_seed(21)
golden = {}


def random(*shape):  # exact in float32
    return torch.randn(*shape, generator=generator).double()


def store(prefix, **tensors):
    for name, value in tensors.items():
        key = f"{prefix}.{name}"
        assert key not in golden, key
        golden[key] = torch.as_tensor(value)


def gradient(function, x, dy):
    x = x.clone().requires_grad_()
    return torch.autograd.grad(function(x), x, dy)[0]


def normalizations():
    x = torch.tensor([[0.5, -1.25, 3, 2], [1000, -1000, 0, 999], [1e308, 1e308, 1e308, 1e308],
                      [-INF, 1, 2, -INF], [-INF, -INF, 5, -INF], [-INF, -INF, -INF, -INF],
                      [0, INF, 1, 2], [0, INF, INF, 2], [0, NAN, 1, 2],
                      [-1000, -1000, -1000, -1000]], dtype=torch.float64)
    store("softmax", x=x)
    regular = [0, 1, 2, 3, 4, 9]
    for op in (torch.softmax, torch.log_softmax, torch.logsumexp):
        y = op(x, 1)
        dy = random(*y[regular].shape)
        store(op.__name__, y=y, dy=dy, dx=gradient(lambda v: op(v, 1), x[regular], dy))


def variances():
    x = random(3, 5)
    x[1] = 1e8 + (x[1] * 64).round() / 64
    x[2] = 0.75
    single, dy = torch.tensor([[3.0], [-2.0]], dtype=torch.float64), random(3)
    store("var", x=x, single=single, dy=dy)
    for name, correction in (("unbiased", 1), ("biased", 0)):
        wide = x.numpy().astype(np.longdouble)  # a rounded mean would spoil row 1
        dx = 2 * (wide - wide.mean(axis=1, keepdims=True)) / (5 - correction) * dy.numpy()[:, None]
        store(f"var.{name}", axis1=wide.var(axis=1, ddof=correction).astype(np.float64),
              all=np.float64(wide.var(ddof=correction)),
              single=np.array([NAN if correction else 0.0] * 2), dx=dx.astype(np.float64))
        theirs = gradient(lambda v: v.var(1, correction=correction), x, dy)
        torch.testing.assert_close(golden[f"var.{name}.dx"], theirs, rtol=1e-6, atol=1e-14)


def products():
    x, dy = random(4, 3), random(4)
    x[1, 1] = x[2, 0] = x[2, 2] = 0
    x[3] = 0
    store("prod", x=x, y=x.prod(1), dy=dy, dx=gradient(lambda v: v.prod(1), x, dy))


def powers():
    pairs = [(0, 0), (0, 2), (0, 1), (-2, 3), (-2, -1), (-2, 0), (-2, 0.5), (2.5, -1.5), (1, NAN),
             (NAN, 0), (INF, -1), (-INF, 3), (0.5, INF), (-1, 2)]
    a, b = torch.tensor(pairs, dtype=torch.float64).T.contiguous()
    dy = random(len(pairs))
    da = gradient(lambda v: v.pow(b), a, dy)
    db = gradient(lambda v: a.pow(v), b, dy)
    store("pow", a=a, b=b, y=a.pow(b), dy=dy)
    for name, d in (("da", da), ("db", db)):
        finite = torch.isfinite(d)
        store("pow", **{name: torch.where(finite, d, 0), f"{name}.finite": finite})


def orders():
    x = torch.tensor([[2, 1, 2, 3, 1, 2, -5, 3], [0.0, -0.0, 1, -0.0, 0.0, -1, 1, -1],
                      [INF, -INF, 0, INF, -INF, 7, 7, 7]], dtype=torch.float64)
    integers = torch.tensor([[3, -1, 3, 0], [2**62, -2**62, 2**62 + 1, 0]])
    with_nan = torch.tensor([[1, NAN, INF, -INF, NAN, 0]], dtype=torch.float64)
    for name, v in (("argsort", x), ("argsort.int", integers), ("argsort.nan", with_nan)):
        up, down = (torch.argsort(v, dim=1, descending=d, stable=True) for d in (False, True))
        assert np.array_equal(up, np.argsort(v.numpy(), axis=1, stable=True))
        store(name, x=v, ascending=up, descending=down)
    for name, key in (("largest", "descending"), ("smallest", "ascending")):
        order = golden[f"argsort.{key}"]
        values = x.gather(1, order[:, :4])
        assert torch.equal(values, torch.topk(x, 4, largest=name == "largest").values)
        store(f"topk.{name}", values=values, indices=order[:, :4])


def sums():
    x, integers = random(3, 4), torch.tensor([[1, -2, 2**53, 1], [0, 5, 5, 5]])
    dy = random(3, 4)
    store("cumsum", x=x, axis0=x.cumsum(0), axis1=x.cumsum(1), dy=dy,
          dx=gradient(lambda v: v.cumsum(1), x, dy))
    store("cumsum.int", x=integers, axis1=integers.cumsum(1))


def by_mpmath(function, x):
    with mpmath.workdps(60):
        y = [float(function(mpmath.mpf(v))) for v in x.tolist()]
    return torch.tensor(y, dtype=torch.float64)


def activations():
    def normal_cdf(v):
        return mpmath.erfc(-v / mpmath.sqrt(2)) / 2

    def normal_pdf(v):
        return mpmath.exp(-v * v / 2) / mpmath.sqrt(2 * mpmath.pi)

    def gate(v):  # (1 + tanh(u)) / 2 without its cancellation
        u = mpmath.sqrt(2 / mpmath.pi) * (v + mpmath.mpf("0.044715") * v**3)
        return 1 / (1 + mpmath.exp(-2 * u))

    def gate_slope(v):
        slope_of_u = mpmath.sqrt(2 / mpmath.pi) * (1 + 3 * mpmath.mpf("0.044715") * v * v)
        return 2 * gate(v) * gate(-v) * slope_of_u

    x = torch.tensor([0, 1e-30, -1e-30, 0.125, -0.125, 0.5, -0.5, 1, -1, 1.5, -1.5, 2, -2, 3, -3,
                      5, -5, 8, -8, 15, -15, 1e4, -1e4], dtype=torch.float32).double()
    dy = random(len(x))
    store("gelu", x=x, dy=dy)
    store("gelu.erf", y=by_mpmath(lambda v: v * normal_cdf(v), x),
          dx=dy * by_mpmath(lambda v: normal_cdf(v) + v * normal_pdf(v), x))
    store("gelu.tanh", y=by_mpmath(lambda v: v * gate(v), x),
          dx=dy * by_mpmath(lambda v: gate(v) + v * gate_slope(v), x))
    for form, approximate in (("erf", "none"), ("tanh", "tanh")):
        theirs = torch.nn.functional.gelu(x, approximate=approximate)
        torch.testing.assert_close(golden[f"gelu.{form}.y"], theirs, rtol=1e-14, atol=1e-14)
        theirs = gradient(lambda v: torch.nn.functional.gelu(v, approximate=approximate), x, dy)
        torch.testing.assert_close(golden[f"gelu.{form}.dx"], theirs, rtol=1e-13, atol=1e-14)

    def softplus(v):
        return mpmath.log1p(mpmath.exp(v)) if v < INF else v

    x = torch.tensor([0, 1e-30, -1e-30, 0.5, -0.5, 1, -1, 10, -10, 19, 21, 25, -25, 40, -40, 1000,
                      -1000, INF, -INF], dtype=torch.float32).double()
    dy = random(len(x))
    store("softplus", x=x, dy=dy, y=by_mpmath(softplus, x),
          dx=dy * by_mpmath(lambda v: 1 / (1 + mpmath.exp(-v)), x))


def divisions():
    values = [7.5, -7.5, 6.0, -6.0, 0.0, -0.0, 1e-300, INF]
    divisors = [3.0, -3.0, 0.1, -0.1, 0.0, -INF]
    a, b = (v.ravel() for v in np.meshgrid(values, divisors, indexing="ij"))
    with np.errstate(all="ignore"):
        store("remainder", a=a, b=b, y=np.remainder(a, b))
        store("floor_divide", y=np.floor_divide(a, b))
    values, divisors = [7, -7, 6, -6, 0, 2**62], [3, -3, 1, -(2**40)]
    a, b = (v.ravel() for v in np.meshgrid(values, divisors, indexing="ij"))
    store("remainder.int", a=a, b=b, y=np.remainder(a, b))
    store("floor_divide.int", y=np.floor_divide(a, b))
    assert [divmod(int(x), int(y)) for x, y in zip(a, b)] == list(
        zip(golden["floor_divide.int.y"].tolist(), golden["remainder.int.y"].tolist()))


def rounding():
    x = torch.tensor([0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 3.5, 0.49999999999999994,
                      -0.49999999999999994, 0.0, -0.0, 1e-300, 4503599627370495.5,
                      4503599627370496.5, -4503599627370495.5, 1e300, INF, -INF, NAN],
                     dtype=torch.float64)
    store("round", x=x, y=x.round())


def shapes():
    x = random(2, 3)
    store("repeat", x=x, tile=x.repeat(2, 3))
    store("repeat.each", axis0=np.repeat(x, 2, axis=0), axis1=np.repeat(x, 2, axis=1))
    x = random(2, 3)
    store("pad", x=x, y=torch.nn.functional.pad(x, (0, 3, 1, 2), value=-1.5))
    x = random(2, 3, 2)
    store("flip", x=x, axis0=x.flip(0), axis1=x.flip(1), axes02=x.flip(0, 2))


for make in (normalizations, variances, products, powers, orders, sums, activations, divisions,
             rounding, shapes):
    make()
save("ops", golden, {"torch": torch.__version__.split("+")[0], "numpy": np.__version__,
                     "mpmath": mpmath.__version__})
