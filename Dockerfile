# syntax=docker/dockerfile:1
# The image holds the program and the five files of glibc it is linked to, taken from the one pinned base: no shell,
# no package manager. A site with bases of its own: --build-arg BUN_IMAGE=… --build-arg BASE_IMAGE=…
ARG BUN_IMAGE=docker.io/oven/bun:1.4.5-slim
ARG BASE_IMAGE=scratch

FROM ${BUN_IMAGE} AS build
WORKDIR /build
# Before the sources, so that the dependencies are fetched anew only when they change.
COPY package.json bun.lock bunfig.toml ./
RUN bun install --frozen-lockfile --production --ignore-scripts
COPY tsconfig.json ./
COPY drizzle drizzle
COPY scripts/build.ts scripts/build.ts
COPY src src
COPY standins standins
RUN bun scripts/build.ts /build/pollux && mkdir -p /build/root/data /build/root/tmp && \
    ldd /build/pollux | grep -o '/[^ )]*' | xargs -I{} cp --parents -L {} /build/root

FROM ${BASE_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Pollux" \
      org.opencontainers.image.description="A Gemini-style AI chat backend in one file" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /build/root /
COPY --from=build /build/pollux /usr/local/bin/pollux
# A volume takes the owner of the folder it is mounted on first.
COPY --from=build --chown=65532:65532 /build/root/data /data
COPY --from=build --chown=65532:65532 /build/root/data /backups
# Numeric, so that runAsNonRoot can be checked without a passwd file.
USER 65532:65532
WORKDIR /data
ENV NODE_ENV=production \
    HOST=0.0.0.0 \
    PORT=3000 \
    DATABASE_URL=file:/data/pollux.db
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 CMD ["/usr/local/bin/pollux", "healthcheck"]
# The program itself is PID 1: it handles signals, and reaps the one kind of child it starts, a backup.
ENTRYPOINT ["/usr/local/bin/pollux"]
CMD ["serve"]
