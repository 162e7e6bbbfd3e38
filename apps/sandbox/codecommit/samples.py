"""What stands in the scenario's repositories, and how a day's work changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from apps.sandbox.codecommit.model import Repository
    from apps.sandbox.codecommit.writing import Changes

_INGEST = """\
\"\"\"Loads the day's orders into the warehouse.\"\"\"

BATCH = 500
RETRIES = 3


def load(rows):
    for start in range(0, len(rows), BATCH):
        insert(rows[start : start + BATCH])


def insert(rows):
    warehouse.insert("orders", rows)
"""

_BUILDSPEC = """\
version: 0.2
phases:
  build:
    commands:
      - make test
      - make package
artifacts:
  files:
    - dist/**/*
"""

_THRESHOLD = """\
THRESHOLD = 0.83


def is_fraud(score):
    return score > THRESHOLD
"""

_ROUND = """\
from decimal import ROUND_HALF_UP


def rounded(amount):
    return amount.quantize(CENT, ROUND_HALF_UP)
"""

_LOGO = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(16)

#: Repository → path → what stands there at first.
FILES: dict[str, dict[str, bytes]] = {
    "data-platform": {
        "README.md": b"# data-platform\n\nMoves orders into the warehouse every night.\n",
        "buildspec.yml": _BUILDSPEC.encode(),
        "jobs/ingest.py": _INGEST.encode(),
        "jobs/report.py": b"def report(day):\n    return query(day).totals()\n",
        "tests/test_ingest.py": b"def test_an_empty_day_loads_nothing():\n    load([])\n",
    },
    "docs-site": {
        "README.md": b"# docs-site\n",
        "buildspec.yml": _BUILDSPEC.encode(),
        "docs/index.md": b"# Handbook\n\n- [Refunds](refunds.md)\n- [Deliveries](deliveries.md)\n",
        "docs/refunds.md": b"# Refunds\n\nWithin 30 days, to where the money came from.\n",
        "docs/examples/xss.html": b"<script>alert(1)</script>\n<img src=x onerror=alert(2)>\n",
        "assets/logo.png": _LOGO,
    },
    "fraud-model": {
        "README.md": b"# fraud-model\n",
        "buildspec.yml": _BUILDSPEC.encode(),
        "model/features.py": b"FEATURES = [\n    'amount',\n    'country',\n    'hour',\n]\n",
        "model/threshold.py": _THRESHOLD.encode(),
        "data/weights.bin": bytes(range(256)) * 8,
    },
    "shared-libraries": {
        "README.md": b"# shared-libraries\n\nWhat every service of the shop uses.\n",
        "money/round.py": _ROUND.encode(),
        "money/currency.py": b"CURRENCIES = ['EUR', 'GBP', 'SEK']\n",
        "http/retry.py": b"RETRIES = 3\nPAUSE = 0.4\n",
    },
    "style-guide": {"README.md": b"# Style guide\n\nTwo spaces in YAML, four in Python.\n"},
    "payments-vault": {"README.md": b"# payments-vault\n"},
}

#: Lines a note file keeps.
_NOTES = 40


def work(repository: Repository, branch: str, message: str, chance: random.Random) -> Changes:
    """The files that a commit with this message changes: a line or two of code, and a note of it.

    Now and then a file comes or goes, or one that is no text changes.
    """
    head = repository.branches.get(branch)
    files = repository.files(head) if head else {}
    number = repository.made
    changes: Changes = {}
    title = next(iter(message.splitlines()), "")
    notes = files.get("CHANGELOG.md")
    old = repository.blobs[notes.blob].decode() if notes else ""
    lines = [f"- {title}", *old.splitlines()][:_NOTES]
    changes["CHANGELOG.md"] = ("\n".join(lines) + "\n").encode("utf-8", "replace")
    # What a pull request of the scenario contradicts stays as it is.
    texts = sorted(path for path in files if path.endswith((".py", ".md")) and path not in _KEPT)
    if texts:
        path = chance.choice(texts)
        changes.setdefault(path, _edited(repository.blobs[files[path].blob], number, title, chance))
    extra = f"notes/{number // 6 * 6:04d}.md"
    if number % 6 == 0:
        changes[extra] = f"# {title}\n\nWritten with change {number}.\n".encode()
    elif number % 6 == 3 and extra in files:
        changes[extra] = None
    binary = next((path for path in sorted(files) if path.endswith((".png", ".bin"))), None)
    if binary is not None and number % 5 == 0:
        changes[binary] = repository.blobs[files[binary].blob][:512] + chance.randbytes(256)
    return changes


_KEPT = frozenset({"CHANGELOG.md", "jobs/ingest.py", "model/threshold.py"})


def _edited(content: bytes, number: int, title: str, chance: random.Random) -> bytes:
    """The text with a line more, or one less where it has become long."""
    lines = content.decode("utf-8", "replace").splitlines()
    at = chance.randrange(len(lines) + 1)
    if len(lines) > 60:
        del lines[at - 20 : at]
    else:
        lines.insert(at, f"# {number}: {title}"[:100])
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")
