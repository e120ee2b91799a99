"""Small requests over kept connections, beside bare hyper, nginx and a real Swift. Rates are those of one wrk with one
thread on the same cores; the processor time of a request is the server's alone, and holds on a loaded machine as well."""

import contextlib
import hashlib
import hmac
import itertools
import socket

import swift_lab
from real_swift import RealSwift

from . import web
from .lab import Server, median, ratio
from .nginx import Nginx
from .row import Row

CONTAINER = "speed"
CONNECTIONS = [1, 16, 64, 256]
BODY = b"x" * 1024
TEMP_URL_KEY = "speed"

# Of the emulator's rates: what is asked, and the least it should be of bare hyper's.
OPERATIONS = {
    "get": ("GET 1 KiB with a token", 0.9),
    "tempurl": ("GET 1 KiB by temporary URL", None),
    "head": ("HEAD of an empty object with a token", None),
    "put": ("PUT 1 KiB", None),
    "listing": ("a listing of 100 objects", None),
}


class Cloud:
    """Something that speaks Swift, with what is asked of it: method, path and headers by operation."""

    def __init__(self, port):
        self.port = port
        token, account = web.sign_in(port)
        self.auth = {"X-Auth-Token": token}
        self.objects = f"{account}/{CONTAINER}"
        self.account = account
        self.requests = {
            "get": ("GET", f"{self.objects}/one", self.auth),
            "tempurl": ("GET", self.temp_url(), {}),
            # Of an object with bytes wrk would wait for the body, whose length the answer tells.
            "head": ("HEAD", f"{self.objects}/empty", self.auth),
            "put": ("PUT", f"{self.objects}/put", self.auth),
            "listing": ("GET", f"{account}/listing?format=json", self.auth),
        }

    def temp_url(self):
        path, expires = f"{self.objects}/one", 4_000_000_000
        text = f"GET\n{expires}\n{path}".encode()
        signature = hmac.new(TEMP_URL_KEY.encode(), text, hashlib.sha256).hexdigest()
        return f"{path}?temp_url_sig={signature}&temp_url_expires={expires}"

    def fill(self):
        key = {**self.auth, "X-Account-Meta-Temp-URL-Key": TEMP_URL_KEY}
        web.expect(web.exchange(self.port, "POST", self.account, key), 201, 202, 204)
        for path in [self.objects, f"{self.account}/listing"]:
            web.expect(web.exchange(self.port, "PUT", path, self.auth), 201, 202)
        for path in [f"{self.objects}/one", *(f"{self.account}/listing/{n:03}" for n in range(100))]:
            web.expect(web.exchange(self.port, "PUT", path, self.auth, BODY), 201)
        web.expect(web.exchange(self.port, "PUT", f"{self.objects}/empty", self.auth), 201)
        for operation in OPERATIONS:
            self.ask(operation)
        return self

    def ask(self, operation):
        """What it answers, as it is on the wire."""
        method, path, headers = self.requests[operation]
        return web.expect(web.exchange(self.port, method, path, headers, BODY if operation == "put" else b""), 200, 201)

    def load(self, lab, operation, connections, server):
        """Puts a server under this load: rate, 99th percentile, processor time of one request where that can be told."""
        method, path, headers = self.requests[operation]
        url = f"http://127.0.0.1:{server.port}{path}"
        body = BODY if operation == "put" else None
        timed = isinstance(server, Server)
        before = server.processor_time() if timed else 0
        rate, slow = web.wrk(lab.folder, url, connections, lab.seconds, method, headers, body)
        return rate, slow, (server.processor_time() - before) / (rate * lab.seconds) if timed else None


def rows(lab):
    if any(lab.wants(key) for key in keys()):
        yield from beside_servers(lab)
    if any(lab.wants(f"{operation}/16/swift") for operation in ("get", "put")):
        yield from beside_swift(lab)


def keys():
    for operation, connections in itertools.product(OPERATIONS, CONNECTIONS):
        yield f"{operation}/{connections}/hyper"
    yield from (f"get/{connections}/nginx" for connections in CONNECTIONS)
    yield from (f"put/{connections}/get" for connections in CONNECTIONS)
    yield "get/256/p99"


