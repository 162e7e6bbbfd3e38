"""A template is shown with its lines and without its secrets, read once for all who look."""

import json
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from apps.cloudformation import looks, tasks
from apps.cloudformation.lines import follower_of
from apps.cloudformation.models import Stack
from apps.cloudformation.template import lines_of
from apps.mirror.models import Operation, Scope
from tests import factories
from tests.cloudformation.conftest import sweep
from tests.flight import PLANTED, Fault, Flight

YAML = f"""AWSTemplateFormatVersion: '2010-09-09'
# What the shop runs on
Parameters:
  Stage:
    Type: String
    Default: production
  Database:
    Type: String
    NoEcho: true
    Default: {PLANTED}
  Pin: {{Type: String, NoEcho: 'true', Default: {PLANTED}}}
  AdminPassword:
    Type: String
    Default: "{PLANTED}"
  Certificate:
    NoEcho: true
    Type: String
    Default: |
      {PLANTED}
      and more {PLANTED}
    Description: Shown
Resources:
  Handler:
    Type: AWS::Lambda::Function
    Properties:
      Environment:
        Variables:
          STAGE: !Ref Stage
          API_KEY: {PLANTED}
          DB_PASSWORD: !Ref Database
          OTHER_SECRET: '{{{{resolve:secretsmanager:shop}}}}'
          TOKEN_URL: https://login.example.com/
          FEED: https://shop:{PLANTED}@feed.example.com/
      Tags: [{{Key: team, Value: shop}}]
      ClientSecret: >-
        {PLANTED}
      MemorySize: 512
Outputs:
  Stage: {{Value: !Ref Stage}}
"""


def test_a_template_keeps_its_lines_and_loses_its_secrets():
    lines = lines_of(YAML)
    text = "\n".join(lines)
    assert PLANTED not in text
    assert len(lines) == len(YAML.split("\n"))
    for kept in (
        "# What the shop runs on",
        "    Default: production",
        "    Default: ***",
        "    Description: Shown",
        "          STAGE: !Ref Stage",
        "          API_KEY: ***",
        "          DB_PASSWORD: !Ref Database",
        "          OTHER_SECRET: '{{resolve:secretsmanager:shop}}'",
        "          TOKEN_URL: https://login.example.com/",
        "          FEED: https://***@feed.example.com/",
        "      MemorySize: 512",
        "      Tags: [{Key: team, Value: shop}]",
    ):
        assert kept in lines, kept


def test_a_template_in_json_is_written_out_anew_without_its_secrets():
    template = {
        "Parameters": {
            "Stage": {"Type": "String", "Default": "production"},
            "Database": {"Type": "String", "NoEcho": True, "Default": PLANTED},
            "Pin": {"Type": "String", "NoEcho": "true", "Default": PLANTED},
            "AdminPassword": {"Type": "String", "Default": PLANTED},
        },
        "Resources": {
            "Handler": {
                "Type": "AWS::Lambda::Function",
                "Properties": {
                    "Environment": {"Variables": {"API_KEY": PLANTED, "STAGE": "x"}},
                    "MasterUserPassword": {"Ref": "Database"},
                    "Uri": f"https://u:{PLANTED}@example.com",
                    "List": [{"Secret": PLANTED}],
                },
            }
        },
    }
    lines = lines_of(template)
    assert PLANTED not in "\n".join(lines)
    assert '      "Default": "production"' in lines
    shown = json.loads("\n".join(lines))
    assert list(shown) == ["Parameters", "Resources"]
    handler = shown["Resources"]["Handler"]["Properties"]
    assert handler["MasterUserPassword"] == {"Ref": "Database"}
    assert handler["Environment"]["Variables"] == {"API_KEY": "***", "STAGE": "x"}


