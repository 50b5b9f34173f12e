import http.server


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")


http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()
