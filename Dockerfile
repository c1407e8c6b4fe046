# The image of mackerel-ecs: the program and what it is linked with, on nothing.
#
#     docker buildx build --platform linux/amd64,linux/arm64 -t mackerel-ecs .
#
# The base is pinned by its digest, of which `docker buildx imagetools inspect` shows the newest.

ARG RUST_IMAGE=docker.io/library/rust:1.95-slim-bookworm@sha256:d7482085ff5b415f84dba5647ae71606650bdef00db7aeb69f4b3d170c3e4082

#checkov:skip=CKV_DOCKER_7:The argument has a tag and a digest.
FROM ${RUST_IMAGE} AS build
WORKDIR /build
COPY Cargo.toml Cargo.lock build.rs ./
COPY src src
# What --version tells: there is no repository here.
ARG REVISION
ARG SOURCE_DATE_EPOCH
ENV MACKEREL_ECS_REVISION=${REVISION} SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH}
RUN cargo build --profile image --locked --no-default-features
COPY image image
RUN image/rootfs.sh target/image/mackerel-ecs /rootfs

# By its name another builder can put a directory in place of what was built here.
FROM scratch AS rootfs
COPY --from=build /rootfs /

#checkov:skip=CKV_DOCKER_2:ECS passes over it, and the listener that it would ask is off by default.
FROM scratch
ARG VERSION=0.1.0
LABEL org.opencontainers.image.title="mackerel-ecs" \
      org.opencontainers.image.description="Amazon ECS on Mackerel, without an agent" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
# All of it is wanted: image/rootfs.sh lays it out file by file.
# hadolint ignore=DL3067
COPY --from=rootfs / /
USER 65532:65532
# Without a command it is the sidecar where mackerel-container-agent was, else it says what there is.
ENTRYPOINT ["/mackerel-ecs"]
