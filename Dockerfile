# Any image will do that has python3 (3.11 or newer). Both stages stand on the same one, since the environment points
# at its interpreter.
ARG PYTHON_IMAGE=python:3.12-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /build
# Debian's python3 comes without what makes virtual environments; images made for Python have it. No version
# is named, since it is the base's own release that decides, and the stage is thrown away.
# hadolint ignore=DL3008
RUN python3 -c "import ensurepip" 2>/dev/null \
 || (apt-get update && apt-get install -y --no-install-recommends python3-venv && rm -rf /var/lib/apt/lists/*)
COPY requirements-build.txt requirements.txt ./
# A package index of your own: docker build --secret id=pip,src=$HOME/.config/pip/pip.conf …
RUN --mount=type=secret,id=pip,target=/root/.config/pip/pip.conf \
    python3 -m venv /opt/watchdog \
 && python3 -m venv /opt/builder \
 && /opt/watchdog/bin/python -m pip install --require-hashes -r requirements.txt \
 && /opt/builder/bin/python -m pip install --require-hashes -r requirements-build.txt
COPY pyproject.toml README.md LICENSE settings.example.env compose.yaml ./
COPY rules rules
COPY watchdog watchdog
# The wheel is built apart, so that no build tool stays in the image; pip leaves with its work done. So do the libraries'
# own tests and what only compilers and editors read, a quarter of the size.
RUN /opt/builder/bin/python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/watchdog/bin/python -m pip install --no-deps --no-index --no-compile /wheels/*.whl \
 && /opt/watchdog/bin/python -m pip uninstall -y setuptools pip \
 && find /opt/watchdog/lib -depth -type d \( -name __pycache__ -o -name tests -o -path '*/numpy/f2py' \
      -o -path '*/numpy/_core/include' -o -path '*/sqlalchemy/testing' \) -exec rm -r {} + \
 && find /opt/watchdog/lib -name '*.pyi' -delete \
 && mkdir /data
# Only what the service loads is kept compiled; the rest is compiled when it is first needed.
RUN /opt/watchdog/bin/watchdog test rules > /dev/null \
 && WATCHDOG_RULES=rules /opt/watchdog/bin/watchdog check \
 && /opt/watchdog/bin/python -c "import sqlalchemy.dialects.sqlite, watchdog.app.startup, watchdog.commands.run, watchdog.probe"

FROM ${PYTHON_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="streamkap-watchdog" \
      org.opencontainers.image.description="Alerting and health checks for Streamkap pipelines" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/watchdog /opt/watchdog
COPY rules /rules
COPY LICENSE /licenses/LICENSE
# A number, not a name: Kubernetes' runAsNonRoot can check it, and no base needs a tool that makes users.
COPY --from=build --chown=10001:10001 /data /data
USER 10001:10001
# Nothing but /data (the database) and /tmp is written: run it with a read-only root file system.
ENV PATH=/opt/watchdog/bin:$PATH \
    HOME=/tmp \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    WATCHDOG_RULES=/rules \
    WATCHDOG_DATABASE_URL=sqlite:////data/watchdog.db \
    WATCHDOG_LISTEN=0.0.0.0:8080
WORKDIR /data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["python3", "-m", "watchdog.probe"]
ENTRYPOINT ["watchdog"]
CMD ["run"]
