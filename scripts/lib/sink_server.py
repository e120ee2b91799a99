"""A Swift that forgets: it answers as Swift does to an upload in segments, and keeps only the size of each manifest.

For data that no disk here has room for. Prints its port, and serves on 127.0.0.1 until it is ended.
"""

import hashlib
import http.server
import json
import re

PIECE = 1 << 20
SIZES = {}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def pieces(self):
        """The body of the request, however it is sent."""
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            left = int(self.headers.get("Content-Length", 0))
            while left:
                piece = self.rfile.read(min(left, PIECE))
                if not piece:
                    raise ConnectionError("the upload broke off")
                left -= len(piece)
                yield piece
            return
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()

    def do_GET(self):
        if self.path == "/auth/v1.0":
            url = f"http://{self.headers['Host']}/v1/AUTH_test"
            self.answer(200, X_Auth_Token="token", X_Storage_Token="token", X_Storage_Url=url)
        elif self.path == "/info":
            self.answer(200, json.dumps({"swift": {"version": "2.38.3"}, "slo": {"min_segment_size": 1}}).encode())
        else:
            self.answer(200, b"[]" if "format=json" in self.path else b"", X_Container_Object_Count="0", X_Container_Bytes_Used="0")

    def do_HEAD(self):
        path = self.path.partition("?")[0]
        if path in SIZES:
            self.answer(200, Content_Length=str(SIZES[path]))
        elif path.count("/") > 3:
            self.answer(404)
        else:
            self.answer(204, X_Container_Object_Count="0", X_Container_Bytes_Used="0")

    def do_PUT(self):
        path, _, query = self.path.partition("?")
        if "multipart-manifest=put" in query:
            segments = json.loads(b"".join(self.pieces()))
            SIZES[path] = sum(int(segment["size_bytes"]) for segment in segments)
            etag = hashlib.md5("".join(segment["etag"] for segment in segments).encode()).hexdigest()
            self.answer(201, ETag=f'"{etag}"')
            return
        md5, size = hashlib.md5(), 0
        for piece in self.pieces():
            md5.update(piece)
            size += len(piece)
        if manifest := self.headers.get("X-Object-Manifest"):
            prefix = f"/v1/AUTH_test/{manifest}"
            SIZES[path] = sum(SIZES[name] for name in SIZES if name.startswith(prefix))
        elif re.search(r"_segments/", path):
            SIZES[path] = size
        self.answer(201, ETag=md5.hexdigest())

    def do_POST(self):
        self.answer(204)

    def do_DELETE(self):
        self.answer(204)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(json.dumps({"url": f"http://127.0.0.1:{server.server_port}"}), flush=True)
server.serve_forever()
