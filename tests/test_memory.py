"""Many threads keep no memory that nobody uses."""

import re
import subprocess
import sys

import pytest

from codestar_dash.memory import ARENAS, few_arenas
from tests.whole.program import ROOT

# Forty threads that hold something at once, and how many arenas malloc has made for them.
ARENAS_OF_THREADS = """
import ctypes, sys, tempfile, threading
from codestar_dash.memory import few_arenas

if "few" in sys.argv:
    assert few_arenas()
held, all_hold = [], threading.Barrier(40)

def hold():
    held.append([bytearray(4000) for _ in range(100)])
    all_hold.wait()

threads = [threading.Thread(target=hold) for _ in range(40)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile() as told:
    file = ctypes.c_void_p(libc.fopen(told.name.encode(), b"w"))
    libc.malloc_info(0, file)
    libc.fclose(file)
    print(told.read().decode())
"""


def arenas(*arguments: str) -> int:
    child = subprocess.run(
        [sys.executable, "-c", ARENAS_OF_THREADS, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return len(re.findall(r"<heap nr=", child.stdout))


def test_threads_share_few_arenas() -> None:
    assert arenas("few") == ARENAS
    # Else nothing would have been measured.
    assert arenas() > ARENAS


def test_a_libc_without_arenas_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _name: object())
    assert few_arenas() is False
