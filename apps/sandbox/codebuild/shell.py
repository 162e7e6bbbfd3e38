"""What the commands of a buildspec do to the files they work on, as far as it matters afterwards.

Nothing is run. Files are made, copied and removed as the commands say; what a package manager or a
test run leaves is made up; ``exit 1`` and ``false`` fail, whatever is not known goes well.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from apps.sandbox.files import Files, packed
from apps.sandbox.tagged import Tagged, dumped

if TYPE_CHECKING:
    from collections.abc import Callable

_VARIABLE = re.compile(r"\$\{(\w+)\}|\$(\w+)")
_TEST_IN_PYTHON = re.compile(r"^\s*(?:async )?def (test_\w+)", re.MULTILINE)
_TEST_IN_NODE = re.compile(r"^\s*(?:test|it)\(\s*(['\"`])(.+?)\1", re.MULTILINE)
_PACKAGED = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Lambda::Function": "Code",
    "AWS::Serverless::LayerVersion": "ContentUri",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A test and how it went; ``seconds`` is how long it took, ``message`` why it failed."""

    prefix: str
    name: str
    status: str = "SUCCEEDED"
    seconds: float = 0.01
    message: str = ""


class FailingError(Exception):
    """A command that fails, with its status and what it printed."""

    def __init__(self, status: int, *lines: str) -> None:
        super().__init__(status)
        self.status, self.lines = status, lines


@dataclass(frozen=True, slots=True)
class Upload:
    """An object that a command puts into S3."""

    bucket: str
    key: str
    content: bytes
    encryption_key: str = ""


