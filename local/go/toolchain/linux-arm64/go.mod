module job-wq-2/local/toolchain

go 1.16

require golang.org/toolchain v0.0.1-go1.26.8.linux-arm64
