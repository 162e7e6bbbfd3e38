"""The template check: what the content policy forbids never reaches a reader."""

import pytest
from django.test import override_settings


@pytest.fixture
def complaints(project_root, monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(project_root / "setup")
    import check_templates

    def judge(text):
        file = tmp_path / "page.html"
        file.write_text(text)
        templates = [
            {"BACKEND": "django.template.backends.django.DjangoTemplates", "DIRS": [tmp_path]}
        ]
        with override_settings(TEMPLATES=templates):
            return list(check_templates.complaints(tmp_path, file))

    return judge


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<p>\n<script>alert(1)</script>", "line 2: an inline script"),
        ("<style>p{}</style>", "line 1: an inline style sheet"),
        ('<p class="a"\n  style="color:red">', "line 1: a style attribute"),
        ('<p class="{% if a > b %}c{% endif %}" style="color:red">', "line 1: a style attribute"),
        ('<button onclick="go()">', "line 1: an event handler attribute"),
        ('<a href="javascript:go()">', "line 1: a javascript: link"),
        (
            '<script src="https://cdn.example.com/a.js"></script>',
            "line 1: a file from another server",
        ),
        ("{% load static %}{% static 'no/such.css' %}", "static file 'no/such.css' does not exist"),
    ],
)
def test_what_would_break_in_the_browser_is_named(complaints, text, complaint):
    assert complaints(text) == [complaint]


def test_a_template_that_does_not_compile_is_named(complaints):
    [complaint] = complaints("{% if %}")
    assert complaint.startswith("does not compile: ")


def test_a_good_page_passes(complaints):
    page = """{% load static %}<link rel="icon" href="{% static 'django_htmx/django-htmx.js' %}">
    <script src="{% static 'django_htmx/htmx-2.min.js' %}" defer></script>
    <p class="style">one = on <b>{% with style="abs" %}two{% endwith %}</b></p>"""
    assert complaints(page) == []
