#!/usr/bin/env python3
"""floors.py finds each kind of fault, and accepts a tree without one."""
import pathlib
import tempfile
import unittest

import floors


class FloorsTest(unittest.TestCase):
    def faults(self, files):
        with tempfile.TemporaryDirectory() as folder:
            tree = pathlib.Path(folder)
            for name, text in files.items():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                (tree / name).write_text(text)
            return list(floors.faults(tree))

    def test_downward_includes_are_fine(self):
        self.assertEqual([], self.faults({
            "tensor/a.h": "#pragma once\n#include <vector>\n",
            "nn/b.cpp": '#include "rewind/tensor/a.h"\n#include "rewind/version.h"\n',
        }))

    def test_upward_and_sideways_includes_are_faults(self):
        header = "#pragma once\n"
        self.assertEqual(
            ["tensor/b.cpp:2: tensor/ includes nn/a.h, which is not on a lower floor",
             "optim/c.cpp:1: optim/ includes nn/a.h, which is not on a lower floor"],
            self.faults({
                "nn/a.h": header,
                "tensor/b.cpp": '\n#include "rewind/nn/a.h"\n',
                "optim/c.cpp": "#include <rewind/nn/a.h>\n",
            }))

    def test_the_engine_goes_from_step_to_stream(self):
        header = "#pragma once\n"
        self.assertEqual(
            ["autograd/engine/compile/b.cpp:1: compile/ includes autograd/engine/run/a.h, "
             "which is a later part of the engine",
             "autograd/engine/d.cpp:1: engine/ includes autograd/engine/stream/c.h, "
             "which is a later part of the engine"],
            sorted(self.faults({
                "autograd/engine/run/a.h": header,
                "autograd/engine/compile/b.cpp": '#include "rewind/autograd/engine/run/a.h"\n',
                "autograd/engine/stream/c.h": header + '#include "rewind/autograd/engine/e.h"\n',
                "autograd/engine/d.cpp": '#include "rewind/autograd/engine/stream/c.h"\n',
                "autograd/engine/e.h": header,
            })))

    def test_private_headers_stay_private(self):
        self.assertEqual(
            ["tensor/a.h:2: an installed header includes <hwy/highway.h>, "
             "which is private to the library",
             "tensor/a.h:3: an installed header includes tensor/k_inl.h, which is not installed"],
            self.faults({
                "tensor/a.h": '#pragma once\n#include <hwy/highway.h>\n'
                              '#include "rewind/tensor/k_inl.h"\n',
                "tensor/k_inl.h": "#pragma once\n#include <hwy/highway.h>\n",
            }))

    def test_names_are_whole_and_exist(self):
        self.assertEqual(
            ['nn/a.cpp:1: "b.h" should read "rewind/<folder>/<file>.h"',
             "nn/a.cpp:2: nn/b.h does not exist",
             'nn/a.cpp:3: "rewind/rewind.h" is for users, the library names what it needs'],
            self.faults({"nn/a.cpp": '#include "b.h"\n#include "rewind/nn/b.h"\n'
                                     '#include "rewind/rewind.h"\n'}))

    def test_what_is_installed_can_be_linked(self):
        header = "#pragma once\nnamespace rw {\nvoid f();\n}\n"
        visible = header.replace("rw", '[[gnu::visibility("default")]] rw')
        self.assertEqual(
            ['io/a.h: [[gnu::visibility("default")]] is missing, so a user cannot link what it '
             "declares; export it, or name it *_inl.h"],
            self.faults({"io/a.h": header, "io/a.cpp": "", "io/b.h": visible, "io/b.cpp": "",
                         "io/c_inl.h": header, "io/c.cpp": "", "io/d.h": header}))

    def test_headers_are_guarded(self):
        self.assertEqual(["io/a.h: #pragma once is missing"], self.faults({"io/a.h": "\n"}))


if __name__ == "__main__":
    unittest.main()
