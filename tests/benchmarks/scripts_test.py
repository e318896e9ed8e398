#!/usr/bin/env python3
"""scripts/bench before it builds anything, and the text that it gives to char_lm.
usage: scripts_test.py TREE"""
import pathlib
import subprocess
import sys
import unittest

TREE = pathlib.Path(sys.argv.pop(1)).resolve()


def run(script, *arguments, **options):
    return subprocess.run([TREE / "scripts" / script, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, **options)


class Scripts(unittest.TestCase):
    def test_without_a_name_bench_lists_what_there_is(self):
        done = run("bench")
        names = sorted(file.name.removesuffix("_bench.cpp")
                       for file in (TREE / "benchmarks").glob("*_bench.cpp"))
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertEqual(sorted(done.stderr.decode().splitlines()[1:]), sorted([*names, "compare"]))

    def test_what_is_no_benchmark_is_refused(self):
        for name in ("recurrant", "recurrent stream"):
            done = run("bench", name)
            self.assertEqual(done.returncode, 2)
            self.assertTrue(done.stderr.decode().startswith(
                f"bench: there is no benchmark '{name}'\nusage: "))

    def test_the_text_is_that_of_this_tree_and_always_the_same(self):
        text = run("project_text", cwd="/")
        self.assertEqual((text.returncode, text.stderr), (0, b""))
        self.assertEqual(len(text.stdout), 600_000)
        self.assertEqual(text.stdout, run("project_text").stdout)
        self.assertIn(b"#pragma once", text.stdout)


if __name__ == "__main__":
    unittest.main()
