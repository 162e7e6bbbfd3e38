"""The page: a form, and the times that were found."""

from collections.abc import Iterable
from html import escape

from .times import CITIES, Local

STYLE = """\
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 40rem; margin: 2rem auto; padding: 0 1rem; }
label { display: block; margin-top: .6rem; }
input, select, button { font: inherit; padding: .3rem .5rem; }
button { margin: .8rem 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-top: 1px solid #8888; }
[role="alert"] { border-left: .3rem solid #b3261e; padding-left: .6rem; }
"""
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>When shall we meet?</title>
<link rel="stylesheet" href="/style.css">
</head>
<body>
<main>
<h1>When shall we meet?</h1>
{alert}<form action="/">
<label for="at">Time</label>
<input type="datetime-local" id="at" name="at" value="{at}" required>
<label for="zone">In</label>
<select id="zone" name="zone">
{options}</select>
<div><button type="submit">Show</button></div>
</form>
{table}</main>
</body>
</html>
"""


def page(at: str, zone: str, found: Iterable[Local] = (), problems: Iterable[str] = ()) -> str:
    """Return the page with what was asked for and what was found, or what is wrong with it."""
    alert = "".join(f'<p role="alert">{escape(one)}</p>\n' for one in problems)
    options = "".join(
        f'<option value="{escape(value)}"{" selected" if value == zone else ""}>'
        f"{escape(city)}</option>\n"
        for city, value in CITIES.items()
    )
    rows = "".join(map(_row, found))
    head = "<tr><th>City</th><th>Time</th><th>At work?</th></tr>"
    table = f"<table>\n<thead>{head}</thead>\n<tbody>\n{rows}</tbody>\n</table>\n" if rows else ""
    return _PAGE.format(alert=alert, at=escape(at), options=options, table=table)


def _row(one: Local) -> str:
    at = one.at.strftime("%a %d %b, %H:%M")
    cells = (one.city, at, "yes" if one.at_work else "no")
    return f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>\n"
