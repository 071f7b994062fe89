# Training by hand: `run --function=train_step` in memory and by a library, what it saves, and what it
# refuses.
. "$SOURCE/tests/cli/lib.sh"

unset CC
cp "$SOURCE/docs/examples/softmax.ir" .
make_npy x.npy '<f4' '64, 2' "$(for i in {1..32}; do printf '\\0\\0\\x80\\x3f\\0\\0\\0\\xbf\\0\\0\\0\\xc0\\0\\0\\0\\x3f'; done)"
make_npy labels.npy '<i4' '64,' "$(for i in {1..32}; do printf '\\1\\0\\0\\0\\3\\0\\0\\0'; done)"
make_npy labels64.npy '<i8' '64,' "$(for i in {1..32}; do printf '\\1\\0\\0\\0\\0\\0\\0\\0\\3\\0\\0\\0\\0\\0\\0\\0'; done)"
make_npy large.npy '<i8' '64,' "$(for i in {1..64}; do printf '\\0\\0\\0\\0\\1\\0\\0\\0'; done)"
expect_exit 0 "$LGPNC" init softmax.ir -o w.safetensors

inputs=(--input=x=x.npy --input=labels=labels.npy --learning-rate=0.5)
train=("$LGPNC" run softmax.ir --function=train_step "${inputs[@]}")
unlabelled=("$LGPNC" run softmax.ir --function=train_step --input=x=x.npy --learning-rate=0.5)

# The loss falls; seven steps are five and two; neither threads nor a library change a bit.
expect_exit 0 "${train[@]}" --weights=w.safetensors --steps=7 --threads=1 --save=seven.safetensors
expect_stdout '^time: .* 7 runs, 1 thread$'
first=$(sed -n 's/^step 1: loss //p' .stdout) last=$(sed -n 's/^step 7: loss //p' .stdout)
awk -v a="$first" -v b="$last" 'BEGIN { exit !(b < a / 2) }' || fail "loss from $first to $last"
expect_exit 0 "${train[@]}" --weights=w.safetensors --steps=5 --threads=2 --save=five.safetensors
expect_exit 0 "${train[@]}" --weights=five.safetensors --steps=2 --save=two.safetensors --output-dir=out
same seven.safetensors two.safetensors
[[ -s out/loss.npy ]] || fail "no loss written"
expect_exit 0 "$LGPNC" build softmax.ir --function=train_step --emit=shared -o softmax.so
expect_exit 0 "$LGPNC" run softmax.so --function=train_step "${inputs[@]}" --weights=w.safetensors \
    --steps=7 --save=library.safetensors
same seven.safetensors library.safetensors
expect_exit 0 "${unlabelled[@]}" --input=labels=labels64.npy --weights=w.safetensors
expect_stdout "^step 1: loss $first\$"

# A loss that is not finite changes nothing.
make_npy far.npy '<f4' '64, 2' "$(for i in {1..128}; do printf '\\0\\0\\x80\\x7f'; done)"
expect_exit 0 "$LGPNC" run softmax.ir --function=train_step --input=x=far.npy \
    --input=labels=labels.npy --learning-rate=1 --weights=seven.safetensors --save=same.safetensors
same seven.safetensors same.safetensors

# fault PATTERN ARGUMENT...: an input's fault.
fault() {
    local pattern=$1
    shift
    expect_exit 1 "${train[@]}" "$@"
    expect_stderr "$pattern"
}

fault 'no weights' --save=no.safetensors
fault '--repeat: train_step changes parameters' --weights=w.safetensors --repeat=2
fault '/nowhere/s: cannot write' --weights=w.safetensors --save=/nowhere/s
fault 'No space left on device' --weights=w.safetensors --save=/dev/full
expect_stderr 'the checkpoint was not saved'
head -c -1 seven.safetensors >damaged.safetensors
printf '\377' >>damaged.safetensors
fault 'damaged.safetensors: damaged: its contents have the checksum' --weights=damaged.safetensors
head -c -20 seven.safetensors >short.safetensors
fault 'short.safetensors' --weights=short.safetensors
make_safetensors part.safetensors '{"b":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}' \
    "$(printf '\\0%.0s' {1..16})"
fault 'w: missing, wanted is f32\[4,2\]' --weights=part.safetensors
expect_exit 1 "${unlabelled[@]}" --input=labels=large.npy --weights=w.safetensors
one_error 'labels: element 0 is 4294967296, which i32 cannot hold'
expect_exit 1 "$LGPNC" run softmax.ir --input=x=x.npy --weights=w.safetensors --steps=2
one_error '--steps: infer changes no parameters'
expect_exit 1 "$LGPNC" run softmax.ir --function=train_step --input=x=x.npy \
    --input=labels=labels.npy --weights=w.safetensors
expect_stderr 'learning_rate: missing'
expect_exit 1 "$LGPNC" run softmax.so --input=x=x.npy --weights=w.safetensors
expect_stderr 'no function infer'
expect_exit 1 "$LGPNC" build softmax.ir --function=loss_and_grad --emit=shared -o no.so
one_error 'softmax.ir: error: has no function loss_and_grad'
expect_exit 1 "$LGPNC" build lgpn --function=train --emit=shared -o no.so
one_error 'has no function train, but infer, loss_and_grad and train_step'
expect_exit 1 "$LGPNC" build softmax.ir --function=train_step --emit=shared -o no.so \
    --weights=w.safetensors
one_error 'reads no packed weights'
expect_exit 2 "$LGPNC" build softmax.ir --function=train_step --weights=w.safetensors -o no
one_error 'an executable only predicts'
no_file no.so no no.safetensors
no_temporary
