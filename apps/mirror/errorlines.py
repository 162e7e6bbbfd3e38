"""Knows the shapes in which common tools report errors, for whoever quotes a log; no Django.

What a tool marks as an error counts before lines that only report that something below failed
("npm ERR!", "make: ***"), and those before any line in which an error is named at all.
"""

import re
from collections.abc import Sequence

LOOKED_AT = 1000

# BuildKit puts step and seconds before what a step prints.
BUILDKIT = re.compile(r"^#\d+ \d+\.\d+ ")
STAMP = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?Z? ")

CAUSE = re.compile(
    "|".join(
        (
            r"^E   +\S",  # pytest
            r"^E       \S",
            r"^ERROR collecting ",
            r"^_+ ERROR (?:at|collecting) ",
            r"^Traceback \(most recent call last\):",
            r"^\s*● .+ \u203a ",  # jest
            r"^\s*● Test suite failed to run",
            r"^\s+\d+\) .+:$",  # mocha, ExUnit
            r"^\s*(?:AssertionError|TypeError|ReferenceError|SyntaxError|RangeError)\b.*:",
            r"^\s*Error: (?!Process completed)\S",
            r"^(?:Uncaught )?\w*(?:Error|Exception): \S",
            r"^.+\(\d+,\d+\): error TS\d+:",  # tsc
            r"^.+:\d+:\d+ - error TS\d+:",
            r"^error TS\d+:",
            r"^\s+\d+:\d+\s+error\s+\S",  # eslint
            r"^\[ERROR\] (?:COMPILATION ERROR|.+\.(?:java|kt|scala|groovy):\[?\d+)",  # maven
            r"^\[ERROR\] \S.*<<< (?:FAILURE|ERROR)!",
            r"^\[ERROR\] (?:Tests run:.*(?:Failures: [1-9]|Errors: [1-9])|Failed to execute goal)",
            r"^(?:e: |error: |.+\.(?:java|kt|scala|groovy|swift):\d+(?::\d+)?: error: )\S",
            r"^\S.* > .+ FAILED$",  # gradle's test lines
            r"^\* What went wrong:",
            r"^\s*--- FAIL: ",  # go
            r"^panic: ",
            r"^fatal error: ",
            r"^\S+\.go:\d+(?::\d+)?: \S",
            r"^.+\.(?:c|cc|cpp|cxx|h|hpp|m|mm)(?::\d+){1,2}: (?:fatal )?error: ",
            r"^error\[E\d{4}\]: ",  # rust
            r"^error(?:\[[\w-]+\])?: (?!could not compile|process didn't exit)\S",
            r"^thread '.+' panicked at ",
            r"^.+\(\d+,\d+\): error [A-Z]{2,}\d+: ",  # dotnet
            r"^\s+Failed \S+ \[[\d< ]+m?s\]",
            r"^[│╷\s]*Error: \S",  # terraform
            r"^(?:#\d+ )?ERROR(?:\s*\[.*\])?: (?!(?:failed to solve: )?process \").*\S",
            r"^Error response from daemon: ",
            r"^Cannot connect to the Docker daemon",
            r"^toomanyrequests: ",
            r"^denied: ",
            r"^(?:An error occurred \(\w+\)|.*botocore\.exceptions\.)",
            r"^E: \S",  # apt
            r"^(?:fatal|remote): (?:error|fatal|could not|Authentication|repository|unable)\b",
            r"^(?:/\S+: )?(?:line )?\d+: .+: (?:command not found|not found|Permission denied)",
            r"^(?:ba|da|z)?sh: .*(?:not found|Permission denied|No such file)",
            r"^(?:[\w./-]+: )+(?:command not found|No such file or directory|Permission denied)",
            r"^(?:Killed|Segmentation fault|.*JavaScript heap out of memory)",
            r"^.*java\.lang\.OutOfMemoryError",
            r"^\s*[✕✗✘\u00d7] \S",
            r"^[EFW]\d{4}[: ].*\S",  # cfn-lint, flake8's own lines
            r"^\S+:\d+:\d+: [A-Z]{1,4}\d{2,4} ",  # ruff, flake8
            r"^\S+\.pyi?:\d+: error: ",  # mypy
        )
    )
)
CONSEQUENCE = re.compile(
    "|".join(
        (
            r"^npm (?:ERR!|error) (?!A complete log|code (?:1|ELIFECYCLE))",
            r"^(?:error|ERR_PNPM_\w+|yarn error|error Command failed)\b",
            r"^\[ERROR\] \S",
            r"^\[(?:error|FATAL|fatal)\] ",
            r"^FAILED \S",  # pytest's summary
            r"^=+ (?:FAILURES|ERRORS) =+$",
            r"^FAIL\b",
            r"^> Task \S+ FAILED",
            r"^FAILURE: ",
            r"^BUILD FAILED",
            r"^(?:g?make|ninja)(?:\[\d+\])?: \*\*\* ",
            r"^(?:#\d+ )?ERROR: ",
            r"^error: could not compile",
            r"^(?:ERROR|FATAL|CRITICAL|SEVERE|Error|FAILED)\b[ :\]-]",
        )
    )
)
GENERIC = re.compile(
    r"(?i)\b(?:errors?|fail(?:ed|ure|ures)?|fatal|exception|cannot|unable to|denied|not found)\b"
)
# What tells most first.
WAYS = (CAUSE, CONSEQUENCE, GENERIC)
HARMLESS = re.compile(
    "|".join(
        (
            r"(?i)\b(?:0|no|without) (?:errors?|fail(?:ed|ures?)|issues)\b",
            r"\b(?:errors?|fail(?:ed|ures?)|failing)[:=] ?0\b",
            r"^\s*(?:ok\b|✓|√|--- PASS)",
            r"\bPASS(?:ED)?\b",
            r"^\s*(?:npm )?warn",
            r"^\[?(?:INFO|DEBUG|WARNING|WARN)\b",
        )
    )
)


def bare(text: str) -> str:
    """Return the beginning of a line without the time or step that is printed before it."""
    return STAMP.sub("", BUILDKIT.sub("", text[:LOOKED_AT], count=1), count=1)


def reports(pattern: re.Pattern[str], text: str) -> bool:
    """Whether a line, without escape sequences, reports an error in this way."""
    line = bare(text)
    found = pattern.search(line) if pattern is GENERIC else pattern.match(line)
    return found is not None and not HARMLESS.search(line)


def first_error(texts: Sequence[str]) -> int | None:
    """Return where the first error stands, by what tells most; None where no line names one."""
    for pattern in WAYS:
        for at, text in enumerate(texts):
            if reports(pattern, text):
                return at
    return None
