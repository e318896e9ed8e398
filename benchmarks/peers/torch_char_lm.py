"""The training job of char_lm_bench.cpp: the same model, windows, optimizer and updates."""
import math
import time

import torch

from measuring import figures


class Model(torch.nn.Module):
    def __init__(self, symbols, case):
        super().__init__()
        self.embed = torch.nn.Embedding(symbols, case["embed"])
        self.rnn = getattr(torch.nn, case["cell"])(case["embed"], case["hidden"], case["layers"])
        self.head = torch.nn.Linear(case["hidden"], symbols)

    def forward(self, tokens, state):
        y, state = self.rnn(self.embed(tokens), state)
        return self.head(y), state


def constant(state):
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()


def loss_of(logits, targets, **options):
    return torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), **options)


def windows(ids, case, tail):
    """(tokens, targets), each [time, batch]: the text as columns side by side."""
    batch, size = case["batch"], case["time"]
    steps = (len(ids) - 1) // batch
    tokens = ids[:steps * batch].view(batch, steps).t().contiguous()
    targets = ids[1:steps * batch + 1].view(batch, steps).t().contiguous()
    last = steps if tail else steps - size + 1
    return [(tokens[i:i + size], targets[i:i + size]) for i in range(0, last, size)]


def train(model, parts):
    """The seconds of each update, and the last loss."""
    adam = torch.optim.Adam(model.parameters(), 2e-3)
    state, times, loss = None, [], None
    for tokens, targets in parts:
        start = time.perf_counter()
        adam.zero_grad(set_to_none=True)
        logits, state = model(tokens, state)
        state = constant(state)
        loss = loss_of(logits, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 5.0)
        adam.step()
        loss = loss.item()
        times.append(time.perf_counter() - start)
    return times, loss


def bits_per_character(model, parts):
    state, nats, count = None, 0.0, 0
    with torch.inference_mode():
        for tokens, targets in parts:
            logits, state = model(tokens, state)
            nats += loss_of(logits, targets, reduction="sum").item()
            count += targets.numel()
    return nats / count / math.log(2)


def measure(case, _quick):
    torch.set_num_threads(case["threads"])
    torch.manual_seed(0)
    with open(case["text"], "rb") as file:
        text = file.read()
    symbols = {symbol: i for i, symbol in enumerate(sorted(set(text)))}
    ids = torch.tensor([symbols[symbol] for symbol in text])
    learned, measured = len(ids) * 90 // 100, len(ids) * 95 // 100
    model = Model(len(symbols), case)
    parts = windows(ids[:learned], case, tail=False)[:case["updates"]]
    times, loss = train(model, parts)
    bits = bits_per_character(model, windows(ids[learned:measured], case, tail=True))
    characters = len(parts) * case["batch"] * case["time"]
    return {"chars_per_s": round(characters / sum(times)), **figures("update_ms", times, 1e3),
            "last_loss": round(loss, 4), "valid_bits_per_char": round(bits, 4),
            "symbols": len(symbols)}
