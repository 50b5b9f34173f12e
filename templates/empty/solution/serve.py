import http.server
# goal: greeting
from urllib.parse import parse_qs, urlsplit
# end


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.text().encode())

    def text(self):
        # goal: greeting
        name = parse_qs(urlsplit(self.path).query).get("name", ["you"])[0]
        return f"Hello, {name}!"
        # without
        #- return "Hello, you!"
        # end


http.server.ThreadingHTTPServer(("", 8000), Page).serve_forever()
