#!/usr/bin/env python3
"""The lines of the built benchmarks. usage: programs_test.py FOLDER_OF_PROGRAMS"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

FOLDER = os.path.abspath(sys.argv.pop(1))


def run(name, *arguments):
    return subprocess.run([os.path.join(FOLDER, name + "_bench"), *arguments], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


class Programs(unittest.TestCase):
    def lines(self, name, *arguments):
        done = run(name, "--quick", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        for line in lines:
            self.assertEqual(line["peer"], "rewind")
            self.assertGreater(line["sgemm_peak_gflops"], 0)
            for key in line:
                if key.endswith("_least"):
                    self.assertTrue(0 < line[key] <= line[key.removesuffix("_least")], key)
        return lines

    def close(self, value, expected):
        self.assertAlmostEqual(value / expected, 1, delta=0.02)  # of rounded figures

    def test_recurrent(self):
        lines = self.lines("recurrent", "--cell", "mgc", "--threads", "2")
        self.assertEqual([(c["cell"], c["batch"], c["time"], c["hidden"], c["threads"])
                          for c in lines],
                         [("MGC", 1, 50, 32, 2), ("MGC", 16, 50, 64, 2), ("MGC", 32, 50, 128, 2)])
        for c in lines:
            # Two gates; 6 flops, of which 2 forward, for each weight of each row and step.
            weights = 2 * c["hidden"] * (c["hidden"] + c["hidden"])
            flops = 6 * weights * c["batch"] * c["time"]
            self.close(c["gflops"], flops / c["train_ms"] / 1e6)
            self.close(c["infer_gflops"], flops / 3 / c["infer_ms"] / 1e6)
            self.close(c["fraction"], c["gflops"] / c["sgemm_peak_gflops"])
            self.close(c["infer_fraction"], c["infer_gflops"] / c["sgemm_peak_gflops"])

    def test_cells_that_have_to_be_named(self):
        cells = ["LayerNormLSTM", "Attention", "MaskedRNN", "TwoStates"]
        lines = self.lines("recurrent", "--cell", *(cell.lower() for cell in cells))
        self.assertEqual([c["cell"] for c in lines], [cell for cell in cells for _ in range(3)])
        for c in lines:
            self.assertGreater(c["train_ms"], c["infer_ms"])
            self.assertNotIn("gflops", c)

    def test_gates(self):
        for cell, gates in (("LSTM", 4), ("GRU", 3), ("RNN", 1)):
            for c in self.lines("stream", "--cell", cell):
                flops = 2 * gates * c["hidden"] * 2 * c["hidden"]
                self.close(c["gflops"], flops / c["stream_us"] / 1e3)

    def test_ops(self):
        (line,) = self.lines("ops")
        self.assertEqual(line["op"], "tanh[8]")
        self.assertLess(line["eager_ns"], line["record_ns"] + line["backward_ns"])

    def test_denormals(self):
        (line,) = self.lines("denormals", "--cell", "LSTM")
        self.assertGreater(line["denormal_part"], 0.9)
        self.close(line["ratio"], line["denormal_ms"] / line["normal_ms"])

    def test_planning(self):
        (line,) = self.lines("planning", "--cell", "RNN")
        self.assertLess(line["look_up_us_least"], line["plan_us_least"])

    def test_memory(self):
        gru, rnn = self.lines("memory", "--cell", "GRU", "RNN")
        gates = {"GRU": 3, "RNN": 1}
        for line in (gru, rnn):  # the outputs at least; what is kept is there at the peak
            self.assertGreaterEqual(line["kept_floats"], line["hidden"])
            self.assertGreaterEqual(line["peak_floats"], line["kept_floats"])
            self.assertEqual(line["segments"], 0)
            weights = gates[line["cell"]] * line["hidden"] * 2 * line["hidden"]
            flops = 6 * weights * line["batch"] * line["time"]
            self.close(line["gflops"], flops / line["train_ms"] / 1e6)
        self.assertGreater(gru["kept_floats"], rnn["kept_floats"])

    def test_memory_in_segments(self):
        (whole,) = self.lines("memory", "--cell", "LSTM")
        (parts,) = self.lines("memory", "--cell", "LSTM", "--segments", "10")
        self.assertEqual(parts["segments"], 10)
        # The outputs, that the caller holds, and of the gates and cells a tenth.
        self.assertLess(parts["kept_floats"], 2 * parts["hidden"])
        self.assertGreater(whole["kept_floats"], 6 * parts["hidden"])

    def test_vocabulary(self):
        lines = self.lines("vocabulary", "--threads", "2")
        self.assertEqual({c["threads"] for c in lines}, {2})
        peaks = {c["case"]: c["peak_mb"] for c in lines if "peak_mb" in c}
        self.assertEqual(set(peaks), {"output layer step", "linear_cross_entropy step"})
        timed = {c["case"]: c for c in lines if "ms" in c}
        self.assertEqual(len(timed), len(lines) - 2)
        self.assertTrue({"softmax", "linear_cross_entropy step", "its three products",
                         "adam of 65536", "clip of 65536", "normal float32"} <= set(timed))
        logits = timed["output layer step"]
        self.close(logits["ms"] * 1e6 / logits["ns_per_element"], 160 * 1000)

    def test_char_lm(self):
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as text:
            text.write("a text to learn, again and again. " * 200)
            text.flush()
            (line,) = self.lines("char_lm", "--text", "none", "--text", text.name, "--cell", "gru")
        self.assertEqual((line["job"], line["cell"], line["epoch"], line["updates"]),
                         ("char_lm", "GRU", 1, 2))
        symbols = len(set("a text to learn, again and again. "))
        self.assertEqual(line["symbols"], symbols)
        weights = 3 * 128 * (64 + 128) + 3 * 128 * (128 + 128) + 128 * symbols
        self.close(line["gflops"], 6 * weights * line["chars_per_s"] / 1e9)
        self.assertTrue(0 < line["valid_bits_per_char"] < 5)

    def test_refusals(self):
        for arguments in (["recurrent", "--cell", "foo"], ["stream", "--threads", "0"],
                          ["ops", "--cell", "LSTM"], ["vocabulary", "2"],
                          ["stream", "--cell", "Attention"], ["memory", "--segments", "-1"],
                          ["char_lm"], ["char_lm", "--text", "no such file"]):
            done = run(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertRegex(done.stderr,
                             "foo|0 not in range|--cell|expected: 2|--segments|--text is required|"
                             "no such file")

    def test_char_lm_refuses_a_short_text(self):
        with tempfile.NamedTemporaryFile("w", encoding="ascii") as text:
            text.write("too few characters for one window")
            text.flush()
            done = run("char_lm", "--text", text.name)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertRegex(done.stderr, "^char_lm: .* 33 characters")


if __name__ == "__main__":
    unittest.main()