@pytest.mark.parametrize(
    "text",
    [
        f"Parameters:\n  A: {{NoEcho: true, Default: '{PLANTED}, it''s {PLANTED}'}}\n",
        f"Parameters:\n  A:\n    NoEcho: yes\n    Default: p4ss,{PLANTED}}}x\n",
        f"Parameters:\n  SigningKey: {{Type: String, Default: {PLANTED}}}\n",
        f"Env:\n  - Name: DB_PASSWORD\n    Value: {PLANTED}\n",
        f"Env: [{{Value: {PLANTED}, Name: API_TOKEN}}]\n",
        f"Env:\n  - OptionName: DB_PASSWORD\n    Value: >-\n      {PLANTED}\n      {PLANTED}\n",
        f"Env:\n  - Name: DB_PASSWORD\n    Value: !Sub 'x${{A}}{PLANTED}'\n",
        f"Passwords: [a{PLANTED}, [{PLANTED}]]\n",
        f"Passwords: {{admin: {PLANTED}}}\n",
        f"Passphrase: first\n  {PLANTED}\n",
        f"Passphrase:\n  Fn::Join: ['', [x, {PLANTED}]]\n",
        f"Any: &shared {PLANTED}\nPassword: *shared\n",
        f"UserData: !Sub |\n  export PASSWORD={PLANTED}\n  start --token {PLANTED}\n",
        f"UserData: {{Fn::Join: ['', ['export PASSWORD=', {PLANTED}]]}}\n",
        f"# password: {PLANTED}\nA: b\n",
        f"A: 'b'  # was password={PLANTED}\n",
        # No YAML.
        f"A: ]\nEnv:\n  - Name: X\n    Value: {PLANTED}\n",
        f"A: ]\nPasswords:\n  - a\n  - {PLANTED}\nB: c\n",
        f'A: ]\n"Passwords": [\n  "{PLANTED}"\n]\n',
        "[" * 500 + f"password: {PLANTED}",
    ],
)
def test_no_secret_of_a_template_is_shown_however_it_is_written(text: str):
    assert PLANTED in text
    lines = lines_of(text)
    assert PLANTED not in "\n".join(lines)
    assert "***" in "\n".join(lines)
    assert len(lines) == len(text.split("\n"))


@pytest.mark.parametrize(
    "text",
    [
        "Env:\n  - Name: DB_PASSWORD\n    Value: !Ref Database\n",
        "Env:\n  - Name: DB_PASSWORD\n    Value: {'Fn::GetAtt': [Database, Secret]}\n",
        "Env:\n  - {Name: STAGE, Value: production}\n",
        "Secrets:\n  - Name: DB_PASSWORD\n    ValueFrom: !Ref Secret\n",
        "Password: !Join ['', ['{{resolve:secretsmanager:', !Ref S, ':SecretString:pw}}']]\n",
        "Password: !Sub '${Database}'\n",
        "Secrets:\n  Type: AWS::SecretsManager::Secret\n",
        "UserData: !Sub |\n  export PASSWORD=${Database}\n",
    ],
)
def test_where_a_secret_comes_from_is_shown(text: str):
    assert "\n".join(lines_of(text)) == text


def test_the_list_of_settings_of_a_template_in_json_loses_its_secrets():
    settings = [{"OptionName": "DB_PASSWORD", "Value": PLANTED}, {"Passwords": [PLANTED]}]
    shown = json.loads("\n".join(lines_of({"Resources": settings})))
    assert shown["Resources"] == [
        {"OptionName": "DB_PASSWORD", "Value": "***"},
        {"Passwords": ["***"]},
    ]


@pytest.mark.parametrize(
    "text",
    [
        "x" * 200_000 + ":",
        "token" * 40_000 + ":",
        "password: " + "x" * 200_000,
        "[" * 200_000,
        "{a: " * 50_000,
        "[a," * 50_000,
        " -" * 100_000,
        "- " * 100_000,
        "password:" * 20_000,
        "password: |\n" + " \n" * 100_000,
    ],
)
@pytest.mark.timeout(120)
def test_a_hostile_template_is_read_once(text: str):
    """It ends at all: what is quadratic here takes the better part of an hour."""
    lines = lines_of(text)
    assert max(map(len, lines)) < 21_000


@pytest.mark.parametrize("body", ["", "Parameters:", "Parameters:\n\n#", "\x00\x1b[31m", "[", "{"])
def test_what_is_no_template_is_no_crash(body: str):
    assert isinstance(lines_of(body), list)


@pytest.fixture
def stack(scope: Scope, full: Flight, aws: Any) -> Stack:
    cache.clear()
    aws(full.on("cloudformation:GetTemplate", {"TemplateBody": YAML}))
    sweep(scope)
    return Stack.objects.get(name="shop")


