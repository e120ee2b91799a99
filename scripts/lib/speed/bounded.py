"""What uploads, idle connections and clients that misbehave may take: memory, files, time; and that they cost those who
behave nothing."""

import hashlib
import os
import random
import signal
import socket
import threading
import time
from pathlib import Path

from . import web
from .row import Row

MIB = 2**20
IDLE = 10_000
# An upload larger than all that memory may hold.
LONG = 512 * MIB


def rows(lab):
    if lab.wants("idle"):
        yield from idle(lab)
    if lab.wants("full"):
        yield from full(lab)
    if lab.wants("spill"):
        yield from spill(lab)
    if lab.wants("cut"):
        yield from cut(lab)
    if lab.wants("bad"):
        yield from bad(lab)


class Account:
    def __init__(self, port):
        self.port = port
        token, account = web.sign_in(port)
        self.auth = {"X-Auth-Token": token}
        self.container = f"{account}/bounded"
        web.expect(web.exchange(port, "PUT", self.container, self.auth), 201, 202)

    def put(self, name, body):
        return web.status(web.exchange(self.port, "PUT", f"{self.container}/{name}", self.auth, body))

    def get(self, name):
        return web.exchange(self.port, "GET", f"{self.container}/{name}", self.auth).partition(b"\r\n\r\n")[2]

    def md5(self, name):
        """The MD5 of an object that is too long for memory."""
        digest = hashlib.md5(usedforsecurity=False)
        with connect(self.port) as connection:
            connection.sendall(web.request("GET", f"{self.container}/{name}", {**self.auth, "Connection": "close"}))
            received = connection.recv(MIB)
            while b"\r\n\r\n" not in received:
                received += web.more(connection)
            digest.update(web.expect(received, 200).partition(b"\r\n\r\n")[2])
            while received := connection.recv(MIB):
                digest.update(received)
        return digest.hexdigest()


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=120)


def idle(lab):
    request = web.request("GET", "/healthcheck")
    for key, what, asks in [("silent", "that have said nothing", False), ("kept", "kept alive after a request", True)]:
        if not lab.wants(f"idle/{key}"):
            continue
        emulator = lab.emulator()
        web.expect(web.exchange(emulator.port, "GET", "/healthcheck"), 200)
        before = emulator.memory()
        connections = []
        for _ in range(IDLE):
            connections.append(connect(emulator.port))
            if asks:
                connections[-1].sendall(request)
                web.expect(web.receive(connections[-1], "GET"), 200)
        # The last ones are accepted by the time that one of them is answered.
        connections[-1].sendall(request)
        web.expect(web.receive(connections[-1], "GET"), 200)
        taken = emulator.memory() - before
        for connection in connections:
            connection.close()
        yield Row(f"idle/{key}", f"memory of {IDLE:,} connections {what}", taken / 1e6, "<= 200", lab.command(f"idle/{key}"), "MB",
                  f"{taken / IDLE / 1024:.1f} KiB each")
        emulator.end()


