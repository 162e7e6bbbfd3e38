"""Masks what looks like a credential, in any text that is kept, shown or logged; no Django.

People put passwords into addresses and tokens into messages. What a service knows to be secret it
drops by itself; this is the net under everything else. What a name has to say for its value to be
a secret is said here for all of them.
"""

import re
import string
from collections.abc import Iterable

MASK = "***"
# Shapes that are credentials whatever they are called.
SHAPE = re.compile(
    r"\b(?:(?:AKIA|ASIA)[A-Z0-9]{12,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}"
    r"|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,}|AT[AC]TT3[\w=-]{20,})\b"
)
# AWS's other secrets have no shape of their own, but are named where they are written down.
NAMED = re.compile(
    r"(?i)\b((?:(?:aws|amz)[_-]?)?(?:secret[_-]?access[_-]?key|(?:session|security)[_-]?token)"
    r"[\"']?\s{0,4}[=:]\s{0,4}[\"']?)[A-Za-z0-9/+=%_-]{16,}"
)
HEADER = re.compile(
    r"(?i)\b(authorization[\"']?\s{0,4}[=:]\s{0,4}[\"']?)"
    r"(?:(?:bearer|basic|digest|token|negotiate)\s{1,4}[^\s\"',;]+|aws4-hmac-sha256\b[^\"'\r\n]*"
    r"|[^\s\"',;]{20,})"
)
URL_LOGIN = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{1,20}://)[^\s/]{1,512}@")
# ?token=…, and what a signed address is signed with.
URL_SECRET = re.compile(
    r"(?i)([?&;][\w.-]{0,40}(?:token|secret|passw|pwd|credential|signature|api_?key)[\w.-]{0,40}=)"
    r"[^&#;\s\"'<>]+"
)
# How a private key begins and ends where it is written down; base64 stands between, its line
# breaks as such or as programs write them.
_KEY_MARK = re.compile(r"-----(?:(?P<begins>BEGIN)|END) [A-Z0-9 ]{0,40}PRIVATE KEY-----")
_KEY_BODY = re.compile(r"[A-Za-z0-9+/=\s\\]*+")
_KEY_LETTERS = frozenset(string.ascii_letters + string.digits + "+/=\\ \t\r\n")
# What a field, variable or option is called whose value is a secret, whatever that looks like. What
# stands behind the words of the last line tells where or how long, and not what. Every repetition
# is bounded: names come from outside, too.
SECRET_FIELD = re.compile(
    r"(?i)secret|passw|passphrase|pwd|credential|authorization|[_-]key$|(?<!by)pass$"
    r"|(?:api|access|private|signing|ssh|auth|account|master|shared|license|deploy|host)[_.-]?key"
    r"|private(?![_.-]?(?:subnet|ip|dns|link|host|route|zone|vpc|network|cidr|access))"
    r"|(?:token|auth(?!or))(?![\w.-]{0,40}"
    r"(?:ur[il]|endpoint|arn|type|validity|units|expiry|expires|ttl|seconds|minutes|hours|days)s?$)"
)
# A name and what says that its value follows. A name is taken whole or not at all, from its
# beginning, so that a long word costs no more than reading it.
_NAME = re.compile(
    r"""(?<![\w.-])(?P<name>[\w.-]++)(?:\\*+["'])?"""
    r"""(?P<sign>[ \t]*+(?:=(?![=~])|:(?=[ \t"'\\]|$))[ \t]*+|[ \t]++)""",
    re.MULTILINE,
)
_VALUE = re.compile(
    # Quoted within quotes, as JSON writes JSON.
    r"""(?P<quote>\\++["'])(?:[^"'\\\n]|\\(?!["']))*"""
    r"""|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\n]|'')*'?|[^\s"']++"""
)
# What says where a value comes from rather than what it is.
REFERENCE = re.compile(r"""["']?(?:\$\{[^{}\n]*+\}["']?$|\$[A-Z_][A-Z0-9_]*+["']?$|\{\{resolve:)""")


def masked(text: str, values: Iterable[str] = ()) -> str:
    """Return a message or log line without the given values and without what looks like a key."""
    if not text:
        return text
    for value in values:
        text = text.replace(value, MASK)
    text = SHAPE.sub(MASK, without_private_keys(text))
    # Nearly all that is read holds none of these: asking first costs a tenth of looking.
    if "://" in text:
        if "@" in text:
            text = URL_LOGIN.sub(rf"\1{MASK}@", text)
        if "=" in text:
            text = URL_SECRET.sub(rf"\1{MASK}", text)
    lowered = text.lower()
    if "secret" in lowered or "token" in lowered:
        text = NAMED.sub(rf"\1{MASK}", text)
    if "authorization" in lowered:
        text = HEADER.sub(rf"\1{MASK}", text)
    return text


def without_private_keys(text: str) -> str:
    """Return a text without the bodies of private keys, whose lines stay as many as they were.

    One that has no end is masked as far as it looks like one; so is one whose beginning is missing.
    """
    if "PRIVATE KEY-----" not in text:
        return text
    pieces: list[str] = []
    at = 0
    for found in _KEY_MARK.finditer(text):
        if found["begins"]:
            body = _KEY_BODY.match(text, found.end())
            start, end = found.end(), body.end() if body else found.end()
        else:
            end = start = found.start()
            while start > at and text[start - 1] in _KEY_LETTERS:
                start -= 1
        if start < at:
            continue
        lines = text[start:end].split("\n")
        pieces += [text[at:start], "\n".join(MASK if line.strip() else line for line in lines)]
        at = end
    return "".join([*pieces, text[at:]])


def sounds_secret(name: object) -> bool:
    """Whether something of this name has a value that nobody is to see."""
    return SECRET_FIELD.search(str(name)) is not None


def named_masked(text: str) -> str:
    """Return a text without what stands behind names that sound secret, wherever they are in it.

    "password: …" of YAML and JSON, "export TOKEN=…" of shells, "--api-key …" of commands. What says
    where the value comes from ("${TOKEN}") is kept. For text that people or programs wrote: what is
    read as fields is judged by their names alone.
    """
    if not SECRET_FIELD.search(text.replace("\n", " ")):
        return text
    pieces: list[str] = []
    at = 0
    for found in _NAME.finditer(text):
        name, sign = found["name"], found["sign"]
        option = name.startswith("--")
        if found.start() < at or (not sign.strip() and not option) or not sounds_secret(name):
            continue
        value = _VALUE.match(text, found.end())
        # An option that is followed by another has no value.
        if value is None or REFERENCE.match(value[0]) or (option and value[0].startswith("-")):
            continue
        quote = value["quote"] or (value[0][0] if value[0][0] in "\"'" else "")
        closing = quote if not value["quote"] and quote else ""
        pieces += [text[at : found.end()], quote, MASK, closing]
        at = value.end()
    return "".join([*pieces, text[at:]])
