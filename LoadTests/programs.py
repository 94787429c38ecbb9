"""Builds the programs of a load test, starts them on free ports, and always stops them."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Failure(Exception):
    """An error that says what went wrong and what to do."""


def end_with(function):
    """Ends the process with what a function returns; with a message and status 2 if it fails."""
    # Programs stops its processes when an exception propagates.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    try:
        sys.exit(function())
    except Failure as failure:
        print(failure, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def build(*products):
    """Builds products for release and returns their folder."""
    for product in products:
        print(f"building {product}", file=sys.stderr, flush=True)
        done = subprocess.run(
            ["swift", "build", "-c", "release", "--product", product], cwd=ROOT, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise Failure(f"{product} does not build:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    where = subprocess.run(
        ["swift", "build", "-c", "release", "--show-bin-path"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return pathlib.Path(where.stdout.strip())


def free_port():
    """Returns a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Programs:
    """A group of processes with a temporary folder, stopped together."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="load-"))
        self.running = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.running):
            self.stop(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self, name, arguments, environment=None, output=None):
        """Starts a program; its standard error goes to a file in the folder."""
        errors = self.folder / f"{name}.err"
        with open(errors, "wb") as error_file, open(output or "/dev/null", "wb") as output_file:
            process = subprocess.Popen(
                [str(argument) for argument in arguments],
                env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/", **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output_file,
                stderr=error_file,
            )
        process.name, process.errors = name, errors
        self.running.append(process)
        return process

    def wait_for_port(self, port, process, seconds=20):
        """Waits until the port accepts connections."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise Failure(f"{process.name} exited with {process.returncode}: {process.errors.read_text()}")
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        raise Failure(f"{process.name} does not listen on port {port}: {process.errors.read_text()}")

    def stop(self, process, seconds=30):
        """Stops a process and returns its standard error."""
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if process in self.running:
            self.running.remove(process)
        return process.errors.read_text()

    def start_nginx(self, servers, workers=1):
        """Starts an nginx with the given text in its `http` block."""
        program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin")
        if not program:
            raise Failure("nginx is not installed; install it (apt-get install nginx)")
        folder = self.folder / f"nginx-{len(self.running)}"
        folder.mkdir()
        temporary = " ".join(f"{name}_temp_path {folder}/{name};" for name in ("proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(
            f"""daemon off; {user} worker_processes {workers}; worker_rlimit_nofile 30000; pid {folder}/pid;
            error_log {folder}/error.log;
            events {{ worker_connections 12000; }}
            http {{ access_log off; keepalive_requests 1000000000; client_body_temp_path {folder}/body;
            client_body_buffer_size 2m; client_max_body_size 64m; {temporary}
            {servers} }}"""
        )
        return self.start(f"nginx-{len(self.running)}", [program, "-c", folder / "nginx.conf", "-e", folder / "error.log"])
