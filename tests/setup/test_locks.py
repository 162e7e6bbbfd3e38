"""The lock files: exact, hashed, and silent about where anything is downloaded from."""

import itertools
import json
import re
import tomllib

import pytest

ROOT_REQUIREMENTS = ("runtime", "sandbox", "dev")
LOCKS = (*ROOT_REQUIREMENTS, "lock", "checkov")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.MULTILINE)


def pins(text):
    return dict(PIN.findall(text))


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_one_version_and_hashes(project_root, name):
    text = (project_root / "requirements" / f"{name}.txt").read_text()
    entries = [
        entry for entry in re.split(r"^(?=\S)", text, flags=re.MULTILINE) if PIN.match(entry)
    ]
    assert entries
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    # Nothing but pins, their hashes and comments: no option, no address, no folder.
    rest = [
        line
        for line in text.splitlines()
        if not re.match(
            r"^(\S+==\S+( ; .+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?|    #.*)$", line
        )
    ]
    assert rest == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_address_and_no_folder(project_root, name):
    text = (project_root / "requirements" / f"{name}.txt").read_text()
    assert "://" not in text
    assert "index-url" not in text
    assert "find-links" not in text
    assert not re.search(r"(^|\s)/\w", text)


def test_the_locks_agree_where_they_overlap(project_root):
    locked = [
        pins((project_root / "requirements" / f"{name}.txt").read_text())
        for name in ROOT_REQUIREMENTS
    ]
    for smaller, larger in itertools.pairwise(locked):
        assert smaller.items() <= larger.items()


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_locked(project_root, name):
    folder = project_root / "requirements"
    asked = {
        re.split(r"[\[~=<>;\s]", line)[0].lower().replace("_", "-")
        for line in (folder / f"{name}.in").read_text().splitlines()
        if line and not line.startswith(("#", "-"))
    }
    locked = {package.replace("_", "-") for package in pins((folder / f"{name}.txt").read_text())}
    assert asked
    assert asked <= locked


def test_the_npm_lock_keeps_hashes_and_no_download_addresses(project_root):
    lock = json.loads((project_root / "package-lock.json").read_text())
    packages = {path: entry for path, entry in lock["packages"].items() if path}
    assert packages
    for entry in packages.values():
        assert "resolved" not in entry
        assert entry["integrity"].startswith("sha512-")


def test_the_npm_lock_belongs_to_package_json(project_root):
    manifest = json.loads((project_root / "package.json").read_text())
    root = json.loads((project_root / "package-lock.json").read_text())["packages"][""]
    assert root["dependencies"] == manifest["dependencies"]
    assert root["devDependencies"] == manifest["devDependencies"]


def test_all_three_descriptions_say_the_same_version(project_root):
    from django.conf import settings

    project = tomllib.loads((project_root / "pyproject.toml").read_text())["project"]
    manifest = json.loads((project_root / "package.json").read_text())
    assert project["version"] == manifest["version"] == settings.VERSION
