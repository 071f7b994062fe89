# A user's own C file goes the way of every model.
. "$SOURCE/tests/cli/lib.sh"

cp "$SOURCE/docs/examples/tiny_net.c" .
expect_exit 0 "$LGPNC" models ./tiny_net.c:width=8
expect_stdout '^tiny_net$'
"$LGPNC" init ./tiny_net.c:width=8 --seed=3 -o w.safetensors
"$LGPNC" build ./tiny_net.c:width=8 --weights=w.safetensors --emit=shared -o tiny.so >.stdout 2>.stderr
expect_exit 0 "$LGPNC" run tiny.so --random-inputs=1 --output-dir=out
expect_stdout '^time: '
[[ -s out/probabilities.npy ]]
expect_exit 1 "$LGPNC" run ./tiny_net.c:width=16 --weights=w.safetensors --random-inputs=1
expect_stderr 'do not fit'
expect_exit 1 "$LGPNC" build ./tiny_net.c:wdth=8 --emit=ir
expect_stderr 'did you mean "width"'
