#!/usr/bin/env python3
"""JAX: lax.scan under jit, with x's product taken out of the loop by hand, as it is fastest."""
import jax
import jax.numpy as jnp

import measuring
from measuring import GATES, figures, times_of


def lstm(state, z, wh):
    h, c = state
    i, f, g, o = jnp.split(z + h @ wh, 4, 1)
    c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


def gru(state, z, wh):
    (h,) = state
    zr, zu, zn = jnp.split(z, 3, 1)
    hr, hu, hn = jnp.split(h @ wh, 3, 1)
    r, u = jax.nn.sigmoid(zr + hr), jax.nn.sigmoid(zu + hu)
    return ((1 - u) * jnp.tanh(zn + r * hn) + u * h,)


def rnn(state, z, wh):
    (h,) = state
    return (jnp.tanh(z + h @ wh),)


def minimal_gated(state, z, wh):
    (h,) = state
    zf, zc = jnp.split(z, 2, 1)
    wf, wc = jnp.split(wh, 2, 1)
    f = jax.nn.sigmoid(zf + h @ wf)
    return ((1 - f) * h + f * jnp.tanh(zc + (f * h) @ wc),)


STEPS = {"LSTM": lstm, "GRU": gru, "RNN": rnn, "MGC": minimal_gated}


def recurrent(case, quick):
    batch, time, hidden = case["batch"], case["time"], case["hidden"]
    width = GATES[case["cell"]] * hidden
    step = STEPS[case["cell"]]
    keys = jax.random.split(jax.random.PRNGKey(0), 4)
    x, dy = (jax.random.normal(key, (time, batch, hidden)) for key in keys[:2])
    wx, wh = (jax.random.normal(key, (hidden, width)) * 0.05 for key in keys[2:])
    zeros = jnp.zeros((batch, hidden))
    initial = (zeros, zeros) if case["cell"] == "LSTM" else (zeros,)

    def forward(x, wx, wh, b):
        def one(state, z):
            state = step(state, z, wh)
            return state, state[0]
        return jax.lax.scan(one, initial, x @ wx + b)[1]

    arguments = (x, wx, wh, jnp.zeros(width))
    infer = jax.jit(forward)
    train = jax.jit(lambda dy, *given: jax.vjp(forward, *given)[1](dy))
    return {**figures("train_ms", times_of(
                lambda: jax.block_until_ready(train(dy, *arguments)), quick), 1e3),
            **figures("infer_ms", times_of(
                lambda: jax.block_until_ready(infer(*arguments)), quick), 1e3)}


if __name__ == "__main__":
    measuring.answer("jax", {"recurrent": recurrent})