def beside_servers(lab):
    emulator = lab.emulator()
    cloud = Cloud(emulator.port).fill()
    recorded = []
    for operation in OPERATIONS:
        method, path, _ = cloud.requests[operation]
        file = lab.folder / operation
        file.write_bytes(cloud.ask(operation))
        # A GET by temporary URL is answered otherwise, at the same path: its answers come from a server of their own.
        recorded.append((operation, f"{method} {path.partition('?')[0]}={file}"))
    bare = {"tempurl": lab.bare(*(answer for operation, answer in recorded if operation == "tempurl"))}
    rest = lab.bare(*(answer for operation, answer in recorded if operation != "tempurl"))
    nginx = Nginx.start(lab, {cloud.requests["get"][1]: BODY})

    for connections in CONNECTIONS:
        measured = {}
        for operation, (what, goal) in OPERATIONS.items():
            keys = [f"{operation}/{connections}/hyper"]
            if operation == "get":
                keys += [f"get/{connections}/nginx", f"put/{connections}/get"]
                if connections == 256:
                    keys.append("get/256/p99")
            if operation == "put":
                keys.append(f"put/{connections}/get")
            if not any(map(lab.wants, keys)):
                continue
            measures = {
                "emulator": lambda: cloud.load(lab, operation, connections, emulator),
                "hyper": lambda: cloud.load(lab, operation, connections, bare.get(operation, rest)),
            }
            if operation == "get" and nginx:
                measures["nginx"] = lambda: cloud.load(lab, operation, connections, nginx)
            if operation == "put":
                measures["get"] = lambda: cloud.load(lab, "get", connections, emulator)
            rounds = lab.turns(measures)
            for key in filter(lab.wants, keys):
                yield from row(lab, key, what, goal, connections, rounds)


def row(lab, key, what, goal, connections, rounds):
    operation, _, other = key.split("/")
    whom = {"hyper": "bare hyper's", "nginx": "nginx's"}.get(other)
    at = f"{connections} connection{'s' if connections > 1 else ''}"
    if other == "p99":
        value = ratio(rounds, "emulator", "hyper", lambda measured: measured[1])
        mine, theirs = (median(rounds, name, lambda measured: measured[1]) * 1e3 for name in ("emulator", "hyper"))
        note = f"{mine:.2f} ms beside {theirs:.2f} ms"
        yield Row(key, f"{what}, {at}: 99th percentile / bare hyper's", value, "<= 3", lab.command(key), note=note)
    elif other in rounds[0]:
        value = ratio(rounds, "emulator", other, lambda measured: measured[0])
        mine, theirs = (median(rounds, name, lambda measured: measured[0]) for name in ("emulator", other))
        least = {"hyper": goal, "nginx": 1.0, "get": 0.6}[other]
        beside = whom or "GET's"
        note = f"{mine:,.0f}/s beside {theirs:,.0f}/s"
        if other == "hyper":
            mine, theirs = (median(rounds, name, lambda measured: measured[2]) * 1e6 for name in ("emulator", other))
            note += f"; {mine:.1f} µs of processor time beside {theirs:.1f} µs"
        yield Row(key, f"{what}, {at}: rate / {beside}", value, f">= {least}" if least else "", lab.command(key), note=note)
    elif other == "nginx":
        yield Row(key, f"{what}, {at}: rate / nginx's", None, ">= 1.0", lab.command(key), note="no nginx here, and none from apt")


def free_for_swift():
    """A port that a real Swift can have, with all that it has beside it."""
    def is_free(port):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0

    for port in range(8190, 8290):
        swift = RealSwift(port)
        if all(map(is_free, [*swift.ports.values(), swift.memcached])):
            return port
    raise SystemExit("a real Swift finds no port from 8190 to 8289")


def beside_swift(lab):
    """The real one is so slow that it needs few turns; where it cannot be had, the row says why."""
    wanted = [key for key in ("get", "put") if lab.wants(f"{key}/16/swift")]
    emulator = lab.emulator()
    cloud = Cloud(emulator.port).fill()
    swift = RealSwift(free_for_swift())
    with contextlib.ExitStack() as stack:
        try:
            swift_lab.prepare()
            stack.callback(swift.stop)
            swift.start()
            real = Cloud(swift.port).fill()
        except (Exception, SystemExit) as error:
            for operation in wanted:
                key, what = f"{operation}/16/swift", OPERATIONS[operation][0]
                yield Row(key, f"{what}, 16 connections: rate / a real Swift's", None, ">= 100", lab.command(key), note=str(error))
            return
        for operation in wanted:
            rounds = lab.turns({
                "emulator": lambda: cloud.load(lab, operation, 16, emulator),
                "swift": lambda: real.load(lab, operation, 16, swift),
            }, rounds=3)
            key, what = f"{operation}/16/swift", OPERATIONS[operation][0]
            mine, theirs = (median(rounds, name, lambda measured: measured[0]) for name in ("emulator", "swift"))
            yield Row(key, f"{what}, 16 connections: rate / a real Swift's",
                      ratio(rounds, "emulator", "swift", lambda measured: measured[0]), ">= 100", lab.command(key),
                      note=f"{mine:,.0f}/s beside {theirs:,.0f}/s")
