"""Web servers that are no gateway: a page for everything, a folder of files, what stands before a gateway."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Page(NamedTuple):
    """What is answered to a path."""

    status: int
    content_type: str = "text/html"
    body: bytes = b"<!DOCTYPE html><html><body>Hello</body></html>"
    headers: tuple[tuple[str, str], ...] = ()


@contextmanager
def web_server(other: Page, pages: Mapping[str, Page] | None = None, asked: list[str] | None = None) -> Iterator[str]:
    """Serves `pages` by their paths and `other` for all else, on loopback. Yields the address.

    Paths that were asked for are added to `asked`.
    """

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if asked is not None:
                asked.append(self.path)
            page = (pages or {}).get(self.path.partition("?")[0], other)
            self.send_response(page.status)
            for name, value in (("Content-Type", page.content_type), *page.headers):
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(page.body)))
            self.end_headers()
            self.wfile.write(page.body)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
