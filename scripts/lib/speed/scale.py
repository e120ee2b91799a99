"""Containers of a thousand to ten million empty objects, each in a server of its own: what a request costs beside the same
in the smallest, in time of the server's processor, whatever else the machine does, by the median of turns; and what an
object takes in memory."""

import math
import os
import random
import socket
import statistics
import time
from pathlib import Path

import swift_lab

from . import plot, web
from .row import Row

SIZES = [10**3, 10**5, 10**6, 10**7]
# All objects lie under one prefix, in so many folders.
FOLDERS = 1000
PLOT = swift_lab.REPOSITORY / "benches/scale.svg"
# Objects that one archive brings: a tar of 512 MB.
BATCH = 10**6
MIB = 2**20


def rows(lab):
    all_wanted = any(lab.wants(key) for key in ["counted", *REQUESTS])
    containers = [Container(lab, size) for size in SIZES if all_wanted or lab.wants(f"memory/{size}")]
    for container in containers:
        key = f"memory/{container.size}"
        # In small ones everything else that a server needs shows.
        if lab.wants(key) and container.size >= 10**6:
            yield Row(key, f"memory of each of {container.size:,} empty objects, beside its name", container.bytes_each, "<= 250",
                      lab.command(key), "B", f"and {container.name_bytes:.0f} B of name; filled in {container.seconds:.0f} s")
    if lab.wants("counted"):
        yield Row("counted", f"what --max-memory counts of {SIZES[-1]:,} empty objects / what they take", containers[-1].counted, ">= 0.9",
                  lab.command("counted"))
    wanted = {key: request for key, request in REQUESTS.items() if lab.wants(key)}
    if not wanted:
        return
    cores = os.sched_getaffinity(0)
    lab.stack.callback(os.sched_setaffinity, 0, cores)
    os.sched_setaffinity(0, {min(cores)})
    for container in containers:
        container.connect(lab.stack, min(cores))
    taken = {(key, container.size): [] for key in wanted for container in containers}
    for _ in range(lab.rounds):
        for key, request in wanted.items():
            for container in containers:
                if container.size >= request.at_least:
                    taken[key, container.size].append(request.cost(container))
    medians = {key: [(size, statistics.median(taken[key, size])) for size in SIZES if taken[key, size]] for key in wanted}
    for key, request in wanted.items():
        (least, first), (most, last) = medians[key][0], medians[key][-1]
        # What grows with the logarithm grows by this much.
        goal = math.log(most) / math.log(least)
        note = ", ".join(f"{shown(seconds)} in {size:,}" for size, seconds in medians[key])
        yield Row(key, f"{request.what}: in {most:,} / in {least:,}", last / first, f"<= {goal:.2f}", lab.command(key), note=note)
    if len(wanted) == len(REQUESTS):
        lines = {REQUESTS[key].what: points for key, points in medians.items()}
        PLOT.write_text(plot.log_log("Processor time of a request, by the objects in its container", lines))
        swift_lab.say(f"wrote {PLOT.relative_to(swift_lab.REPOSITORY)}")


def shown(seconds):
    return f"{seconds * 1e6:,.0f} µs" if seconds < 0.01 else f"{seconds * 1e3:,.1f} ms"


