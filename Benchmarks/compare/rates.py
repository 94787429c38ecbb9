"""Requests per second of whole sites, without and with the tracker: gunicorn with threads, and this package's demo."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time

from measure import HERE, ROOT, sink

SITES = {
    "original-django": ["gunicorn", "sites:django_app()"],
    "original-flask": ["gunicorn", "sites:flask_app()"],
    "ours": None,
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def serve(name, endpoint, tracked):
    """Starts a site on a free port."""
    port = free_port()
    environment = {**os.environ, "ENDPOINT": endpoint, "TRACKED": "1" if tracked else "0"}
    environment |= {"RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_BACKEND_ENDPOINT": endpoint}
    environment["RA_DEBUG_DISABLE_ANALYTICS"] = "false" if tracked else "true"
    if SITES[name]:
        command = [sys.executable, "-B", "-m", *SITES[name], "--worker-class", "gthread", "--threads", "8"]
        command += ["--bind", f"127.0.0.1:{port}", "--log-level", "error"]
    else:
        command = [ROOT / ".build/release/DemoRouterApp", "--port", str(port)]
    process = subprocess.Popen(
        [str(word) for word in command], cwd=HERE, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return process, port
        time.sleep(0.05)
    process.kill()
    raise RuntimeError(f"{name} does not listen")


def stop(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def measure_rates(rounds, names):
    """Returns each site's rates per round, without and with the tracker; empty if wrk is not installed."""
    wrk = shutil.which("wrk")
    if not wrk:
        return {}
    rates = {}
    for _ in range(rounds):
        for name in [name for name in SITES if name in names]:
            for tracked in (False, True):
                print(f"requests per second: {name}, tracker {'on' if tracked else 'off'}", file=sys.stderr, flush=True)
                with sink(0) as endpoint:
                    process, port = serve(name, endpoint, tracked)
                    try:
                        command = [wrk, "-t1", "-c16", "-d2", f"http://127.0.0.1:{port}/hello/x/"]
                        output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
                    finally:
                        stop(process)
                found = re.search(r"Requests/sec:\s+([\d.]+)", output)
                rates.setdefault(name, {True: [], False: []})[tracked].append(float(found.group(1)) if found else 0.0)
    return rates
