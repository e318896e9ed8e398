"""Golden vectors for the recurrent layers, computed by PyTorch in float64.

One file per case; every name, with time = 5, batch = 3, input = 3, hidden = 4, D = directions:

  x                [time, batch, input]        also where a sequence is over: never zero there
  lengths          [batch] int64               absent: every sequence has all the steps
  h0, c0           [layers * D, batch, hidden] absent: zeros. c only for the LSTM
  param.NAME       PyTorch's names, shapes and gate order (LSTM: i f g o; GRU: r z n)
  outputs          [time, batch, D * hidden]   zero where a sequence is over
  h_n, c_n         [layers * D, batch, hidden] state after the last valid step (backwards: step 0)
  w_outputs, w_h, w_c                          upstream gradients of the three, of the same shapes
  loss             []         sum(outputs * w_outputs) + sum(h_n * w_h) + sum(c_n * w_c)
  grad.x, grad.h0, grad.c0, grad.param.NAME    derivatives of the loss

All the inputs (x, h0, c0, w_*, param.*) are exact in float32, so that a float32 test reads the same
numbers. The metadata say torch (its version), cell (RNN, LSTM, GRU), layers, bidirectional, for an
RNN nonlinearity, and for a GRU reset: "after" is PyTorch's,
n = tanh(W_in x + b_in + r * (W_hn h + b_hn)); "before" is that of the paper (Cho et al., 2014),
n = tanh(W_in x + b_in + W_hn (r * h) + b_hn), which PyTorch lacks: it is written out below, and the
same loop with the other form is compared with PyTorch before anything is saved.
"""

import torch
from golden_file import save
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

TIME, BATCH, INPUT, HIDDEN = 5, 3, 3, 4
LENGTHS = torch.tensor([3, 5, 1])


def torch_layer(layer, x, lengths, initial):
    """Returns outputs and the tuple of final states of a torch.nn layer."""
    if lengths is not None:
        x = pack_padded_sequence(x, lengths, enforce_sorted=False)
    if initial is not None and not isinstance(layer, torch.nn.LSTM):
        initial = initial[0]
    outputs, final = layer(x, initial)
    if lengths is not None:
        outputs, _ = pad_packed_sequence(outputs)
    return outputs, final if isinstance(final, tuple) else (final,)


def gru_step(x, h, w_ih, w_hh, b_ih, b_hh, reset):
    n_rows = slice(2 * HIDDEN, None)
    from_x = x @ w_ih.T + b_ih
    r, z = torch.sigmoid((from_x + h @ w_hh.T + b_hh)[:, : 2 * HIDDEN]).chunk(2, dim=1)
    if reset == "before":
        n = torch.tanh(from_x[:, n_rows] + (r * h) @ w_hh[n_rows].T + b_hh[n_rows])
    else:
        n = torch.tanh(from_x[:, n_rows] + r * (h @ w_hh[n_rows].T + b_hh[n_rows]))
    return (1 - z) * n + z * h


def gru_by_hand(layer, x, lengths, initial, reset):
    """A plain loop over `layer`'s parameters: a row that is over keeps its state and puts out 0."""
    params, final = dict(layer.named_parameters()), []
    for level in range(layer.num_layers):
        directions = []
        for suffix in ["", "_reverse"][: 2 if layer.bidirectional else 1]:
            names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            weights = [params[f"{name}_l{level}{suffix}"] for name in names]
            h, outputs = initial[0][len(final)], [None] * len(x)
            for t in reversed(range(len(x))) if suffix else range(len(x)):
                active = (t < lengths)[:, None]
                h = torch.where(active, gru_step(x[t], h, *weights, reset), h)
                outputs[t] = torch.where(active, h, torch.zeros_like(h))
            directions.append(torch.stack(outputs))
            final.append(h)
        x = torch.cat(directions, dim=2)
    return x, (torch.stack(final),)


def make(file, seed, kind, layers=2, bidirectional=True, time=TIME, lengths=LENGTHS, initial=True,
         reset="after", **options):
    generator = torch.Generator().manual_seed(seed)

    def random(*shape, scale=1.0):  # exact in float32
        return (scale * torch.randn(*shape, generator=generator)).double()

    layer = getattr(torch.nn, kind)(INPUT, HIDDEN, layers, bidirectional=bidirectional,
                                    dtype=torch.float64, **options)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(random(*p.shape, scale=0.5))
    n_states, directions = 2 if kind == "LSTM" else 1, 2 if bidirectional else 1
    x = random(time, BATCH, INPUT).requires_grad_()
    states = [random(layers * directions, BATCH, HIDDEN, scale=0.7) for _ in range(n_states)]
    states = [s.requires_grad_() for s in states] if initial else None
    if reset == "before":
        by_hand = gru_by_hand(layer, x, lengths, states, "after")
        by_torch = torch_layer(layer, x, lengths, states)
        torch.testing.assert_close(by_hand, by_torch, rtol=1e-14, atol=1e-14)
        outputs, final = gru_by_hand(layer, x, lengths, states, reset)
    else:
        outputs, final = torch_layer(layer, x, lengths, states)

    upstream = [random(*y.shape) for y in (outputs, *final)]
    loss = sum((y * w).sum() for y, w in zip((outputs, *final), upstream))
    leaves = {"x": x} | dict(zip(("h0", "c0"), states or []))
    leaves |= {f"param.{name}": p for name, p in layer.named_parameters()}
    gradients = torch.autograd.grad(loss, list(leaves.values()))

    tensors = leaves | {f"grad.{name}": g for name, g in zip(leaves, gradients)}
    tensors |= dict(zip(("outputs", "h_n", "c_n"), (outputs, *final)))
    tensors |= dict(zip(("w_outputs", "w_h", "w_c"), upstream)) | {"loss": loss}
    if lengths is not None:
        tensors["lengths"] = lengths
    metadata = {"torch": torch.__version__.split("+")[0], "cell": kind, "layers": layers,
                "bidirectional": bidirectional}
    save(file, tensors, metadata | options | ({"reset": reset} if kind == "GRU" else {}))


make("rnn_tanh", 1, "RNN", nonlinearity="tanh")
make("rnn_relu", 2, "RNN", nonlinearity="relu")
make("lstm", 3, "LSTM")
make("gru", 4, "GRU")
make("gru_reset_before", 5, "GRU", reset="before")
make("lstm_no_lengths", 6, "LSTM", lengths=None)
one = {"layers": 1, "bidirectional": False, "time": 4, "lengths": None, "initial": False}
make("lstm_one_layer", 7, "LSTM", **one)
make("gru_one_layer", 8, "GRU", **one)
