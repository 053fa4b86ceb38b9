"""What the docs hand out for clusters: valid by Kubernetes's schemas, and of one mind with the package."""

import re
import tomllib
from pathlib import Path

import pytest

from fittingroom.serving.protocol_routes import LIVE, READY

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "docs" / "deploy"
VERSION = "1.32"  # of Kubernetes
yaml = pytest.importorskip("yaml")


def documents(name):
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


@pytest.mark.parametrize("document", documents("kubernetes.yaml"), ids=lambda each: each["kind"])
def test_each_object_is_valid_by_the_schemas_of_kubernetes(document):
    validate = pytest.importorskip("kubernetes_validate", reason="no kubernetes-validate: install the dev extra")
    assert validate.validate(document, VERSION, strict=True) == VERSION


def cluster_parts():
    """What Dask's operator makes of its own kind of object: two pods and a service."""
    (cluster,) = documents("dask-cluster.yaml")
    for name in ("worker", "scheduler"):
        spec = cluster["spec"][name]["spec"]
        yield {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    spec = cluster["spec"]["scheduler"]["service"]
    yield {"apiVersion": "v1", "kind": "Service", "metadata": {"name": cluster["metadata"]["name"]}, "spec": spec}


@pytest.mark.parametrize("document", list(cluster_parts()), ids=lambda each: each["metadata"]["name"])
def test_each_part_of_the_cluster_of_workers_is_valid_by_the_schemas_of_kubernetes(document):
    validate = pytest.importorskip("kubernetes_validate", reason="no kubernetes-validate: install the dev extra")
    assert validate.validate(document, VERSION, strict=True) == VERSION


def test_a_worker_of_the_cluster_does_one_training_at_a_time_and_the_service_leads_to_its_scheduler():
    (cluster,) = documents("dask-cluster.yaml")
    (worker,) = cluster["spec"]["worker"]["spec"]["containers"]
    (scheduler,) = cluster["spec"]["scheduler"]["spec"]["containers"]
    service = cluster["spec"]["scheduler"]["service"]
    assert worker["args"][worker["args"].index("--nthreads") + 1] == "1"
    assert worker["image"] == scheduler["image"]
    assert {port["targetPort"] for port in service["ports"]} == {port["name"] for port in scheduler["ports"]}
    assert service["selector"]["dask.org/cluster-name"] == cluster["metadata"]["name"]
    assert "FROM python:" in (DEPLOY / "Dockerfile.worker").read_text()


def test_the_probes_ask_what_the_server_answers_without_a_token():
    (container,) = documents("kubernetes.yaml")[0]["spec"]["template"]["spec"]["containers"]
    assert container["readinessProbe"]["httpGet"]["path"] == READY
    assert container["livenessProbe"]["httpGet"]["path"] == LIVE
    assert READY in (DEPLOY / "Dockerfile").read_text()


def test_the_servers_list_has_what_the_extra_and_the_package_ask_for_and_no_torch():
    listed = [line for line in (DEPLOY / "server-requirements.txt").read_text().splitlines() if line[0] != "#"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    known = {*project["dependencies"], *project["optional-dependencies"]["serve"]}
    assert set(listed) <= known
    assert set(project["optional-dependencies"]["serve"]) <= set(listed)
    assert not [line for line in listed if re.match(r"(torch|keras|tensorflow)\b", line)]


def test_the_image_is_not_run_by_root():
    assert "\nUSER 10001\n" in (DEPLOY / "Dockerfile").read_text()
    assert documents("kubernetes.yaml")[0]["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"]
