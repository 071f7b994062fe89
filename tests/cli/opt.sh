# lgpnc opt: usage, faults, exit codes, a pass from outside, and docs that are up to date.
. "$SOURCE/tests/cli/lib.sh"

cat >ok.ir <<'IR'
module @main

func @infer(%x: f32[4]) -> (%y: f32[4]) {
  %0 = constant {value=2.0} : f32[4]
  %1 = mul %x, %0 : f32[4]
  return %1
}
IR

# Without passes: parsed, verified, printed to the byte; from a file and from standard input.
expect_exit 0 "$LGPNC" opt ok.ir
cmp .stdout ok.ir || fail "printed differently"
"$LGPNC" opt - <ok.ir | cmp - ok.ir || fail "standard input"
expect_exit 0 "$LGPNC" opt ok.ir -o out.ir
cmp out.ir ok.ir || fail "-o differs"

# Values of bf16 are rounded in memory, which is no fault of a pass.
cat >bf16.ir <<'IR'
module @main

param @w: bf16[16,16,3,3]

func @infer(%x: bf16[1,5,7,16]) -> (%y: bf16[1,5,7,16]) {
  %0 = conv2d %x, @w {pad=[1,1]} : bf16[1,5,7,16]
  %1 = relu %0 : bf16[1,5,7,16]
  return %1
}
IR
expect_exit 0 "$LGPNC" opt bf16.ir -O2 --check-each

# Usage.
expect_exit 0 "$LGPNC" --help
expect_stdout '^  opt +run passes'
expect_exit 0 "$LGPNC" opt --help
expect_stdout 'Example:'
expect_exit 2 "$LGPNC"
expect_exit 2 "$LGPNC" otp
expect_stderr 'there is no command `otp`; did you mean `opt`\?'
expect_exit 2 "$LGPNC" opt
expect_stderr 'no FILE given'
expect_exit 2 "$LGPNC" opt ok.ir ok.ir
expect_exit 2 "$LGPNC" opt ok.ir --no-such-option
expect_exit 2 "$LGPNC" opt ok.ir -O7
expect_stderr '-O7: there are -O0'
expect_exit 2 "$LGPNC" opt ok.ir -O1 --passes=dce
expect_exit 2 "$LGPNC" opt ok.ir --target=x86-64-v5
expect_stderr 'did you mean `x86-64-v'

# Faults of the input: exit code 1, nothing on standard output, no file.
expect_exit 1 "$LGPNC" opt missing.ir
expect_stderr 'missing.ir'
expect_exit 1 "$LGPNC" opt .
expect_exit 1 "$LGPNC" opt ok.ir --passes=simplfy -o none.ir
expect_stderr '<pipeline>:1:1: error: .*did you mean `simplify`'
no_file none.ir
[[ ! -s .stdout ]] || fail "output beside an error"
sed 's/f32\[4\]$/f32[5]/' ok.ir >bad.ir
expect_exit 1 "$LGPNC" opt bad.ir
expect_stderr '^bad.ir:5:[0-9]+: error: '
expect_exit 1 "$LGPNC" opt ok.ir -o /nowhere/out.ir
expect_stderr '/nowhere'
expect_exit 1 "$LGPNC" opt ok.ir --passes=fold --dump-dir=/nowhere/at/all --load ./none.so
expect_stderr 'cannot load the pass'

# What it shows.
expect_exit 0 "$LGPNC" opt ok.ir --passes=simplify,dce --time-passes --print-after=all
expect_stderr '^pass +ms +changes'
expect_exit 0 "$LGPNC" opt --list
expect_stdout '^  fold-bn '
expect_exit 0 "$LGPNC" opt --list=markdown
cmp .stdout "$SOURCE/docs/passes.md" ||
    fail "docs/passes.md is out of date: lgpnc opt --list=markdown >docs/passes.md"

# A pass from outside, as docs/writing-a-pass.md has it.
command -v cc >/dev/null || skip "no C compiler"
cc -std=c17 -Wall -Wextra -Werror -shared -fPIC -I"$SOURCE" -o my_pass.so \
    "$SOURCE/docs/examples/my_pass.c"
expect_exit 0 "$LGPNC" opt ok.ir --load my_pass.so --passes=mul-by-two,dce --verify --check-each
expect_stdout '^  %0 = add %x, %x : f32\[4\]$'
! grep -q mul .stdout || fail "the multiplication is still there"
expect_exit 1 "$LGPNC" opt ok.ir --passes=mul-by-two
echo 'int nothing;' >nothing.c
cc -shared -fPIC -o nothing.so nothing.c
expect_exit 1 "$LGPNC" opt ok.ir --load nothing.so
expect_stderr 'does not export `const lg_pass_info lgpnc_pass`'
sed 's/"mul-by-two"/"dce"/' "$SOURCE/docs/examples/my_pass.c" >taken.c
cc -shared -fPIC -I"$SOURCE" -o taken.so taken.c
expect_exit 1 "$LGPNC" opt ok.ir --load taken.so
expect_stderr 'name of a built-in one'
