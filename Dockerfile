# syntax=docker/dockerfile:1

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
ARG VERSION=dev
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/coffer ./cmd/coffer \
    && mkdir /out/data

# no shell and no package manager; certificates, time zones and an unprivileged user
FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/coffer /coffer
# a new volume takes its owner from the image
COPY --from=build --chown=nonroot:nonroot /out/data /data
ENV COFFER_DATA_DIR=/data \
    COFFER_HTTP_ADDR=0.0.0.0:8080
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["/coffer", "health"]
ENTRYPOINT ["/coffer"]
CMD ["serve"]
