"""Masks what looks like a credential, in any text that is kept, shown or logged; no Django.

People put passwords into addresses and tokens into messages. What a service knows to be secret it
drops by itself; this is the net under everything else.
"""

import re
from collections.abc import Iterable

MASK = "***"
# Shapes that are credentials whatever they are called.
SHAPE = re.compile(
    r"\b(?:(?:AKIA|ASIA)[A-Z0-9]{12,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{30,}"
    r"|glpat-[\w-]{20,}|xox[abprs]-[\w-]{10,})\b"
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
# What a field is called whose value is a secret, whatever that looks like.
SECRET_FIELD = re.compile(r"(?i)(secret|passw|pwd|credential|api_?key|authorization|token$)")


def masked(text: str, values: Iterable[str] = ()) -> str:
    """Return a message or log line without the given values and without what looks like a key."""
    for value in values:
        text = text.replace(value, MASK)
    text = SHAPE.sub(MASK, text)
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
