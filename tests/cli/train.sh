# Training: from images to a checkpoint, and every way in which it is interrupted.
. "$SOURCE/tests/cli/lib.sh"

model=$SOURCE/docs/examples/tiny_parser.c
kind=0
mkdir data
for name in ACGAN BEGAN WGAN STARGAN; do
    "$MAKE_IMAGE_SET" "data/$name" $((kind++)) 12 16
done
"$MAKE_IMAGE_SET" real 9 12 16
# train DIR OPTION...: a training as small as they come.
train() {
    local folder=$1
    shift
    "$LGPNC" train "$model" --data=data --real=real --model-dir="$folder" --val-every=2 \
        --no-tune-cache "$@"
}
resume() {
    local folder=$1
    shift
    "$LGPNC" train --resume --model-dir="$folder" --no-tune-cache "$@"
}
# steps FOLDER: the numbers of the steps in its log, one a line.
steps() { sed -n 's/^{"kind": "step", "step": \([0-9]*\),.*/\1/p' "$1/metrics.jsonl"; }

# From beginning to end. It learns: the node loss starts at 55 ln 2.
expect_exit 0 train whole --epochs=12 --display-step=5
expect_stdout '^4 generative models; images: 46 to train on, 14 to test, 12 of all are real$'
expect_stdout '^epoch 1/12  batch 5/5  loss [0-9.]+ \(ce [0-9.]+, real_fake [0-9.e-]+\)  step 5  lr 0.01 '
expect_stdout '^epoch 2: validation node loss [0-9.]+ \(best so far\)'
expect_stdout '^done: 12 epochs, 60 steps; whole/last.safetensors; best validation'
loss=$(sed -n 's/^epoch 12\/12: mean loss \([0-9]*\).*/\1/p' .stdout)
((loss < 12)) || fail "the mean loss is $loss after 12 epochs"
[[ $(steps whole | sort -n | uniq | wc -l) == 60 ]] || fail "60 steps are to be logged"
[[ $(grep -c '"kind": "validation"' whole/metrics.jsonl) == 6 ]] || fail "6 validations"
[[ $(find whole -name 'events.out.tfevents.*' -size +1k | wc -l) == 1 ]] || fail "no event file"
grep -q '"seed": "100"' whole/config.json || fail "config.json lacks the seed"
no_temporary whole

# The files are checkpoints by the names of PyTorch.
head -c 6000 whole/best.safetensors | grep -qa '"pixels.weight":{"dtype":"F32"' || fail "no name"
head -c 6000 whole/best.safetensors | grep -qa '"module\.' && fail "module. in a name"
expect_exit 0 "$LGPNC" run "$model" --weights=whole/best.safetensors --random-inputs=1

# Threads, workers and the cache change no bit.
expect_exit 0 train one --epochs=12 --threads=1 --workers=1 --image-cache=0
expect_exit 0 train two --epochs=12 --threads=2 --workers=3
# last FOLDER...: parameters, states and progress; without the options, which name the folder.
tensors() { tail -c +$((9 + $(od -An -tu8 -N8 "$1/last.safetensors"))) "$1/last.safetensors"; }
same <(tensors one) <(tensors two)
same <(tensors whole) <(tensors two)

# Stopped and resumed: the same bits, and no step twice.
expect_exit 0 train parts --epochs=3
expect_exit 0 resume parts --epochs=7 --threads=1
expect_exit 0 resume parts --epochs=12 --save-every=7
same <(tensors whole) <(tensors parts)
same <(steps whole) <(steps parts)
expect_exit 0 resume parts
expect_stdout '^done: 12 epochs, 60 steps'
expect_exit 0 resume fresh --data=data --epochs=1 "$model"
expect_stderr 'no last.safetensors to resume'

