#!/usr/bin/env python3
"""PyTorch: its own layers, and the minimal gated cell as a loop of tensor operations."""
import time

import torch

import measuring
import torch_char_lm
from measuring import figures, times_of


class MinimalGated(torch.nn.Module):
    def __init__(self, size, hidden):
        super().__init__()
        self.hidden = hidden
        self.gate = torch.nn.Linear(size + hidden, hidden)
        self.candidate = torch.nn.Linear(size + hidden, hidden)

    def forward(self, xs, state=None):
        h = xs.new_zeros(xs.shape[1], self.hidden) if state is None else state
        outputs = []
        for x in xs:
            f = torch.sigmoid(self.gate(torch.cat([x, h], 1)))
            h = (1 - f) * h + f * torch.tanh(self.candidate(torch.cat([x, f * h], 1)))
            outputs.append(h)
        return torch.stack(outputs), h


def layer(case):
    torch.set_num_threads(case["threads"])
    torch.manual_seed(0)
    kind = MinimalGated if case["cell"] == "MGC" else getattr(torch.nn, case["cell"])
    return kind(case["hidden"], case["hidden"])


def training_step(model, x, dy):
    model.zero_grad(set_to_none=True)
    x.grad = None
    model(x)[0].backward(dy)


def inputs(steps, case):
    shape = (steps, case["batch"], case["hidden"])
    return torch.randn(shape, requires_grad=True), torch.randn(shape)


def recurrent(case, quick):
    model = layer(case)
    x, dy = inputs(case["time"], case)
    train = times_of(lambda: training_step(model, x, dy), quick)
    with torch.inference_mode():
        infer = times_of(lambda: model(x), quick)
    return {**figures("train_ms", train, 1e3), **figures("infer_ms", infer, 1e3)}


def stream(case, quick):
    model = layer(case)
    x = torch.randn(1, 1, case["hidden"])
    state = None

    def steps():
        nonlocal state
        for _ in range(100):
            _, state = model(x, state)

    with torch.inference_mode():
        return figures("stream_us", times_of(steps, quick), 1e4)


def ops(case, quick):
    torch.set_num_threads(case["threads"])
    chain = 10_000
    x, dy = torch.ones(8, requires_grad=True), torch.ones(8)

    def forward():
        y = x
        for _ in range(chain):
            y = torch.tanh(y)
        return y

    def eager():
        with torch.inference_mode():
            forward()

    times = {"record_ns": [], "backward_ns": [], "eager_ns": []}
    for _ in range(5 if quick else 21):
        start = time.perf_counter()
        y = forward()
        times["record_ns"].append(time.perf_counter() - start)
        start = time.perf_counter()
        y.backward(dy)
        times["backward_ns"].append(time.perf_counter() - start)
        start = time.perf_counter()
        eager()
        times["eager_ns"].append(time.perf_counter() - start)
    return {k: v for key, seconds in times.items() for k, v in
            figures(key, seconds, 1e9 / chain).items()}


def status(field):
    """A size of this process in bytes, as Linux tells it."""
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))


def memory(case, quick):
    """Of the first case alone: what one leaves behind, the next does not take anew."""
    model = layer(case)
    training_step(model, *inputs(2, case))
    x, dy = inputs(case["time"], case)
    with open("/proc/self/clear_refs", "w", encoding="ascii") as peak:
        peak.write("5")  # is forgotten
    before = status("VmRSS:")
    training_step(model, x, dy)
    grown = status("VmHWM:") - before
    return {"peak_mb": round(grown / 1e6),
            "peak_floats": round(grown / 4 / case["time"] / case["batch"])}


if __name__ == "__main__":
    measuring.answer("torch", {"recurrent": recurrent, "stream": stream, "ops": ops,
                               "memory": memory, "char_lm": torch_char_lm.measure})
