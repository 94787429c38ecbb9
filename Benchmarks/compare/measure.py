"""Runs contenders and sinks, with a timeout on everything, and returns their measurements."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIMIT = 90


class Failed(Exception):
    """The reason why a contender did not finish."""


@contextlib.contextmanager
def sink(delay):
    """Starts a backend for one measurement and yields its address."""
    process = subprocess.Popen([sys.executable, "-B", HERE / "sink.py", str(delay)], stdout=subprocess.PIPE, text=True)
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def counts(endpoint):
    with urllib.request.urlopen(f"{endpoint}/_result", timeout=60) as answer:
        return json.load(answer)


def worker(name, endpoint, what, count, extra=None):
    """Runs one contender to its end.

    Returns its measurements, and in `exit` the seconds from its last request to its end.
    """
    environment = {**os.environ, "ENDPOINT": endpoint, **(extra or {})}
    if name.startswith("ours"):
        environment |= {"RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_BACKEND_ENDPOINT": endpoint}
        environment |= {"RA_LOG_LEVEL": "off", "RA_BATCHES": "false" if name == "ours-single" else "true"}
        command = [ROOT / ".build/release/CompareProcess", what, str(count)]
    else:
        command = [sys.executable, "-B", HERE / "worker.py", name, what, str(count)]
    process = subprocess.Popen(
        [str(word) for word in command], cwd=HERE, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    os.set_blocking(process.stdout.fileno(), False)
    os.set_blocking(process.stderr.fileno(), False)
    start, output, errors, ending = time.monotonic(), b"", b"", None
    while process.poll() is None:
        output += process.stdout.read() or b""
        errors = (errors + (process.stderr.read() or b""))[-4000:]
        if ending is None and b"ending" in output:
            ending = time.monotonic()
        if time.monotonic() - start > LIMIT:
            process.kill()
            process.wait()
            raise Failed(f"not at its end after {LIMIT} s")
        time.sleep(0.002)
    end = time.monotonic()
    output += process.stdout.read() or b""
    errors += process.stderr.read() or b""
    process.stdout.close()
    process.stderr.close()
    # The Python package prints to the same stream.
    found = re.findall(r'\{(?:"(?:p50|us|mib)":[^}]*)?\}', output.decode(errors="replace"))
    if not found:
        lines = errors.decode(errors="replace").strip().splitlines()
        raise Failed(f"status {process.returncode}: {lines[-1] if lines else 'no result'}")
    measured = {name: value for text in found for name, value in json.loads(text).items()}
    return {**measured, "exit": end - (ending or end)}


def delivered(name, count, delay=0, settle=0.3):
    """Sends requests flat out and exits; returns the measurements and what reached the sink."""
    with sink(delay) as endpoint:
        result = worker(name, endpoint, "run", count)
        time.sleep(settle)
        if delay >= 0:
            result |= counts(endpoint)
        return result
