"""nginx, serving files from memory with as many workers as there are cores."""

import os
import socket
import subprocess
import time
from pathlib import Path

from . import web

CONF = """\
daemon off;
master_process on;
worker_processes {workers};
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000000;
    open_file_cache max=100;
    types {{ }}
    default_type application/octet-stream;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} reuseport;
        root {folder}/root;
    }}
}}
"""


class Nginx:
    def __init__(self, port):
        self.port = port

    @classmethod
    def start(cls, lab, files):
        """Starts one that serves these bodies by path, until the section ends; None where there is no nginx."""
        program = web.program("nginx", "nginx-light")
        if program is None:
            return None
        folder = lab.folder / "nginx"
        for path, body in files.items():
            file = folder / "root" / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
        # Its workers may be of another user.
        for each in [lab.folder, folder, *(folder / "root").rglob("*")]:
            each.chmod(0o755)
        port = free_port()
        conf = folder / "nginx.conf"
        conf.write_text(CONF.format(workers=len(os.sched_getaffinity(0)), folder=folder, port=port))
        process = subprocess.Popen([program, "-c", conf, "-p", folder], stderr=subprocess.DEVNULL)

        def end():
            process.terminate()
            process.wait()

        lab.stack.callback(end)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                web.expect(web.exchange(port, "GET", next(iter(files))), 200)
                return cls(port)
            except OSError:
                time.sleep(0.02)
        raise SystemExit(f"nginx does not answer: {Path(folder, 'error.log').read_text()}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
