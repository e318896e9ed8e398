"""What the programs here share. Each measures one other framework, called a peer.

usage: PROGRAM JOB [--quick]

Cases come on stdin and go to stdout, with what was measured, as lines of JSON: those that
`scripts/bench JOB` prints. A case that the peer has no answer to is left out. Whoever runs them
sees to it that they have the cores they are to use and no others (taskset).
"""
import argparse
import json
import sys
import time

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1, "MGC": 2}
CASE = ("op", "job", "cell", "layers", "batch", "time", "hidden", "embed", "text", "epoch",
        "updates", "threads")


def times_of(call, quick):
    """Seconds of repeated calls after two to warm up: for half a second, at least five."""
    call()
    call()
    seconds, times = (0.05 if quick else 0.5), []
    while sum(times) < seconds or (len(times) < 5 and sum(times) < 20):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def figures(key, times, per_second):
    """The median, and the least, in a unit of which a second has so many."""
    ordered = sorted(times)
    return {key: round(ordered[len(times) // 2] * per_second, 4),
            key + "_least": round(ordered[0] * per_second, 4)}


def training_flops(case):
    return (6 * case["batch"] * case["time"] * GATES[case["cell"]] * case["hidden"]
            * 2 * case["hidden"])


def answer(peer, jobs):
    """Reads the job and its cases, and prints what jobs[job](case, quick) finds of each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("job", choices=jobs)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    for line in sys.stdin:
        given = json.loads(line)
        case = {key: given[key] for key in CASE if key in given}
        found = jobs[options.job](case, options.quick)
        if not found:
            continue
        if "train_ms" in found:
            found["gflops"] = round(training_flops(case) / found["train_ms"] / 1e6, 1)
        print(json.dumps({"peer": peer, **case, **found}), flush=True)
