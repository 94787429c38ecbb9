#!/usr/bin/env python3
"""Load-tests an EventHandler: sends events at a steady rate, in batches as a tracker does, and counts the results.

    LoadTests/receiver.py .build/release/EventHandler --rate 20000 --seconds 10 --core 0 --browser

The handler runs with --store on one processor core (taskset); this program and the viewer run on the others. The viewer
reads all of the live stream, or is the page in Chromium (--browser; needs chromedriver), which gets the CPU time that
this program leaves. Prints events offered and accepted, lines in the store and on standard output, the handler's CPU
time per event, and the page's final text.
"""
import argparse
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

BATCH = 500


def event(number):
    return {
        "project_token": "tok-1", "event_type": "page_view", "ra_tracker_version": "swift-v1.0.0",
        "event_data": {
            "view_name": f"view{number % 12}",
            "header_data": {
                "HTTP_HOST": "shop.example", "HTTP_ACCEPT": "text/html,application/xhtml+xml,*/*;q=0.8",
                "HTTP_ACCEPT_LANGUAGE": "en-US,en;q=0.5", "HTTP_ACCEPT_ENCODING": "gzip, deflate, br",
                "HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                "HTTP_REFERER": "https://search.example/?q=shoes", "HTTP_COOKIE": "[Filtered]",
                "HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_SEC_FETCH_MODE": "navigate", "HTTP_DNT": "1",
            },
            "full_url": f"http://shop.example/products/{number}?from=search&page={number % 9}",
            "ra_session_id": f"{number % 4096:032x}", "time_request_received_ns": time.time_ns(),
            "processing_time_ns": 400_000 + number % 1000 * 1000,
            "response_data": {"status_code": 500 if number % 97 == 0 else 200, "cookies": {
                "ra_session_id": {"expires": "", "path": "/", "comment": "", "domain": "", "max-age": "", "secure": "",
                                  "httponly": True, "version": "", "samesite": "Lax"}}},
        },
    }


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return [int(field) / os.sysconf("SC_CLK_TCK") for field in fields[11:13]]


def statistics(port):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/_stats")
    return json.loads(connection.getresponse().read())


def view(port):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/_live")
    answer = connection.getresponse()
    while answer.read1(1 << 20):
        pass


class Page:
    """The live page in a headless Chromium, at low priority."""

    def __init__(self, port, cores):
        command = ["nice", "-n", "15", "taskset", "-c", cores, "chromedriver", "--port=0"]
        self.driver = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        found = next(match for line in self.driver.stdout if (match := re.search(r"successfully on port (\d+)", line)))
        self.base = f"http://127.0.0.1:{found[1]}/session"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1400,900"]
        options = {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}
        self.base += "/" + self.call("", {"capabilities": options})["sessionId"]
        self.call("/url", {"url": f"http://127.0.0.1:{port}/"})
        while self.text("state-text") != "Live":
            time.sleep(0.1)

    def call(self, path, body=None, method="POST"):
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self.base + path, data, {"Content-Type": "application/json"}, method=method)
        return json.load(urllib.request.urlopen(request))["value"]

    def text(self, identifier):
        script = f"return document.getElementById('{identifier}').textContent"
        return self.call("/execute/sync", {"script": script, "args": []})

    def close(self):
        self.call("", method="DELETE")
        self.driver.terminate()
        self.driver.wait()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--no-viewer", action="store_true")
    parser.add_argument("--browser", action="store_true")
    options = parser.parse_args()
    others = os.sched_getaffinity(0) - {options.core}
    if not others:
        sys.exit("needs a second processor core for this program")
    os.sched_setaffinity(0, others)
    with tempfile.TemporaryDirectory() as folder:
        store, printed = pathlib.Path(folder, "events.ndjson"), pathlib.Path(folder, "printed")
        total = options.rate * options.seconds // BATCH * BATCH
        command = ["taskset", "-c", str(options.core), options.program, "--port", "0", "--store", str(store),
                   "--keep", "1000000"]
        process = subprocess.Popen(command, stdout=printed.open("wb"), stderr=subprocess.PIPE, text=True)
        port = int(re.search(r":(\d+)/", process.stderr.readline())[1])
        threading.Thread(target=lambda: [None for _ in process.stderr], daemon=True).start()
        page = Page(port, ",".join(map(str, others))) if options.browser else None
        if not options.no_viewer and not page:
            threading.Thread(target=view, args=(port,), daemon=True).start()
        # Built before the clock starts, so that only the handler is measured.
        bodies = ["\n".join(json.dumps(event(first + i), separators=(",", ":")) for i in range(BATCH)).encode()
                  for first in range(0, 20 * BATCH, BATCH)]
        connection = http.client.HTTPConnection("127.0.0.1", port)
        before, start, slow = processor_seconds(process.pid), time.monotonic(), 0.0
        for batch in range(total // BATCH):
            due = start + batch * BATCH / options.rate
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
            began = time.monotonic()
            connection.request("POST", "/shop", bodies[batch % len(bodies)],
                               {"Content-Type": "application/x-ndjson", "Idempotency-Key": f"b{batch}"})
            answer = connection.getresponse()
            answer.read()
            slow = max(slow, time.monotonic() - began)
            if answer.status != 200:
                print(answer.status, file=sys.stderr)
        took = time.monotonic() - start
        accepted = statistics(port)["accepted"]
        viewers = statistics(port)["viewers"]
        user, system = (now - then for now, then in zip(processor_seconds(process.pid), before))
        if page:
            print(f"page: {page.text('state-text')}; {page.text('count')}; {page.text('notes-text')}")
            page.close()
        process.terminate()
        process.wait(30)
        kept = sum(b'"event":' in line for line in store.open("rb"))
        lines = sum(1 for _ in printed.open("rb"))
        print(f"offered {total} in {took:.1f} s ({total / took:,.0f}/s), accepted {accepted}, stored {kept}, printed {lines}, viewers {viewers}; "
              f"slowest answer {slow * 1000:.0f} ms; CPU {(user + system) / total * 1e6:.1f} us per event "
              f"({user / total * 1e6:.1f} user, {system / total * 1e6:.1f} system), "
              f"{(user + system) / took * 100:.0f} % of the core")


main()
