"""Runs the configurations of docs/scale.md marked `tried` with events of DemoRouterApp, and counts what arrived."""

import argparse
import collections
import http.client
import importlib.util
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.parse

import collector
from programs import Failure, Programs, ROOT, build, end_with, free_port
from scale import accounting

DOCUMENT = ROOT / "docs" / "scale.md"
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
THREADS = 4
DOWN = 0.7
# Seconds between storing and answering where programs are killed, so that answers get lost.
DELAY = 0.4

Software = collections.namedtuple("Software", "title program package version")
SOFTWARE = {
    "nginx": Software("nginx", "nginx", "nginx", "-v"),
    "haproxy": Software("HAProxy", "haproxy", "haproxy", "-v"),
    "caddy": Software("Caddy", "caddy", "caddy", "version"),
    "redis": Software("Redis Streams", "redis-server", "redis-server", "--version"),
    "nats": Software("NATS JetStream", "nats-server", "nats-server", "--version"),
}
MODULES = {"duckdb": "DuckDB", "chdb": "ClickHouse (chdb)"}
DOCUMENTED_PORTS = {"redis": 6379, "nats": 4222}
FRONTS, BROKERS = ("nginx", "haproxy", "caddy"), ("redis", "nats")


def find(program):
    return shutil.which(program, path=PATH)


def version(name):
    done = subprocess.run([find(SOFTWARE[name].program), SOFTWARE[name].version], capture_output=True, text=True)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "?"