@dataclass(slots=True)
class Shell:
    """Files by path, variables, and what was put into S3 on the way."""

    files: Files
    variables: dict[str, str]
    uploads: list[Upload] = field(default_factory=list)
    #: Where a test run said that its report is.
    tested: set[str] = field(default_factory=set)

    def run(self, text: str) -> list[str]:
        """What a command prints; raises FailingError."""
        printed: list[str] = []
        for part in re.split(r"&&|;|\n", text):
            try:
                words = shlex.split(self._filled(part), comments=True)
            except ValueError:
                continue
            while words and re.fullmatch(r"\w+=.*", words[0]):
                name, _, value = words.pop(0).partition("=")
                self.variables[name] = value
            if words:
                printed += self._command(words)
        return printed

    def _filled(self, text: str) -> str:
        return _VARIABLE.sub(
            lambda match: self.variables.get(match.group(1) or match.group(2), ""), text
        )

    def _command(self, words: list[str]) -> list[str]:
        if words[0] == "false" or (words[0] == "exit" and words[1:2] not in ([], ["0"])):
            raise FailingError(int(words[1]) if len(words) > 1 and words[1].isdecimal() else 1)
        known: dict[str, Callable[[list[str]], list[str] | None]] = {
            "rm": self._remove,
            "cp": self._copy,
            "mv": self._move,
            "test": self._test,
            "[": self._test,
            "touch": self._touch,
            "aws": self._aws,
            "sam": self._aws,
            "pip": self._pip,
            "pip3": self._pip,
            "npm": self._npm,
        }
        act = known.get(words[0])
        if act is not None:
            return act(words[1:]) or []
        return self._tests(words)

    # -- files ------------------------------------------------------------------------------------

    def under(self, path: str) -> dict[str, str]:
        """Path → path below it, of the file or of everything in the folder of this name."""
        path = posixpath.normpath(path)
        if path in self.files:
            return {path: posixpath.basename(path)}
        prefix = "" if path == "." else f"{path}/"
        return {one: one[len(prefix) :] for one in self.files if one.startswith(prefix)}

    def _remove(self, words: list[str]) -> None:
        for name in [one for one in words if not one.startswith("-")]:
            for path in self.under(name):
                del self.files[path]

    def _copy(self, words: list[str]) -> None:
        *sources, target = [one for one in words if not one.startswith("-")]
        into = target.endswith("/") or len(sources) > 1 or bool(self.under(target))
        target = posixpath.normpath(target)
        for source in sources:
            found = self.under(source)
            if not found:
                text = f"cp: cannot stat '{source}': No such file or directory"
                raise FailingError(1, text)
            base = posixpath.basename(posixpath.normpath(source))
            whole = posixpath.normpath(source) in self.files
            for path, below in found.items():
                if whole:
                    place = posixpath.join(target, base) if into else target
                else:
                    inside = posixpath.join(base, below) if into and base != "." else below
                    place = posixpath.join(target, inside)
                self.files[posixpath.normpath(place)] = self.files[path]

    def _move(self, words: list[str]) -> None:
        self._copy(words)
        self._remove([one for one in words if not one.startswith("-")][:-1])

    def _touch(self, words: list[str]) -> None:
        for name in words:
            self.files.setdefault(posixpath.normpath(name), b"")

    def _test(self, words: list[str]) -> None:
        if words[:1] and words[0] in ("-f", "-e", "-d") and not self.under(words[1]):
            raise FailingError(1)

    # -- package managers and tests ---------------------------------------------------------------

    def _pip(self, words: list[str]) -> list[str]:
        wanted = [
            re.split(r"[=<>~!;\[ ]", line.strip())[0]
            for name in _options(words, "-r", "--requirement")
            for line in self.files.get(posixpath.normpath(name), b"").decode().splitlines()
            if line.strip() and not line.strip().startswith(("#", "-"))
        ]
        for name in _options(words, "-r", "--requirement"):
            if posixpath.normpath(name) not in self.files:
                raise FailingError(
                    1,
                    "ERROR: Could not open requirements file: [Errno 2] No such file or directory: "
                    f"'{name}'",
                )
        for folder in _options(words, "-t", "--target"):
            for one in wanted:
                place = posixpath.join(folder, one.replace("-", "_"), "__init__.py")
                self.files[posixpath.normpath(place)] = b""
        for folder in _options(words, "-w", "--wheel-dir"):
            for one in wanted:
                name = f"{one.replace('-', '_')}-1.0-py3-none-any.whl"
                self.files[posixpath.normpath(posixpath.join(folder, name))] = one.encode()
        return [f"Successfully installed {' '.join(wanted)}"] if wanted else []

    def _npm(self, words: list[str]) -> list[str]:
        folder = next(iter(_options(words, "--prefix")), ".")
        if words[:1] == ["ci"]:
            lock = posixpath.normpath(posixpath.join(folder, "package-lock.json"))
            if lock not in self.files:
                text = (
                    "npm error The `npm ci` command can only install with an existing "
                    "package-lock.json"
                )
                raise FailingError(1, text)
            marker = posixpath.join(folder, "node_modules", ".package-lock.json")
            self.files[posixpath.normpath(marker)] = self.files[lock]
            return ["", "up to date, audited 1 package in 1s", "", "found 0 vulnerabilities"]
        return self._tests(["npm", *words]) if words[:1] in (["test"], ["t"]) else []

    def _tests(self, words: list[str]) -> list[str]:
        places = _options(words, "--junitxml", "--junit-xml", "--test-reporter-destination")
        reported = [one for one in places if one.endswith(".xml")]
        for place in reported:
            self.files[posixpath.normpath(place)] = b"<testsuites/>"
            self.tested.add(posixpath.normpath(place))
        if not reported and "test" not in " ".join(words):
            return []
        cases = self.cases()
        return [f"{len(cases)} passed in 0.42s"] if cases else []

    def cases(self) -> list[Case]:
        """The tests that are among the files, as a run of them would tell them."""
        found = []
        for path in sorted(self.files):
            name = posixpath.basename(path)
            if name.startswith("test_") and name.endswith(".py"):
                prefix = path.removesuffix(".py").replace("/", ".")
                tests = _TEST_IN_PYTHON.findall(self.files[path].decode("utf-8", "replace"))
            elif ".test." in name and "node_modules" not in path:
                prefix = path
                text = self.files[path].decode("utf-8", "replace")
                tests = [match[1] for match in _TEST_IN_NODE.findall(text)]
            else:
                continue
            found += [Case(prefix, one) for one in tests]
        return found

    # -- aws cloudformation package -----------------------------------------------------------

    def _aws(self, words: list[str]) -> list[str]:
        if words[:2] != ["cloudformation", "package"] and words[:1] != ["package"]:
            return []
        template = next(iter(_options(words, "--template-file", "-t")), "template.yml")
        output = next(iter(_options(words, "--output-template-file")), "")
        bucket = next(iter(_options(words, "--s3-bucket")), "")
        body = self.files.get(posixpath.normpath(template))
        if body is None:
            raise FailingError(255, f"Invalid template path {template}")
        if not bucket:
            raise FailingError(252, "aws: error: the following arguments are required: --s3-bucket")
        packaged = self._package(body.decode(), posixpath.dirname(template), words, bucket)
        self.files[posixpath.normpath(output)] = packaged.encode()
        return [
            f"Successfully packaged artifacts and wrote output template to file {output}.",
            "Execute the following command to deploy the packaged template",
        ]

    def _package(self, body: str, folder: str, words: list[str], bucket: str) -> str:
        told: dict[str, Any] = yaml.load(body, Loader=Tagged)  # noqa: S506 - a SafeLoader
        prefix = next(iter(_options(words, "--s3-prefix")), "")
        key_id = next(iter(_options(words, "--kms-key-id")), "")
        for resource in told.get("Resources", {}).values():
            member = _PACKAGED.get(str(resource.get("Type")))
            properties = resource.get("Properties") or {}
            place = properties.get(member) if member else None
            if member is None or not isinstance(place, str) or place.startswith("s3://"):
                continue
            path = posixpath.normpath(posixpath.join(folder, place))
            inside = {below: self.files[one] for one, below in self.under(path).items()}
            if not inside:
                text = f"Parameter {member} of resource refers to a file or folder that does not "
                raise FailingError(255, f"{text}exist {place}")
            content = packed(inside)
            digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
            key = f"{prefix}/{digest}" if prefix else digest
            self.uploads.append(Upload(bucket, key, content, key_id))
            where = {"S3Bucket": bucket, "S3Key": key}
            properties[member] = where if member == "Code" else f"s3://{bucket}/{key}"
        return dumped(told)


def _options(words: list[str], *names: str) -> list[str]:
    """The values of an option, however it is written."""
    found = []
    for at, word in enumerate(words):
        name, equals, value = word.partition("=")
        if name in names:
            found += [value] if equals else words[at + 1 : at + 2]
    return found
