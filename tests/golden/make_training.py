"""Golden vectors for losses and optimizers, computed by PyTorch in float64.

losses.safetensors: for every CASE
  CASE.loss            [] if reduced, one value per row or element if not
  CASE.grad            its derivative by the logits or the prediction; if the loss is not reduced,
                       the derivative of sum(loss * upstream)
  CASE.grad_targets    the same by the targets, where they are probabilities
The metadata say the options of every case, in PyTorch's words, as JSON. The inputs:
  cross_entropy.logits [7, 5], .targets [7] int64, .probabilities [7, 5], .weights [5] (one per
      class), .targets_ignoring [7] int64 (two are -100, the index to ignore), .upstream [7];
      cross_entropy.extreme.logits [7, 5]: differences up to 2000, masked classes (-inf)
  huber.prediction, .target, .upstream [9]: a difference is 0, some are exactly the delta of a case
  bce.logits, .targets, .upstream [14]: logits up to +-1000, targets that are certain or not
A mean over classes with weights divides by the sum of the weights of the targets that count; a mean
with probability targets divides by the number of rows. (If every target is ignored, PyTorch's mean
is NaN: no case here.)

optimizers.safetensors: ten steps of every CASE, all with the same start and the same gradients
  initial.weight [2, 3], initial.bias [3]
  gradients.weight [10, 2, 3], gradients.bias [10, 3]
  CASE.weight [10, 2, 3], CASE.bias [10, 3]: the parameters after each step
The gradients do not depend on the parameters, so one wrong step cannot hide in the next; the loss
sum(weight * gradients.weight[t]) + sum(bias * gradients.bias[t]) has them. They are those of a
noisy quadratic, but weight[0, 0] gets 0 at every step, weight[0, 1] about 1e-8 (there eps decides)
and weight[0, 2] about 1000. The metadata say the class and the options of every case, in PyTorch's
words, as JSON; "then" are options that are set anew after the fifth step.
"""

import torch
import torch.nn.functional as F
from golden_file import save

generator = torch.Generator().manual_seed(11)
VERSION = torch.__version__.split("+")[0]
INFINITY = float("inf")


def random(*shape, scale=1.0):  # exact in float32
    return (scale * torch.randn(*shape, generator=generator)).double()


def exact(values):
    return torch.tensor(values, dtype=torch.float32).double()


def add_loss(into, case, function, x, target, upstream, options):
    """Adds one case. Options that are tensors are stored by the caller: their name is noted."""
    tensors, metadata = into
    x = x.clone().requires_grad_()
    leaves = [x]
    if function is F.cross_entropy and target.is_floating_point():
        leaves.append(target := target.clone().requires_grad_())
    loss = function(x, target, **options)
    gradients = torch.autograd.grad(loss, leaves, upstream if loss.dim() else None)
    assert all(torch.isfinite(v).all() for v in (loss, *gradients)), case
    tensors |= {f"{case}.loss": loss, f"{case}.grad": gradients[0]}
    if len(leaves) == 2:
        tensors[f"{case}.grad_targets"] = gradients[1]
    metadata[case] = {k: k if isinstance(v, torch.Tensor) else v for k, v in options.items()}


def cross_entropies(into):
    name, tensors = "cross_entropy", into[0]
    logits, upstream = random(7, 5, scale=2.0), random(7)
    weights = exact([0.5, 1.0, 2.0, 0.25, 1.5])
    targets = torch.tensor([4, 0, 2, 2, 1, 3, 0])
    ignoring = torch.tensor([4, -100, 2, 2, 1, -100, 0])
    # Multiples of 1/64 are exact in float32 and their rows sum to exactly 1.
    probabilities = exact([[8, 8, 16, 24, 8], [64, 0, 0, 0, 0], [0, 32, 32, 0, 0], [1, 2, 3, 4, 54],
                           [20, 10, 10, 4, 20], [0, 0, 0, 1, 63], [13, 13, 13, 13, 12]]) / 64
    extreme = random(7, 5)
    extreme[0] = exact([1000, -1000, 0, 0, 999])  # the target's logit is below the largest by 1
    extreme[1] = exact([-1000, 1000, 0, 0, 0])  # ... by 2000
    extreme[2] = exact([1000, 1000, 1000, 1000, 1000])
    extreme[3] = exact([-INFINITY, 0, 1, 2, -INFINITY])
    extreme[4] = exact([-INFINITY, -1000, -INFINITY, -INFINITY, -INFINITY])  # one class is left
    tensors |= {f"{name}.logits": logits, f"{name}.targets": targets, f"{name}.upstream": upstream,
                f"{name}.targets_ignoring": ignoring, f"{name}.probabilities": probabilities,
                f"{name}.weights": weights, f"{name}.extreme.logits": extreme}

    variants = {"plain": {}, "weighted": {"weight": weights}, "smoothed": {"label_smoothing": 0.1},
                "smoothed_weighted": {"label_smoothing": 0.1, "weight": weights}}
    for kind, target in (("", targets), ("ignoring.", ignoring), ("probability.", probabilities)):
        for variant, options in variants.items():
            for reduction in ("mean", "sum", "none"):
                add_loss(into, f"{name}.{kind}{variant}.{reduction}", F.cross_entropy, logits,
                         target, upstream, options | {"reduction": reduction})
    for reduction in ("mean", "none"):
        add_loss(into, f"{name}.extreme.{reduction}", F.cross_entropy, extreme, targets, upstream,
                 {"reduction": reduction})


