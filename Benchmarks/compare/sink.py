"""A backend for all contenders: counts their events, and those that mix the fields of different requests.

sink.py DELAY_MS        responds after that many milliseconds; -1: accepts everything and never responds
Prints its port. `GET /_result` returns the counts since the last call, as JSON.
"""

import asyncio
import gzip
import json
import re
import sys
import zlib

DELAY = int(sys.argv[1]) / 1000
bodies = []
REQUEST = re.compile(r"/hello/(t\d)-(\d+)/")


def texts(path, headers, body):
    """Yields the events in a body, each as a string that contains its path and its browser."""
    coding = headers.get("content-encoding", "")
    if coding == "gzip" or body[:2] == b"\x1f\x8b":
        body = gzip.decompress(body)
    elif coding == "deflate":
        body = zlib.decompress(body)
    if path.startswith("/v1/traces"):
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                yield from (str(span.attributes) for span in scope.spans)
    elif path.startswith("/batch"):
        yield from (json.dumps(event) for event in json.loads(body)["batch"])
    elif path.startswith("/intake"):
        yield from (line.decode() for line in body.splitlines() if line.startswith(b'{"transaction"'))
    elif path.startswith("/api/"):
        lines = body.split(b"\n")
        yield from (lines[index + 1].decode() for index in range(len(lines) - 1) if b'"type":"event"' in lines[index])
    elif path.startswith("/p"):
        yield from (line.decode() for line in body.splitlines() if line)


def result():
    """Counts the events received so far, and clears them."""
    events = mixed = 0
    requests = set()
    for path, headers, body in bodies:
        for text in texts(path, headers, body):
            events += 1
            request = REQUEST.search(text)
            requests.add(request and request.group())
            if request and f"browser-{request.group(1)}" not in text:
                mixed += 1
    counts = {"events": events, "requests": len(requests), "mixed": mixed, "posts": len(bodies)}
    bodies.clear()
    return counts


class Connection(asyncio.Protocol):
    """A connection that speaks as much HTTP/1.1 as these clients need."""

    def connection_made(self, transport):
        self.transport, self.buffer = transport, b""

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            first, *lines = self.buffer[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            if headers.get("transfer-encoding", "").lower() == "chunked":
                taken = self.chunked(end + 4)
                if taken is None:
                    return
                body, stop = taken
            else:
                stop = end + 4 + int(headers.get("content-length", 0))
                if len(self.buffer) < stop:
                    return
                body = self.buffer[end + 4 : stop]
            self.buffer = self.buffer[stop:]
            method, path, _ = first.split(" ", 2)
            self.take(method, path, headers, body)

    def chunked(self, start):
        body = b""
        while (line := self.buffer.find(b"\r\n", start)) >= 0:
            size = int(self.buffer[start:line].split(b";")[0], 16)
            if len(self.buffer) < line + 4 + size:
                return None
            body += self.buffer[line + 2 : line + 2 + size]
            start = line + 4 + size
            if size == 0:
                return body, start
        return None

    def take(self, method, path, headers, body):
        if path == "/_result":
            self.answer(json.dumps(result()).encode())
        elif DELAY >= 0:
            if method == "POST":
                bodies.append((path, headers, body))
            if DELAY:
                asyncio.get_running_loop().call_later(DELAY, self.answer, b"{}")
            else:
                self.answer(b"{}")

    def answer(self, body):
        if not self.transport.is_closing():
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nAccept-Post: application/x-ndjson\r\n"
            self.transport.write(head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


async def main():
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
