# A variant of LGPN and the baseline, from training to scores: what they lack is told, not a fault.
. "$SOURCE/tests/cli/lib.sh"

kind=0
mkdir data
for name in ACGAN BEGAN FGAN STARGAN; do
    "$MAKE_IMAGE_SET" "data/$name" $((kind++)) 8 16
done
"$MAKE_IMAGE_SET" real 9 8 16
images=(--data=data --real=real)
photo=$(find data/ACGAN -type f | sort | head -n 1)

# train MODEL FOLDER LOSSES: two epochs, whose losses have these names; the second is lower.
train() {
    expect_exit 0 "$LGPNC" train "$1,batch=4" "${images[@]}" --model-dir="$2" --epochs=2 --lr=0.001 \
        --display-step=100 --no-tune-cache
    expect_stdout '^epoch 1: validation node loss [0-9.]+ \(best so far\)'
    head -n 1 "$2/metrics.jsonl" >.stdout
    expect_stdout "$3"
    awk '/"kind": "epoch"/ { split($0, at, "\"loss\": "); loss[n++] = at[2] + 0 }
        END { exit !(n == 2 && loss[1] < loss[0]) }' "$2/metrics.jsonl" || fail "$1 does not learn"
}

# score MODEL FOLDER: by eval and predict.
score() {
    expect_exit 0 "$LGPNC" predict "$1" --weights="$2/best.safetensors" "$photo"
    expect_stdout '^  real or fake '
    expect_exit 0 "$LGPNC" eval "$1" --weights="$2/best.safetensors" --batch-size=4 "${images[@]}"
    expect_stdout '^node loss '
}

stacked=lgpn:image=16,width=8,feat=16,dim=8,blocks=1-1-1-1,pooling=0,high_resolution=0
train $stacked,generated_graph=1 sgcn '"loss_ce": [0-9.]+, "loss_real_fake": [0-9.e-]+, "learning_rate"'
score $stacked sgcn
expect_stdout '^   feature f +AUC '
expect_stdout "^   generated graph A' +not computed: the model has no output generated_graph\$"
score $stacked,generated_graph=1 sgcn
expect_stdout "^   generated graph A' +AUC "
# The same weights without a graph are another network: what it lacks is not there, the rest fits.
score $stacked,gcn=0 sgcn

baseline=fen_pn:image=16,layers=4,width=8,channels=8
train $baseline fen '"loss_fingerprint": [0-9.]+, "loss_mse": [0-9.]+'
score $baseline fen
expect_stdout '^   feature f +AUC '
expect_stdout '^   node features V +not computed: the model has no output node_features$'
expect_stdout 'regression heads'

expect_exit 1 "$LGPNC" train lgpn:image=16,node_loss=0,hierarchy_loss=0,detection_loss=0 "${images[@]}" \
    --model-dir=none
expect_stderr 'has no loss to train with'
expect_exit 1 "$LGPNC" models lgpn:pooling=2
expect_stderr 'option pooling=2: it takes one of 0|1'
