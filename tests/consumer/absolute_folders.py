#!/usr/bin/env python3
"""Folders that are given whole are in the pkg-config file as given.

usage: absolute_folders.py SOURCE CMAKE COMPILER SCRATCH
"""
import os
import subprocess
import sys


def main(source, cmake, compiler, scratch):
    given = {"libdir": "/somewhere/lib", "includedir": "/elsewhere/include"}
    options = [f"-DCMAKE_INSTALL_{name.upper()}={folder}" for name, folder in given.items()]
    parts = [f"-DREWIND_BUILD_{part}=OFF" for part in ("TESTS", "EXAMPLES", "BENCHMARKS")]
    subprocess.run([cmake, "-G", "Ninja", "-S", source, "-B", scratch, *options, *parts,
                    "-DCMAKE_CXX_COMPILER=" + compiler], check=True, stdout=subprocess.DEVNULL)
    for name, folder in given.items():
        said = subprocess.run(["pkg-config", "--variable=" + name, "rewind"], check=True, text=True,
                              stdout=subprocess.PIPE,
                              env={**os.environ, "PKG_CONFIG_PATH": scratch}).stdout.strip()
        if said != folder:
            sys.exit(f"{name} is {said}, not {folder}")


if __name__ == "__main__":
    main(*sys.argv[1:])
