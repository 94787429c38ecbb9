#!/usr/bin/env python3
"""Besieges the FastCGI demo, restarts it under load, and measures what other clients notice.

    LoadTests/siege.py .build/release

Three measurements, each printed as a line or two:

- 1,100 idle connections with 1,024 file descriptors, 40 clients that do not read their response, and 40 requests that
  block, all at once: the latency of another client's blocking and async pages meanwhile.
- four rounds of hostile input: large bodies that end halfway, records of every type with random content, connections
  that are cut anywhere; then the resident memory.
- five restarts under 500 requests per second, with a listening socket that is handed on: requests that failed.

Exit status 1 if a page took over 100 ms, the memory is over 32 MiB, or a request failed.
"""
import os
import pathlib
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

from programs import Programs, free_port

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT = 1, 2, 3, 4, 5, 6
OK = b"Status: 200 "


def record(kind, number, content=b""):
    return struct.pack(">BBHHBB", 1, kind, number, len(content), 0, 0) + content


def parameters(target, method, length):
    path, _, query = target.partition("?")
    pairs = {"REQUEST_METHOD": method, "REQUEST_URI": target, "SCRIPT_NAME": "", "PATH_INFO": path,
             "QUERY_STRING": query, "SERVER_PROTOCOL": "HTTP/1.1", "HTTP_HOST": "h", "CONTENT_LENGTH": str(length or ""),
             "SERVER_NAME": "h", "SERVER_PORT": "80", "REMOTE_ADDR": "127.0.0.1"}
    return b"".join(struct.pack("BB", len(name), len(value)) + name.encode() + value.encode()
                    for name, value in pairs.items())


def request(target, method="GET", length=0, keep=False):
    """Returns the records of a request without its body."""
    return (record(BEGIN, 1, struct.pack(">HB5x", 1, keep)) + record(PARAMS, 1, parameters(target, method, length))
            + record(PARAMS, 1))


