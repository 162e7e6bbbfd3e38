"""setup/ensure: quick when all is there, and one clear line when something is missing.

It runs in a copy of what it reads, in a folder with a space in its name, with a PATH that holds
only what each test puts there.
"""

import shutil
import subprocess
import sys
import time

import pytest

TOOLS = ("cmp", "cp", "dirname", "env", "find", "flock", "head", "mkdir", "mv", "rm", "sh", "tail")


class Checkout:
    """A checkout and the only programs its set-up can find."""

    def __init__(self, root, folder):
        self.folder = folder / "a checkout"
        self.bin = folder / "bin"
        self.bin.mkdir(parents=True)
        for part in ("setup", "requirements"):
            shutil.copytree(root / part, self.folder / part)
        for part in ("package.json", "package-lock.json"):
            shutil.copy(root / part, self.folder)
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool))
        self.program("apt-get", "exit 1")
        self.program("id", "echo 1000")

    def program(self, name, script):
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)

    def real_python(self):
        self.program("python3", f'exec "{sys.executable}" "$@"')

    def remember(self, lock, *places):
        for place in places:
            target = self.folder / place
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.folder / lock, target)

    def complete(self):
        """As set-up leaves it, without having downloaded anything."""
        self.remember("requirements/dev.txt", ".venv/installed-dev.txt")
        self.remember("package-lock.json", "node_modules/.installed-dev")
        self.remember("package-lock.json", "static/vendor/.installed")
        python = self.folder / ".venv" / "bin" / "python"
        python.parent.mkdir()
        python.symlink_to(sys.executable)
        (self.folder / "build" / "static").mkdir(parents=True)
        self.remember("requirements/checkov.txt", ".setup/checkov/installed.txt")
        (self.folder / ".setup" / "checkov" / "bin").mkdir()
        (self.folder / ".setup" / "checkov" / "bin" / "python").symlink_to(sys.executable)
        (self.folder / ".setup" / "static").touch()

    def ensure(self, goal="run"):
        return subprocess.run(
            ["/bin/sh", self.folder / "setup" / "ensure", goal],
            env={"PATH": str(self.bin), "HOME": str(self.folder.parent)},
            capture_output=True,
            text=True,
            timeout=60,
            cwd="/",
            check=False,
        )


@pytest.fixture
def checkout(project_root, tmp_path):
    return Checkout(project_root, tmp_path)


def assert_one_line(result, line):
    assert result.returncode != 0
    said = [text for text in result.stderr.splitlines() if not text.startswith("set-up: ")]
    assert said == [line]
    assert result.stdout == ""


def test_without_python_it_says_what_to_install(checkout):
    checkout.program("npm", "exit 1")
    assert_one_line(
        checkout.ensure(),
        "Python 3.11 or newer is missing: apt-get install python3 python3-venv",
    )


def test_a_python_that_is_too_old_counts_as_missing(checkout):
    checkout.program("npm", "exit 1")
    checkout.program("python3", "exit 1")
    assert "Python 3.11 or newer is missing" in checkout.ensure().stderr


def test_an_older_python3_gives_way_to_a_newer_one_beside_it(checkout):
    checkout.program("npm", "exit 1")
    checkout.program("python3", "exit 1")
    checkout.program("python3.12", 'case "$*" in *ensurepip*) exit 1;; esac; exit 0')
    assert "venv module is missing" in checkout.ensure().stderr


def test_without_ensurepip_it_names_the_package(checkout):
    checkout.program("npm", "exit 1")
    checkout.program("python3", 'case "$*" in *ensurepip*) exit 1;; esac; exit 0')
    assert_one_line(
        checkout.ensure(), "Python's venv module is missing: apt-get install python3-venv"
    )


def test_without_npm_it_says_so_before_anything_is_installed(checkout):
    checkout.real_python()
    assert_one_line(checkout.ensure(), "npm is missing: apt-get install npm")
    assert not (checkout.folder / ".venv").exists()


