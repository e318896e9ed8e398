#!/usr/bin/env python3
"""Checks from the #include lines that every folder stands only on lower floors, and every part of
the engine on earlier ones.

usage: floors.py TREE

A source file of the library includes its own project as "rewind/<folder>/<file>.h". Headers that are
installed (all but *_inl.h) must not need what a user of the library may not have, and what they
declare of a .cpp beside them must be visible to who links the shared library.
"""
import pathlib
import re
import sys

BELOW = {
    "tensor": set(),
    "autograd": {"tensor"},
    "nn": {"tensor", "autograd"},
    "optim": {"tensor", "autograd"},
    "data": {"tensor", "autograd"},
    "io": {"tensor", "autograd", "nn", "optim", "data"},
    "train": {"tensor", "autograd", "nn", "optim", "data", "io"},
}
# The same inside of autograd/engine: from the lowest part to the highest. "" are the files of the
# folder itself.
ENGINE = ["step", "trace", "rows", "passes", "derive", "compile", "run", "", "explain", "stream"]
PRIVATE = re.compile(r"^(hwy/|omp\.h$|cblas\.h$|nlohmann/)")
VISIBLE = '[[gnu::visibility("default")]]'
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.MULTILINE)


def faults_of_include(tree, folder, file, quote, target):
    """Yields what is wrong with one #include of `file`."""
    installed = file.suffix == ".h" and not file.name.endswith("_inl.h")
    if installed and PRIVATE.match(target):
        yield f"an installed header includes <{target}>, which is private to the library"
    if not target.startswith("rewind/"):
        if quote == '"':
            yield f'"{target}" should read "rewind/<folder>/<file>.h"'
        return
    path = pathlib.PurePosixPath(target).relative_to("rewind")
    if str(path) == "version.h":
        return
    if len(path.parts) < 2:
        yield f'"{target}" is for users, the library names what it needs'
    elif path.parts[0] != folder and path.parts[0] not in BELOW[folder]:
        yield f"{folder}/ includes {path}, which is not on a lower floor"
    elif not (tree / path).is_file():
        yield f"{path} does not exist"
    elif installed and path.name.endswith("_inl.h"):
        yield f"an installed header includes {path}, which is not installed"


def engine_part(path):
    """The part of the engine that a path of the tree belongs to, by its place in ENGINE, or None."""
    if path.parts[:2] != ("autograd", "engine"):
        return None
    return ENGINE.index(path.parts[2] if len(path.parts) > 3 else "")


def faults_of_engine_include(tree, file, target):
    """Yields what is wrong with an #include of one part of the engine by another."""
    if not target.startswith("rewind/"):
        return
    own = engine_part(file.relative_to(tree))
    path = pathlib.PurePosixPath(target).relative_to("rewind")
    other = engine_part(path)
    if own is not None and other is not None and other > own:
        yield f"{ENGINE[own] or 'engine'}/ includes {path}, which is a later part of the engine"


def faults(tree):
    """Yields one line for every fault in the tree."""
    for folder in BELOW:
        for file in sorted((tree / folder).rglob("*")):
            if file.suffix not in (".h", ".cpp"):
                continue
            text = file.read_text(encoding="utf-8")
            if file.suffix == ".h" and "#pragma once" not in text and "HWY_TARGET_TOGGLE" not in text:
                yield f"{file.relative_to(tree)}: #pragma once is missing"
            installed = file.suffix == ".h" and not file.name.endswith("_inl.h")
            if installed and file.with_suffix(".cpp").is_file() and VISIBLE not in text:
                yield (f"{file.relative_to(tree)}: {VISIBLE} is missing, so a user cannot link what "
                       f"it declares; export it, or name it *_inl.h")
            for match in INCLUDE.finditer(text):
                line = text.count("\n", 0, match.start(2)) + 1
                for fault in faults_of_include(tree, folder, file, *match.groups()):
                    yield f"{file.relative_to(tree)}:{line}: {fault}"
                for fault in faults_of_engine_include(tree, file, match.group(2)):
                    yield f"{file.relative_to(tree)}:{line}: {fault}"


if __name__ == "__main__":
    found = list(faults(pathlib.Path(sys.argv[1])))
    print("\n".join(found) or "every folder stands on lower floors only")
    sys.exit(1 if found else 0)
