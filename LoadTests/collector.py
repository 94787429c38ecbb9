#!/usr/bin/env python3
"""Accepts events over HTTP. Answers 204 only once a file or broker has stored them, else 503, and the tracker retries.

    LoadTests/collector.py 127.0.0.1:8000 file:/var/lib/events/events.ndjson
    LoadTests/collector.py 127.0.0.1:8000 redis://127.0.0.1:6379
    LoadTests/collector.py 127.0.0.1:8000 nats://127.0.0.1:4222

An event's identity is its request's Idempotency-Key and its line there, from 0. Redis and NATS store an identity once; the
file keeps duplicates, with key and line number in each line. Offers batches and gzip. Writes one line per POST to
standard error. Needs only Python's standard library.
"""
import argparse
import base64
import http.server
import json
import os
import socket
import sys
import threading
import time
import urllib.parse
import uuid
import zlib

BODY_LIMIT = 2 << 20
EXPANDED_LIMIT = 16 << 20
TIMEOUT = 5
REMEMBERED_SECONDS = 24 * 3600  # how long a broker remembers a key: as long as a spool may keep events


class File:
    """One file of lines {"key", "line", "event"}, on disk before the answer."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.file = open(path, "a+b", buffering=0)
        # A killed process may have left a partial line, which it never acknowledged.
        start = max(0, self.file.seek(0, os.SEEK_END) - 2 * EXPANDED_LIMIT)
        self.file.seek(start)
        self.file.truncate(start + self.file.read().rfind(b"\n") + 1)

    def store(self, project, key, events):
        lines = b"".join(
            b'{"key":%s,"line":%d,"event":%s}\n' % (json.dumps(key).encode(), line, event)
            for line, event in enumerate(events)
        )
        with self.lock:
            end = os.fstat(self.file.fileno()).st_size
            try:
                if self.file.write(lines) != len(lines):
                    raise OSError("the disk is full")
                os.fsync(self.file.fileno())
            except OSError:
                self.file.truncate(end)
                raise

    def read(self):
        self.file.seek(0)
        for line in self.file.read().splitlines():
            entry = json.loads(line)
            yield entry["key"], entry["line"], entry["event"]


class Connection:
    """A connection to a broker, opened when it is needed and given up after any error."""

    def __init__(self, address):
        self.address, self.stream, self.lock = address, None, threading.Lock()

    def call(self, work):
        with self.lock:
            try:
                if not self.stream:
                    connection = socket.create_connection(self.address, TIMEOUT)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.stream = connection.makefile("rwb")
                    connection.close()  # the stream keeps it open
                    self.greet()
                return work()
            except Exception:
                if self.stream:
                    stream, self.stream = self.stream, None
                    try:
                        stream.close()
                    except OSError:
                        pass
                raise

    def greet(self):
        pass

    def line(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the broker closed the connection")
        return line[:-2]

    def bytes(self, count):
        data = self.stream.read(count + 2)
        if len(data) != count + 2:
            raise ConnectionError("the broker closed the connection")
        return data[:-2]


class Redis(Connection):
    """The stream `events`. Key and events are stored in one step, so a repeated key adds nothing."""

    SCRIPT = """
    if not redis.call('SET', KEYS[2], 1, 'NX', 'EX', ARGV[1]) then return 0 end
    for line = 4, #ARGV do
        redis.call('XADD', KEYS[1], '*', 'project', ARGV[2], 'key', ARGV[3], 'line', line - 4, 'event', ARGV[line])
    end
    return 1
    """

    def command(self, *words):
        words = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self.stream.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        self.stream.flush()
        return self.reply()

    def reply(self):
        line = self.line()
        kind, rest = line[:1], line[1:]
        if kind == b"-":
            raise ConnectionError(rest.decode())
        if kind == b"$":
            return self.bytes(int(rest)) if int(rest) >= 0 else None
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest

    def store(self, project, key, events):
        arguments = ["EVAL", self.SCRIPT, 2, "events", f"key:{key}", REMEMBERED_SECONDS, project, key, *events]
        self.call(lambda: self.command(*arguments))

    def read(self):
        for _, fields in self.call(lambda: self.command("XRANGE", "events", "-", "+")):
            entry = dict(zip(fields[::2], fields[1::2]))
            yield entry[b"key"].decode(), int(entry[b"line"]), json.loads(entry[b"event"])


class NATS(Connection):
    """The JetStream stream `EVENTS`, which stores each message identifier once."""

    def greet(self):
        self.line()  # INFO
        self.inbox, self.count = f"_INBOX.{uuid.uuid4().hex}", 0
        self.stream.write(
            b'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\n'
            + f"SUB {self.inbox}.* 1\r\n".encode()
        )
        stream = {
            "name": "EVENTS", "subjects": ["events.*"], "storage": "file", "retention": "limits", "max_age": 0,
            "duplicate_window": REMEMBERED_SECONDS * 10**9,
        }
        self.request([("$JS.API.STREAM.CREATE.EVENTS", None, json.dumps(stream).encode())])

    def request(self, messages):
        """Publishes messages of subject, identifier and text, and returns the server's answer to each."""
        first = self.count
        self.count += len(messages)
        for number, (subject, identifier, text) in enumerate(messages, first):
            fields = f"NATS/1.0\r\nNats-Msg-Id: {identifier}\r\n\r\n".encode() if identifier else b"NATS/1.0\r\n\r\n"
            start = f"HPUB {subject} {self.inbox}.{number} {len(fields)} {len(fields) + len(text)}\r\n"
            self.stream.write(start.encode() + fields + text + b"\r\n")
        self.stream.flush()
        answers = {}
        while len(answers) < len(messages):
            words = self.line().split()
            if words[0] == b"PING":
                self.stream.write(b"PONG\r\n")
                self.stream.flush()
            elif words[0] == b"MSG":
                answer = json.loads(self.bytes(int(words[-1])))
                if "error" in answer:
                    raise ConnectionError(f"NATS: {answer['error']}")
                answers[int(words[1].rsplit(b".", 1)[1])] = answer
            elif words[0] == b"HMSG":
                raise ConnectionError(f"NATS: {self.bytes(int(words[-1]))}")
            elif words[0] == b"-ERR":
                raise ConnectionError(f"NATS: {b' '.join(words).decode()}")
        return [answers[number] for number in sorted(answers)]

    def store(self, project, key, events):
        subject = "events." + "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in project)
        messages = [(subject, f"{key}/{line}", event) for line, event in enumerate(events)]
        self.call(lambda: self.request(messages))

    def read(self):
        asked = [("$JS.API.STREAM.INFO.EVENTS", None, b"")]
        count = self.call(lambda: self.request(asked))[0]["state"]["last_seq"]
        asked = [("$JS.API.STREAM.MSG.GET.EVENTS", None, b'{"seq":%d}' % (number + 1)) for number in range(count)]
        for answer in self.call(lambda: self.request(asked)):
            fields = base64.b64decode(answer["message"]["hdrs"]).decode()
            key, line = fields.split("Nats-Msg-Id: ")[1].split("\r\n")[0].rsplit("/", 1)
            yield key, int(line), json.loads(base64.b64decode(answer["message"]["data"]))


