"""Compares this package with the Python package and with other clients, and writes Benchmarks/RESULTS.md."""

import argparse
import sys

from measure import Failed, ROOT, counts, delivered, sink, worker
from results import write
from rates import measure_rates

CONTENDERS = {
    "ours-single": "this package, one event per POST",
    "ours": "this package, NDJSON",
    "original-django": "Python package 2.0.5, Django",
    "original-flask": "Python package 2.0.5, Flask",
    "sentry": "Sentry's Python SDK",
    "posthog": "PostHog's Python SDK",
    "opentelemetry": "OpenTelemetry's Python SDK",
    "elastic": "Elastic's Python agent",
}


def added(name, quick):
    with sink(0) as endpoint:
        return worker(name, endpoint, "added", 200 if quick else 1000)


def threads(name, quick):
    """Tracks requests in eight threads, each with a handler that takes a millisecond."""
    count = 50 if quick else 250
    with sink(0) as endpoint:
        worker(name, endpoint, "threads", count, {"HANDLER_MS": "1"})
        found = counts(endpoint)
        lost, twice = 8 * count - found["requests"], found["events"] - found["requests"]
        return {**found, "asked": 8 * count, "lost": lost, "twice": twice}


SCENARIOS = {
    "added": added,
    "normal": lambda name, quick: delivered(name, 3_000),
    "slow": lambda name, quick: delivered(name, 3_000, delay=50),
    "many": lambda name, quick: delivered(name, 20_000),
    "one": lambda name, quick: delivered(name, 1),
    "black hole": lambda name, quick: delivered(name, 1_000, delay=-1),
    "threads": threads,
}


def main():
    parser = argparse.ArgumentParser(prog="Benchmarks/compare/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, to see that it works; writes nothing")
    parser.add_argument("--only", default="", help=f"comma-separated, from {', '.join(CONTENDERS)}; writes nothing")
    options = parser.parse_args()
    names = [name for name in options.only.split(",") if name] or list(CONTENDERS)
    if unknown := [name for name in names if name not in CONTENDERS]:
        parser.error(f"unknown: {', '.join(unknown)}; choose from {', '.join(CONTENDERS)}")
    rounds = 1 if options.quick else 5
    results = {name: {scenario: [] for scenario in SCENARIOS} for name in names}
    failures = {}
    for number in range(rounds):
        for scenario, measure in SCENARIOS.items():
            # "added" already alternates within one process.
            if scenario == "added" and number > 0:
                continue
            for name in names:
                # A contender that failed twice would fail again.
                if len(failures.get((name, scenario), [])) > 1:
                    continue
                print(f"round {number + 1} of {rounds}: {scenario}, {name}", file=sys.stderr, flush=True)
                try:
                    results[name][scenario].append(measure(name, options.quick))
                except Failed as failure:
                    failures.setdefault((name, scenario), []).append(str(failure))
    rates = measure_rates(rounds, names)
    text = write(CONTENDERS, results, failures, rates, rounds)
    print(text)
    if not options.quick and not options.only:
        (ROOT / "Benchmarks/RESULTS.md").write_text(text, encoding="utf-8")
        print("written to Benchmarks/RESULTS.md", file=sys.stderr)


if __name__ == "__main__":
    main()
