"""Says why a target failed: the event, its script and the line of its log that says it; no Django.

The agent's log tail has a head for each event and script, and says of each line which stream it
came from: "LifecycleEvent - ApplicationStart", "Script - scripts/start.sh", "[stderr]Error: …".
https://docs.aws.amazon.com/codedeploy/latest/APIReference/API_Diagnostics.html
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from apps.mirror import ansi
from apps.mirror.errorlines import first_error
from apps.mirror.state import State

HEAD = re.compile(r"^(?:LifecycleEvent|Script) - ")
SCRIPT = "Script - "
STREAM = re.compile(r"^\[std(?:out|err)\]")
ERROR_STREAM = "[stderr]"
TRACEBACK = "Traceback (most recent call last):"
# What names the exception below a traceback is not indented.
EXCEPTION = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Warning|Exit|Interrupt)\b")
EXPLAINED_LINES = 8


def failing(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the first event that failed, {} where none did."""
    return next((event for event in events if event["state"] == State.FAILED), {})


def causing_line(tail: str, script: str = "") -> int | None:
    """Return the position of the line that says the error; None for a tail that says nothing.

    Of several scripts of an event the one named counts.
    """
    lines = tail.split("\n")
    start = _start_of(lines, script)
    texts = [said(line) for line in lines[start:]]
    found = first_error(["" if HEAD.match(line) else line for line in texts])
    if found is not None:
        if texts[found].startswith(TRACEBACK):
            below = range(found + 1, len(texts))
            found = next((at for at in below if EXCEPTION.match(texts[at])), found)
        return start + found
    errors = [
        at
        for at in range(start, len(lines))
        if lines[at].startswith(ERROR_STREAM) and said(lines[at])
    ]
    if errors:
        return errors[-1]
    words = [at for at in range(start, len(lines)) if said(lines[at]) and not HEAD.match(lines[at])]
    return words[-1] if words else None


def _start_of(lines: Sequence[str], script: str) -> int:
    """Return where the output of a script begins, 0 where its head is not in the tail."""
    heads = [at for at, line in enumerate(lines) if line.startswith(SCRIPT)]
    named = [at for at in heads if script and lines[at].removeprefix(SCRIPT).strip() == script]
    return (named or heads or [-1])[-1] + 1


def said(line: str) -> str:
    """Return what a script printed in a line of the tail."""
    return ansi.plain(STREAM.sub("", line)).rstrip()


def shown(line: str) -> str:
    """Return a line of the tail as it reads: where it came from, and what was printed.

    What moves the cursor back moves it back in what the script printed, not to the agent's words.
    """
    stream = STREAM.match(line)
    return f"{stream[0] if stream else ''}{ansi.plain(STREAM.sub('', line))}"


def line(target: Any) -> str:
    """Return the line of a target's log tail that says the error, "" where none does."""
    lines = target.log_tail.split("\n") if target.log_tail else []
    mark = target.log_mark
    return said(lines[mark]).strip() if mark is not None and mark < len(lines) else ""


def why(target: Any) -> str:
    """Return why a target failed, "" where it did not: event, script and causing line first.

    target  a row or record of a target, see models.Target.
    """
    if not target.failing_event:
        return ""
    found = line(target)
    told = found or target.failing_message.split("\n", 1)[0] or target.failing_code
    head = ": ".join(filter(None, (target.failing_event, target.failing_script, told)))
    lines = target.log_tail.split("\n")[target.log_mark + 1 :] if found else []
    below = [said(one) for one in lines[: EXPLAINED_LINES - 1]]
    message = target.failing_message if found else ""
    return "\n".join([head, *filter(None, (message,)), *below]).rstrip()