def configuration(name, replacements):
    """Returns a marked code block of docs/scale.md, with this run's ports and paths in place of the document's."""
    found = re.search(rf"<!-- tried: {name} -->\n```\w+\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.S)
    if not found:
        raise Failure(f"{DOCUMENT.name} has no code block marked <!-- tried: {name} -->")
    text = found[1]
    for old, new in replacements.items():
        if old not in text:
            raise Failure(f"{DOCUMENT.name}, block {name}: {old!r} is not in it; adapt {pathlib.Path(__file__).name}")
        text = text.replace(old, str(new))
    return text


class Certificate:
    """A test CA, and a certificate for localhost that it signed."""

    def __init__(self, folder):
        self.folder, self.authority = folder, folder / "ca.pem"
        self.pem, self.key, self.both = folder / "events.pem", folder / "events.key", folder / "both.pem"
        new = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self.openssl(f"req -x509 {new} -days 2 -keyout ca.key -out ca.pem -subj /CN=TestAuthority")
        self.openssl(f"req {new} -keyout events.key -out events.csr -subj /CN=localhost")
        self.openssl(
            "x509 -req -in events.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out events.pem"
        )
        self.both.write_text(self.pem.read_text() + self.key.read_text())

    def openssl(self, arguments):
        done = subprocess.run(["openssl", *arguments.split()], cwd=self.folder, capture_output=True, text=True)
        if done.returncode != 0:
            raise Failure(f"openssl: {done.stderr}")

    def check_http2(self, port):
        context = ssl.create_default_context(cafile=self.authority)
        context.set_alpn_protocols(["h2", "http/1.1"])
        with socket.create_connection(("127.0.0.1", port), 5) as connection:
            with context.wrap_socket(connection, server_hostname="localhost") as secure:
                if secure.selected_alpn_protocol() != "h2":
                    raise Failure("the front end does not offer HTTP/2")


def start_front(programs, name, port, backend, certificate):
    backend = {"127.0.0.1:8000": f"127.0.0.1:{backend}"}
    pair = {"/etc/ssl/events.pem": certificate.pem, "/etc/ssl/events.key": certificate.key}
    if name == "nginx":
        return programs.start_nginx(configuration(name, {**backend, **pair, "listen 443": f"listen 127.0.0.1:{port}"}))
    file = programs.folder / f"{name}.conf"
    if name == "haproxy":
        listen = {"bind :443": f"bind 127.0.0.1:{port}", "/etc/haproxy/events.pem": certificate.both}
        file.write_text(configuration(name, {**backend, **listen}))
        return programs.start(name, [find(name), "-db", "-f", file])
    file.write_text(configuration(name, {**backend, **pair, "https://events.example": f"https://localhost:{port}"}))
    # env becomes Caddy, which keeps its state in these folders.
    places = [f"XDG_DATA_HOME={programs.folder}/data", f"XDG_CONFIG_HOME={programs.folder}/config"]
    return programs.start(name, ["/usr/bin/env", *places, find(name), "run", "--adapter", "caddyfile", "--config", file])


def start_broker(programs, name, port):
    data, file = programs.folder / name, programs.folder / f"{name}.conf"
    data.mkdir()
    if name == "redis":
        file.write_text(configuration(name, {"port 6379": f"port {port}", "/var/lib/redis": data}))
        return programs.start(name, [find("redis-server"), file])
    file.write_text(configuration(name, {"127.0.0.1:4222": f"127.0.0.1:{port}", "/var/lib/nats": data}))
    return programs.start(name, [find("nats-server"), "-c", file])


class Server:
    """A program on a port that can be killed and restarted."""

    def __init__(self, programs, process, port):
        self.programs, self.process, self.port, self.starts = programs, process, port, 1
        programs.wait_for_port(port, process)

    def kill(self):
        """Kills it and its workers: nginx's outlive their master."""
        pid = self.process.pid
        try:
            workers = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        except OSError:
            workers = []
        self.process.kill()
        self.process.wait()
        for worker in workers:
            try:
                os.kill(int(worker), signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.programs.stop(self.process)

    def start_again(self):
        self.starts += 1
        name = f"{self.process.name.partition('~')[0]}~{self.starts}"
        self.process = self.programs.start(name, self.process.args)
        self.programs.wait_for_port(self.port, self.process)


class Load:
    """Requests at a steady rate, each with a unique identifier in its URL."""

    def __init__(self, port, options):
        self.port, self.total, self.rate = port, int(options.rate * options.seconds), options.rate
        self.statuses = {}
        self.begin = time.monotonic()
        self.threads = [threading.Thread(target=self.run, args=(n,), daemon=True) for n in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def run(self, first):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        for number in range(first, self.total, THREADS):
            time.sleep(max(0, self.begin + number / self.rate - time.monotonic()))
            identifier = f"n{number}"
            try:
                connection.request("GET", f"/hello/load/?uid={identifier}")
                answer = connection.getresponse()
                answer.read()
                self.statuses[identifier] = answer.status
            except (OSError, http.client.HTTPException) as error:
                self.statuses[identifier] = repr(error)
                connection.close()

    def wait(self):
        for thread in self.threads:
            thread.join()
        failed = [status for status in self.statuses.values() if status != 200]
        return set(self.statuses), [f"{len(failed)} requests failed, the first with {failed[0]}"] if failed else []


def identifier(event):
    address = urllib.parse.urlsplit(event["event_data"]["full_url"])
    return urllib.parse.parse_qs(address.query).get("uid", ["none"])[0]


def received(folder):
    """Returns, from all collectors' logs, the POSTs stored, their lines, and the lines under a repeated key."""
    posts = lines = repeated = 0
    keys = set()
    for log in sorted(folder.glob("collector*.err")):
        for line in log.read_text().splitlines():
            words = line.split()
            if words[:1] == ["stored"]:
                posts, lines = posts + 1, lines + int(words[2])
                repeated += int(words[2]) if words[1] in keys else 0
                keys.add(words[1])
    return posts, lines, repeated


class Report:
    """One line for each case, and how many passed."""

    def __init__(self):
        self.passed = self.failed = 0

    def result(self, title, figures, faults):
        self.failed += bool(faults)
        self.passed += not faults
        print(f"{title}: {figures}: {'FAIL: ' + '; '.join(faults) if faults else 'PASS'}", flush=True)

    def skip(self, title, package):
        print(f"{title}: skipped: install {package}", flush=True)


def start_servers(programs, front, broker, options):
    """Starts broker, collector and front end, in this order; returns them, the tracker's settings, and the store."""
    servers, store = [], f"file:{programs.folder}/events.ndjson"
    documented = "file:/var/lib/events/events.ndjson"
    if broker:
        port = free_port()
        servers.append(Server(programs, start_broker(programs, broker, port), port))
        documented, store = f"{broker}://127.0.0.1:{DOCUMENTED_PORTS[broker]}", f"{broker}://127.0.0.1:{port}"
    port = free_port()
    here = shlex.quote(f"{ROOT}/LoadTests/")
    replacements = {documented: store, "LoadTests/": here, "127.0.0.1:8000": f"127.0.0.1:{port}"}
    command = shlex.split(configuration(f"{broker} collector" if broker else "file", replacements))
    process = programs.start("collector", [sys.executable, "-B", *command, *options])
    servers.append(Server(programs, process, port))
    if not front:
        return servers, {"RA_BACKEND_ENDPOINT": f"http://127.0.0.1:{port}"}, store
    certificate, secure = Certificate(programs.folder), free_port()
    servers.append(Server(programs, start_front(programs, front, secure, port, certificate), secure))
    certificate.check_http2(secure)
    settings = {"RA_BACKEND_ENDPOINT": f"https://localhost:{secure}", "RA_CA_FILE": str(certificate.authority)}
    return servers, settings, store


def wait_for_batch(folder):
    """Waits until a collector has stored a batch, which it acknowledges DELAY later."""
    before, deadline = received(folder)[0], time.monotonic() + 2
    while received(folder)[0] == before and time.monotonic() < deadline:
        time.sleep(0.02)


def run_case(binaries, options, report, title, front=None, broker=None, kill=False):
    """Runs one configuration under load. With `kill`, restarts the front end, or else the collector and the broker."""
    with Programs() as programs:
        collecting = (["--delay", DELAY] if kill else []) + (["--no-offer"] if front else [])
        servers, settings, store = start_servers(programs, front, broker, collecting)
        settings |= {"RA_PROJECT_ID": "load", "RA_PROJECT_TOKEN": "t", "RA_SHUTDOWN_TIMEOUT": "20"}
        site = free_port()
        demo = programs.start("demo", [binaries / "DemoRouterApp", "--port", site], settings)
        programs.wait_for_port(site, demo)

        load = Load(site, options)
        victims = ([servers[-1]] if front else servers[::-1]) if kill else []
        for number, victim in enumerate(victims, 1):
            time.sleep(max(0, load.begin + options.seconds * number / (len(victims) + 1) - time.monotonic()))
            wait_for_batch(programs.folder)
            victim.kill()
            time.sleep(DOWN)
            victim.start_again()
        sent, faults = load.wait()
        counts = accounting(programs.stop(demo))
        for server in reversed(servers[1:] if broker else servers):
            programs.stop(server.process)

        stored = list(collector.target(store).read())
        posts, lines, repeated = received(programs.folder)
        figures, found = compare(sent, stored, once=broker is not None)
        captured = counts.get("captured", 0)
        if captured != len(sent) or counts.get("dropped", 0) or counts.get("pending", 0):
            found.append(f"the tracker's account: {counts}")
        if kill and not repeated:
            found.append("no answer was lost, so repetitions were not tried")
        if posts > lines / 2:
            found.append("batches were not offered")
        report.result(
            title,
            f"requests {len(sent)}, captured {captured}, received {lines} lines in {posts} POSTs, {figures}, repeated "
            f"{repeated}",
            faults + found,
        )
        if not front and not broker:
            ask_engines(report, store.removeprefix("file:"), sent, len(stored))


def compare(sent, stored, once):
    """Counts the requests without an event, and those with several events that their keys do not identify as one."""
    places, doubled = {}, 0
    for key, line, event in stored:
        uid = identifier(event)
        known = places.setdefault((key, line), uid)
        if known != uid:
            doubled += 1  # one identity, two events
    repeated = len(stored) - len(places)
    distinct = set(places.values())
    doubled += len(places) - len(distinct) + (repeated if once else 0)
    lost = len(sent - distinct)
    faults = [f"{count} {what}" for what, count in (("lost", lost), ("doubled", doubled)) if count]
    if distinct - sent:
        faults.append(f"{len(distinct - sent)} events without a request")
    return f"distinct {len(distinct)}, lost {lost}, doubled {doubled}", faults


def ask_duckdb(statements):
    import duckdb

    connection = duckdb.connect()
    connection.execute(statements)
    rows = connection.execute("SELECT event FROM events").fetchall()
    return f"DuckDB {duckdb.__version__}", [json.loads(event) for (event,) in rows]


def ask_chdb(statements):
    import chdb
    from chdb import session

    house = session.Session()
    try:
        for statement in statements.split(";"):
            if statement.strip():
                house.query(statement)
        answer = str(house.query("SELECT event FROM events FINAL", "JSONEachRow"))
        release = str(house.query("SELECT version()", "TSVRaw")).strip()
    finally:
        house.close()
    events = [json.loads(json.loads(line)["event"]) for line in answer.splitlines()]
    return f"ClickHouse {release} (chdb {chdb.__version__})", events


def ask_engines(report, file, sent, lines):
    """Runs the document's statements on the stored file, which must return each event once, by its identifier."""
    for module, ask in (("duckdb", ask_duckdb), ("chdb", ask_chdb)):
        if not importlib.util.find_spec(module):
            report.skip(MODULES[module], f"{module} (scripts/check-tools)")
            continue
        statements = configuration(module, {"'events.ndjson'": f"'{file}'"})
        try:
            title, events = ask(statements)
        except Exception as error:  # each engine has errors of its own
            report.result(MODULES[module], "did not run", [str(error).strip()])
            continue
        counts = collections.Counter(identifier(event) for event in events)
        lost, doubled = len(sent - set(counts)), len(events) - len(counts)
        report.result(
            title,
            f"lines {lines}, rows {len(events)}, distinct {len(counts)}, lost {lost}, doubled {doubled}",
            [f"{count} {what}" for what, count in (("lost", lost), ("doubled", doubled)) if count],
        )


def run(options):
    cases = [{"front": name, "kill": kill} for name in FRONTS for kill in (False, True)]
    cases += [{"broker": name, "kill": kill} for name in BROKERS for kill in (False, True)]
    cases += [{"kill": True}]
    if not find("openssl"):
        raise Failure("openssl is not installed; install it (apt-get install openssl)")
    binaries, report = options.binaries or build("DemoRouterApp"), Report()
    for case in cases:
        name = case.get("front") or case.get("broker")
        if options.only and (name or "file") not in options.only:
            continue
        title = "NDJSON file"
        if name:
            software = SOFTWARE[name]
            if not find(software.program):
                report.skip(software.title + ", killed" * case["kill"], software.package)
                continue
            title = f"{software.title} {version(name)}"
        if case["kill"]:
            title += ", killed" if "front" in case else ", collector and broker killed" if name else ", collector killed"
        try:
            run_case(binaries, options, report, title, **case)
        except Exception as error:  # the others still run
            report.result(title, "did not run", [str(error).strip()])
    print(f"{report.passed} passed, {report.failed} failed")
    return 0 if report.passed and not report.failed else 1


def main():
    parser = argparse.ArgumentParser(
        prog="LoadTests/backends", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Installs nothing, and skips what is missing. For all cases:\n"
        "  apt-get install openssl nginx haproxy caddy redis-server nats-server\n"
        "  scripts/check-tools     (duckdb and chdb, into .build/check-tools)",
    )
    parser.add_argument("--rate", type=int, default=500, help="requests per second (500)")
    parser.add_argument("--seconds", type=float, default=5, help="duration of the load in each case (5)")
    parser.add_argument(
        "--only", action="append", choices=[*FRONTS, *BROKERS, "file"], help="run only this case; may be repeated"
    )
    parser.add_argument("--binaries", type=pathlib.Path, help="folder with DemoRouterApp, if it is already built")
    options = parser.parse_args()
    if not 1 <= options.rate <= 2000 or not 1 <= options.seconds <= 60:
        parser.error("--rate must be from 1 to 2000, --seconds from 1 to 60")
    return run(options)


if __name__ == "__main__":
    end_with(main)
