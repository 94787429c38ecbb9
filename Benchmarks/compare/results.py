"""Formats the results as a Markdown page."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
import statistics
import subprocess

PACKAGES = [
    "rigidanalytics-tracker", "Django", "Flask", "gunicorn", "sentry-sdk", "posthog", "opentelemetry-sdk", "elastic-apm",
]


def middle(rows, key):
    values = [row[key] for row in rows if key in row]
    return statistics.median(values) if values else None


def cell(rows, key, places=0):
    value = middle(rows, key)
    return "-" if value is None else f"{value:,.{places}f}"


def machine():
    def first(path, prefix):
        lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()
        return next((line.split(":", 1)[-1].strip() for line in lines if line.startswith(prefix)), "unknown")

    swift = subprocess.run(["swift", "--version"], capture_output=True, text=True, check=False).stdout
    memory = int(first("/proc/meminfo", "MemTotal").split()[0]) // 1048576
    system = first("/etc/os-release", "PRETTY_NAME").split("=")[-1].strip('"')
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return (
        f"{datetime.date.today().isoformat()}; {os.cpu_count()} processors ({first('/proc/cpuinfo', 'model name')}), {memory} "
        f"GiB; {system}, Linux {platform.release()}; {swift.strip().splitlines()[0] if swift else 'Swift'}; Python "
        f"{platform.python_version()}; {packages}."
    )


def table(columns, rows):
    lines = [f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns)]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows]) + "\n"


def write(contenders, results, failures, rates, rounds):
    names = list(results)

    def rows(*cells):
        return [[contenders[name], *(make(results[name]) for make in cells)] for name in names]

    def part(scenario, key, places=0):
        return lambda result: cell(result[scenario], key, places)

    text = f"""# Results of the comparison

`Benchmarks/compare/run`, medians of {rounds} rounds in which the contenders took turns.

{machine()}

All contenders run with their default settings, on the same machine as the sink that receives their events, and `flush`
is never called before a process exits. [compare/README.md](compare/README.md) describes each measurement and what else
the other clients do. Part of every difference is the difference between Swift and Python.

## What tracking adds to a request

Microseconds in addition to the same work without tracking: for the Python package, a request through its framework; for
the others, one call that records a request with 15 header fields.

{table(["", "p50 us", "p99 us"], rows(part("added", "p50", 2), part("added", "p99", 2)))}
## Threads and memory

After 3,000 requests at full speed, with a backend that responds at once and with one that takes 50 ms.

{table(
    ["", "threads", "MiB", "threads, 50 ms", "MiB, 50 ms"],
    rows(part("normal", "threads"), part("normal", "mib"), part("slow", "threads"), part("slow", "mib")),
)}
## Events that arrive

Requests at full speed, after which the process exits. *Seconds* is the time from the last request to the end of the
process.

{table(
    ["", "of 20,000", "seconds", "of 1", "seconds", "of 3,000, backend takes 50 ms", "seconds"],
    rows(
        part("many", "events"), part("many", "exit", 2), part("one", "events"), part("one", "exit", 2),
        part("slow", "events"), part("slow", "exit", 2),
    ),
)}
## A backend that never responds

Seconds from the last of 1,000 requests to the end of the process.

{table(["", "seconds"], rows(part("black hole", "exit", 2)))}
## Eight threads

Each thread has its own browser and each request its own path; the handler takes a millisecond, as if it queried a
database. Then the process exits. *Lost* counts requests without an event, *duplicates* further events of a request that
already has one, *mixed up* events with the path of one request and the browser of another.

{table(["", "requests", "events", "lost", "duplicates", "mixed up"], rows(
    part("threads", "asked"), part("threads", "events"), part("threads", "lost"), part("threads", "twice"),
    part("threads", "mixed"),
))}
"""
    if rates:
        lines = []
        for name, pair in rates.items():
            ratio = statistics.median(on / off if off else 0 for off, on in zip(pair[False], pair[True]))
            lines.append(
                [
                    contenders[name],
                    f"{statistics.median(pair[False]):,.0f}",
                    f"{statistics.median(pair[True]):,.0f}",
                    f"{ratio:.2f}",
                ]
            )
        text += f"""## Whole sites

Requests per second over 16 connections (wrk): the Python package under gunicorn with 8 threads, this package in
DemoRouterApp.

{table(["", "without", "with", "ratio"], lines)}
"""
    if failures:
        text += "## Incomplete runs\n\n"
        for (name, scenario), reasons in failures.items():
            text += f"- {contenders[name]}, {scenario}: {len(reasons)} times, {reasons[0]}\n"
    return text.rstrip() + "\n"
