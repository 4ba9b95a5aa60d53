# One image a process: `bot` has no torch and no GPU, `engine` has both. Neither runs as root nor writes outside /data.
# `launch` looks after the process and replaces it when it hangs. `make pin` writes the base image's digest here.
ARG BASE=python:3.11-slim-bookworm
FROM ${BASE} AS ground
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 STYLESEAL_DATA=/data HOME=/tmp
WORKDIR /app
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin styleseal \
    && mkdir /data && chown styleseal:styleseal /data

FROM ground AS bot
COPY locks/bot.txt ./locks/
RUN pip install --require-hashes --no-deps --requirement locks/bot.txt
COPY pyproject.toml ./
COPY storage ./storage
COPY launch ./launch
COPY bot ./bot
RUN pip install --no-deps --no-build-isolation --editable .
USER styleseal
VOLUME /data
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["python", "-m", "bot", "doctor", "--alive"]
ENTRYPOINT ["python", "-m", "launch", "bot"]

FROM ground AS engine
COPY locks/engine.txt locks/torch.txt ./locks/
RUN pip install --require-hashes --no-deps --requirement locks/engine.txt \
    && pip install --constraint locks/torch.txt torch
COPY pyproject.toml ./
COPY storage ./storage
COPY launch ./launch
COPY engine ./engine
COPY emoji_sd/__init__.py ./emoji_sd/__init__.py
COPY emoji_sd/weights ./emoji_sd/weights
RUN pip install --no-deps --no-build-isolation --editable .
USER styleseal
VOLUME /data
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s CMD ["python", "-m", "engine", "alive"]
ENTRYPOINT ["python", "-m", "launch", "engine"]
