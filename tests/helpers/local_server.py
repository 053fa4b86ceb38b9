"""A web server on loopback that serves what a test gives it."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class LocalServer:
    """A web server on loopback: `files` are served whole, `answers` are functions of the request handler."""

    def __init__(self):
        self.files, self.answers, self.asked = {}, {}, []
        self.ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/"

    def stop(self):
        self.ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(server):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server.asked.append(self.path)
                if self.path in server.answers:
                    server.answers[self.path](self)
                elif self.path in server.files:
                    answer(server.files[self.path])(self)
                else:
                    self.send_error(404)

            def log_message(self, *arguments):
                pass

        return Handler


def answer(body, status=200, length=None, headers=()):
    """An answer with this body; a `length` other than the body's is a lie."""

    def send(handler):
        handler.send_response(status)
        for name, value in headers:
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    return send
