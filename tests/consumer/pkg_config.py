#!/usr/bin/env python3
"""Builds and runs the consumer's programs with nothing but a compiler and pkg-config.

usage: pkg_config.py PREFIX COMPILER SCRATCH
"""
import pathlib
import sys

import installed


def main(prefix, compiler, scratch):
    rewind = installed.Installed(prefix, compiler)
    folder = pathlib.Path(scratch)
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted(pathlib.Path(__file__).parent.glob("*.cpp")):
        program = folder / source.stem
        rewind.link(source, program, *installed.STRICT)
        rewind.run(program, folder)


if __name__ == "__main__":
    main(*sys.argv[1:])
