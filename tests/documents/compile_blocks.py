#!/usr/bin/env python3
"""Compiles every ```cpp block of the documents against the installed Rewind, and runs the programs.
Those that say to be part of a file are compared with it.

usage: compile_blocks.py PREFIX COMPILER SCRATCH DOCUMENT...
"""
import concurrent.futures
import pathlib
import subprocess
import sys

import blocks

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "consumer"))
import installed  # noqa: E402


def is_quoted(tree, block):
    """Returns whether the block stands in the file that it names."""
    whole = (tree / block.quoted).read_text(encoding="utf-8")
    good = blocks.quotes(block.text, whole)
    print("ok" if good else f"FAILED, not in {block.quoted}:", block.name, flush=True)
    return good


def check(rewind, scratch, block):
    """Returns whether the block compiles and, if it is a program, runs."""
    folder = scratch / block.name.replace(":", "_")
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "block.cpp"
    source.write_text(block.text, encoding="utf-8")
    options = [*installed.STRICT, "-Wno-unused"]
    try:
        if block.program:
            rewind.link(source, folder / "program", *options)
            rewind.run(folder / "program", folder)
        else:
            rewind.compile(source, "-fsyntax-only", *options)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        print(f"FAILED {block.name}: {error}", flush=True)
        return False
    print(f"ok {block.name}", flush=True)
    return True


def main(prefix, compiler, scratch, *documents):
    rewind = installed.Installed(prefix, compiler)
    found = []
    good = []
    for document in map(pathlib.Path, documents):
        for block in blocks.blocks(document.name, document.read_text(encoding="utf-8")):
            if block.quoted:
                good.append(is_quoted(document.parent, block))
            else:
                found.append(block)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        good += pool.map(lambda block: check(rewind, pathlib.Path(scratch), block), found)
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
