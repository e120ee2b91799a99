"""The servers that clients are compared on, started afresh and empty, and a bare look at what is stored there."""

import contextlib
import http.client
import io
import json
import socket
import subprocess
import sys
import tarfile
import urllib.parse
from pathlib import Path

import swift_lab
from compared_clients import KEY, USER
from measure import Failed
from real_swift import RealSwift


class Server:
    """A server that runs, seen through its HTTP interface alone."""

    def __init__(self, url):
        self.auth_url = f"{url}/auth/v1.0"
        self.host = urllib.parse.urlsplit(url).netloc
        _, headers, _ = self.call("GET", "/auth/v1.0", {"X-Auth-User": USER, "X-Auth-Key": KEY})
        self.token = headers["X-Auth-Token"]
        self.account = urllib.parse.urlsplit(headers["X-Storage-Url"]).path

    def call(self, method, path, headers, body=None):
        connection = http.client.HTTPConnection(self.host, timeout=600)
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def ask(self, method, path, body=None, **headers):
        """A call below the account; its status, headers and body."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call(method, f"{self.account}/{path}", {"X-Auth-Token": self.token, **headers}, body)

    def hashes(self, container):
        """Name and MD5 of all objects of a container."""
        found, marker = {}, ""
        while True:
            status, _, body = self.ask("GET", f"{container}?format=json&marker={urllib.parse.quote(marker)}")
            if status == 404:
                return found
            page = json.loads(body) if body else []
            if not page:
                return found
            found.update((entry["name"], entry["hash"]) for entry in page)
            marker = page[-1]["name"]

    def size(self, container, name):
        status, headers, _ = self.ask("HEAD", f"{container}/{name}")
        if status != 200:
            raise Failed(f"{container}/{name} is answered {status}")
        return int(headers["Content-Length"])

    def fill(self, container, names):
        """Stores an object of one byte under each name."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name in names:
                member = tarfile.TarInfo(name)
                member.size = 1
                tar.addfile(member, io.BytesIO(b"x"))
        self.ask("PUT", container)
        query = f"{container}?extract-archive=tar"
        status, _, body = self.ask("PUT", query, archive.getvalue(), Accept="application/json")
        created = json.loads(body)["Number Files Created"] if status == 200 else 0
        if created != len(names):
            raise Failed(f"{created} of {len(names)} objects could be stored for the listing")


class RealServer(Server):
    """The same for a real Swift of ours, whose files are at hand."""

    def __init__(self, swift):
        self.swift = swift
        super().__init__(f"http://127.0.0.1:{swift.port}")

    def fill(self, container, names):
        """Writes the names into the container's database: by requests it would take a quarter of an hour."""
        self.ask("PUT", container)
        program = Path(swift_lab.__file__).with_name("swift_listing.py")
        account = self.account.rpartition("/")[2]
        command = [self.swift.python, program, self.swift.conf, self.swift.devices(), account, container]
        subprocess.run(list(map(str, command)), input="\n".join(names), text=True, check=True)


@contextlib.contextmanager
def emulator():
    """Our emulator, release build."""
    binary = swift_lab.LAB.parent / "release/cloudfiles-emulator"
    command = [binary, "--listen", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield Server(json.loads(process.stdout.readline())["url"])
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def real_swift():
    """A real Swift from PyPI, on a free port; see `real-swift`."""
    swift_lab.prepare()
    swift = RealSwift(free_port())
    swift.start()
    try:
        yield RealServer(swift)
    finally:
        swift.stop()


def free_port():
    """One that is free together with those that a real Swift takes beside it."""
    for port in range(8190, 8290):
        try:
            for offset in (0, 10000, 12000, 14000, 16000):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port + offset))
            return port
        except OSError:
            continue
    raise Failed("no port between 8190 and 8290 is free for a real Swift")


@contextlib.contextmanager
def sink():
    """What forgets all that is uploaded, for what there is no room for."""
    program = Path(swift_lab.__file__).with_name("sink_server.py")
    process = subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, text=True)
    try:
        yield Server(json.loads(process.stdout.readline())["url"])
    finally:
        process.terminate()
        process.wait()


SERVERS = {"emulator": emulator, "swift": real_swift}
