# --matrix-unit: what is built for a CPU that has the unit, and what for one that has not. Nothing
# runs, so that any machine can tell.
. "$SOURCE/tests/cli/lib.sh"

cat >net.ir <<'END'
module @net
param @w: f32[256,256,1,1]
func @infer(%x: f32[1,28,28,256]) -> (%y: f32[1,28,28,256]) {
  %0 = conv2d %x, @w : f32[1,28,28,256]
  %1 = relu %0 : f32[1,28,28,256]
  return %1
}
END

# parts CPU OPTION...: how many parts in bf16 the filter has, nothing where it is as it was.
parts() {
    local cpu=$1
    shift
    "$LGPNC" build net.ir --cpu="$cpu" "$@" --emit=kernel-ir -o net.kir --print-after=matrix-unit 2>net.txt >&2 ||
        fail "no net.kir for $cpu $*"
    sed -n 's/.* split .* : bf16\[\([0-9]\),.*/\1/p' net.txt
}

# expect PARTS CPU OPTION...
expect() {
    local want=$1 got
    shift
    got=$(parts "$@")
    [[ $got == "$want" ]] || fail "$* has '$got' parts, expected '$want'"
    if [[ -n $want ]]; then
        grep -q '^ *dot ' net.kir || fail "$*: the matrix unit is not used"
    else
        ! grep -q '^ *dot ' net.kir || fail "$*: the matrix unit is used"
    fi
}

expect 2 sapphirerapids
expect 2 sapphirerapids --matrix-unit=auto
expect 2 sapphirerapids --matrix-unit=2
expect 3 sapphirerapids --matrix-unit=3
expect '' sapphirerapids --matrix-unit=off
expect '' x86-64-v4 --matrix-unit=2
expect '' aarch64

expect_exit 2 "$LGPNC" build net.ir --matrix-unit=4
expect_stderr 'there are auto, off, 2 and 3'
expect_exit 0 "$LGPNC" build net.ir --cpu=sapphirerapids --emit=object -o net.o
