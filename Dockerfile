# One image for Airflow's components, MLflow, the gateway and its virtual board: docs/compose.md.
FROM python:3.11.15-slim-bookworm

ENV VIRTUAL_ENV=/opt/venv \
    PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    TINYOPS_CACHE=/var/cache/tinyops

WORKDIR /opt/tinyops

# Tasks compile and emulate, so compilers and QEMU stay.
COPY packages.txt ./
RUN apt-get update \
    && xargs apt-get install -y --no-install-recommends <packages.txt \
    && rm -rf /var/lib/apt/lists/*

COPY requirements.txt ./
RUN python -m venv /opt/venv \
    && pip install --no-cache-dir "$(grep '^uv==' requirements.txt)" \
    && uv pip sync --no-cache --compile-bytecode requirements.txt

# Editable, as in a checkout: project files are found beside the library.
COPY pyproject.toml README.md LICENSE ./
COPY include include
COPY plugins plugins
COPY dags dags
COPY docker docker
RUN uv pip install --no-cache --no-deps --no-build-isolation --editable . \
    && python -m compileall -q include plugins dags docker

# A new named volume takes the owner of the folder that it covers.
RUN groupadd --gid 10001 tinyops \
    && useradd --uid 10001 --gid tinyops --create-home --shell /usr/sbin/nologin tinyops \
    && install -d -o tinyops -g tinyops /var/cache/tinyops /var/lib/tinyops/airflow \
        /var/lib/tinyops/auth /var/lib/tinyops/gateway /var/lib/tinyops/keys /var/lib/tinyops/trust
USER 10001:10001

CMD ["tinyops", "--help"]
