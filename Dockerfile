# syntax=docker/dockerfile:1.7
# Linkloom as one binary in a small image. Build: `docker build -t linkloom:dev .`; the first build takes minutes, later
# ones find crates and objects in the cache mounts.

FROM rust:1.95.0-slim-bookworm AS build
# librdkafka comes with its crate as source and is linked statically: that needs a C and a C++ compiler, make, and the
# headers of zlib (for gzip in topics).
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ make zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --bin linkloom \
    && install -D target/release/linkloom /out/linkloom
# Not stripped: the line tables make a backtrace worth reading.

# The same Debian as the builder's, so that the C library the binary was linked against is there.
FROM debian:bookworm-20260824-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates curl zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/linkloom --create-home --shell /usr/sbin/nologin linkloom
COPY --from=build /out/linkloom /usr/local/bin/linkloom
USER linkloom
# An embedded store, spilled windows: whatever has to outlive the container or does not fit into memory.
WORKDIR /var/lib/linkloom
VOLUME /var/lib/linkloom
ENV TMPDIR=/var/lib/linkloom
EXPOSE 7070
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["curl", "--fail", "--silent", "--show-error", "--max-time", "2", "http://127.0.0.1:7070/healthz"]
ENTRYPOINT ["linkloom"]
CMD ["serve", "--config", "/etc/linkloom/linkloom.toml", "--listen", "127.0.0.1:7070"]