class Container:
    """A server with one container of so many objects, and a connection to it."""

    def __init__(self, lab, size):
        self.size = size
        emulator = lab.emulator(threads=1)
        self.port = emulator.port
        self.threads = Path(f"/proc/{emulator.process.pid}/task")
        token, account = web.sign_in(self.port)
        self.auth = {"X-Auth-Token": token}
        self.path = f"{account}/scale"
        web.expect(web.exchange(self.port, "PUT", self.path, self.auth), 201)
        # One object, so that what the first one brings is there before.
        self.fill([b"a"])
        before = emulator.memory()
        began = time.perf_counter()
        for begin in range(0, size, BATCH):
            swift_lab.say(f"{begin:,} of {size:,} objects")
            self.fill([self.name(number).encode() for number in range(begin, min(begin + BATCH, size))])
        self.seconds = time.perf_counter() - began
        self.name_bytes = len(self.name(0))
        grown = emulator.memory() - before
        self.bytes_each = grown / size - self.name_bytes
        self.counted = web.gauge(self.port, "memory_bytes") / grown
        head = web.expect(web.exchange(self.port, "HEAD", self.path, self.auth), 204)
        if web.header(head, "X-Container-Object-Count") != str(size + 1):
            raise SystemExit(f"not all objects are there: {head!r}")

    def connect(self, stack, core):
        """For requests that are timed; once all servers are ready, as none waits for long.

        Server and client take turns on one core: on two, each request would wake a core that sleeps, which costs several
        times what it takes to answer, and in some servers does and in others does not happen.
        """
        for thread in self.threads.iterdir():
            os.sched_setaffinity(int(thread.name), {core})
        self.connection = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=60))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def name(self, number):
        folder, rest = divmod(number, self.size // FOLDERS)
        return f"big/{folder:04d}/{rest:05d}"

    def fill(self, names):
        """Has an archive of empty files unpacked."""
        headers = {**self.auth, "Accept": "application/json", "Connection": "close"}
        head = web.request("PUT", f"{self.path}?extract-archive=tar", headers)
        length = 512 * (len(names) + 2)
        head = head.replace(b"Content-Length: 0\r\n", b"Content-Length: %d\r\n" % length)
        with socket.create_connection(("127.0.0.1", self.port), timeout=600) as connection:
            connection.sendall(head)
            for begin in range(0, len(names), 4096):
                connection.sendall(b"".join(map(member, names[begin : begin + 4096])))
            connection.sendall(bytes(1024))
            answer = b""
            while received := connection.recv(65536):
                answer += received
        if b'"Number Files Created": %d' % len(names) not in answer:
            raise SystemExit(f"an archive was not unpacked: {answer[-500:]!r}")

    def ask(self, method, path, status):
        self.connection.sendall(web.request(method, f"{self.path}{path}", self.auth))
        web.expect(web.receive(self.connection, method), status)

    def processor(self):
        """Seconds that the server has computed."""
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in self.threads.iterdir()) / 1e9

    def cost(self, method, paths, status):
        """Seconds of the server's processor for each of these requests."""
        before = self.processor()
        for path in paths:
            self.ask(method, path, status)
        return (self.processor() - before) / len(paths)


def header():
    """Head of a tar member for an empty file, without its name and with blanks for the checksum."""
    return bytes(100) + b"0000644\0" + b"0000000\0" * 2 + b"0" * 11 + b"\0" + b"0" * 11 + b"\0" + b" " * 8 + b"0" + bytes(100) + (
        b"ustar\00000" + bytes(247))


HEADER = header()
SUM = sum(HEADER)


def member(name):
    return name.ljust(100, b"\0") + HEADER[100:148] + b"%06o\0 " % (SUM + sum(name)) + HEADER[156:]


class Objects:
    """PUT, HEAD or DELETE of one object, at random places."""

    at_least = 0

    def __init__(self, method):
        self.what = f"{method} of one object"
        self.method = method

    def cost(self, container, each=200):
        names = [f"/{container.name(random.randrange(container.size))}" for _ in range(each)]
        if self.method == "HEAD":
            return container.cost("HEAD", names, 200)
        # Such as were not there before, and are not after.
        names = list({f"{name}-" for name in names})
        costs = {"PUT": container.cost("PUT", names, 201), "DELETE": container.cost("DELETE", names, 204)}
        return costs[self.method]


class Query:
    """The same request again and again, to containers of so many objects at least."""

    def __init__(self, what, query, at_least=0, each=5, method="GET", status=200):
        self.what = what
        self.query = query
        self.at_least = at_least
        self.each = each
        self.method = method
        self.status = status

    def cost(self, container):
        return container.cost(self.method, [self.query] * self.each, self.status)


# Behind half of all objects.
MIDDLE = f"marker=big/{FOLDERS // 2 - 1:04d}/~"
REQUESTS = {
    "put": Objects("PUT"),
    "head": Objects("HEAD"),
    "delete": Objects("DELETE"),
    "page": Query("10,000 entries from the middle, JSON", f"?format=json&limit=10000&{MIDDLE}", at_least=10**5),
    "short": Query("100 entries from the middle, JSON", f"?format=json&limit=100&{MIDDLE}", each=40),
    "folders": Query(f"{FOLDERS:,} folders, with a delimiter, of all objects", "?format=json&prefix=big/&delimiter=/", at_least=10**5, each=10),
    "top": Query("one folder of all objects, with a delimiter", "?format=json&delimiter=/", each=40),
    "container": Query("HEAD of the container", "", method="HEAD", status=204, each=100),
}
