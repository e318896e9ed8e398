#!/usr/bin/env python3
"""What the programs of the peers share. usage: measuring_test.py FOLDER_OF_BENCHMARKS"""
import contextlib
import io
import os
import sys
import unittest
from unittest import mock

sys.path.insert(0, os.path.join(sys.argv.pop(1), "peers"))
import measuring


class Measuring(unittest.TestCase):
    def test_calls_are_warmed_up_and_repeated(self):
        clock, calls = [0.0], []

        def call(seconds):
            calls.append(seconds)
            clock[0] += seconds

        with mock.patch.object(measuring.time, "perf_counter", lambda: clock[0]):
            for seconds, quick, repetitions in ((0.125, False, 5), (0.0625, False, 8),
                                                (0.0625, True, 5), (8, False, 3)):
                calls.clear()
                times = measuring.times_of(lambda: call(seconds), quick)
                self.assertEqual(times, [seconds] * repetitions)
                self.assertEqual(len(calls), repetitions + 2)

    def test_median_and_least(self):
        self.assertEqual(measuring.figures("a_ms", [3, 1, 2, 9, 8], 1e3),
                         {"a_ms": 3000, "a_ms_least": 1000})

    def answers(self, lines, jobs, *arguments):
        out = io.StringIO()
        with mock.patch.object(sys, "argv", ["peer", *arguments]), \
                mock.patch.object(sys, "stdin", io.StringIO(lines)), \
                contextlib.redirect_stdout(out):
            measuring.answer("other", jobs)
        return out.getvalue()

    def test_cases_are_answered_with_their_own_words(self):
        lines = ('{"peer":"rewind","cell":"LSTM","batch":2,"time":5,"hidden":10,"threads":1,'
                 '"train_ms":7,"fraction":0.5}\n{"cell":"MGC"}\n')
        said = self.answers(
            lines, {"work": lambda case, quick: {"train_ms": 0.048} if case["cell"] == "LSTM"
                    and quick else None}, "work", "--quick")
        self.assertEqual(said, '{"peer": "other", "cell": "LSTM", "batch": 2, "time": 5, '
                         '"hidden": 10, "threads": 1, "train_ms": 0.048, "gflops": 1.0}\n')


if __name__ == "__main__":
    unittest.main()
