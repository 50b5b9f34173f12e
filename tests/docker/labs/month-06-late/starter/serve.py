import http.server

WORD = "goodbye"


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(WORD.encode())


http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()
