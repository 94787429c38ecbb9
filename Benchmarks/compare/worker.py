"""Runs one contender in its own process, prints its measurements, and exits as a normal program does.

worker.py CONTENDER added COUNT     microseconds that tracking adds to a request: JSON with p50 and p99
worker.py CONTENDER run COUNT       tracks that many requests flat out: JSON with threads, memory and microseconds
worker.py CONTENDER threads COUNT   eight threads track that many requests each, each with its own path and browser

The last line of output is `ending`; the time until the process has exited is what its shutdown takes.
"""

import json
import os
import sys
import threading
import time


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def measure(work, count):
    times = []
    for number in range(count):
        start = time.perf_counter_ns()
        work(number, f"/hello/{number}/", "Mozilla/5.0")
        times.append((time.perf_counter_ns() - start) / 1000)
    return times


def added(contender, count):
    """Measures without and with the tracker, in five alternating rounds."""
    p50, p99 = [], []
    for _ in range(5):
        without = measure(contender.bare, count)
        tracked = measure(contender.tracked, count)
        p50.append(percentile(tracked, 0.5) - percentile(without, 0.5))
        p99.append(percentile(tracked, 0.99) - percentile(without, 0.99))
        time.sleep(0.2)
    return {"p50": percentile(p50, 0.5), "p99": percentile(p99, 0.5)}


def run(contender, count):
    start = time.perf_counter()
    for number in range(count):
        contender.tracked(number, f"/hello/{number}/", "Mozilla/5.0")
    took = time.perf_counter() - start
    with open("/proc/self/statm", encoding="ascii") as file:
        memory = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1048576
    return {"us": took / count * 1e6, "threads": len(os.listdir("/proc/self/task")), "mib": memory}


def in_threads(contender, count):
    def work(name):
        for number in range(count):
            contender.tracked(number, f"/hello/{name}-{number}/", f"browser-{name}")

    threads = [threading.Thread(target=work, args=(f"t{index}",)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {}


def main():
    from contenders import PYTHON

    name, what, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    contender = PYTHON[name](os.environ["ENDPOINT"])
    if what == "added":
        result = added(contender, count)
    elif what == "run":
        result = run(contender, count)
    else:
        result = in_threads(contender, count)
    sys.stdout.write(f"{json.dumps(result)}\nending\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
