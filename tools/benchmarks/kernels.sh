#!/bin/sh
# Builds and runs the kernel benchmark: tools/benchmarks/kernels.sh [isa]
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${TMPDIR:-/tmp}/sparrow-kernel-benchmark.$$
trap 'rm -f "$build"' EXIT
${CC:-clang} -O2 -I "$root/Sources/CKernels/include" "$root"/Sources/CKernels/*.c "$root/tools/benchmarks/kernels.c" \
  -o "$build" -lm
"$build" "$@"