def hubers(into):
    target, upstream = random(9), random(9)
    difference = exact([0, 1, -1, 0.5, -0.5, 0.25, -0.75, 3, -1000])
    target = (target * 64).round() / 64  # so that the differences survive the sum
    prediction = target + difference
    into[0].update({"huber.prediction": prediction, "huber.target": target,
                    "huber.upstream": upstream})
    for delta in (1.0, 0.5):
        for reduction in ("mean", "sum", "none"):
            add_loss(into, f"huber.delta_{delta}.{reduction}", F.huber_loss, prediction, target,
                     upstream, {"delta": delta, "reduction": reduction})


def binary_cross_entropies(into):
    logits = exact([1000, 1000, -1000, -1000, 1000, 50, -50, 1e-30, 0, 0, 2.5, -2.5, -100, 17])
    targets = exact([1, 0, 0, 1, 0.25, 0, 1, 1, 0, 0.5, 0.75, 0.125, 0.5, 1])
    upstream = random(14)
    into[0].update({"bce.logits": logits, "bce.targets": targets, "bce.upstream": upstream})
    for reduction in ("mean", "sum", "none"):
        add_loss(into, f"bce.{reduction}", F.binary_cross_entropy_with_logits, logits, targets,
                 upstream, {"reduction": reduction})


OPTIMIZERS = {
    "sgd": ("SGD", {"lr": 0.1}),
    "sgd_weight_decay": ("SGD", {"lr": 0.1, "weight_decay": 0.05}),
    "sgd_momentum": ("SGD", {"lr": 0.1, "momentum": 0.9}),
    "sgd_momentum_weight_decay": ("SGD", {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.05}),
    "sgd_momentum_rate_change": ("SGD", {"lr": 0.1, "momentum": 0.9, "then": {"lr": 0.01}}),
    "sgd_nesterov": ("SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True}),
    "sgd_nesterov_weight_decay": (
        "SGD", {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.05}),
    "adam": ("Adam", {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8}),
    "adam_eps_0.1": ("Adam", {"lr": 0.01, "betas": (0.9, 0.999), "eps": 0.1}),
    "adam_betas": ("Adam", {"lr": 0.01, "betas": (0.5, 0.9), "eps": 1e-8}),
    "adam_weight_decay": ("Adam", {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8,
                                   "weight_decay": 0.05}),
    "adam_rate_change": ("Adam", {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8,
                                  "then": {"lr": 0.001}}),
    "adamw": ("AdamW", {"lr": 0.01, "betas": (0.9, 0.999), "eps": 1e-8, "weight_decay": 0.05}),
    "adamw_eps_0.1": ("AdamW", {"lr": 0.01, "betas": (0.9, 0.999), "eps": 0.1,
                                "weight_decay": 0.05}),
    "rmsprop": ("RMSprop", {"lr": 0.01, "alpha": 0.99, "eps": 1e-8}),
    "rmsprop_eps_0.1": ("RMSprop", {"lr": 0.01, "alpha": 0.9, "eps": 0.1}),
    "rmsprop_momentum": ("RMSprop", {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "momentum": 0.9}),
    "rmsprop_centered": ("RMSprop", {"lr": 0.01, "alpha": 0.99, "eps": 1e-8, "centered": True}),
    "rmsprop_weight_decay": ("RMSprop", {"lr": 0.01, "alpha": 0.99, "eps": 1e-8,
                                         "weight_decay": 0.05}),
}


def noisy_quadratic(start, steps):
    """Gradients of 0.5 (p - goal)' A (p - goal) on a descent of its own, and noise."""
    n = start.numel()
    root, goal, p, gradients = random(n, n), random(n), start.flatten(), []
    for _ in range(steps):
        gradients.append((root @ root.T @ (p - goal) / n + 0.3 * random(n)).float().double())
        p = p - 0.2 * gradients[-1]
    return torch.stack(gradients).reshape(steps, *start.shape)


def optimizers(steps=10):
    initial = {"weight": random(2, 3), "bias": random(3)}
    gradients = {name: noisy_quadratic(p, steps) for name, p in initial.items()}
    special = torch.tensor([0, 1e-8, 1e3], dtype=torch.float64)
    gradients["weight"][:, 0] = (gradients["weight"][:, 0] * special).float().double()
    tensors = {f"initial.{name}": p for name, p in initial.items()}
    tensors |= {f"gradients.{name}": g for name, g in gradients.items()}
    metadata = {"torch": VERSION}
    for case, (kind, options) in OPTIMIZERS.items():
        params = {name: p.clone().requires_grad_() for name, p in initial.items()}
        first = {k: v for k, v in options.items() if k != "then"}
        optimizer = getattr(torch.optim, kind)(params.values(), **first)
        path = {name: [] for name in params}
        for t in range(steps):
            if t == 5:
                optimizer.param_groups[0].update(options.get("then", {}))
            for name, p in params.items():
                p.grad = gradients[name][t].clone()
            optimizer.step()
            for name, p in params.items():
                path[name].append(p.detach().clone())
        tensors |= {f"{case}.{name}": torch.stack(steps_of) for name, steps_of in path.items()}
        metadata[case] = {"class": kind} | options
    save("optimizers", tensors, metadata)


losses = ({}, {"torch": VERSION})
cross_entropies(losses)
hubers(losses)
binary_cross_entropies(losses)
save("losses", *losses)
optimizers()
