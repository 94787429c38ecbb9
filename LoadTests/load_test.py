"""Load-tests a demo with and without the tracker, and checks that every answered request is one event."""

import argparse
import collections
import csv
import json
import os
import pathlib
import re
import resource
import subprocess
import sys
import urllib.parse

from programs import Failure, Programs, ROOT, build, end_with, free_port

SHARES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
FASTCGI = """
upstream app {{ server 127.0.0.1:{app}; keepalive 64; }}
server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
        fastcgi_keep_conn on; fastcgi_pass app;
        fastcgi_param REQUEST_METHOD $request_method; fastcgi_param QUERY_STRING $query_string;
        fastcgi_param REQUEST_URI $request_uri; fastcgi_param SERVER_PROTOCOL $server_protocol;
        fastcgi_param SERVER_NAME $server_name; fastcgi_param SERVER_PORT $server_port;
        fastcgi_param REMOTE_ADDR $remote_addr; fastcgi_param CONTENT_LENGTH $content_length;
        fastcgi_param CONTENT_TYPE $content_type;
    }}
}}
"""


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="LoadTests/run",
        description="Load-tests a demo site with and without the tracker: checks that every answered request is exactly "
        "one event, and compares latencies.",
    )
    parser.add_argument("--demo", choices=["router", "cgi"], default="router", help="the demo to test (router)")
    parser.add_argument("--users", type=int, default=50, help="concurrent visitors (50)")
    parser.add_argument("--time", default="30s", help="duration of one run, such as 30s or 2m (30s)")
    parser.add_argument("--rounds", type=int, default=2, help="runs with the tracker, and as many without (2)")
    parser.add_argument(
        "--dashboard", action="store_true", help="serve Locust's own dashboard on port 8089 instead, until Ctrl-C"
    )
    options = parser.parse_args()
    if options.users < 1 or options.rounds < 1 or not re.fullmatch(r"[1-9]\d*[smh]", options.time):
        parser.error("--users and --rounds must be at least 1, --time a number with s, m or h")
    return options


def start_handler(programs, binaries):
    """Starts the event handler, which writes every event to a file."""
    port = free_port()
    events = programs.folder / "events.ndjson"
    handler = programs.start("EventHandler", [binaries / "EventHandler", "--port", port, "--no-store"], output=events)
    programs.wait_for_port(port, handler)
    return handler, port, events


def start_demo(programs, binaries, demo, endpoint):
    """Starts a demo, without the tracker if there is no endpoint; returns the process and its site's address."""
    settings = {"RA_PROJECT_ID": "load", "RA_PROJECT_TOKEN": "load-token", "RA_SHUTDOWN_TIMEOUT": "20"}
    if endpoint:
        settings["RA_BACKEND_ENDPOINT"] = endpoint
    else:
        settings["RA_DEBUG_DISABLE_ANALYTICS"] = "true"
    port = free_port()
    if demo == "router":
        process = programs.start("DemoRouterApp", [binaries / "DemoRouterApp", "--port", port], settings)
    else:
        app = free_port()
        process = programs.start("DemoCGIApp", [binaries / "DemoCGIApp", "--fastcgi", f"127.0.0.1:{app}"], settings)
        programs.wait_for_port(app, process)
        nginx = programs.start_nginx(FASTCGI.format(app=app, port=port))
        programs.wait_for_port(port, nginx)
        return process, f"http://127.0.0.1:{port}"
    programs.wait_for_port(port, process)
    return process, f"http://127.0.0.1:{port}"


