"""Load-tests FastCGI processes behind nginx that share a spool: what grows with processes, sessions and requests."""

import argparse
import datetime
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time

from programs import Failure, Programs, ROOT, build, end_with, free_port

SINK = """
log_format size '$content_length';
server {{
    listen 127.0.0.1:{port} backlog=4096; access_log {log} size;
    location / {{ add_header Accept-Post application/x-ndjson; {gzip} return 200; }}
}}
"""
SITE = """
upstream app {{ {servers} keepalive 64; keepalive_requests 1000000000; }}
fastcgi_keep_conn on;
fastcgi_param REQUEST_METHOD $request_method; fastcgi_param QUERY_STRING $query_string;
fastcgi_param REQUEST_URI $request_uri; fastcgi_param SERVER_PROTOCOL $server_protocol;
fastcgi_param SERVER_NAME $server_name; fastcgi_param SERVER_PORT $server_port;
fastcgi_param REMOTE_ADDR $remote_addr;
server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ fastcgi_pass app; }} }}
"""
TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(process):
    """Returns the CPU time used by a process so far; 0 if there is no /proc."""
    try:
        fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mebibytes(process):
    try:
        pages = int(pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1048576


def accounting(text):
    """Returns the counts in a tracker's last line, by name."""
    line = next((line for line in text.splitlines() if line.startswith("tracker: ")), "")
    counts = {}
    for part in line.removeprefix("tracker: ").split(", "):
        words = part.replace("delivered for others", "others").split()
        if len(words) >= 2 and words[1].isdigit():
            counts[words[0]] = counts.get(words[0], 0) + int(words[1])
    return counts


class Point:
    """One measurement: a number of processes, sessions and requests per second, with or without the tracker."""

    def __init__(self, binaries, generator):
        self.binaries, self.generator = binaries, generator

    def measure(self, processes, sessions, rate, seconds, tracked=True, gzip=False, outage=0.0):
        with Programs() as programs:
            sink_port, log = free_port(), programs.folder / "posts"
            sink_text = SINK.format(port=sink_port, log=log, gzip="add_header Accept-Encoding gzip;" if gzip else "")

            def start_sink():
                programs.wait_for_port(sink_port, programs.start_nginx(sink_text))

            if tracked and not outage:
                start_sink()
            settings = {"RA_PROJECT_ID": "scale", "RA_PROJECT_TOKEN": "t", "RA_SHUTDOWN_TIMEOUT": "20"}
            settings |= {
                "RA_BACKEND_ENDPOINT": f"http://127.0.0.1:{sink_port}",
                "RA_SPOOL_DIRECTORY": str(programs.folder / "spool"),
            }
            if not tracked:
                settings["RA_DEBUG_DISABLE_ANALYTICS"] = "true"
            apps, servers = [], ""
            for number in range(processes):
                socket_path = programs.folder / f"app{number}.sock"
                app = programs.start(
                    f"app{number}", [self.binaries / "DemoCGIApp", "--fastcgi", f"unix:{socket_path}"], settings
                )
                apps.append((app, socket_path))
                servers += f"server unix:{socket_path}; "
            for app, socket_path in apps:
                wait_for_file(socket_path, app)
            port = free_port()
            programs.wait_for_port(port, programs.start_nginx(SITE.format(servers=servers, port=port)))
            load = subprocess.Popen(
                [self.generator, str(port), str(rate), str(seconds), "64", str(sessions)], stdout=subprocess.PIPE, text=True
            )
            if outage:
                time.sleep(outage)
                start_sink()
            output, _ = load.communicate(timeout=seconds + 30)
            answered, failed, achieved, p50, p99, longest = (int(word) for word in output.split())
            memory = max(resident_mebibytes(app) for app, _ in apps)
            if outage:
                wait_for_empty(programs.folder / "spool")
            # CPU time until now; the counts come from the shutdown, which waits for the last event's delivery.
            counts, used = {}, sum(cpu_seconds(app) for app, _ in apps)
            spooled_bytes = sum(file.stat().st_size for file in (programs.folder / "spool").glob("*")) if tracked else 0
            for app, _ in apps:
                for name, count in accounting(programs.stop(app)).items():
                    counts[name] = counts.get(name, 0) + count
            posts = [int(line) for line in log.read_text().split() if line.isdigit()] if log.exists() else []
            return {
                "answered": answered, "failed": failed, "achieved": achieved, "p50": p50, "p99": p99, "max": longest,
                "memory": memory, "cpu": used / max(answered, 1) * 1e6, "counts": counts, "posts": len(posts),
                "bytes": sum(posts), "spooled_bytes": spooled_bytes,
            }


def wait_for_file(path, process):
    deadline = time.monotonic() + 20
    while not path.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise Failure(f"{process.name} did not start: {process.errors.read_text()}")
        time.sleep(0.01)


def wait_for_empty(spool, seconds=90):
    """Waits until nothing has been on disk for two seconds, since parcels waiting for a retry may still be stored."""
    limit = time.monotonic() + seconds
    empty_since = time.monotonic()
    while time.monotonic() < limit and time.monotonic() - empty_since < 2:
        if any(file.name.endswith(".spool") for file in os.scandir(spool)):
            empty_since = time.monotonic()
        time.sleep(0.05)


def row(name, off, on):
    """Prints one row: the tracker off and on, side by side."""
    delivered = on["counts"].get("delivered", 0)
    if on["counts"].get("captured", 0) != on["answered"] + on["failed"] or on["counts"].get("dropped", 0):
        print(f"note: {name}: {on['counts']}, {on['failed']} requests failed", file=sys.stderr)
    per_post = delivered / on["posts"] if on["posts"] else 0
    print(
        f"| {name} | {off['achieved']:,} | {on['achieved']:,} | {off['p50'] / 1000:.2f} / {on['p50'] / 1000:.2f} | "
        f"{off['p99'] / 1000:.2f} / {on['p99'] / 1000:.2f} | {on['cpu'] - off['cpu']:+.1f} | {off['memory']:.1f} / "
        f"{on['memory']:.1f} | {delivered:,} of {on['counts'].get('captured', 0):,} | {per_post:.0f} |",
        flush=True,
    )


def header(first):
    print(
        f"\n| {first} | requests/s off | on | p50 ms off / on | p99 ms off / on | CPU us per request, added | "
        "MiB of a process off / on | events delivered | events per POST |"
    )
    print("|---" * 9 + "|")


def machine():
    processor = next(
        (line.split(":")[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    return f"{os.cpu_count()} processors ({processor}), Linux {platform.release()}, {datetime.date.today().isoformat()}"


def run(options):
    seconds = 2 if options.quick else 4
    binaries = build("DemoCGIApp")
    compiler = shutil.which("cc")
    if not compiler:
        raise Failure("there is no C compiler; install one (apt-get install gcc libc6-dev)")
    generator = ROOT / ".build" / "paced"
    subprocess.run([compiler, "-O2", "-o", generator, ROOT / "LoadTests/paced.c"], check=True)
    point = Point(binaries, generator)
    print(machine())
    print("Load generator, nginx, the processes and the sink share these processors.")

    def compare(name, *arguments):
        row(name, point.measure(*arguments, seconds, tracked=False), point.measure(*arguments, seconds))

    header("processes (1,000 sessions, 20,000 requests/s offered)")
    for processes in (1, 8) if options.quick else (1, 2, 4, 8):
        compare(processes, processes, 1_000, 20_000)
    header("sessions (4 processes, 2,000 requests/s offered)")
    for sessions in (10, 10_000) if options.quick else (10, 100, 1_000, 10_000):
        compare(f"{sessions:,}", 4, sessions, 2_000)
    header("requests/s offered (4 processes, 1,000 sessions)")
    for rate in (100, 5_000) if options.quick else (100, 1_000, 5_000, 10_000, 20_000):
        compare(f"{rate:,}", 4, 1_000, rate)
    for gzip in (False, True):
        result = point.measure(4, 1_000, 2_000, seconds, gzip=gzip)
        delivered = result["counts"].get("delivered", 0)
        print(
            f"\nOne event on the wire, {'NDJSON and gzip' if gzip else 'NDJSON'}: {result['bytes'] / max(delivered, 1):.0f} "
            f"bytes, {delivered / max(result['posts'], 1):.0f} events per POST"
        )
    outage = seconds - 0.5
    result = point.measure(4, 1_000, 2_000, seconds + 2, outage=outage)
    counts = result["counts"]
    print(
        f"\nBackend down for {outage} s at 2,000 requests/s, 4 processes: captured {counts.get('captured', 0):,}, delivered "
        f"{counts.get('delivered', 0):,} by the process that captured them and {counts.get('others', 0):,} by another, dropped "
        f"{counts.get('dropped', 0)}; p99 of the answers {result['p99'] / 1000:.2f} ms"
    )


def main():
    parser = argparse.ArgumentParser(prog="LoadTests/scale", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter measurements, under two minutes")
    run(parser.parse_args())


if __name__ == "__main__":
    end_with(main)