def test_without_chromium_and_without_root_it_says_what_to_install(checkout):
    if shutil.which("chromium", path="/usr/bin"):
        # The script looks there by full path, for a PATH that lacks /usr/bin.
        script = checkout.folder / "setup" / "ensure"
        script.write_text(script.read_text().replace("/usr/bin/chromium", "/nowhere/chromium"))
    checkout.complete()
    assert_one_line(
        checkout.ensure("test"),
        "Chromium is missing (the tests drive a real browser): apt-get install chromium",
    )


@pytest.fixture
def as_root(checkout):
    """A checkout of root's, with all but a Chromium; apt fetches what `offered` names."""
    script = checkout.folder / "setup" / "ensure"
    script.write_text(script.read_text().replace("/usr/bin/chromium", "/nowhere/chromium"))
    checkout.complete()
    checkout.program("id", "echo 0")
    place = checkout.bin
    checkout.program(
        "apt-get",
        f'echo "$DEBIAN_FRONTEND $*" >>"{place}/asked"\n'
        f'if [ "$1" = update ]; then : >"{place}/lists"; exit 0; fi\n'
        f'[ -f "{place}/lists" ] || exit 100\n'
        f'case "$(cat "{place}/offered")" in\n'
        f'*"[$4]"*) cp "{place}/id" "{place}/$4";;\n*) exit 100;;\nesac',
    )
    (place / "cat").symlink_to(shutil.which("cat"))
    return checkout


def asked_of_apt(checkout):
    path = checkout.bin / "asked"
    told = path.read_text().splitlines() if path.exists() else []
    return [line.removeprefix("noninteractive ") for line in told]


SHELL, WHOLE = "install -y -q chromium-headless-shell", "install -y -q chromium"


def test_as_root_a_shell_of_chromium_is_installed_after_the_lists_are_fetched(as_root):
    (as_root.bin / "offered").write_text("[chromium-headless-shell][chromium]")
    result = as_root.ensure("test")
    assert result.returncode == 0, result.stderr
    assert asked_of_apt(as_root) == [SHELL, "update -q", SHELL]
    assert as_root.ensure("test").stderr == ""


def test_where_there_is_no_shell_the_whole_is_installed(as_root):
    (as_root.bin / "offered").write_text("[chromium]")
    result = as_root.ensure("test")
    assert result.returncode == 0, result.stderr
    assert asked_of_apt(as_root) == [SHELL, "update -q", SHELL, WHOLE]
    assert as_root.ensure("test").stderr == ""


def test_where_the_whole_is_there_the_shell_is_asked_for_once(as_root):
    (as_root.bin / "offered").write_text("")
    as_root.program("chromium", "exit 0")
    for _ in range(2):
        result = as_root.ensure("test")
        assert result.returncode == 0, result.stderr
    assert asked_of_apt(as_root) == [SHELL, "update -q", SHELL]


def test_where_nothing_can_be_installed_it_says_what_is_missing(as_root):
    (as_root.bin / "offered").write_text("")
    result = as_root.ensure("test")
    assert result.returncode != 0
    assert result.stderr.splitlines()[-1].startswith("Chromium is missing")


def test_who_is_not_root_is_asked_for_nothing_where_the_whole_is_there(as_root):
    as_root.program("id", "echo 1000")
    as_root.program("chromium", "exit 0")
    result = as_root.ensure("test")
    assert (result.returncode, result.stderr) == (0, "")
    assert asked_of_apt(as_root) == []


def test_a_folder_it_cannot_write_to_is_one_line(checkout):
    (checkout.folder / ".setup").write_text("in the way")
    result = checkout.ensure()
    assert result.returncode != 0
    assert result.stderr.startswith("Cannot write to ")
    assert result.stderr.count("\n") == 1


