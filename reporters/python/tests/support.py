"""What the tests share: reports read back, and a receiver that behaves as it is told."""

import gzip
import http.server
import json
import os
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))


class Lines:
    """Keeps what a reporter makes."""

    def __init__(self):
        self.raw = []

    def __call__(self, line, rank):
        self.raw.append(line)

    @property
    def reports(self):
        return [json.loads(line) for line in self.raw]


class Receiver:
    """``POST /api/v1/reports``; ``behave(number of the request)`` gives (status, headers, answer), or None for taking everything."""

    def __init__(self, behave=None, port=0):
        self.behave = behave or (lambda request: None)
        self.taken = []
        self.requests = []
        self.changed = threading.Condition()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = gzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
                lines = body.decode("utf-8").splitlines()
                with receiver.changed:
                    number = len(receiver.requests)
                    receiver.requests.append((self.path, dict(self.headers), lines))
                    told = receiver.behave(number)
                    status, headers, answer = told or (200, {}, {"accepted": len(lines), "refused": [], "refusedMore": 0})
                    if status in (200, 400):
                        receiver.taken.extend(json.loads(line) for line in lines)
                    receiver.changed.notify_all()
                answer = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = "relay:http://127.0.0.1:%d" % self.port
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def wait(self, condition, seconds=30):
        with self.changed:
            return self.changed.wait_for(lambda: condition(self), seconds)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def free_port():
    import socket

    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
