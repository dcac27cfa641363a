# syntax=docker/dockerfile:1

# -- the pages -------------------------------------------------------------------------------------
FROM node:22-bookworm-slim AS pages
WORKDIR /web
COPY web/package.json web/package-lock.json web/.npmrc ./
RUN npm ci --no-audit --no-fund
COPY web/ ./
RUN npm run build

# -- the Python environment ------------------------------------------------------------------------
FROM python:3.11-slim-bookworm AS environment
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
COPY requirements/runtime.lock requirements/build.lock /requirements/
# Two environments: what builds the package does not travel with it.
RUN python -m venv /opt/ivr-bridge \
    && /opt/ivr-bridge/bin/pip install --require-hashes --no-deps --only-binary :all: \
        -r /requirements/runtime.lock \
    && python -m venv /opt/build \
    && /opt/build/bin/pip install --require-hashes --no-deps --only-binary :all: \
        -r /requirements/build.lock
WORKDIR /source
COPY pyproject.toml README.md ./
COPY core core
COPY messaging messaging
COPY handoff handoff
COPY ivr_bridge ivr_bridge
COPY config config
COPY sandbox sandbox
COPY migrations migrations
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
    && /opt/ivr-bridge/bin/pip install --no-deps --no-index /wheels/*.whl \
    && /opt/ivr-bridge/bin/pip uninstall --yes pip \
    && /opt/build/bin/python -m compileall -q /opt/ivr-bridge/lib

# -- what runs -------------------------------------------------------------------------------------
FROM python:3.11-slim-bookworm
# PID 1 must reap: a process that dies as a zombie keeps its locks.
# No version of tini is named: Debian keeps one a release, and replaces it when it is mended.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --gid 10001 ivr-bridge \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin ivr-bridge \
    && install --directory --owner 10001 --group 10001 --mode 0750 /var/lib/ivr-bridge
COPY --from=environment /opt/ivr-bridge /opt/ivr-bridge
COPY --from=pages /web/dist /opt/ivr-bridge/web
ENV PATH=/opt/ivr-bridge/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LISTEN=0.0.0.0:8080 \
    METRICS_LISTEN=0.0.0.0:9180 \
    IVR_BRIDGE_WEB_DIST=/opt/ivr-bridge/web \
    IVR_BRIDGE_MEDIA__URL=file:///var/lib/ivr-bridge/media
WORKDIR /var/lib/ivr-bridge
VOLUME ["/var/lib/ivr-bridge"]
USER 10001:10001
# 8080: people, IVRs and messengers. 9180: operations, never published.
EXPOSE 8080 9180
# Both `serve` and `work` answer here; liveness only, so that a lost database restarts nobody.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9180/livez', timeout=2).read()"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["tini", "--", "ivr-bridge"]
CMD ["serve"]