def read(stack: Stack, queued: list[Any]) -> None:
    looks.watch(stack.pk)
    name, (pk, ticket) = queued[-1]
    assert (name, pk) == ("cloudformation.read_template", stack.pk)
    tasks.read_template(pk, ticket)


def test_a_template_is_read_once_for_all_who_look_and_again_when_the_stack_has_moved(
    stack: Stack, full: Flight, queued: list[Any]
):
    queued.clear()
    read(stack, queued)
    told = looks.lines(stack.pk, 0)
    assert told["done"]
    assert "API_KEY: ***" in told["html"]
    looks.watch(stack.pk)
    assert len(queued) == 1
    assert len(full.calls("cloudformation:GetTemplate")) == 1
    Stack.objects.update(stamp="another")
    looks.watch(stack.pk)
    assert len(queued) == 2


def test_a_template_that_may_not_be_read_says_so_with_its_cure(
    stack: Stack, full: Flight, queued: list[Any]
):
    full.on("cloudformation:GetTemplate", Fault("AccessDenied", "not allowed"))
    read(stack, queued)
    (note,) = looks.lines(stack.pk, 0)["fragments"]
    assert "The template cannot be read" in note["html"]
    told = Operation.objects.get(operation="cloudformation:GetTemplate")
    assert told.health == "denied"


@pytest.mark.parametrize("code", ["AccessDenied", "Throttling", "InternalFailure"])
def test_a_template_that_could_not_be_read_is_asked_for_again_and_told_when_it_can(
    stack: Stack, full: Flight, queued: list[Any], code: str
):
    full.on("cloudformation:GetTemplate", Fault(code, "not now"))
    read(stack, queued)
    assert not looks.lines(stack.pk, 0)["done"]
    full.on("cloudformation:GetTemplate", {"TemplateBody": YAML})
    cache.delete(f"{follower_of(stack.pk).name}:asked")
    before = len(queued)
    read(stack, queued)
    assert len(queued) == before + 1
    told = looks.lines(stack.pk, 0)
    assert told["done"]
    assert "API_KEY: ***" in told["html"]
    # The page's words of the failure go.
    (note,) = told["fragments"]
    assert note["id"] == f"template-{stack.pk}-note"
    assert "cannot be read" not in note["html"]


def test_a_template_that_is_gone_is_no_fault(stack: Stack, full: Flight, queued: list[Any]):
    full.on("cloudformation:GetTemplate", Fault("ValidationError", "Stack x does not exist"))
    read(stack, queued)
    (note,) = looks.lines(stack.pk, 0)["fragments"]
    assert "no longer has this template" in note["html"]
    assert looks.lines(stack.pk, 0)["done"]
    assert not Operation.objects.filter(operation="cloudformation:GetTemplate").exists()


def test_the_page_has_somebody_read_and_shows_what_was_read(stack: Stack, queued: list[Any]):
    client = Client()
    client.force_login(factories.make_user("reader"))
    queued.clear()
    path = f"/cloudformation/stacks/{stack.pk}/template/"
    page = client.get(path).text
    assert [name for name, _ in queued] == ["cloudformation.read_template"]
    assert f"template:{stack.pk}@0" in page
    tasks.read_template(*queued[-1][1])
    page = client.get(path).text
    assert f'<li class="log-line" id="template-{stack.pk}-L1">' in page
    assert 'data-done="true"' in page
    assert PLANTED not in page
    panel = client.get(path, headers={"X-Live": "1"}).text
    assert "<html" not in panel


def test_hostile_text_in_a_template_is_shown_as_text(stack: Stack, full: Flight, queued: list[Any]):
    full.on("cloudformation:GetTemplate", {"TemplateBody": "# <script>alert(1)</script>"})
    read(stack, queued)
    html = looks.lines(stack.pk, 0)["html"]
    assert "<script>" not in html
    assert "alert(1)" in html


def test_whoever_overtakes_a_reader_keeps_what_it_read(
    stack: Stack, full: Flight, queued: list[Any]
):
    def overtaken(_params: Any) -> Any:
        cache.set(f"{follower_of(stack.pk).name}:lease", "another", timeout=60)
        return {"TemplateBody": "late"}

    full.on("cloudformation:GetTemplate", overtaken)
    read(stack, queued)
    assert looks.contents_of(stack.pk) is None