def connect(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    connection = socket.socket(family)
    connection.settimeout(30)
    connection.connect(address)
    return connection


def ask(address, target):
    """Returns the STDOUT stream of one request on its own connection."""
    with connect(address) as connection:
        connection.sendall(request(target) + record(STDIN, 1))
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    output, place, ended = b"", 0, False
    while place + 8 <= len(received):
        kind, length, padding = received[place + 1], *struct.unpack(">HB", received[place + 4:place + 7])
        output += received[place + 8:place + 8 + length] if kind == STDOUT else b""
        ended = ended or kind == END
        place += 8 + length + padding
    if not ended:
        raise ConnectionError("the response broke off")
    return output


def start(programs, folder, arguments, **options):
    environment = {"PATH": "/usr/bin:/bin", "HOME": "/", "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t",
                   "RA_BACKEND_ENDPOINT": "http://127.0.0.1:9", "RA_LOG_LEVEL": "off", **options.pop("environment", {})}
    errors = open(programs.folder / "demo.err", "ab")
    process = subprocess.Popen([folder / "DemoCGIApp", *arguments], env=environment, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=errors, **options)
    process.name, process.errors = "demo", programs.folder / "demo.err"
    programs.running.append(process)
    return process


def resident(process):
    return int(pathlib.Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def besiege(programs, folder):
    address = ("127.0.0.1", free_port())
    limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
    demo = start(programs, folder, ["--fastcgi", f"127.0.0.1:{address[1]}"], preexec_fn=limit)
    programs.wait_for_port(address[1], demo)
    held = []
    for target, count in (("/big?n=1073741824", 40), ("/sleep?ms=10000", 40)):
        for _ in range(count):
            held.append(connect(address))
            held[-1].sendall(request(target) + record(STDIN, 1))
    for _ in range(1100):
        held.append(connect(address))
    times = {"/": [], "/async-sleep?ms=0": []}
    deadline = time.monotonic() + 6
    while time.monotonic() < deadline:
        for target, found in times.items():
            begun = time.perf_counter()
            assert ask(address, target).startswith(OK)
            found.append((time.perf_counter() - begun) * 1000)
    for connection in held:
        connection.close()
    for target, found in times.items():
        # The first one waits behind everything above, which was sent within a few milliseconds.
        first, rest = found[0], sorted(found[1:])
        print(f"besieged, {target}: {len(found)} requests, the first {first:.1f} ms, median {rest[len(rest) // 2]:.2f} ms, "
              f"most {rest[-1]:.1f} ms; {resident(demo):.1f} MiB")
    programs.stop(demo)
    return max(max(found) for found in times.values()) <= 100


def attack(address, chance):
    """Opens one connection with hostile input."""
    with connect(address) as connection:
        connection.settimeout(1)
        kind = chance.randrange(5)
        if kind == 0:
            connection.sendall(request("/echo", "POST", 15 << 20))
            for _ in range(chance.randrange(230)):
                connection.sendall(record(STDIN, 1, bytes(65535)))
        elif kind == 1:
            for _ in range(50):
                connection.sendall(record(chance.randrange(256), chance.randrange(3), chance.randbytes(chance.randrange(2000))))
        elif kind == 2:
            whole = request("/any/x?a=b", "POST", 100) + record(STDIN, 1, bytes(100)) + record(STDIN, 1)
            connection.sendall(whole[:chance.randrange(len(whole))])
        elif kind == 3:
            connection.sendall(chance.randbytes(chance.randrange(20000)))
        else:
            connection.sendall(request("/big?n=50000000") + record(STDIN, 1))
            connection.recv(chance.randrange(1, 100000))
            connection.sendall(record(ABORT, 1))


def torment(programs, folder):
    address = ("127.0.0.1", free_port())
    demo = start(programs, folder, ["--fastcgi", f"127.0.0.1:{address[1]}"])
    programs.wait_for_port(address[1], demo)
    figures = []
    for round in range(4):
        def work(seed):
            chance = random.Random(seed)
            for _ in range(60):
                try:
                    attack(address, chance)
                except OSError:
                    pass
        threads = [threading.Thread(target=work, args=(round * 16 + number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert ask(address, "/").startswith(OK)
        # The demo returns memory once a second while it is idle.
        time.sleep(4)
        figures.append(resident(demo))
    print("hostile input, four rounds of 960 connections: " + ", ".join(f"{figure:.1f}" for figure in figures)
          + " MiB resident after each")
    programs.stop(demo)
    return figures[-1] <= 32


def restart(programs, folder):
    path = str(programs.folder / "demo.sock")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(4096)

    def hand_on():
        os.dup2(listener.fileno(), 3)
        os.set_inheritable(3, True)

    def begin():
        # The shell sets LISTEN_PID to its own process ID, which the program keeps after exec.
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/", "RA_PROJECT_ID": "p", "RA_PROJECT_TOKEN": "t",
                       "RA_BACKEND_ENDPOINT": "http://127.0.0.1:9", "RA_LOG_LEVEL": "off", "LISTEN_FDS": "1"}
        process = subprocess.Popen(["/bin/sh", "-c", f"LISTEN_PID=$$ exec {folder / 'DemoCGIApp'}"], env=environment,
                                   preexec_fn=hand_on, close_fds=False, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process.name, process.errors = "demo", programs.folder / "demo.err"
        programs.running.append(process)
        return process

    process = begin()
    assert ask(path, "/").startswith(OK)
    failed, asked, ends = [], [0], threading.Event()
    lock = threading.Lock()

    def work(number):
        due = time.monotonic() + number / 500
        while not ends.is_set():
            time.sleep(max(0, due - time.monotonic()))
            due += 16 / 500
            try:
                if not ask(path, "/").startswith(OK):
                    failed.append("a wrong page")
            except OSError as error:
                failed.append(repr(error))
            with lock:
                asked[0] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for _ in range(5):
        time.sleep(1)
        successor = begin()
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        programs.running.remove(process)
        process = successor
    time.sleep(1)
    ends.set()
    for thread in threads:
        thread.join()
    programs.stop(process)
    print(f"five restarts at 500 requests/s: {asked[0]} requests, {len(failed)} failed {failed[:2] or ''}")
    return not failed


def main():
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    folder = pathlib.Path(sys.argv[1]).resolve()
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    with Programs() as programs:
        passed = [measure(programs, folder) for measure in (besiege, torment, restart)]
    return 0 if all(passed) else 1


sys.exit(main())
