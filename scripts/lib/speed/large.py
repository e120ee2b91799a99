"""Bodies of 1 GiB, in and out: beside bare hyper that streams the same memory, and beside the machine's MD5."""

import hashlib
import socket
import threading
import time

from . import web
from .lab import CORES, median, ratio
from .row import Row

GIB = 2**30
MIB = 2**20
CONTAINER = "speed"
# Sizes of the objects that 512 MiB are stored as.
SIZES = {"16 KiB": 16 * 1024, "100,000 B": 100_000, "1 MiB": MIB, "1 MiB and 1 B": MIB + 1, "512 MiB": GIB // 2}


def rows(lab):
    if lab.wants("get/hyper"):
        yield from gets(lab)
    if lab.wants("get/copies"):
        yield from copies(lab)
    if lab.wants("put/md5") or lab.wants("put/streams"):
        yield from puts(lab)
    for name, size in SIZES.items():
        key = f"memory/{size}"
        if lab.wants(key):
            yield memory(lab, key, name, size)


class Account:
    def __init__(self, port):
        self.port = port
        token, account = web.sign_in(port)
        self.auth = {"X-Auth-Token": token}
        self.container = f"{account}/{CONTAINER}"
        web.expect(web.exchange(port, "PUT", self.container, self.auth), 201, 202)

    def put(self, name, size, block=b"x" * MIB):
        """Sends an object; gives the seconds from the first byte to the answer."""
        head = web.request("PUT", f"{self.container}/{name}", {**self.auth, "Content-Length": size})
        head = head.replace(b"Content-Length: 0\r\n", b"", 1)
        with socket.create_connection(("127.0.0.1", self.port), timeout=600) as connection:
            began = time.perf_counter()
            connection.sendall(head)
            for at in range(0, size, len(block)):
                connection.sendall(memoryview(block)[: min(len(block), size - at)])
            web.expect(web.receive(connection, "PUT"), 201)
            return time.perf_counter() - began

    def get(self, name, port=None):
        return read(port or self.port, f"{self.container}/{name}", self.auth)

    def delete(self, name):
        web.expect(web.exchange(self.port, "DELETE", f"{self.container}/{name}", self.auth), 204)


def read(port, path, headers):
    """Reads an answer and throws it away; gives the seconds from the request to its last byte."""
    buffer = memoryview(bytearray(MIB))
    with socket.create_connection(("127.0.0.1", port), timeout=600) as connection:
        began = time.perf_counter()
        connection.sendall(web.request("GET", path, headers))
        got = connection.recv_into(buffer)
        head, _, start = bytes(buffer[:got]).partition(b"\r\n\r\n")
        web.expect(head, 200)
        left = int(web.header(head + b"\r\n\r\n", "Content-Length")) - len(start)
        while left:
            got = connection.recv_into(buffer)
            if not got:
                raise SystemExit(f"port {port} broke off {left} bytes before the end")
            left -= got
        return time.perf_counter() - began


def together(count, work):
    """Has several threads do the same, and gives the seconds until the last is done."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - began


def rate(seconds):
    return f"{GIB / MIB / seconds:,.0f} MiB/s"


def gets(lab):
    account = Account(lab.emulator().port)
    path = f"{account.container}/large"
    bare = lab.bare("--memory", f"{path}={GIB}")
    account.put("large", GIB)
    measures = {"emulator": lambda: account.get("large"), "hyper": lambda: account.get("large", bare.port)}
    lab.turns(measures, rounds=1)
    rounds = lab.turns(measures)
    # Rates go the other way round than times.
    yield Row("get/hyper", "GET of 1 GiB: rate / bare hyper's, of as much memory", ratio(rounds, "hyper", "emulator"), ">= 0.9",
              lab.command("get/hyper"), note=f"{rate(median(rounds, 'emulator'))} beside {rate(median(rounds, 'hyper'))}")


def copies(lab):
    """What eight readers of one object add to the memory of the server."""
    emulator = lab.emulator()
    account = Account(emulator.port)
    size = GIB // 4
    account.put("large", size)
    account.get("large")
    before = emulator.memory()
    emulator.forget_peak()
    together(8, lambda _: account.get("large"))
    added = (emulator.memory("VmHWM") - before) / MIB
    yield Row("get/copies", "8 GETs at once of a body of 256 MiB: memory added", added, "<= 8", lab.command("get/copies"), "MiB",
              f"{before / MIB:,.0f} MiB before")


def puts(lab):
    account = Account(lab.emulator().port)
    block = b"x" * MIB

    def md5():
        began = time.perf_counter()
        digest = hashlib.md5(usedforsecurity=False)
        for _ in range(GIB // MIB):
            digest.update(block)
        digest.hexdigest()
        return time.perf_counter() - began

    def put(streams):
        seconds = together(streams, lambda number: account.put(f"large-{number}", GIB // streams))
        for number in range(streams):
            account.delete(f"large-{number}")
        return seconds

    lab.turns({"put": lambda: put(1)}, rounds=1)
    rounds = lab.turns({"md5": md5, "put": lambda: put(1), "streams": lambda: put(4)})
    one, all_four, alone = (median(rounds, name) for name in ("put", "streams", "md5"))
    yield Row("put/md5", "PUT of 1 GiB, one stream: rate / MD5 of OpenSSL", ratio(rounds, "md5", "put"), ">= 0.85",
              lab.command("put/md5"), note=f"{rate(one)} beside {rate(alone)}")
    yield Row("put/streams", f"PUT of 1 GiB in 4 streams: rate / one stream's, {CORES} cores", ratio(rounds, "put", "streams"), "",
              lab.command("put/streams"), note=f"{rate(all_four)} beside {rate(one)}; the client needs its share of the cores")


def memory(lab, key, name, size):
    """Memory of the process for 512 MiB of bodies, records included, over their size."""
    emulator = lab.emulator()
    account = Account(emulator.port)
    account.put("first", size)
    account.delete("first")
    before = emulator.memory()
    count = max(GIB // 2 // size, 1)
    token = account.auth
    body = b"x" * size
    if size <= MIB + 1:
        with socket.create_connection(("127.0.0.1", account.port)) as connection:
            for number in range(count):
                connection.sendall(web.request("PUT", f"{account.container}/{number}", token, body))
                web.expect(web.receive(connection, "PUT"), 201)
    else:
        account.put("0", size)
    taken = emulator.memory() - before
    emulator.end()
    return Row(key, f"{count:,} bodies of {name}: memory / their size", taken / (count * size), "<= 1.05", lab.command(key),
               note=f"{taken / MIB:,.0f} MiB for {count * size / MIB:,.0f} MiB")
