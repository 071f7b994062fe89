# Killed at any moment, a training resumes from a whole checkpoint and ends in the same bits.
. "$SOURCE/tests/cli/lib.sh"

mkdir data
kind=0
for name in ACGAN BEGAN WGAN; do
    "$MAKE_IMAGE_SET" "data/$name" $((kind++)) 8 16
done
# A library starts fast: its model is compiled once.
"$LGPNC" build "$SOURCE/docs/examples/tiny_parser.c:batch=4" --function=train_step --function=infer \
    --emit=shared -o model.so >.stdout 2>.stderr
train() {
    "$LGPNC" train model.so --data=data --cross-val=2 --save-every=1 --val-every=3 --threads=1 --workers=1 "$@"
}

kills=0
RANDOM=7
while ((kills < 50)); do
    # A group of its own: the command and the process that does its work end together. Most of the
    # time goes into steps and saving, some into starting.
    setsid "$LGPNC" train model.so --data=data --cross-val=2 --save-every=1 --val-every=3 --threads=1 --workers=1 \
        --epochs=100000 --resume --model-dir=killed >.stdout 2>.stderr &
    process=$!
    sleep "0.$(printf %03d $((RANDOM % 400)))"
    kill -s KILL -- -$process 2>.kill || true
    got=0
    wait $process 2>.wait || got=$?
    [[ $got == 137 ]] || fail "exit $got"
    kills=$((kills + 1))
    [[ ! -e killed/last.safetensors ]] ||
        expect_exit 0 "$LGPNC" run model.so --weights=killed/last.safetensors --random-inputs=1
done
[[ -e killed/last.safetensors ]] || fail "no kill came after the first checkpoint: this tests nothing"

# To the end of the epoch behind the last that it began, and the same without a kill: one epoch at
# least is left, since the last of a training is validated, which one with more to come is not.
last=$(tail -n 1 killed/metrics.jsonl)
epochs=$(($(sed 's/.*"epoch": \([0-9]*\).*/\1/' <<<"$last") + 2))
expect_exit 0 train --resume --model-dir=killed --epochs=$epochs
no_temporary killed
expect_exit 0 train --model-dir=whole --epochs=$epochs
tensors() { tail -c +$((9 + $(od -An -tu8 -N8 "$1"))) "$1"; }
same <(tensors whole/last.safetensors) <(tensors killed/last.safetensors)
same <(tensors whole/best.safetensors) <(tensors killed/best.safetensors)
steps() { grep -o '^{"kind": "[a-z]*", "step": [0-9]*, "epoch": [0-9]*' "$1/metrics.jsonl"; }
same <(steps whole) <(steps killed)
(($(steps whole | wc -l) > 20)) || fail "hardly a step between the kills: this tests nothing"
