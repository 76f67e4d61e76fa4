"""Every command, option and path in the container files exists in the image that they make."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import PurePosixPath
from typing import Any

import click
import pytest
import yaml

from tests.support.checkout import ROOT
from tests.support.deployment.container_files import (
    WORKDIR,
    Instruction,
    copied,
    dockerfile,
    image_files,
    load_compose,
)

SCRIPTS = sorted((ROOT / "docker").glob("*.sh"))

# Essential packages of Debian 12 (dash, bash, coreutils, grep, findutils, apt, passwd) and
# python:3.11-slim; not listed one by one anywhere that a test could read.
BASE_COMMANDS = {
    *("sh", "bash", "env", "rm", "install", "grep", "xargs", "apt-get", "groupadd", "useradd"),
    *("python", "pip"),
}
BUILTINS = {"set", "trap", "wait", "kill", "jobs", "exit", "true"}
FUNCTIONS = {"stop"}

# What images of others have, and where that is written.
OTHERS = {
    # docker-library/postgres, 16/bookworm/Dockerfile: PATH holds /usr/lib/postgresql/16/bin
    "postgres": {"pg_isready"},
    # seaweedfs/seaweedfs, docker/entrypoint.sh (`server` adds -dir, -volume.max and -master.*, the
    # last of two equal options counts) and Alpine's busybox
    "chrislusf/seaweedfs": {"server", "wget"},
}
# seaweedfs/seaweedfs, weed/command/server.go
WEED_SERVER_OPTIONS = {
    *("-dir", "-ip", "-ip.bind", "-s3", "-s3.config"),
    *("-master.volumePreallocate", "-master.volumeSizeLimitMB"),
}


def services() -> dict[str, dict[str, Any]]:
    secrets = {"S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", "POSTGRES_PASSWORD"}
    secrets |= {"AIRFLOW__API__SECRET_KEY", "AIRFLOW__API_AUTH__JWT_SECRET"}
    secrets |= {"AIRFLOW__CORE__FERNET_KEY", "AIRFLOW_ADMIN_PASSWORD"}
    loaded: dict[str, dict[str, Any]] = load_compose(dict.fromkeys(secrets, "x"))["services"]
    return loaded


def service_commands(service: dict[str, Any]) -> list[list[str]]:
    found = [service["command"]] if "command" in service else []
    if "healthcheck" in service:
        kind, *words = service["healthcheck"]["test"]
        assert kind == "CMD", "a shell form hides what is run"
        found.append(words)
    return found


def shell_commands(text: str) -> list[list[str]]:
    """The simple commands of a shell script, without assignments, keywords and redirections."""
    text = re.sub(r"\\\n|\d?>\s*[^\s;&|]+", " ", text)
    lexer = shlex.shlex(text, posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace, lexer.whitespace_split = " \t", True
    found: list[list[str]] = [[]]
    for word in lexer:
        if re.fullmatch(r"[();|&\n]+|[{}]", word):
            found.append([])
        elif not (word.startswith("#") or (not found[-1] and re.match(r"\w+=", word))):
            found[-1].append(word)
    return [_unwrapped(words) for words in found if words]


def _unwrapped(words: list[str]) -> list[str]:
    # `env -u NAME command` and `xargs command` run what follows.
    if words[0] == "env":
        rest = words[1:]
        while rest[0] == "-u":
            rest = rest[2:]
        return rest
    return words[1:] if words[0] == "xargs" else words


def commands() -> list[tuple[str, list[str]]]:
    """(where, words) for everything that runs in our image, or while it is built."""
    found = [
        (name, words)
        for name, service in services().items()
        if service["image"].startswith("tinyops:")
        for words in service_commands(service)
    ]
    found += [
        (script.name, words) for script in SCRIPTS for words in shell_commands(script.read_text())
    ]
    for instruction in dockerfile():
        if instruction.name == "RUN":
            found += [("Dockerfile", words) for words in shell_commands(instruction.arguments)]
        elif instruction.name == "CMD":
            found.append(("Dockerfile", yaml.safe_load(instruction.arguments)))
    return found


def locked_scripts() -> set[str]:
    """Console scripts of the packages in requirements.txt, and of tinyops itself."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    names = [re.split(r"[=\[; ]", line)[0] for line in lines if line and line[0] not in "# -"]
    scripts = {"tinyops"}
    for name in names:
        try:
            entry_points = distribution(name).entry_points
        except PackageNotFoundError:
            continue
        scripts |= {each.name for each in entry_points if each.group == "console_scripts"}
        scripts |= {"uv"} if name == "uv" else set()  # a binary, not an entry point
    return scripts


def test_every_command_is_in_the_image() -> None:
    known = BASE_COMMANDS | BUILTINS | FUNCTIONS | locked_scripts()
    found = {words[0] for _, words in commands()}
    assert found >= {"airflow", "mlflow", "tinyops", "uv", "apt-get"}
    assert [(where, words) for where, words in commands() if words[0] not in known] == []


def test_the_commands_of_others_are_in_their_images() -> None:
    for name, service in services().items():
        image = service["image"].split(":")[0]
        if image == "tinyops":
            continue
        for words in service_commands(service):
            assert words[0] in OTHERS[image], f"{name}: {words[0]}"
    options = {word.split("=")[0] for word in services()["s3"]["command"][1:]}
    assert options <= WEED_SERVER_OPTIONS


@pytest.mark.parametrize(
    "program", ["gcc", "arm-none-eabi-gcc", "arm-none-eabi-objcopy", "qemu-system-arm"]
)
def test_the_programs_that_tasks_start_come_with_a_package_of_the_image(program: str) -> None:
    if shutil.which("dpkg-query") is None:
        pytest.skip("no dpkg on this machine")
    packages = (ROOT / "packages.txt").read_text(encoding="utf-8").split()
    listed = subprocess.run(
        ["dpkg-query", "-L", *packages, "binutils-arm-none-eabi"], capture_output=True, text=True
    )
    assert f"/usr/bin/{program}" in listed.stdout.splitlines()


def folders() -> set[str]:
    """Folders that the Dockerfile makes for volumes."""
    runs = [each.arguments for each in dockerfile() if each.name == "RUN"]
    made = [words for run in runs for words in shell_commands(run) if words[0] == "install"]
    return {word for words in made for word in words if word.startswith("/")}


def test_every_path_is_in_the_image_or_on_a_volume() -> None:
    known = image_files()
    mounted = {
        name: {volume.split(":")[1] for volume in service.get("volumes", [])}
        for name, service in services().items()
    }
    for name, service in services().items():
        if not service["image"].startswith("tinyops:"):
            continue
        assert mounted[name] <= folders(), name
        words = [word for command in service_commands(service) for word in command]
        words += [str(value) for value in (service.get("environment") or {}).values()]
        for word in words:
            if re.fullmatch(r"docker/\S+", word):
                assert str(WORKDIR / word) in known, f"{name}: {word}"
            elif word.startswith("/"):
                inside = any(file.startswith(f"{word}/") for file in known)
                above = {word, *map(str, PurePosixPath(word).parents)}
                assert inside or word in known or above & folders(), f"{name}: {word}"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_scripts_are_sound_and_name_files_of_the_image(script: Any) -> None:
    shell = script.read_text(encoding="utf-8").splitlines()[0].removeprefix("#!")
    subprocess.run([shell, "-n", script], check=True)
    words = [word for command in shell_commands(script.read_text()) for word in command]
    for word in words:
        if re.fullmatch(r"(docker|plugins|dags|include)/\S+", word):
            assert str(WORKDIR / word) in image_files(), word


def test_tinyops_knows_each_command_and_option() -> None:
    from typer.main import get_command

    from tinyops.cli.main import build_app

    _parse_all(get_command(build_app()), "tinyops")


def test_mlflow_knows_each_command_and_option() -> None:
    from mlflow.cli import cli

    _parse_all(cli, "mlflow")


def _parse_all(group: click.Command, program: str) -> None:
    lines = [words for _, words in commands() if words[0] == program]
    assert lines != []
    for words in lines:
        if "--help" not in words:
            _parse(group, words[1:])
    with pytest.raises((click.UsageError, Exception), match=r"(?i)no such (command|option)"):
        _parse(group, [*lines[0][1:2], "--no-such-option"])


def _parse(command: click.Command, arguments: list[str]) -> None:
    context = command.make_context(command.name or "", list(arguments))
    if isinstance(command, click.Group) or hasattr(command, "resolve_command"):
        rest = [*context._protected_args, *context.args]
        _, below, rest = command.resolve_command(context, rest)  # type: ignore[attr-defined]
        assert below is not None
        _parse(below, rest)


def test_the_image_has_the_project_and_nothing_else() -> None:
    inside = {str(PurePosixPath(file).relative_to(WORKDIR)) for file in image_files()}
    for folder in ("dags", "plugins", "include"):
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file()]
        wanted = {str(path.relative_to(ROOT)) for path in files if _is_source(str(path))}
        assert wanted <= inside, folder
    tops = {PurePosixPath(file).parts[0] for file in inside}
    assert tops == {
        *("dags", "docker", "include", "plugins"),
        *("LICENSE", "README.md", "packages.txt", "pyproject.toml", "requirements.txt"),
    }


def _is_source(path: str) -> bool:
    return "__pycache__" not in path and ".egg-info" not in path


def test_copy_and_dockerignore_are_read_as_docker_reads_them() -> None:
    tracked = ["a/b.py", "a/__pycache__/b.pyc", "a/deep/c.txt", ".env", "d.txt", "e.txt"]
    ignore = "*\n# comment\n!a\n!d.txt\n**/__pycache__\n"
    assert copied(
        tracked, ignore, [Instruction("COPY", "a lib"), Instruction("COPY", "d.txt ./")]
    ) == {
        "/opt/tinyops/lib/b.py",
        "/opt/tinyops/lib/deep/c.txt",
        "/opt/tinyops/d.txt",
    }
    for absent in (".env", "e.txt", "nowhere"):
        with pytest.raises(AssertionError, match=absent):
            copied(tracked, ignore, [Instruction("COPY", f"{absent} ./")])


def test_shell_commands_are_found() -> None:
    text = "set -eu\nA=1 env -u B prog x &\n# no\nf() {\n  one || two 2>/dev/null; three\n}\n"
    first = [words[0] for words in shell_commands(text)]
    assert first == ["set", "prog", "f", "one", "two", "three"]
