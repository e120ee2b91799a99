"""Plain HTTP over one socket, and wrk for load."""

import re
import shutil
import socket
import subprocess

import swift_lab

TOKEN_HEADERS = {"X-Auth-User": "test:tester", "X-Auth-Key": "testing"}
UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}


def exchange(port, method, path, headers=None, body=b""):
    """One request on a connection of its own; gives the answer as it was on the wire, head and body."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request(method, path, headers, body))
        return receive(connection, method)


def request(method, path, headers=None, body=b""):
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    if body or method == "PUT":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def receive(connection, method):
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += more(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)^content-length: (\d+)", head, re.MULTILINE)
    length = int(found[1]) if found and method != "HEAD" else 0
    while len(body) < length:
        body += more(connection)
    return head + b"\r\n\r\n" + body


def more(connection):
    received = connection.recv(1 << 20)
    if not received:
        raise SystemExit("a server has closed a connection in the middle of an answer")
    return received


def status(answer):
    return int(answer.split(b" ", 2)[1])


def header(answer, name):
    head = answer.partition(b"\r\n\r\n")[0].decode("latin-1")
    for line in head.split("\r\n")[1:]:
        found, _, value = line.partition(": ")
        if found.lower() == name.lower():
            return value
    return None


def gauge(port, name):
    """A value that an emulator counts."""
    page = exchange(port, "GET", "/_emulator/metrics").decode()
    return float(re.search(rf"^cloudfiles_emulator_{name} (.+)$", page, re.MULTILINE)[1])


def sign_in(port):
    """A token and the path of the account, from TempAuth."""
    answer = exchange(port, "GET", "/auth/v1.0", TOKEN_HEADERS)
    url = header(answer, "X-Storage-Url")
    if url is None:
        raise SystemExit(f"signing in at port {port} answers {status(answer)}")
    return header(answer, "X-Auth-Token"), "/" + url.split("/", 3)[3]


def expect(answer, *statuses):
    if status(answer) not in statuses:
        raise SystemExit(f"expected {statuses}, got {answer[:300]!r}")
    return answer


def wrk(folder, url, connections, seconds, method="GET", headers=None, body=None):
    """Requests per second, and the 99th percentile of their latencies in seconds."""
    lines = [f'wrk.method = "{method}"']
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in (headers or {}).items()]
    if body is not None:
        lines.append(f'wrk.body = string.rep("x", {len(body)})')
    script = folder / "wrk.lua"
    script.write_text("\n".join(lines) + "\n")
    command = [program("wrk", "wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script, url]
    out = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True).stdout
    wrong = re.search(r"Non-2xx or 3xx responses: (\d+)|Socket errors: .*", out)
    if wrong:
        raise SystemExit(f"{url}: {wrong[0]}")
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    if rate == 0:
        raise SystemExit(f"{url}: no answer to {method} in {seconds} s that wrk takes for a whole one")
    slow = re.search(r"99%\s+([\d.]+)(us|ms|s|m)\b", out)
    return rate, float(slow[1]) * UNITS[slow[2]]


def program(name, package):
    """The path of a program, installed by apt where it is missing; None where that cannot be."""
    found = shutil.which(name, path="/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin")
    if found is None:
        try:
            swift_lab.apt_install(package)
        except (OSError, subprocess.CalledProcessError):
            return None
        found = shutil.which(name, path="/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin")
    return found
