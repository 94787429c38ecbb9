#!/usr/bin/env python3
"""Sends a site the requests that cost the tracker's filter the most, and measures the delay of events behind them.

    LoadTests/worst.py .build/release [PIECE ...]

For each piece: 100 requests whose target, and then whose fields, repeat it up to the length that the site accepts, then
50 ordinary ones. Prints how long after the last request the events of those 50 had arrived at the event handler; first
for what an ordinary visitor sends, for comparison.
"""
import json
import pathlib
import sys
import threading
import time

from programs import Programs, free_port
import socket

PIECES = ["sk-", "SG.", "ghp_", "npm_", "xoxb-", "AKIA-", "EAAC.", "basic+", "glpat-", "4111-", "DE89+", "a@b.", "{%22",
          "%253D", "/reset/a1"]
ORDINARY = "articles/2026/11/a-long-title-of-an-article?ref=front&page=3&"
BAD, GOOD, TARGET, FIELD = 100, 50, 31_000, 7_900


class Arrivals:
    """The arrival time of each request's event."""

    def __init__(self, path):
        self.times, self.file = {}, open(path, "rb")
        threading.Thread(target=self.follow, daemon=True).start()

    def follow(self):
        rest = b""
        while True:
            rest += self.file.read()
            *lines, rest = rest.split(b"\n")
            for line in lines:
                agent = json.loads(line)["event_data"]["header_data"].get("HTTP_USER_AGENT")
                self.times[agent] = time.monotonic()
            time.sleep(0.001)


def request(name, target, fields=""):
    return f"GET /{target} HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: {name}\r\n{fields}\r\n".encode()


def run(port, arrivals, label, piece, in_fields):
    def text(size):
        return (piece * (size // len(piece) + 1))[:size]

    names = [f"{label}-{number}" for number in range(BAD + GOOD)]
    worst = [request(name, "", "".join(f"X-{i}: {text(FIELD)}\r\n" for i in range(3)))
             if in_fields else request(name, text(TARGET)) for name in names[:BAD]]
    bytes_ = b"".join(worst + [request(name, f"hello/{name}/") for name in names[BAD:]])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        begun = time.monotonic()
        threading.Thread(target=lambda: [None for _ in iter(lambda: connection.recv(1 << 16), b"")], daemon=True).start()
        connection.sendall(bytes_)
        sent = time.monotonic()
        while len([name for name in names if name in arrivals.times]) < len(names):
            if time.monotonic() > sent + 60:
                sys.exit(f"{label}: only {len(arrivals.times)} events have arrived")
            time.sleep(0.005)
        connection.shutdown(socket.SHUT_RDWR)
    last = max(arrivals.times[name] for name in names[BAD:])
    return sent - begun, last - sent


def main():
    binaries = pathlib.Path(sys.argv[1])
    with Programs() as programs:
        backend, site, printed = free_port(), free_port(), programs.folder / "events"
        handler = programs.start("EventHandler", [binaries / "EventHandler", "--port", backend, "--no-store"], output=printed)
        programs.wait_for_port(backend, handler)
        demo = programs.start("DemoRouterApp", [binaries / "DemoRouterApp", "--port", site], {
            "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t", "RA_BACKEND_ENDPOINT": f"http://127.0.0.1:{backend}",
            # Gathering a batch takes half a second, which would hide the effect.
            "RA_BATCHES": "off"})
        programs.wait_for_port(site, demo)
        arrivals = Arrivals(printed)
        print(f"{'piece':<14}{'in':<10}{'sent in':>10}{'the 50 behind wait':>22}")
        for number, piece in enumerate([ORDINARY] + (sys.argv[2:] or PIECES)):
            for in_fields in (False, True):
                took, wait = run(site, arrivals, f"r{number}{in_fields}", piece, in_fields)
                print(f"{piece[:12]:<14}{'fields' if in_fields else 'target':<10}{took * 1000:>7.0f} ms{wait * 1000:>19.0f} ms",
                      flush=True)


if __name__ == "__main__":
    main()