def locust(arguments, environment, folder):
    return subprocess.run(
        [pathlib.Path(sys.executable).with_name("locust"), "-f", ROOT / "LoadTests/locustfile.py", *arguments],
        env={**os.environ, **environment},
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_once(binaries, options, tracked):
    """Runs the load once; returns Locust's figures and the faults found by comparing events with requests."""
    with Programs() as programs:
        handler, handler_port, events = start_handler(programs, binaries)
        endpoint = f"http://127.0.0.1:{handler_port}" if tracked else None
        demo, site = start_demo(programs, binaries, options.demo, endpoint)
        uids = programs.folder / "uids"
        arguments = ["--headless", "--users", options.users, "--spawn-rate", max(options.users, 10)]
        arguments += ["--run-time", options.time, "--host", site, "--csv", programs.folder / "run", "--loglevel", "ERROR"]
        done = locust([str(a) for a in arguments], {"UID_FILE": str(uids)}, programs.folder)
        if not uids.exists():
            raise Failure(f"Locust did not run: {done.stderr[-2000:]}")
        end = programs.stop(demo)
        programs.stop(handler)
        figures = read_figures(programs.folder / "run_stats.csv", uids)
        if not tracked:
            return figures, [], ""
        accounting = next((line for line in end.splitlines() if line.startswith("tracker: ")), "tracker: unknown")
        return figures, compare(uids, events), accounting


def read_figures(statistics, uids):
    """Reads rate and failures from Locust's figures, and latency from the uids: Locust has only whole milliseconds."""
    with open(statistics, encoding="utf-8") as file:
        total = next(row for row in csv.DictReader(file) if row["Name"] == "Aggregated")
    lines = (line.split() for line in uids.read_text().splitlines())
    times = sorted(float(milliseconds) for _, status, milliseconds in lines if status != "0")
    if not times:
        raise Failure("no request was answered")
    figures = {name: times[min(len(times) - 1, int(len(times) * share))] for name, share in SHARES.items()}
    return {"rate": float(total["Requests/s"]), "failures": int(total["Failure Count"]), "max": times[-1], **figures}


def compare(uids, events):
    """Returns the faults: answered requests without an event, events without a request, and mismatches."""
    answered, broken = {}, set()
    for line in uids.read_text().splitlines():
        uid, status, _ = line.split()
        if status == "0":
            broken.add(uid)
        else:
            answered[uid] = int(status)
    counts = collections.Counter()
    sessions = collections.defaultdict(set)
    faults = []
    for line in events.read_text(encoding="utf-8").splitlines():
        data = json.loads(line)["event_data"]
        uid = urllib.parse.parse_qs(urllib.parse.urlsplit(data["full_url"]).query).get("uid", ["none"])[0]
        counts[uid] += 1
        status = data["response_data"]["status_code"]
        if uid in answered and status != answered[uid]:
            faults.append(f"{uid} was answered with {answered[uid]}, and its event says {status}")
        visitor = uid[: uid.find("p")]
        if f"(visitor {visitor[1:]})" not in data["header_data"].get("HTTP_USER_AGENT", ""):
            faults.append(f"{uid} has the header fields of another visitor")
        sessions[visitor].add(data["ra_session_id"])
    lost = [uid for uid in answered if counts[uid] == 0]
    twice = [uid for uid, count in counts.items() if count > 1]
    foreign = [uid for uid in counts if uid not in answered and uid not in broken]
    torn = [visitor for visitor, ids in sessions.items() if len(ids) > 1]
    kinds = [("lost", lost), ("duplicated", twice), ("without a request", foreign), ("with two sessions", torn)]
    for what, found in kinds:
        if found:
            faults.append(f"{len(found)} {what}: {', '.join(found[:5])}")
    print(
        f"requests answered {len(answered)}, interrupted {len(broken)}; events {sum(counts.values())}, "
        f"lost {len(lost)}, duplicated {len(twice)}; visitors {len(sessions)}, "
        f"sessions {sum(len(ids) for ids in sessions.values())}",
        flush=True,
    )
    return faults


def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def print_table(results):
    names = [*SHARES, "max"]
    print(f"\n| tracker | requests/s | {' | '.join(f'{name} ms' for name in names)} | failures |")
    print("|---" * (len(names) + 3) + "|")
    for tracker, rows in results.items():
        cells = [f"{median([row[name] for row in rows]):.2f}" for name in names]
        rate = median([row["rate"] for row in rows])
        print(f"| {tracker} | {rate:.0f} | {' | '.join(cells)} | {sum(row['failures'] for row in rows)} |")


def dashboard(binaries, options):
    """Runs the site, the event handler and Locust's own web page until Ctrl-C."""
    with Programs() as programs:
        handler, handler_port, _ = start_handler(programs, binaries)
        demo, site = start_demo(programs, binaries, options.demo, f"http://127.0.0.1:{handler_port}")
        print(f"Locust's dashboard: http://127.0.0.1:8089/ (the site is {site})")
        print(f"The events, live:   http://127.0.0.1:{handler_port}/\nCtrl-C stops it.", flush=True)
        done = locust(
            ["--host", site, "--web-host", "127.0.0.1", "--users", str(options.users)], {}, programs.folder
        )
        if done.returncode not in (0, -2) and "Address already in use" in done.stderr:
            raise Failure("port 8089 is in use; stop the program that uses it")
        print(programs.stop(demo).strip().splitlines()[-1])


def check_open_files(users):
    """Raises the limit on open files: every visitor needs connections at both ends."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = users * 8 + 512
    if soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise Failure(f"{users} visitors need {wanted} open files, but only {hard} are allowed: run ulimit -n {wanted}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main():
    options = parse_arguments()
    check_open_files(options.users)
    demo = "DemoRouterApp" if options.demo == "router" else "DemoCGIApp"
    binaries = build("EventHandler", demo)
    if options.dashboard:
        dashboard(binaries, options)
        return 0
    results = {"off": [], "on": []}
    faults = []
    for round_number in range(options.rounds):
        for tracked in (False, True):
            print(
                f"run {round_number + 1} of {options.rounds}, tracker {'on' if tracked else 'off'}: {options.users} "
                f"visitors, {options.time}",
                flush=True,
            )
            figures, found, accounting = run_once(binaries, options, tracked)
            results["on" if tracked else "off"].append(figures)
            faults += found
            if tracked:
                print(accounting, flush=True)
    print_table(results)
    if options.demo == "cgi":
        print("\nThe site: DemoCGIApp over FastCGI, behind nginx.")
    for fault in faults[:20]:
        print(f"FAULT: {fault}", file=sys.stderr)
    if faults:
        return 1
    print("\nEvery answered request is one event, none duplicated, each with its own fields.")
    return 0


if __name__ == "__main__":
    end_with(main)