def test_a_failed_install_shows_why_and_is_tried_again(checkout):
    checkout.complete()
    (checkout.folder / "node_modules" / ".installed-dev").unlink()
    checkout.program("npm", "echo the network is down; exit 1")
    for _ in range(2):
        result = checkout.ensure()
        assert result.returncode != 0
        assert "the network is down" in result.stderr
        assert "The front-end packages could not be installed" in result.stderr


def test_when_all_is_there_it_says_nothing_and_is_quick(checkout):
    checkout.complete()
    elapsed = []
    for _ in range(5):
        began = time.monotonic()
        result = checkout.ensure()
        elapsed.append(time.monotonic() - began)
        assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    # The best of some: the machine may be busy with the other tests.
    assert min(elapsed) < 0.3


@pytest.mark.parametrize(
    ("lock", "complaint"),
    [("package-lock.json", "npm is missing"), ("requirements/dev.txt", "Python")],
)
def test_a_changed_lock_file_makes_it_install_again(checkout, lock, complaint):
    checkout.complete()
    (checkout.folder / ".venv" / "bin" / "python").unlink()
    (checkout.folder / ".venv" / "bin" / "python").symlink_to(shutil.which("false"))
    with (checkout.folder / lock).open("a") as file:
        file.write("\n")
    checkout.program("npm", "exit 1") if lock != "package-lock.json" else None
    result = checkout.ensure("check")
    assert result.returncode != 0
    assert complaint in result.stderr


def test_the_templates_linter_is_installed_for_tests_alone_and_by_itself(checkout):
    checkout.complete()
    checkout.program("chromium-headless-shell", "exit 0")
    with (checkout.folder / "requirements" / "checkov.txt").open("a") as file:
        file.write("\n")
    for goal in ("run", "check"):
        result = checkout.ensure(goal)
        assert (result.returncode, result.stderr) == (0, "")
    python = checkout.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.write_text('#!/bin/sh\n[ "$2" != venv ] || { echo "no room for $3"; exit 1; }\nexit 0\n')
    python.chmod(0o755)
    result = checkout.ensure("test")
    assert result.returncode != 0
    assert "no room for .setup/checkov" in result.stderr
    assert "checkov could not be installed" in result.stderr


def test_an_unknown_goal_is_refused(checkout):
    assert checkout.ensure("everything").returncode == 2


def test_vendor_copies_what_pages_load_without_source_maps(checkout):
    packages = {
        "idiomorph/dist/idiomorph.min.js": "one()\n//# sourceMappingURL=idiomorph.js.map\n",
        "idiomorph/dist/idiomorph-ext.min.js": "two()",
        "idiomorph/LICENSE": "free",
        "@fontsource-variable/inter/wght.css": "a{b:c}/*# sourceMappingURL=wght.css.map */",
        "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2": "glyphs",
        "@fontsource-variable/inter/files/inter-latin-wght-italic.woff2": "glyphs",
        "@fontsource-variable/inter/LICENSE": "free",
    }
    for name, content in packages.items():
        path = checkout.folder / "node_modules" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    subprocess.run([sys.executable, checkout.folder / "setup" / "vendor.py"], check=True)
    vendor = checkout.folder / "static" / "vendor"
    assert (vendor / "idiomorph" / "idiomorph.min.js").read_text() == "one()\n\n"
    assert (vendor / "inter" / "inter.css").read_text() == "a{b:c}"
    assert not (vendor / "idiomorph" / "idiomorph-ext.min.js").exists()
    fonts = [path.name for path in (vendor / "inter" / "files").iterdir()]
    assert fonts == ["inter-latin-wght-normal.woff2"]


def test_vendor_names_a_file_that_a_package_no_longer_has(checkout):
    (checkout.folder / "node_modules" / "idiomorph").mkdir(parents=True)
    result = subprocess.run(
        [sys.executable, checkout.folder / "setup" / "vendor.py"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "idiomorph holds no dist/idiomorph.min.js" in result.stderr
