"""Runs the function on this machine: python -m service.local --port 8000."""

import argparse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from .handler import handle


class Gateway(BaseHTTPRequestHandler):
    """Hands requests on as API Gateway does."""

    def do_GET(self) -> None:
        """Answer any request."""
        size = int(self.headers.get("content-length") or 0)
        event = {
            "requestContext": {"http": {"method": self.command}},
            "rawPath": urlsplit(self.path).path,
            "body": self.rfile.read(size).decode(errors="replace"),
        }
        answer = handle(event)
        body = answer["body"].encode()
        self.send_response(answer["statusCode"])
        for name, value in answer["headers"].items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT = do_DELETE = do_PATCH = do_GET


def main() -> None:
    """Serve until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    server = ThreadingHTTPServer(("127.0.0.1", parser.parse_args().port), Gateway)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
