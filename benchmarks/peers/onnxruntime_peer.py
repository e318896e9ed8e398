#!/usr/bin/env python3
"""ONNX Runtime: inference by its own layers, whose weights it packs once, when it loads them."""
import numpy
import onnx
import onnxruntime

import measuring
from measuring import GATES, figures, times_of

STATES = {"LSTM": ["h", "c"], "GRU": ["h"], "RNN": ["h"]}
RANDOM = numpy.random.default_rng(0)


def session(case, inputs, outputs, shape):
    """A model of one layer, whose inputs that are no weights have this shape."""
    cell, hidden = case["cell"], case["hidden"]
    width = GATES[cell] * hidden
    weights = {"w": (1, width, hidden), "r": (1, width, hidden), "b": (1, 2 * width)}
    attributes = {"hidden_size": hidden}
    if cell == "GRU":
        attributes["linear_before_reset"] = 1  # as in the other frameworks

    def declared(names, shape):
        return [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)
                for name in names if name and name not in weights]

    layer = onnx.helper.make_node(cell, inputs, outputs, **attributes)
    graph = onnx.helper.make_graph(
        [layer], "layer", declared(inputs, shape), declared(outputs, None),
        [onnx.numpy_helper.from_array(
            (RANDOM.standard_normal(size) * 0.05).astype(numpy.float32), name)
         for name, size in weights.items()])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 14)])
    model.ir_version = 8
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = case["threads"]
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options,
                                        providers=["CPUExecutionProvider"])


def recurrent(case, quick):
    if case["cell"] not in STATES:
        return None
    shape = (case["time"], case["batch"], case["hidden"])
    model = session(case, ["x", "w", "r", "b"], ["y"], shape)
    x = RANDOM.standard_normal(shape).astype(numpy.float32)
    return figures("infer_ms", times_of(lambda: model.run(None, {"x": x}), quick), 1e3)


def stream(case, quick):
    if case["cell"] not in STATES:
        return None
    before = STATES[case["cell"]]
    after = [name + "_next" for name in before]
    shape = (1, 1, case["hidden"])
    model = session(case, ["x", "w", "r", "b", "", *before], ["", *after], shape)
    feed = {name: numpy.zeros(shape, numpy.float32) for name in before}
    feed["x"] = RANDOM.standard_normal(shape).astype(numpy.float32)

    def steps():
        for _ in range(100):
            feed.update(zip(before, model.run(after, feed)))

    return figures("stream_us", times_of(steps, quick), 1e4)


if __name__ == "__main__":
    measuring.answer("onnxruntime", {"recurrent": recurrent, "stream": stream})
