#!/usr/bin/env python3
"""Runs this project's benchmarks, and the same cases in the frameworks that are installed, on the
same cores. Prints one table: our figures, their fraction of the sgemm peak of the same run, and the
ratios: how many times our time the other one needs. (Of characters a second the ratio is ours to
theirs, so above 1 we are ahead in every row.) The lines of all programs go to stderr as they come.

DyNet is not run. What it took was measured once; through the sgemm peaks of both machines it can be
compared, roughly. A peer that cannot be imported is named and left out. Programs take turns cell by
cell, so that what is compared was measured within a minute or two.
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "peers"))
from measuring import training_flops

PEERS = {  # which packages a peer needs, and which jobs it knows
    "torch": (["torch"], ["recurrent", "stream", "ops", "memory", "char_lm"]),
    "jax": (["jax"], ["recurrent"]),
    "onnxruntime": (["onnxruntime", "onnx", "numpy"], ["recurrent", "stream"]),
}
CELLS = ["LSTM", "GRU", "RNN", "MGC"]
JOBS = {"recurrent": CELLS, "stream": CELLS, "ops": [None], "memory": CELLS, "char_lm": CELLS[:3]}
FIGURES = {  # what a row is about, and where its fraction of the peak stands
    "train_ms": "fraction", "infer_ms": "infer_fraction", "stream_us": "fraction",
    "record_ns": None, "backward_ns": None, "eager_ns": None, "peak_floats": None,
    "chars_per_s": "fraction", "update_ms": None, "valid_bits_per_char": None,
}
CASE = ["job", "op", "cell", "batch", "time", "hidden"]
# train_ms of DyNet (on Eigen), one thread of an AVX2 machine with a sgemm peak of 83 GF/s for
# matrices of 1024 x 1024. Those of the LSTM are without the gradient of x, a sixth of the products,
# which ours have: so its ratios are the least that they can be.
DYNET_PEAK_GFLOPS = 83
DYNET_TRAIN_MS = {
    (1, 50, 32): {"LSTM": 0.35, "GRU": 0.27, "RNN": 0.09},
    (1, 50, 128): {"LSTM": 1.61, "GRU": 1.16, "RNN": 0.37},
    (16, 50, 64): {"LSTM": 3.91, "GRU": 2.67, "RNN": 0.82},
    (32, 50, 128): {"LSTM": 24.6, "GRU": 17.8, "RNN": 5.35},
    (32, 50, 256): {"LSTM": 99.4, "GRU": 64.2, "RNN": 20.4},
    (32, 50, 512): {"LSTM": 413, "GRU": 285, "RNN": 80.3},
}


class Failed(Exception):
    pass


def arguments():
    parser = argparse.ArgumentParser(prog="compare", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("jobs", nargs="*", metavar="JOB", help="of " + ", ".join(JOBS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--cell", action="append", type=str.upper, choices=CELLS,
                        help="this cell alone; may be given several times")
    parser.add_argument("--quick", action="store_true", help="fewer cases and repetitions")
    parser.add_argument("--least", action="store_true",
                        help="compare the least times instead of the medians")
    parser.add_argument("--python", default=os.environ.get("PEERS_PYTHON", "python3"),
                        help="the interpreter that has the peers' packages; the variable "
                             "PEERS_PYTHON names it too")
    parser.add_argument("--text", help="what char_lm learns from")
    parser.add_argument("--programs", required=True, help="the folder of the built benchmarks")
    options = parser.parse_args()
    unknown = [job for job in options.jobs if job not in JOBS]
    if unknown:
        parser.error(f"{unknown[0]} is no job; there are {', '.join(JOBS)}")
    cores = sorted(os.sched_getaffinity(0))
    if not 1 <= options.threads <= len(cores):
        parser.error(f"--threads {options.threads}: there are {len(cores)} cores")
    options.cores = ",".join(map(str, cores[:options.threads]))
    return options


def installed(python):
    """The peers that can be imported; the others are named."""
    found = []
    for peer, (packages, _) in PEERS.items():
        done = subprocess.run([python, "-c", "import " + ", ".join(packages)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode == 0:
            found.append(peer)
        else:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            print(f"{peer} is left out: {reason}", file=sys.stderr)
    return found


def run(command, options, given=""):
    """The lines that a program prints when it has the cores of this comparison."""
    command = ["taskset", "-c", options.cores, *command, *(["--quick"] if options.quick else [])]
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True)
    sys.stderr.write(done.stdout)
    if done.returncode != 0:
        raise Failed(" ".join(command))
    return done.stdout


def measure(job, cell, peers, options):
    """The lines of one job and cell: ours first, then those of each peer that knows the job."""
    command = [str(pathlib.Path(options.programs) / f"{job}_bench"), "--threads",
               str(options.threads)]
    command += ["--cell", cell] if cell else []
    command += ["--text", options.text] if job == "char_lm" and options.text else []
    ours = run(command, options)
    folder = pathlib.Path(__file__).parent / "peers"
    theirs = [run([options.python, str(folder / f"{peer}_peer.py"), job], options, ours)
              for peer in peers if job in PEERS[peer][1]]
    return [json.loads(line) for text in [ours, *theirs] for line in text.splitlines()]


def name_of(line):
    said = {key: line[key] for key in CASE if key in line}
    sizes = "x".join(str(said.pop(key)) for key in ("batch", "time", "hidden") if key in said)
    return " ".join([*said.values(), *([sizes] if sizes else [])])


def dynet_fraction(line):
    """Of its peak, for a training step as ours; None where it was not measured."""
    if "job" in line or line.get("threads") != 1:
        return None
    sizes = tuple(line.get(key) for key in ("batch", "time", "hidden"))
    milliseconds = DYNET_TRAIN_MS.get(sizes, {}).get(line.get("cell"))
    if milliseconds is None:
        return None
    return training_flops(line) / milliseconds / 1e6 / DYNET_PEAK_GFLOPS


def rows(lines, peers, least):
    """[case, figure, ours, fraction, a ratio for DyNet and each peer] of what was measured."""
    cases = {}
    for line in lines:
        cases.setdefault(name_of(line), {})[line["peer"]] = line
    for name, by_peer in cases.items():
        ours = by_peer["rewind"]
        for figure in (f for f in FIGURES if f in ours):
            key = figure + "_least" if least and figure + "_least" in ours else figure
            row = [name, figure, f"{ours[key]:.4g}", "-", "-"]
            if FIGURES[figure]:
                fraction = ours[FIGURES[figure]] * ours[figure] / ours[key]
                row[3] = f"{fraction:.2f}"
                dynet = dynet_fraction(ours) if figure == "train_ms" else None
                row[4] = f"{fraction / dynet:.2f}" if dynet else "-"
            for peer in peers:
                theirs = by_peer.get(peer, {}).get(key)
                more_is_better = figure == "chars_per_s"
                row.append("-" if theirs is None else
                           f"{ours[key] / theirs if more_is_better else theirs / ours[key]:.2f}")
            yield row


def table(titles, body):
    """Lines of a Markdown table, padded so that it can be read as it is."""
    cells = [titles, *body]
    widths = [max(len(row[i]) for row in cells) for i in range(len(titles))]
    drawn = ["| " + " | ".join(cell.ljust(width) if i < 2 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths))) + " |"
             for row in cells]
    rule = "|" + "|".join("-" * (w + 2) if i < 2 else "-" * (w + 1) + ":"
                          for i, w in enumerate(widths)) + "|"
    return [drawn[0], rule, *drawn[1:]]


def main():
    options = arguments()
    peers = installed(options.python)
    lines = []
    for job in options.jobs or JOBS:
        for cell in JOBS[job]:
            if cell is None or cell in (options.cell or CELLS):
                lines += measure(job, cell, peers, options)
    peaks = [line["sgemm_peak_gflops"] for line in lines if "sgemm_peak_gflops" in line]
    print(f"{options.threads} thread(s), {'least times' if options.least else 'medians'}, sgemm "
          f"peak {min(peaks):.0f} to {max(peaks):.0f} GF/s")
    print("\n".join(table(["case", "figure", "rewind", "of peak", "dynet", *peers],
                          rows(lines, peers, options.least))))


if __name__ == "__main__":
    try:
        main()
    except Failed as error:
        sys.exit(f"compare: this failed: {error}")
