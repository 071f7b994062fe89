# Networks for another machine: built here, weights packed here, run there (by qemu); the results
# are those of this machine.
. "$SOURCE/tests/cli/lib.sh"

unset CC # a sanitized build's
gcc=aarch64-linux-gnu-gcc
for program in $gcc qemu-aarch64; do
    command -v $program >/dev/null || skip "there is no $program"
done

# driver CC OUT OPTION...: the program that runs an artifact.
driver() {
    local cc=$1 out=$2
    shift 2
    "$cc" -O2 -std=c17 -Wall -Wextra -Werror -D_GNU_SOURCE -I"$SOURCE" -pthread \
        "$SOURCE/tests/cross/driver.c" "$SOURCE/runtime/threads.c" "$@" -lm -o "$out"
}

# agree MODEL: an object with its weights, and a library.
agree() {
    "$LGPNC" init "$1" --seed=3 -o w.safetensors
    "$LGPNC" build "$1" --weights=w.safetensors --emit=object --name=net -o here.o >.stdout 2>&1
    driver cc here -DARTIFACT=net_artifact here.o
    expect_exit 0 ./here infer - here.bin

    expect_exit 0 "$LGPNC" build "$1" --weights=w.safetensors --emit=object --name=net -o there.o \
        --cpu=aarch64
    expect_stdout '^there.o: an object and its header of .* for aarch64'
    driver $gcc there -static -DARTIFACT=net_artifact there.o
    expect_exit 0 qemu-aarch64 ./there infer - there.bin
    expect_exit 0 ./here infer --compare here.bin there.bin

    "$LGPNC" build "$1" --weights=w.safetensors --emit=shared -o there.so --cpu=aarch64 \
        --triple=aarch64-linux-gnu >.stdout 2>&1
    driver $gcc shared ./there.so -Wl,-rpath,.
    expect_exit 0 qemu-aarch64 -L /usr/aarch64-linux-gnu ./shared infer - shared.bin
    same there.bin shared.bin
}

small=lgpn:image=32,width=8,feat=32,dim=16,blocks=1-1-1-1
agree resnet:depth=18,image=32,classes=10
agree $small

# ---- what is missing is named
cat >net.ir <<'END'
module @net
func @infer(%x: f32[1,7,9,3]) -> (%y: f32[1,7,9,3]) {
  %0 = relu %x : f32[1,7,9,3]
  return %0
}
END
expect_exit 1 env PATH=/nowhere "$LGPNC" build net.ir --emit=shared --cpu=aarch64
one_error 'no aarch64-linux-gnu-gcc to link for aarch64-unknown-linux-gnu'
expect_stderr 'Debian: gcc-aarch64-linux-gnu'
expect_exit 0 env PATH=/nowhere "$LGPNC" build net.ir --emit=object --cpu=aarch64
expect_exit 1 "$LGPNC" build net.ir --emit=shared --cpu=aarch64 --cc=/nowhere/cc
one_error 'can.t run /nowhere/cc'
expect_exit 0 "$LGPNC" build net.ir --emit=shared --cpu=aarch64 --cc="$gcc -g"
LGPNC_LIB=nowhere expect_exit 1 "$LGPNC" build $small --weights=w.safetensors --cpu=aarch64 -o exe
expect_stderr 'runtime, which is not in nowhere/aarch64'
no_temporary
