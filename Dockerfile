# hwbench in a container, from a checkout:
#
#     docker build --tag hwbench .
#     docker run --rm hwbench                                    # the quick set, and its summary
#     docker run --rm --volume "$PWD/reports:/home/hwbench/reports" hwbench run --preset standard
#     docker run --rm hwbench machine                            # what the container hides, and what lifts it
#
# A container sees the host's CPUs and memory, so that figures are the host's; what it hides are other processes, hardware
# counters and where pages lie. With --cap-add PERFMON --cap-add SYS_NICE --pid host it sees these, too; a quota (--cpus)
# bends figures, a set of CPUs (--cpuset-cpus) does not.
FROM python:3.13-slim-bookworm AS build
# git states the version; the packages are those of the image's Debian.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN python -m venv /opt/hwbench \
    && /opt/hwbench/bin/python -m pip install --no-cache-dir --no-compile .

FROM python:3.13-slim-bookworm
# OpenMP, for Numba's threads.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 hwbench
COPY --from=build /opt/hwbench /opt/hwbench
ENV PATH=/opt/hwbench/bin:$PATH \
    PYTHONUNBUFFERED=1
USER 1000
WORKDIR /home/hwbench
# Written by this user, so that a volume which is mounted here for the first time is, too.
RUN mkdir reports
ENTRYPOINT ["hwbench"]
CMD ["run", "--preset", "quick"]
