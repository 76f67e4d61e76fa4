"""Turn an accepted candidate into a signed release that gateways pull.

**Trigger.** The asset `<project>/candidate`.

**Params.** `candidate`: build this candidate instead of the newest one (a run by hand).

**Inputs and outputs.** Reads `<project>/candidates/<run>/`; writes evidence (fit, image, proof,
benchmark) and what the boards' counts are held against (sketch.json, reference.json) to
`<project>/releases/<version>/`, and the signed bundle to `tuf/`. Emits `<project>/release` with uri
and version once the release is signed and staged. Whoever can write the bucket cannot thereby have
an image signed: candidate and evidence are sealed by the tasks that write them (HMAC-SHA256,
`evidence.key` in the key folder), and a task uses no object whose seal does not match. Only
Airflow's workers need that key.

**Idempotency.** The candidate is found in S3 (the pointer `candidate`, unless it has a receipt),
not in the event. Images are reproducible and named by their release, so a repeated stage writes the
same bytes; nothing reaches a gateway before `sign_and_stage` moves the signed channel.

**When it fails.** Each stage fails with the board, the limit or the window concerned: `fit` when
by estimate the model does not fit a board, `compile` when the linked image and the vendor's core do
not fit, or the cross compiler refuses it, `prove` when the emulated chip and the reference
disagree, `benchmark` when a window takes more instructions beside the champion's than
`objective.allowed_slowdown` grants (times of this host are recorded and stop nothing). Such a
candidate is refused by a receipt and not built again unless it is named in `candidate`: correct the
project or the model and train again. So is one whose data lacked a class, or whose reference cannot
tell drift from none. `fit`, and `sign_and_stage` again, refuse a first ring that holds none of the
devices that gateways report, and name the smallest share that holds one: correct `rollout.rings` in
project.yaml and clear the task. Any other failure (S3, a missing compiler) leaves it outstanding,
and `tinyops__maintain` tries again. Boards keep what they run. `… carries no seal of this
pipeline`: somebody else wrote or changed the object that is named. For evidence repeat the stage
that writes it, for a candidate train again, for the champion's proof run this DAG with `candidate`
set to the champion.

**Owner.** The project's owner.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

from tinyops.projects import Project
from tinyops.projects.dag_ids import dag_id
from tinyops_airflow import assets, pools
from tinyops_airflow.defaults import START, default_args
from tinyops_airflow.tags import Tag, project_tag
from tinyops_airflow.usable_projects import usable_projects


def release_dag(project: Project) -> None:
    """Declare `<project>__release`."""
    release = assets.release(project.name)

    @dag(
        dag_id=dag_id(project.name, "release"),
        dag_display_name=f"{project.title}: release",
        schedule=[assets.candidate(project.name)],
        start_date=START,
        catchup=False,
        max_active_runs=1,
        dagrun_timeout=timedelta(hours=1),
        default_args=default_args(project.owner),
        tags=[Tag.RELEASE, Tag.FLEET, project_tag(project.name)],
        doc_md=__doc__,
        params={
            "candidate": Param(
                None,
                type=["null", "string"],
                pattern="^[A-Za-z0-9][A-Za-z0-9._=-]{0,127}$",
                description="Build this candidate instead of the newest outstanding one.",
            )
        },
    )
    def release_candidate() -> None:
        @task
        def fit(*, params: Any) -> str:
            """Choose the candidate and check it against every board; returns the candidate."""
            from airflow.sdk.exceptions import AirflowSkipException

            from tinyops.conversion.candidates.release import fit_candidate
            from tinyops.releases.publish import check_first_ring
            from tinyops.store import Store
            from tinyops_airflow.work import outstanding_candidate, refusing

            store = Store.from_env()
            chosen = params["candidate"] or outstanding_candidate(store, project.name)
            if chosen is None:
                raise AirflowSkipException("no accepted candidate without a receipt")
            check_first_ring(store, project.name, chosen)
            with refusing(store, project.name, chosen):
                fit_candidate(store, project.name, chosen, refused=bool(params["candidate"]))
            return chosen

        @task(task_id="compile", pool=pools.EMULATOR, execution_timeout=timedelta(minutes=20))
        def compile_images(chosen: str) -> dict[str, Any]:
            """Build one image per board."""
            from tinyops.conversion.candidates.release import compile_candidate
            from tinyops.store import Store
            from tinyops_airflow.work import refusing

            store = Store.from_env()
            with refusing(store, project.name, chosen):
                return compile_candidate(store, project.name, chosen)

        @task(pool=pools.EMULATOR, execution_timeout=timedelta(minutes=20))
        def prove(chosen: str) -> dict[str, Any]:
            """Boot each image on the emulated chip and compare it with the reference."""
            from tinyops.conversion.candidates.release import prove_candidate
            from tinyops.store import Store
            from tinyops_airflow.work import refusing

            store = Store.from_env()
            with refusing(store, project.name, chosen):
                return prove_candidate(store, project.name, chosen)

        @task
        def benchmark(proved: dict[str, Any]) -> dict[str, Any]:
            """Serving figures from the proofs' instructions, held against the champion's."""
            from tinyops.serving.release import benchmark_candidate
            from tinyops.store import Store
            from tinyops_airflow.work import refusing

            store, version = Store.from_env(), proved["version"]
            with refusing(store, project.name, version):
                return benchmark_candidate(store, project.name, version)

        @task(outlets=[release])
        def sign_and_stage(benchmarked: dict[str, Any], *, outlet_events: Any) -> dict[str, Any]:
            """Sign the bundle and put it on trial in the first ring of the channel."""
            from tinyops.releases import publish
            from tinyops.store import Store, layout

            store = Store.from_env()
            result = publish.sign_and_stage(store, project.name, benchmarked["version"])
            uri = store.uri(layout.release(project.name, result["version"]))
            outlet_events[release].extra = {**result, "uri": uri}
            return result

        chosen = fit()
        compiled = compile_images(chosen)
        proved = prove(chosen)
        compiled >> proved
        sign_and_stage(benchmark(proved))

    release_candidate()


for usable in usable_projects():
    release_dag(usable)
