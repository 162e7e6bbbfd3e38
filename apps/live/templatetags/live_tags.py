"""Draws states, times, durations, ids and icons the same way on every page and in every fragment.

Nothing here depends on the reader: times are `<time>` elements that static/js/times.js turns into
the reader's words, with a readable UTC text where scripts are off.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from lucide import _render_icon  # the packaged tag renders afresh each time; we keep what it made

from apps.live.moments import parsed

register = template.Library()

# state -> (class, icon, word where AWS gives none)
LOOKS = {
    "done": ("st-ok", "circle-check", "Succeeded"),
    "moving": ("st-run", "loader-circle", "In progress"),
    "waiting": ("st-wait", "circle-pause", "Waits for approval"),
    "failed": ("st-bad", "circle-x", "Failed"),
    "stopped": ("st-stop", "ban", "Stopped"),
    "unknown": ("st-idle", "circle-question-mark", "Unknown"),
    "": ("st-idle", "circle-dashed", "Not run yet"),
}
# What AWS last said of something that nobody can be asked about any more does not run on.
RUNS = {"In progress", "Queued", "Stopping"}
NOTHING = "\N{EN DASH}"
HEX = re.compile(r"[0-9a-f]{12,64}", re.IGNORECASE)
WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


@lru_cache(maxsize=512)
def drawn(name: str, css: str, label: str) -> SafeString:
    """Return one icon as inline SVG; decorative unless it has a label."""
    attributes = {"class": css}
    if label:
        attributes |= {"role": "img", "aria-label": label}
    else:
        attributes |= {"aria-hidden": "true"}
    svg = _render_icon(name, None, **attributes)
    return mark_safe(re.sub(r"\s*\n\s*", "", svg))  # noqa: S308 - made by ElementTree, which escapes


@register.simple_tag
def icon(name: str, label: str = "", css: str = "") -> SafeString:
    """`{% icon "rocket" %}`, with a label where no word stands beside it."""
    return drawn(str(name), f"i {css}".strip(), str(label))


def look_of(state: str) -> tuple[str, str, str]:
    """Class, icon and word of a state; what this version has not heard of looks unknown."""
    return LOOKS.get(str(state or ""), LOOKS["unknown"])


@register.filter
def state_class(state: str) -> str:
    """`class="{{ row.state|state_class }}"`: st-ok, st-run, st-wait, st-bad, st-stop or st-idle."""
    return look_of(state)[0]


@register.filter
def in_words(text: str) -> str:
    """AWS's word as people write it: "InProgress" and "IN_PROGRESS" become "In progress"."""
    words = WORDS.findall(str(text or ""))
    return " ".join(words).lower().capitalize()


def word_of(state: str, status: str = "") -> str:
    """What is written beside the icon: AWS's own status, in words, or ours where that says more."""
    if state == "unknown" and in_words(status) in RUNS:
        return "Not known any more"
    # What waits for an approval is in progress to AWS; of a pipeline AWS's word is the newest
    # execution's, which may be out while an older one waits.
    if not status or (state == "waiting" and in_words(status) in {*RUNS, "Succeeded"}):
        return look_of(state)[2]
    return in_words(status) or str(status)


@register.filter
def unless_gone(state: str, gone_at: Any) -> str:
    """A state; of what AWS no longer lists, only one that was final is still known."""
    return "unknown" if gone_at and state in ("moving", "waiting") else state


@register.simple_tag
def state(state: str, status: str = "", size: str = "") -> SafeString:
    """`{% state row.state row.status %}`: icon and word as a pill; size "lg" for page heads."""
    css, name, _ = look_of(state)
    return format_html(
        '<span class="st {} {}">{}{}</span>',
        css,
        size,
        drawn(name, "i spin" if state == "moving" else "i", ""),
        word_of(state, status),
    )


@register.simple_tag
def state_icon(state: str, status: str = "") -> SafeString:
    """The icon alone, its word as its label: where the row has no room for a pill."""
    css, name, _ = look_of(state)
    picture = drawn(name, "i spin" if state == "moving" else "i", word_of(state, status))
    return format_html('<span class="sti {}">{}</span>', css, picture)


