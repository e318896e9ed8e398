"""The numbers that char_lm reports, against a plain loop over the weights in its model file.
usage: char_lm_numbers_test.py PROGRAM [unittest arguments]"""
import json
import math
import os
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.path.abspath(sys.argv.pop(1))
TEXT = "the cat sees a dog. one bird hears the cat. " * 15
BATCH, TIME = 2, 2
STILL = ["--learning-rate", 1e-9]  # weights stay what they were drawn as, to their last digits
ONE_STEP = ["--time", 280]         # of the optimizer in an epoch


def columns(text, time=None):
    """Of a text side by side: pairs of a character and the next; with `time` whole windows only."""
    steps = (len(text) - 1) // BATCH
    used = steps // time * time if time else steps
    return [[(text[c * steps + t], text[c * steps + t + 1]) for t in range(used)]
            for c in range(BATCH)]


class Model:
    """A network of one tanh layer, one number at a time."""

    def __init__(self, content):
        end = 8 + int.from_bytes(content[:8], "little")
        header = json.loads(content[8:end])
        self.said = header.pop("__metadata__")
        self.weights = {}
        for name, entry in header.items():
            if not name.startswith("checkpoint/"):
                first, last = entry["data_offsets"]
                numbers = struct.unpack(f"<{(last - first) // 4}f", content[end + first:end + last])
                width = entry["shape"][-1] if len(entry["shape"]) == 2 else 1
                self.weights[name] = [numbers[i:i + width] for i in range(0, len(numbers), width)]
        self.symbols = sorted(set(TEXT))

    def bias(self, name):
        return [row[0] for row in self.weights[name]]

    def losses(self, pairs, kept=1):
        """-log p of each next character; `kept` is what dropout leaves of the layer's output."""
        def products(rows, x):
            return [sum(w * v for w, v in zip(row, x)) for row in rows]

        w, h, losses = self.weights, [0.0] * len(self.weights["rnn.weight_hh_l0"]), []
        for character, following in pairs:
            x = w["embed.weight"][self.symbols.index(character)]
            terms = zip(products(w["rnn.weight_ih_l0"], x), self.bias("rnn.bias_ih_l0"),
                        products(w["rnn.weight_hh_l0"], h), self.bias("rnn.bias_hh_l0"))
            h = [math.tanh(sum(four)) for four in terms]
            scores = [a + b for a, b in zip(products(w["head.weight"], [kept * v for v in h]),
                                            self.bias("head.bias"))]
            losses.append(math.log(sum(map(math.exp, scores)))
                          - scores[self.symbols.index(following)])
        return losses


class Numbers(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        with open(os.path.join(self.folder, "text"), "w", encoding="ascii") as out:
            out.write(TEXT)

    def run_program(self, *arguments):
        done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=self.folder, timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return done

    def train(self, name, *options):
        """The model, its line of metrics and what was said while it learned."""
        done = self.run_program("train", "--text", "text", "--out", name, "--metrics", name + ".log",
                                "--cell", "rnn", "--layers", 1, "--hidden", 3, "--embed", 2,
                                "--batch", BATCH, "--time", TIME, "--threads", 1, *options)
        with open(os.path.join(self.folder, name), "rb") as file:
            model = Model(file.read())
        with open(os.path.join(self.folder, name + ".log"), encoding="ascii") as file:
            return model, json.loads(file.read()), done.stderr.decode()

    def test_the_loss_of_a_window_knows_all_windows_before_it(self):
        model, line, _ = self.train("m", *STILL)
        learned = columns(TEXT[:len(TEXT) * 90 // 100], TIME)
        last = [loss for column in learned for loss in model.losses(column)[-TIME:]]
        self.assertAlmostEqual(line["last_loss"], sum(last) / len(last), delta=1e-4)

    def test_a_text_is_measured_in_bits_as_one_long_window(self):
        model, line, _ = self.train("m", *STILL)
        seen = columns(TEXT[len(TEXT) * 90 // 100:len(TEXT) * 95 // 100])
        losses = [loss for column in seen for loss in model.losses(column)]
        bits = sum(losses) / len(losses) / math.log(2)
        self.assertAlmostEqual(line["valid_bits_per_char"], bits, delta=1e-4)
        whole = model.losses(list(zip(TEXT, TEXT[1:])))  # longer than a window of eval
        said = float(self.run_program("eval", "--model", "m", "--text", "text").stdout.split()[0])
        self.assertAlmostEqual(said, sum(whole) / len(whole) / math.log(2), delta=1e-4)

    def test_progress_is_told_in_bits_too(self):
        _, _, said = self.train("m")
        words = said.splitlines()[0].split()
        loss, bits = (float(words[words.index(w) + i]) for w, i in (("loss", 1), ("bits/char", -1)))
        self.assertAlmostEqual(bits, loss / math.log(2), delta=0.013)

    def test_dropout_is_on_the_outputs_of_the_last_layer(self):
        model, line, _ = self.train("m", *STILL, "--dropout", 1)
        learned = columns(TEXT[:len(TEXT) * 90 // 100], TIME)
        last = [loss for column in learned for loss in model.losses(column, kept=0)[-TIME:]]
        self.assertAlmostEqual(line["last_loss"], sum(last) / len(last), delta=1e-4)

    def test_clipped_gradients_move_weights_no_further_than_they_can(self):
        """Adam's first step is rate * g / (|g| + 1e-8): of g = 1e-9 a tenth of the rate or less."""
        rate = 0.1
        before, _, _ = self.train("before", *STILL, *ONE_STEP)
        for clip, least, most in ((1e-9, 1e-4 * rate, 0.1 * rate), (5, 0.9 * rate, rate)):
            after, _, _ = self.train(f"after{clip}", "--learning-rate", rate, "--clip", clip,
                                     *ONE_STEP)
            moved = max(abs(a - b) for name, rows in before.weights.items()
                        for old, new in zip(rows, after.weights[name]) for a, b in zip(old, new))
            self.assertGreater(moved, least)
            self.assertLess(moved, most + 1e-6)


if __name__ == "__main__":
    unittest.main()
