# lgpnc bench: its options, its files, and what it refuses. That JSON is JSON and SVG is XML is
# tested in test_bench.c; no time is tested anywhere.
. "$SOURCE/tests/cli/lib.sh"

cat >net.ir <<'IR'
func @infer(%x: f32[1,16,16,32]) -> (%y: f32[1,16,16,32]) {
  %0 = relu %x : f32[1,16,16,32]
  return %0
}
IR

# The table, with and without the machine.
expect_exit 0 "$LGPNC" bench net.ir --repeat=2 --threads=2
expect_stdout '^kernel .* % roof  first launch$'
expect_stdout '^all kernels '
expect_stdout '^machine: peak [0-9.]+ GFLOP/s'
expect_stdout '^roofline: [0-9.]+ ms for all kernels'
expect_exit 0 "$LGPNC" bench net.ir --repeat=1 --no-roofline --launches
! grep -Eq 'roof|machine' .stdout || fail "a roofline that nobody wanted"

# All files at once; nothing else is left.
expect_exit 0 "$LGPNC" bench net.ir --repeat=3 --json --roofline=plot.svg --chrome-trace=trace.json
cp .stdout before.json
for field in median_ms min_ms peak_gflops memory_gbs l2_gbs percent kernel ms flops bytes gflops \
    gbs roofline_ms roofline_percent bound; do
    expect_stdout "\"$field\": "
done
tail -n 1 plot.svg | grep -q '^</svg>$' || fail "plot.svg does not end"
grep -q '<circle .*<title>relu' plot.svg || fail "no dot for the kernel"
grep -q '"traceEvents":\[.*"name":"thread_name"' trace.json || fail "trace.json has no threads"
grep -q '"cat":"part"' trace.json || fail "trace.json has no parts"
no_temporary

# Against a former run.
expect_exit 0 "$LGPNC" bench net.ir --repeat=2 --compare=before.json --no-roofline
expect_stdout '^kernel .* speedup  first launch$'
expect_stdout '^relu .* [0-9.]+x'
expect_stdout '^before: median [0-9.]+ ms; speedup [0-9.]+x$'
expect_exit 0 "$LGPNC" bench net.ir --repeat=2 --compare=before.json --no-roofline --json
expect_stdout '"before_ms": '

# Faults are told before any work, and leave nothing.
rm plot.svg trace.json
fault() {
    local pattern=$1
    shift
    expect_exit 1 "$LGPNC" bench net.ir "$@"
    one_error "$pattern"
    no_file plot.svg trace.json
    no_temporary
}
fault '/nowhere/plot.svg: cannot write' --roofline=/nowhere/plot.svg --chrome-trace=trace.json
fault 'Is a directory' --chrome-trace=.
fault 'net.ir:1:[0-9]+: error: no JSON' --compare=net.ir --roofline=plot.svg
fault 'cannot open' --compare=none.json
echo '{"median_ms": 1, "kernels": [{"kernel": "relu"}]}' >half.json
fault 'kernel 0 has no' --compare=half.json
echo '[]' >other.json
fault 'not what .lgpnc bench --json. writes' --compare=other.json
fault 'no function' --function=train --roofline=plot.svg

usage() {
    local pattern=$1
    shift
    expect_exit 2 "$LGPNC" bench "$@"
    one_error "$pattern"
}
usage 'name a file' net.ir --roofline=-
usage 'are for CPUs' net.ir --cpu=cuda --roofline=plot.svg
usage 'exclude each other' net.ir --roofline=plot.svg --no-roofline
usage 'the same file' net.ir --roofline=plot.svg --chrome-trace=plot.svg
