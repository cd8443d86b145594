# What compiling and linking for each target needs; sourced by the scripts beside it. prepare_target TARGET FOLDER
# sets `clang_target` and `swift_target` (flags of the two compilers), or ends with what is missing. FOLDER/headers
# then holds what the C library has no headers of.
toolchain=$(dirname "$(dirname "$(swiftc -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')")")
clang=$(command -v clang || echo "$toolchain/bin/clang")
targets="x86_64-musl, x86_64-glibc, aarch64-musl or wasm32-wasi"

fail() {
  echo "${0##*/}: $*" >&2
  exit 2
}

prepare_target() {
  local target=$1 folder=$2 triple
  clang_target=() swift_target=()
  case $target in
    x86_64-musl)
      command -v musl-gcc >/dev/null || fail "musl-gcc is missing (apt-get install musl-tools)"
      triple=x86_64-unknown-linux-gnu
      use_headers "$folder/headers" /usr/include/x86_64-linux-musl \
        /usr/include /usr/include/x86_64-linux-gnu ;;
    x86_64-glibc) triple=x86_64-unknown-linux-gnu ;;
    aarch64-musl)
      cross=.build/aarch64
      tools/embedded/cross-libraries "$cross"
      triple=aarch64-none-none-elf
      clang_target=(--target=aarch64-linux-musl)
      swift_target=(-target "$triple")
      use_headers "$folder/headers" "$cross/usr/include/aarch64-linux-musl" \
        "$cross/usr/include" /usr/aarch64-linux-gnu/include
      for flag in "${clang_target[@]:1}"; do swift_target+=(-Xcc "$flag"); done ;;
    wasm32-wasi)
      library=/usr/lib/wasm32-wasi
      builtins=$(find /usr/lib/llvm-*/lib/clang -name libclang_rt.builtins-wasm32.a 2>/dev/null | sort -V | tail -n 1)
      if [[ ! -f $library/libc.a || -z $builtins ]]; then
        fail "wasi-libc is missing (apt-get install wasi-libc libclang-rt-dev-wasm32)"
      fi
      triple=wasm32-unknown-none-wasm
      clang_target=(--target=wasm32-wasi -msimd128 -nostdlibinc -isystem /usr/include/wasm32-wasi)
      # The stack of calls cannot be written to, and wasi-libc has nothing for its protection.
      swift_target=(-target "$triple" -Xfrontend -disable-stack-protector)
      for flag in "${clang_target[@]:1}"; do swift_target+=(-Xcc "$flag"); done ;;
    *) fail "'$target' is not a target: $targets" ;;
  esac
  if [[ $target == x86_64-* && $(uname -sm) != "Linux x86_64" ]]; then
    fail "$target is built on x86-64 Linux, this is $(uname -sm)"
  fi
  [[ -f $toolchain/lib/swift/embedded/Swift.swiftmodule/$triple.swiftmodule ]] ||
    fail "this Swift toolchain has no Embedded Swift for $triple"
}

# The names of the library's functions.
library_functions() {
  grep -oE '\bsparrow_[a-z_]+\(' Sources/CSparrow/include/sparrow.h | tr -d '(' | LC_ALL=C sort -u
}

# A C library's headers in the place of the compiler's own, and of others those of the kernel and of zlib.
use_headers() {
  local links=$1 library=$2 name place
  shift 2
  mkdir -p "$links"
  for name in linux asm asm-generic zlib.h zconf.h; do
    for place in "$@"; do
      [[ -e $place/$name ]] && ln -sfn "$(realpath "$place/$name")" "$links/$name"
    done
  done
  clang_target+=(-nostdlibinc -isystem "$library" -isystem "$links")
}