def target(text):
    kind, _, rest = text.partition(":")
    if kind == "file":
        return File(rest)
    address = urllib.parse.urlsplit(text)
    return {"redis": Redis, "nats": NATS}[kind]((address.hostname, address.port))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 75
    store = None
    delay = 0.0
    offers = True

    def do_POST(self):
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > BODY_LIMIT:
            self.close_connection = True
            return self.answer(413 if length.isdigit() else 411)
        body = self.rfile.read(int(length))
        if len(body) != int(length):
            self.close_connection = True
            return
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind not in ("application/json", "application/x-ndjson"):
            return self.answer(415)
        try:
            if self.headers.get("Content-Encoding", "").lower() == "gzip":
                body = gunzip(body)
            lines = body.splitlines() if kind == "application/x-ndjson" else [body]
            # Parse and rewrite: one line each, however the sender formatted them.
            events = [json.dumps(json.loads(line), separators=(",", ":")).encode() for line in lines if line]
        except (ValueError, zlib.error) as error:
            return self.answer(400, str(error))
        key = self.headers.get("Idempotency-Key") or str(uuid.uuid4())
        project = urllib.parse.unquote(self.path.partition("?")[0].rpartition("/")[2])
        try:
            self.store.store(project, key, events)
        except Exception as error:
            print(f"refused {key} {len(events)}: {error}", file=sys.stderr, flush=True)
            return self.answer(503)
        print(f"stored {key} {len(events)}", file=sys.stderr, flush=True)
        time.sleep(self.delay)
        self.answer(204)

    def answer(self, status, reason=""):
        body = f"{reason}\n".encode() if reason else b""
        self.send_response(status)
        if self.offers:
            self.send_header("Accept-Post", "application/x-ndjson")
        self.send_header("Accept-Encoding", "gzip")
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def gunzip(body):
    reader = zlib.decompressobj(16 + zlib.MAX_WBITS)
    text = reader.decompress(body, EXPANDED_LIMIT)
    if not reader.eof:
        raise ValueError("the body is not one complete gzip stream, or is too long")
    return text


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address", help="where to listen, HOST:PORT")
    parser.add_argument("target", help="file:PATH, redis://HOST:PORT or nats://HOST:PORT")
    parser.add_argument("--delay", type=float, default=0, help="seconds between storing and answering, for tests")
    parser.add_argument("--no-offer", action="store_true", help="leave Accept-Post to a server in front")
    options = parser.parse_args()
    Handler.offers = not options.no_offer
    Handler.store, Handler.delay = target(options.target), options.delay
    host, _, port = options.address.rpartition(":")
    try:
        Server((host, int(port)), Handler).serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
