import os
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COUNT = Path("/data/count")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/count":
            COUNT.write_text(str(int(COUNT.read_text()) + 1 if COUNT.exists() else 1))
        body = {
            "/": lambda: Path("/srv/page.txt").read_text().strip(),
            "/word": lambda: os.environ["WORD"],
            "/count": COUNT.read_text,
            "/made": lambda: Path("/data/made").read_text().strip(),
            "/host": lambda: os.environ["HOSTNAME"],
        }[self.path]().encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
ThreadingHTTPServer(("", 8000), Handler).serve_forever()