def stamp(moment: datetime) -> str:
    """ISO 8601 to the second, as browsers read it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


@register.simple_tag
def when(moment: Any, absent: str = NOTHING, style: str = "rel") -> SafeString | str:
    """`{% when row.started_at %}`: "3 minutes ago" with the exact local time on hover.

    Style "abs" shows the local date and time itself.
    """
    at = parsed(moment)
    if at is None:
        return absent
    mark = mark_safe("data-abs") if style == "abs" else mark_safe("data-rel")
    return format_html(
        '<time datetime="{}" {}>{} UTC</time>', stamp(at), mark, at.strftime("%-d %b %Y, %H:%M")
    )


@register.simple_tag
def countdown(moment: Any, absent: str = NOTHING) -> SafeString | str:
    """`{% countdown action.expires_at %}`: "2d 3h left", which runs down in the browser."""
    at = parsed(moment)
    if at is None:
        return absent
    return format_html(
        '<time class="num" datetime="{}" data-left>until {} UTC</time>',
        stamp(at),
        at.strftime("%-d %b %Y, %H:%M"),
    )


@register.simple_tag
def scope_age(scope_id: int, moment: Any) -> SafeString:
    """How old a scope's data is; heartbeats of the stream keep it right."""
    at = parsed(moment)
    if at is None:
        return format_html('<time data-rel data-scope-age="{}">not read yet</time>', scope_id)
    return format_html(
        '<time datetime="{}" data-rel data-scope-age="{}">{} UTC</time>',
        stamp(at),
        scope_id,
        at.strftime("%-d %b %Y, %H:%M"),
    )


@register.filter
def took(seconds: Any) -> str:
    """Seconds as people say them: 0.4 s, 41s, 3m 05s, 2h 07m, 3d 4h; "" for none."""
    if seconds is None or seconds == "":
        return ""
    whole = int(seconds)
    if whole < 0:
        return ""
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d {whole % 86400 // 3600}h"


@register.simple_tag
def duration(
    start: Any, end: Any = None, absent: str = NOTHING, words: str = "{}"
) -> SafeString | str:
    """`{% duration build.start build.end %}`; without an end it counts up in the browser.

    words  what stands around the clock that counts up: "for {}", "{} so far". Without scripts no
           clock runs: the time says since when.
    """
    began, ended = parsed(start), parsed(end)
    if began is None:
        return absent
    if ended is None:
        return format_html(
            '<time class="num" datetime="{}" data-running="{}">since {} UTC</time>',
            stamp(began),
            words,
            began.strftime("%-d %b %Y, %H:%M"),
        )
    seconds = (ended - began).total_seconds()
    return format_html('<span class="num">{}</span>', took(max(0, seconds)))


def shortened(value: str) -> str:
    """An id as short as it stays telling: 7 of a SHA, 12 of a digest, the start of the rest.

    Of an ARN it is what stands last in it that tells.
    """
    text = value.partition(":")[2] if value.startswith(("sha256:", "sha512:")) else value
    if text.startswith("arn:"):
        text = text.rpartition("/")[2].rpartition(":")[2] or text
    if HEX.fullmatch(text):
        return text[:7] if len(text) == 40 else text[:12]
    tail = text.rpartition(":")[2]
    if len(tail) == 36 and tail.count("-") == 4:
        return tail[:8]
    return text if len(text) <= 14 else f"{text[:13]}…"


@register.simple_tag
def short(value: Any, copy: bool = True) -> SafeString | str:
    """`{% short revision %}`: an id or SHA, short and monospaced, copied in full by a click."""
    text = plain(value)
    if not text:
        return ""
    if not copy:
        return format_html('<code class="sha" title="{}">{}</code>', text, shortened(text))
    return format_html(
        '<button type="button" class="sha" data-copy="{}" title="Copy {}">{}</button>',
        text,
        text,
        shortened(text),
    )


@register.filter
def first_line(text: Any) -> str:
    """The first line that says something: what a list shows of a commit message or an error."""
    return next((line.strip() for line in str(text or "").splitlines() if line.strip()), "")


# What CodeBuild writes around each command that failed, however many words it has itself.
COMMAND_FAILED = re.compile(
    r"(?:COMMAND_EXECUTION_ERROR: )?Error while executing command: (.*?)\. Reason: ([^\n]*)",
    re.DOTALL,
)


@register.filter
def cause(text: Any) -> str:
    """A reason as lists have room for it: the command first, and how it ended."""
    return COMMAND_FAILED.sub(
        lambda found: f"{first_line(found[1])}: {found[2].rstrip('.')}", str(text or ""), count=1
    )


@register.filter
def place(scope: Any) -> str:
    """Where something is: the account as people call it, and the region where there is one."""
    return " · ".join(filter(None, (scope.label or scope.account, scope.region)))


CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@register.filter
def plain(text: Any) -> str:
    """Text without terminal escapes and control characters, for messages that AWS passes on."""
    return CONTROL.sub("", str(text or ""))


@register.filter
def at_key(mapping: Any, key: Any) -> Any:
    """`{{ names|at_key:row.pk }}`: an entry of a mapping, None where there is none."""
    return mapping.get(key) if mapping else None


@register.filter
def web_url(url: Any) -> str:
    """An address only if it is one of the web: what others wrote may say `javascript:`."""
    text = str(url or "").strip()
    return text if text.lower().startswith(("https://", "http://")) else ""
