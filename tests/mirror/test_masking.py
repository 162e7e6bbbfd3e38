"""What names say of their values: one list for every service, and no text that costs hours."""

import pytest

from apps.codedeploy import masking as codedeploy
from apps.mirror.masking import masked, named_masked, sounds_secret

LEAK = "hunter2-leak"


@pytest.mark.parametrize(
    "name",
    [
        "PrivateKey",
        "SigningKey",
        "AccessKey",
        "AuthHeader",
        "Passphrase",
        "TokenValue",
        "DB_PASS",
        "MasterUserPassword",
        "npm-auth",
        "encryption_key",
        "Authorization",
        "OAUTH2",
    ],
)
def test_a_name_that_sounds_secret(name: str):
    assert sounds_secret(name)


@pytest.mark.parametrize(
    "name",
    ["Author", "Authors", "PrivateSubnetIds", "TokenUrl", "TOKEN_ENDPOINT", "KmsKeyId", "Bypass"],
)
def test_a_name_that_tells_where_or_how_long_and_not_what(name: str):
    assert not sounds_secret(name)


@pytest.mark.parametrize(
    "text",
    [
        f"export PASSWORD={LEAK}",
        f"PASSWORD='{LEAK}, it''s {LEAK}' start",
        f'password: "{LEAK} and {LEAK}"',
        f"mysql --password {LEAK}",
        f"mysql --password={LEAK}",
        f'{{"password": "{LEAK}", "user": "shop"}}',
        f'"{{\\"password\\": \\"{LEAK}\\", \\"user\\": \\"shop\\"}}"',
        f"{'x' * 200}_PASSWORD={LEAK}",
        f"PASSWORD_{'x' * 200}={LEAK}",
        f"PASSWORD{' ' * 200}={' ' * 200}{LEAK}",
    ],
)
def test_what_stands_behind_such_a_name_is_masked(text: str):
    told = named_masked(text)
    assert LEAK not in told
    assert "***" in told


@pytest.mark.parametrize(
    "text",
    [
        "PASSWORD=${PASSWORD}",
        'TOKEN="$TOKEN"',
        "password: {{resolve:secretsmanager:shop}}",
        "--token --verbose",
        "if [ $PASSWORD == x ]",
        "The password is wrong",
    ],
)
def test_where_it_comes_from_is_kept(text: str):
    assert named_masked(text) == text


# A hundred thousand characters and more: hours, where every place is tried with every length.
LONG = 200_000


@pytest.mark.parametrize(
    "line",
    [
        "token" * (LONG // 5),
        "x" * LONG + " password :",
        "password" + " " * LONG,
        "password" + "\\" * LONG,
        'password="' + "\\" * LONG,
        "-" * LONG + "token",
        " -" * (LONG // 2) + "password: |",
        "private" * (LONG // 7),
        "password=" * (LONG // 9),
        "secret=${" * (LONG // 9),
        "authorization: " * (LONG // 15),
        "&token" * (LONG // 6),
        "a://" * (LONG // 4) + "@",
    ],
)
@pytest.mark.timeout(120)
def test_a_hostile_line_is_read_once(line: str):
    """It ends at all: what is quadratic here takes the better part of an hour."""
    assert len(codedeploy.text(line)) <= len(line) + 3
    assert len(named_masked(line)) <= len(line) + 3
    assert masked(line)


@pytest.mark.parametrize(
    "token",
    [
        "ghp_" + "a1" * 18,
        "github_pat_" + "a1" * 20,
        "ATATT3xFfGF0" + "aB-_1" * 30 + "=4E1D09AA",
        "ATCTT3xFfGF0" + "aB1" * 20 + "=4E1D09AA",
    ],
)
def test_a_token_is_known_by_its_shape(token: str):
    assert masked(f"curl -u me@example.com:{token} -X GET") == "curl -u me@example.com:*** -X GET"