def full(lab):
    """Many uploads at once, more than may be kept."""
    budget = 64 * MIB
    emulator = lab.emulator("--max-memory", str(budget))
    account = Account(emulator.port)
    before = emulator.memory()
    emulator.forget_peak()
    bodies = [bytes([number]) * (8 * MIB) for number in range(32)]
    answers = [0] * len(bodies)

    def upload(number):
        answers[number] = account.put(str(number), bodies[number])

    threads = [threading.Thread(target=upload, args=(number,)) for number in range(len(bodies))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    right = sum(
        answer == 201 and account.get(str(number)) == bodies[number] or answer == 507 and account.get(str(number)) != bodies[number]
        for number, answer in enumerate(answers))
    listed = web.exchange(emulator.port, "GET", account.container, account.auth).partition(b"\r\n\r\n")[2].split()
    right -= len(listed) != answers.count(201)
    yield Row("full", "32 uploads at once of 8 MiB into 64 MiB: kept whole, or answered 507", right, ">= 32", lab.command("full"), "",
              f"{answers.count(201)} kept, {answers.count(507)} refused")
    peak = emulator.memory("VmHWM") - before
    yield Row("full/peak", "memory at most meanwhile / --max-memory", peak / budget, "", lab.command("full"),
              note=f"{peak / MIB:.0f} MiB, with what was on its way")


def spill(lab):
    """An upload larger than the memory, and the end of the server by SIGKILL."""
    folder = lab.folder / "spill"
    folder.mkdir()
    emulator = lab.emulator("--max-memory", str(32 * MIB), "--spill-above", str(MIB), "--spill-dir", folder)
    account = Account(emulator.port)
    before = emulator.memory()
    emulator.forget_peak()
    block = os.urandom(MIB)
    head = web.request("PUT", f"{account.container}/long", {**account.auth, "Content-Length": LONG})
    head = head.replace(b"Content-Length: 0\r\n", b"")
    digest = hashlib.md5(usedforsecurity=False)
    with connect(emulator.port) as connection:
        connection.sendall(head)
        for _ in range(LONG // MIB):
            connection.sendall(block)
            digest.update(block)
        answer = web.expect(web.receive(connection, "PUT"), 201)
    if web.header(answer, "Etag") != digest.hexdigest():
        raise SystemExit("the upload has another MD5")
    read = account.md5("long")
    peak = emulator.memory("VmHWM") - before
    yield Row("spill", f"memory added by an upload of {LONG // MIB} MiB, and its download, into 32 MiB", peak / MIB, "<= 32",
              lab.command("spill"), "MiB", "the download is right" if read == digest.hexdigest() else "the download is WRONG")
    # One more is on its way when the server is killed.
    with connect(emulator.port) as connection:
        connection.sendall(head + block * 8)
        while not spilled(emulator.process.pid, folder, 2):
            time.sleep(0.01)
        free = os.statvfs(folder).f_bavail
        emulator.process.send_signal(signal.SIGKILL)
        emulator.process.wait()
    left = sum(file.stat().st_size for file in folder.rglob("*"))
    freed = (os.statvfs(folder).f_bavail - free) * os.statvfs(folder).f_frsize
    yield Row("spill/killed", "bytes left in the folder after SIGKILL in the middle of an upload", left, "<= 0", lab.command("spill"), "B",
              f"{freed / MIB:,.0f} MiB of the disk became free")


def spilled(pid, folder, count):
    """Whether a process has so many files without a name open there."""
    found = 0
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += os.readlink(handle).startswith(f"{folder}/")
        except FileNotFoundError:
            continue
    return found >= count


def cut(lab):
    """How long clients are waited for that do not do their part."""
    timeout = 2
    emulator = lab.emulator("--client-timeout", str(timeout))
    alone = sockets(emulator.process.pid)
    account = Account(emulator.port)
    account.put("large", bytes(64 * MIB))

    def closed(connection):
        try:
            while connection.recv(65536):
                pass
        except ConnectionError:
            pass

    def silent(connection):
        closed(connection)

    def slow_head(connection):
        connection.sendall(b"GET /info HTTP/1.1\r\nHost: x")
        connection.settimeout(0.2)
        while True:
            try:
                connection.sendall(b"x")
                if not connection.recv(1):
                    return
            except TimeoutError:
                continue
            except ConnectionError:
                return

    def slow_body(connection):
        head = web.request("PUT", f"{account.container}/slow", {**account.auth, "Content-Length": 10})
        connection.sendall(head.replace(b"Content-Length: 0\r\n", b"") + b"abc")
        web.expect(web.receive(connection, "PUT"), 408)
        closed(connection)

    def idle_after(connection):
        connection.sendall(web.request("GET", "/healthcheck"))
        web.expect(web.receive(connection, "GET"), 200)
        closed(connection)

    def deaf(connection):
        connection.sendall(web.request("GET", f"{account.container}/large", account.auth))
        # It reads nothing, so it can tell by the server alone that it was taken up, and that it was cut.
        while sockets(emulator.process.pid) <= alone:
            time.sleep(0.001)
        while sockets(emulator.process.pid) > alone:
            time.sleep(0.02)

    kinds = {"silent": silent, "slow-head": slow_head, "slow-body": slow_body, "idle": idle_after, "deaf": deaf}
    names = {"silent": "says nothing", "slow-head": "sends its head by the byte", "slow-body": "stops in a body",
             "idle": "rests after an answer", "deaf": "does not read its answer"}
    for key, misbehave in kinds.items():
        if lab.wants(f"cut/{key}"):
            with connect(emulator.port) as connection:
                began = time.perf_counter()
                misbehave(connection)
                took = time.perf_counter() - began
            yield Row(f"cut/{key}", f"a client that {names[key]}: time until it is cut / --client-timeout", took / timeout, "<= 1.5",
                      lab.command(f"cut/{key}"))


def handles(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def sockets(pid):
    found = 0
    for handle in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found += os.readlink(handle).startswith("socket:")
        except FileNotFoundError:
            continue
    return found


def bad(lab):
    """Good requests with bad ones in between, in passes: what a pass leaves behind, the next one would add again."""
    emulator = lab.emulator("--client-timeout", "2", "--journal", "100", "--max-memory", str(256 * MIB))
    alone = sockets(emulator.process.pid)
    account = Account(emulator.port)
    passes = [Pass(account).run() for _ in range(2)]
    before, open_before = settled(emulator, alone)
    passes += [Pass(account).run() for _ in range(4)]
    after, open_after = settled(emulator, alone)
    lost = sum(each.lost for each in passes)
    good, wrong = sum(each.good for each in passes), sum(each.bad for each in passes)
    yield Row("bad/lost", f"of {good:,} good requests among {wrong:,} bad ones: lost", lost, "<= 0", lab.command("bad"), "",
              "; ".join(sorted({why for each in passes for why in each.why}))[:200])
    yield Row("bad/handles", "file handles that 4 passes of 6 left behind", open_after - open_before, "<= 0", lab.command("bad"), "",
              f"{open_before} before, {open_after} after")
    yield Row("bad/memory", "memory that 4 passes of 6 left behind", (after - before) / MIB, "<= 2", lab.command("bad"), "MiB",
              f"{before / MIB:.1f} MiB before, {after / MIB:.1f} MiB after")


def settled(emulator, alone):
    """Memory and file handles once all connections are closed."""
    give_up = time.monotonic() + 20
    while sockets(emulator.process.pid) > alone and time.monotonic() < give_up:
        time.sleep(0.05)
    return emulator.memory(), handles(emulator.process.pid)


class Pass:
    """Four good clients and four bad ones, until the good ones have done so many rounds."""

    ROUNDS = 250
    CLIENTS = 4

    def __init__(self, account):
        self.account = account
        self.good = self.bad = self.lost = 0
        self.why = set()
        self.lock = threading.Lock()
        self.done = threading.Event()

    def run(self):
        good = [threading.Thread(target=self.behave, args=(number,)) for number in range(self.CLIENTS)]
        bad = [threading.Thread(target=self.misbehave, args=(number,)) for number in range(self.CLIENTS)]
        for thread in good + bad:
            thread.start()
        for thread in good:
            thread.join()
        self.done.set()
        for thread in bad:
            thread.join()
        return self

    def behave(self, number):
        random_bytes = random.Random(number)
        with connect(self.account.port) as connection:
            for at in range(self.ROUNDS):
                name = f"{self.account.container}/good-{number}-{at}"
                body = random_bytes.randbytes(random_bytes.choice([0, 100, 5000, 100_000]))
                for method, sent, status in [("PUT", body, 201), ("GET", b"", 200), ("DELETE", b"", 204)]:
                    try:
                        connection.sendall(web.request(method, name, self.account.auth, sent))
                        answer = web.receive(connection, method)
                        is_right = web.status(answer) == status and (method != "GET" or answer.partition(b"\r\n\r\n")[2] == body)
                        why = "" if is_right else f"{method} answered {web.status(answer)}"
                    except (OSError, SystemExit) as error:
                        why = f"{method}: {error}"
                    with self.lock:
                        self.good += 1
                        if why:
                            self.lost += 1
                            self.why.add(why)
                    if why:
                        return

    def misbehave(self, number):
        chance = random.Random(number)
        put = f"PUT {self.account.container}/bad HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {self.account.auth['X-Auth-Token']}\r\n".encode()
        get = put.replace(b"PUT ", b"GET ", 1)
        lingering = []
        while not self.done.is_set():
            kinds = [
                lambda: chance.randbytes(chance.randrange(1, 4000)),
                lambda: b"GET / HTTP/9.9\r\n\r\n",
                lambda: b"GET /v1/" + b"%zz" * 50 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                lambda: b"GET /" + b"a" * chance.choice([8200, 100_000, 1_000_000]) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
                lambda: get + b"X-Long: " + b"a" * chance.choice([8200, 500_000]) + b"\r\n\r\n",
                lambda: get + b"".join(b"X-%d: a\r\n" % at for at in range(1000)) + b"\r\n",
                lambda: put + b"Content-Length: -1\r\n\r\n",
                lambda: put + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
                lambda: put + b"Content-Length: 99999999999999999999\r\n\r\n",
                lambda: put + b"Content-Length: 6000000000\r\n\r\n" + bytes(100_000),
                lambda: put + b"Content-Length: 5368709122\r\n\r\n" + bytes(100_000),
                lambda: put + b"Content-Length: 100000\r\n\r\n" + bytes(chance.randrange(1, 99_999)),
                lambda: put + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
                lambda: put + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc",
                lambda: put + b"Transfer-Encoding: chunked\r\n\r\n10\r\nabc",
                lambda: put + b"Transfer-Encoding: gzip\r\n\r\nabc",
                lambda: put + b"Content-Length: 300000\r\nEtag: 0\r\n\r\n" + bytes(300_000),
                lambda: put + b"Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
                lambda: get.replace(b"/bad ", b"/good-0-0 ") * 50,
                lambda: b"",
            ]
            sent = chance.choice(kinds)()
            connection = connect(self.account.port)
            try:
                connection.sendall(sent)
                if chance.random() < 0.3:
                    connection.settimeout(0.05)
                    connection.recv(65536)
            except OSError:
                pass
            with self.lock:
                self.bad += 1
            if chance.random() < 0.1 and len(lingering) < 50:
                # Left to the server, which cuts it after a while.
                lingering.append(connection)
                continue
            if chance.random() < 0.5:
                # Ends with RST.
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            connection.close()
        for connection in lingering:
            connection.close()
