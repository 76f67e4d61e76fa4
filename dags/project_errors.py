"""No DAGs: an import error of this file names every project.yaml that cannot be used.

Airflow drops all DAGs of a file that raises, so the stage files leave a wrong project out and this
one raises in their place: the error shows as a banner in the UI and in `airflow dags
list-import-errors`, while the DAGs of all other projects go on.
"""

from __future__ import annotations

from tinyops.projects import ProjectError
from tinyops_airflow.usable_projects import project_errors

if errors := project_errors():
    # One text: of a group of exceptions Python prints the first fifteen.
    raise ProjectError("projects without DAGs:\n" + "\n".join(map(str, errors)))
