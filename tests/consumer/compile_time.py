#!/usr/bin/env python3
"""A file that includes everything and trains a small model must compile quickly.

usage: compile_time.py PREFIX COMPILER SOURCE REFERENCE TIMES

SOURCE may take TIMES as long as REFERENCE, a file of standard headers: seconds alone would judge
the machine and its neighbours. Both are compiled with the options of a release build, in turns.
Counted is the compiler's user CPU time; the best of three turns counts, and the first that is fast
enough ends it.
"""
import sys

import installed


def main(prefix, compiler, source, reference, times):
    rewind = installed.Installed(prefix, compiler)

    def seconds(file):
        return rewind.compile(file, "-O3", "-DNDEBUG", "-c", "-o", "/dev/null")

    turns = []
    while len(turns) < 3 and min(turns, default=float("inf")) > float(times):
        turns.append(seconds(source) / seconds(reference))
    print(f"{source}: {min(turns):.1f} times the user time of {reference}, {times} allowed")
    return min(turns) > float(times)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