# What a training is a function of stays.
expect_exit 1 resume whole --lr=0.1 --epochs=13
one_error 'whole/last.safetensors: error: this training has --lr=0.01, which cannot become 0.1'
expect_exit 1 resume whole --seed=3 --no-dropout
expect_stderr 'has --seed=100, which cannot become 3'
expect_stderr 'has no --no-dropout'
expect_exit 1 train whole
one_error 'whole: error: a training is here already: --resume'
expect_exit 1 resume whole --epochs=13 --data=real
expect_stderr 'error: '
mkdir -p fewer/ACGAN && cp data/ACGAN/* fewer/ACGAN
expect_exit 1 resume whole --epochs=13 --data=fewer
expect_stderr 'the set of images .* is another one'

# Ctrl-C finishes the step and saves. A shell without job control starts commands deaf to it.
interrupt() {
    local signal=$1 want=$2 folder=$3 got=0 process tries
    env --default-signal=INT "$LGPNC" train "$model" --data=data --real=real --val-every=2 \
        --no-tune-cache --epochs=100000 --model-dir="$folder" >.stdout 2>.stderr &
    process=$!
    for ((tries = 0; tries < 1200; tries++)); do
        ! grep -qs '"step": 30,' "$folder/metrics.jsonl" || break
        sleep 0.05
    done
    kill -s "$signal" $process
    wait $process || got=$?
    [[ $got == "$want" ]] || fail "exit $got, expected $want"
    expect_stderr 'finishing this step and saving'
    expect_stdout "lgpnc train --resume --model-dir=$folder"
    no_temporary "$folder"
}
interrupt INT 130 stopped
interrupt TERM 143 terminated
done_steps=$(sed -n 's/^stopped after step \([0-9]*\) .*/\1/p' .stdout)
((done_steps >= 30)) || fail "stopped after step $done_steps"
[[ $(steps terminated | tail -n 1) == "$done_steps" ]] || fail "the log ends elsewhere"
epochs=$((done_steps / 5 + 1))
expect_exit 0 resume terminated --epochs=$epochs
expect_exit 0 train again --epochs=$epochs
same <(tensors again) <(tensors terminated)

# One training a folder.
env --default-signal=INT "$LGPNC" train --resume --model-dir=stopped --no-tune-cache \
    --epochs=100000 >.out 2>&1 &
process=$!
for ((tries = 0; tries < 1200; tries++)); do
    ! grep -q '^epoch' .out || break
    sleep 0.05
done
expect_exit 1 resume stopped
one_error 'stopped: error: another training is at work in this folder'
kill -s INT $process
wait $process || [[ $? == 130 ]] || fail "the first training does not end"

# A loss that is not finite.
expect_exit 1 train fault --epochs=3 --lr=1e30
expect_stderr '^error: a loss is not finite in step [0-9]+ \(epoch 1, batch [0-9]+, learning rate 1e\+30\)'
expect_stderr 'loss (-?nan|-?inf) loss_ce '
expect_stderr '^  first written by: launch [0-9]+ of [0-9]+, [a-z_0-9]+.*: -?(nan|inf) at element [0-9]+'
expect_stderr '^  data/[A-Z]+/[0-9]+\.(png|jpg)$'
grep -q 'first written by: launch' fault/fault.txt || fail "no fault.txt"
expect_exit 0 "$LGPNC" run "$model" --weights=fault/last.safetensors --random-inputs=1
expect_exit 0 train trial --debug
expect_stdout '^epoch 1/1  batch 4/4 '
[[ -f trial.debug/last.safetensors && ! -e trial ]] || fail "a trial has a folder of its own"
expect_exit 1 train trial --debug --lr=1e30
expect_stderr 'first written by: launch'

# A gradient that is not finite, of a loss that is: no checkpoint gets it.
sed 's|^    output(s, "real_fake".*|&\n    lg_value *tiny = mul(s, real_fake, 1e-30);\n    if (is_training(s)) loss(s, "log", mul(s, mean_all(s, log(s, add(s, mul(s, tiny, tiny), 2e-38))), 1000));|' \
    "$model" >spoiled.c
expect_exit 1 "$LGPNC" train spoiled.c --data=data --real=real --model-dir=spoiled --no-tune-cache
expect_stderr '^error: a gradient is not finite in step 1 \(epoch 1, batch 0, .* loss_log -86[0-9]+'
expect_stderr '^  parameter that it spoiled: [a-z_]+\.'
expect_stderr '^  last.safetensors is from step 0, before it;'
expect_exit 0 "$LGPNC" run spoiled.c --weights=spoiled/last.safetensors --random-inputs=1
expect_exit 1 "$LGPNC" train spoiled.c --data=data --real=real --model-dir=spoiled --no-tune-cache \
    --debug --weights=spoiled/last.safetensors
