import http.server


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.text().encode())

    def text(self):
        return "Hello, you!"


http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()
