"""Visitors of the demo site: each keeps its session, browses, submits forms and runs into errors.

Every request has a unique `uid`, which its event shows in `full_url`. All are written to the file named by UID_FILE,
one line each: the uid, the response's status (0 if the test ended first) and its milliseconds.
"""

import itertools
import os
import time

import gevent
from locust import FastHttpUser, between, events, task

_asked = []
_answered = {}
_visitors = itertools.count(1)


@events.quit.add_listener
def write_uids(**_):
    """Writes the requests and their results, for comparison with the events."""
    path = os.environ.get("UID_FILE")
    if not path:
        return
    with open(path, "w", encoding="utf-8") as file:
        for uid in _asked:
            status, seconds = _answered.get(uid, (0, 0))
            file.write(f"{uid} {status} {seconds * 1000:.3f}\n")


class Visitor(FastHttpUser):
    """One visitor with one session cookie and a short think time between pages."""

    wait_time = between(0.005, 0.045)
    # A slower page counts as failed.
    connection_timeout = 10.0
    network_timeout = 10.0

    def on_start(self):
        self.number = next(_visitors)
        self.pages = itertools.count(1)
        self.visit("GET", "/", name="/")

    def visit(self, method, path, name=None, expected=200, **arguments):
        """Requests one page and records the result; the status `expected` is not a failure, even if it is an error."""
        uid = f"v{self.number}p{next(self.pages)}"
        _asked.append(uid)
        start = time.perf_counter()
        separator = "&" if "?" in path else "?"
        with self.client.request(
            method,
            f"{path}{separator}uid={uid}",
            name=name or path,
            allow_redirects=False,
            catch_response=True,
            headers={"User-Agent": f"LoadTest/1.0 (visitor {self.number})", "Accept-Language": "en"},
            **arguments,
        ) as response:
            if response.status_code:
                _answered[uid] = (response.status_code, time.perf_counter() - start)
            if response.status_code == expected:
                response.success()
            elif response.status_code:
                response.failure(f"status {response.status_code} instead of {expected}")
        return response

    @task(20)
    def home(self):
        self.visit("GET", "/", name="/")

    @task(20)
    def hello(self):
        self.visit("GET", f"/hello/visitor-{self.number}/?from=mail", name="/hello/:name/")

    @task(10)
    def deep_link(self):
        self.visit("GET", "/any/docs/guide/caf%C3%A9?page=2", name="/any/*")

    @task(8)
    def form(self):
        self.visit("POST", "/form/", data={"name": f"Visitor {self.number}", "text": "two words"})

    @task(5)
    def api(self):
        self.visit("POST", "/json/", json={"items": [1, 2, 3]})

    @task(5)
    def redirect(self):
        self.visit("GET", "/redir/", expected=302)

    @task(3)
    def not_found(self):
        self.visit("GET", "/no/such/page", expected=404)

    @task(2)
    def error(self):
        self.visit("GET", "/boom/", expected=500)

    @task(1)
    def burst(self):
        """Requests a page with its resources: five concurrent requests on separate connections, in one session."""
        gevent.joinall([gevent.spawn(self.hello) for _ in range(5)])