expect_stderr '^  first written by: launch '

# Nor is it saved by hand.
expect_exit 1 "$LGPNC" run spoiled.c --function=train_step --weights=spoiled/last.safetensors \
    --random-inputs=1 --lr=0.1 --save=spoiled.safetensors --no-tune-cache
expect_stderr '^spoiled.safetensors: error: not written: the steps left pixels.weight with values'
no_file spoiled.safetensors

# A damaged checkpoint.
cp -r whole damaged
printf '\x55' | dd of=damaged/last.safetensors bs=1 seek=9000 conv=notrunc status=none
expect_exit 1 resume damaged --epochs=13
expect_stderr 'damaged/last.safetensors: .*checksum'
expect_stderr '--weights=damaged/best.safetensors begins anew'
expect_exit 0 train anew --weights=damaged/best.safetensors --epochs=1
: >damaged/last.safetensors
expect_exit 1 resume damaged

# No room for a checkpoint: the old one stays. RLIMIT_FSIZE stands for a full disk.
expect_exit 0 train full --epochs=1
cp full/last.safetensors before
bytes=$(stat -c %s before)
(
    trap '' XFSZ
    ulimit -f $((bytes / 1024 / 2 + 1))
    expect_exit 1 resume full --epochs=2
    expect_stderr 'error: .*full/.*cannot write: File too large'
)
same before full/last.safetensors
no_temporary full
expect_exit 0 resume full --epochs=2

# Nobody reads what it says: it trains, and tells in the end.
expect_exit 1 sh -c "\"$LGPNC\" train \"$model\" --data=data --model-dir=unheard --epochs=1 --no-tune-cache >/dev/full"
one_error 'standard output: cannot write'
[[ -s unheard/last.safetensors ]] || fail "no checkpoint"

# Usage and bad data.
expect_exit 2 train bad --epochs=0
one_error 'error: --epochs=0: a number from 1 to'
expect_exit 2 train bad --lr=fast --schedule=linear --sampling=none --cross-val=5
expect_stderr '--lr=fast: a number above 0'
expect_stderr '--schedule=linear: there are released, plateau and constant'
expect_stderr '--sampling=none: there are'
expect_stderr '--cross-val=5: a number from 0 to 4'
expect_exit 2 train bad --lr=1e39 --threads=257
expect_stderr '--lr=1e39: a number above 0'
expect_stderr '--threads=257: a number from 0 to 256'
expect_exit 2 "$LGPNC" train "$model" --model-dir=bad
one_error 'no images: name their folder with --data=DIR'
expect_exit 2 "$LGPNC" train "$model" more
expect_exit 1 "$LGPNC" train "$model" --data=missing --model-dir=bad
one_error 'missing: '
expect_exit 1 train bad --batch-size=1000
expect_stderr 'error: '
expect_exit 1 train none/such
one_error 'none/such: error: cannot be made a folder'
cat >net.ir <<'END'
func @infer(%x: f32[4]) -> (%y: f32[4]) {
  %0 = relu %x : f32[4]
  return %0
}

func @train_step(%x: f32[4], %image: f32[4,8,8,1]) -> (%y: f32[4]) {
  %0 = relu %x : f32[4]
  return %0
}
END
expect_exit 1 "$LGPNC" train net.ir --data=data --model-dir=bad
expect_stderr 'net.ir: training cannot feed @train_step:'
expect_stderr '^  x: there is nothing to give it$'
expect_stderr '^  image: is f32\[4,8,8,1\], training gives f32\[B,S,S,3\]$'
expect_stderr '^  labels: missing, wanted is i32\[B,55\]$'
expect_stderr '^  output y: is no loss, f32\[\]$'

# A broken image is named, and training goes on.
cp -r data broken
head -c 100 data/WGAN/000.png >broken/WGAN/000.png
expect_exit 0 "$LGPNC" train "$model" --data=broken --model-dir=warned --epochs=1 --no-tune-cache
expect_stderr 'warning: broken/WGAN/000.png: .*; another one takes its place'
