"""docker-compose.yaml against the compose specification, and against rules of our own."""

from __future__ import annotations

import copy
import json
import re
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.support.checkout import ROOT
from tests.support.deployment.container_files import (
    COMPOSE_FILE,
    MissingVariable,
    dockerfile,
    example_variables,
    interpolate,
    load_compose,
    variable_names,
)

ONE_SHOT = {"init"}
SECRETS = {name: f"made-{name}" for name, value in example_variables().items() if not value}


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    # compose-spec/schema/compose-spec.json, Apache-2.0, as check-jsonschema 0.39.0 ships it.
    vendored = files("check_jsonschema").joinpath("builtin_schemas/vendor/compose-spec.json")
    return Draft202012Validator(json.loads(vendored.read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return load_compose(SECRETS)


def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {str(name): service for name, service in compose["services"].items()}


@pytest.mark.parametrize("variables", [None, SECRETS], ids=["as written", "interpolated"])
def test_it_is_what_the_specification_says(
    schema: Draft202012Validator, variables: dict[str, str] | None
) -> None:
    errors = [error.message for error in schema.iter_errors(load_compose(variables))]
    assert errors == []


@pytest.mark.parametrize(
    ("service", "key", "value"),
    [
        ("gateway", "helthcheck", {}),
        ("gateway", "healthcheck", {"test": 3}),
        ("init", "depends_on", {"s3": {"condition": "service_is_well"}}),
        ("s3", "configs", [{"sauce": "s3-identities"}]),
    ],
)
def test_the_schema_refuses_what_is_wrong(
    schema: Draft202012Validator, compose: dict[str, Any], service: str, key: str, value: Any
) -> None:
    wrong = copy.deepcopy(compose)
    wrong["services"][service][key] = value
    assert not schema.is_valid(wrong)


def test_the_example_names_every_variable_and_no_other() -> None:
    text = COMPOSE_FILE.read_text(encoding="utf-8")
    assert variable_names(text) == set(example_variables())


def test_the_example_gives_the_defaults_and_no_secret() -> None:
    text = COMPOSE_FILE.read_text(encoding="utf-8")
    for name, value in example_variables().items():
        if not value:
            assert f"${{{name}:?" in text, f"{name} has no value: {{:?…}} must demand one"
        elif name != "SIGNING_KEYS":
            assert f"${{{name}:-{value}}}" in text


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_a_secret_that_is_not_set_is_named_with_the_way_to_make_it(name: str) -> None:
    unset = {other: value for other, value in SECRETS.items() if other != name}
    with pytest.raises(MissingVariable, match=f"{name}: make one"):
        load_compose(unset)


def test_interpolation_is_that_of_compose() -> None:
    text = "${A}-${B:-b}-${C:-c}-$$D"
    assert interpolate(text, {"A": "1", "C": "2"}) == "1-b-2-$D"
    assert "$" not in json.dumps(load_compose(SECRETS))


def test_no_secret_is_written_down() -> None:
    for name, service in services(load_compose()).items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search(r"SECRET|PASSWORD$|_KEY(_ID)?$|CONN$|STORE_URI$", variable):
                assert "${" in value, f"{name}: {variable} is written down"


def test_every_service_has_limits_and_few_rights(compose: dict[str, Any]) -> None:
    for name, service in services(compose).items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert re.fullmatch(r"\d+[mg]", service["mem_limit"]), name
        assert service["restart"] == ("no" if name in ONE_SHOT else "unless-stopped"), name
        assert not service.get("privileged"), name


def test_every_image_is_pinned_and_ours_is_built_once(compose: dict[str, Any]) -> None:
    for name, service in services(compose).items():
        assert re.search(r":[\w.-]*\d[\w.-]*$", service["image"]), name
    built = [name for name, service in services(compose).items() if "build" in service]
    assert built == ["init"]
    ours = services(compose)["init"]["image"]
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version is not None
    assert ours == f"tinyops:{version[1]}"
    for name, service in services(compose).items():
        if service["image"] == ours:
            assert service["pull_policy"] == "never", name


def test_ours_run_as_the_user_of_the_image(compose: dict[str, Any]) -> None:
    users = [each.arguments for each in dockerfile() if each.name == "USER"]
    for name, service in services(compose).items():
        if service["image"].startswith("tinyops:"):
            assert service["user"] == users[-1], name
    assert not users[-1].startswith(("0", "root"))


def test_ports_are_on_the_loopback_interface_only(compose: dict[str, Any]) -> None:
    published = [
        port for service in services(compose).values() for port in service.get("ports", [])
    ]
    assert published != []
    assert [port for port in published if not re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)] == []


def test_what_runs_is_watched_and_waited_for(compose: dict[str, Any]) -> None:
    known = services(compose)
    for name, service in known.items():
        assert ("healthcheck" in service) == (name not in ONE_SHOT), name
        for other, how in service.get("depends_on", {}).items():
            wanted = "completed_successfully" if other in ONE_SHOT else "healthy"
            assert how == {"condition": f"service_{wanted}"}, f"{name} -> {other}"
            assert other in known, f"{name} -> {other}"


def test_nothing_waits_for_itself(compose: dict[str, Any]) -> None:
    def below(name: str, seen: tuple[str, ...]) -> None:
        assert name not in seen, f"{' -> '.join(seen)} -> {name}"
        for other in services(compose)[name].get("depends_on", {}):
            below(other, (*seen, name))

    for name in services(compose):
        below(name, ())


def test_every_volume_and_config_is_declared_and_used(compose: dict[str, Any]) -> None:
    mounted = [
        volume.split(":")[0]
        for service in services(compose).values()
        for volume in service.get("volumes", [])
    ]
    assert {name for name in mounted if not name.startswith((".", "/"))} == set(compose["volumes"])
    for folder in (name for name in mounted if name.startswith(".")):
        assert (ROOT / folder).is_dir(), folder
    configs = {
        config["source"]
        for service in services(compose).values()
        for config in service.get("configs", [])
    }
    assert configs == set(compose["configs"])


def test_every_address_is_that_of_a_service(compose: dict[str, Any]) -> None:
    text = json.dumps({**compose, "configs": {}})
    hosts = set(re.findall(r"(?:http://|@)([a-z0-9.-]+)", text))
    assert {"s3", "postgres", "mlflow", "airflow-api-server"} <= hosts
    assert hosts - set(services(compose)) == {"localhost", "127.0.0.1"}


def test_the_identities_of_s3_are_json_with_the_keys_of_its_clients(
    compose: dict[str, Any],
) -> None:
    identities = json.loads(compose["configs"]["s3-identities"]["content"])["identities"]
    environment = services(compose)["gateway"]["environment"]
    assert [each["credentials"] for each in identities] == [
        [
            {
                "accessKey": environment["AWS_ACCESS_KEY_ID"],
                "secretKey": environment["AWS_SECRET_ACCESS_KEY"],
            }
        ]
    ]


def test_only_who_signs_gets_the_signing_keys(compose: dict[str, Any]) -> None:
    holders = [
        name
        for name, service in services(compose).items()
        if any("/var/lib/tinyops/keys" in volume for volume in service.get("volumes", []))
    ]
    assert holders == ["init", "airflow-scheduler"]
