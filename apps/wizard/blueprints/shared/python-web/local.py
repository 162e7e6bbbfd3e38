"""Runs the application on this machine: python local.py --port 8000."""

import argparse
from wsgiref.simple_server import make_server

from application import application


def main() -> None:
    """Serve until it is interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    with make_server("127.0.0.1", parser.parse_args().port, application) as server:
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
