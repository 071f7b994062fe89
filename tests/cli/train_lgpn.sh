# A small LGPN, from end to end: it learns a set by heart, in the same bits for any number of threads and
# when it is resumed, and what was trained predicts.
. "$SOURCE/tests/cli/lib.sh"

model=lgpn:image=32,width=8,feat=32,dim=16,blocks=1-1-1-1,batch=8
kind=0
mkdir data
for name in ACGAN BEGAN WGAN STARGAN; do
    "$MAKE_IMAGE_SET" "data/$name" $((kind++)) 24 32
done
"$MAKE_IMAGE_SET" real 9 24 32

# Compiled once, for all that follows.
expect_exit 0 "$LGPNC" build $model --function=train_step --function=infer --emit=shared \
    --no-tune-cache -o lgpn.so
expect_exit 0 "$LGPNC" init $model --seed=100 -o initial.safetensors
train() {
    local folder=$1
    shift
    "$LGPNC" train lgpn.so --data=data --real=real --cross-val=0 --weights=initial.safetensors \
        --lr=0.003 --model-dir="$folder" "$@"
}

expect_exit 0 train whole --epochs=14 --threads=2
expect_stdout '^done: 14 epochs, '
# node_loss ORDER: of the first or last epoch.
node_loss() { sed -n 's/^{"kind": "epoch".*"loss_ce": \([0-9]*\).*/\1/p' whole/metrics.jsonl | "$@"; }
(($(node_loss head -n 1) > 20)) || fail "the node loss starts at $(node_loss head -n 1)"
(($(node_loss tail -n 1) < 8)) || fail "the node loss ends at $(node_loss tail -n 1)"

# One thread, stopped and resumed: the same parameters, moments and statistics.
expect_exit 0 train parts --epochs=5 --threads=1 --workers=1
expect_exit 0 "$LGPNC" train --resume --model-dir=parts --epochs=14 --threads=1
tensors() { tail -c +$((9 + $(od -An -tu8 -N8 "$1"))) "$1"; }
same <(tensors whole/last.safetensors) <(tensors parts/last.safetensors)

# It tells the four models apart, and real images from theirs.
expect_exit 0 "$LGPNC" eval lgpn.so --weights=whole/last.safetensors --data=data --real=real \
    --cross-val=0 --split=train --pairs=0 --json
[[ ! -s .stderr ]] || fail "something to say about a checkpoint of its own"
# score NAME: in thousandths, of the first object that has it.
score() { sed -n "s/.*\"$1\": \([0-9.]*\).*/\1/p" .stdout | head -n 1 | awk '{ print int(1000 * $1) }'; }
(($(score node_loss) < 10000)) || fail "node loss $(score node_loss) / 1000"
accuracies=$(grep -c '"node_accuracy": \(1\|0\.9\)' .stdout) || true
[[ $accuracies == 4 ]] || fail "$accuracies of 4 models have nine of ten nodes right"
expect_exit 0 "$LGPNC" predict ${model%,batch=8} --weights=whole/last.safetensors \
    data/WGAN/000.png data/ACGAN/000.png
yes=$(sed -n 's/^  WGAN  *\([a-z]*\) .*/\1/p' .stdout)
[[ $yes == yes$'\n'no ]] || fail "of WGAN and ACGAN the loss of WGAN is said to be of: $yes"

# Another variant does not fit, and the user is told which does.
expect_exit 1 "$LGPNC" build lgpn:image=32,width=16,feat=32,dim=16,blocks=1-1-1-1 \
    --weights=whole/last.safetensors --emit=object -o other.o
expect_stderr "GTC.conv1.weight: is f32\[8,3,7,7\], wanted is f32\[16,3,7,7\]"
expect_stderr "the file is a checkpoint of $model: name that one"
no_file other.o
