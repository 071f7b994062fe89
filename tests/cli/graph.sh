# The graph of co-occurrence that a network was trained with goes with its weights: into checkpoints,
# and from there into whatever predicts, unless --graph says otherwise.
. "$SOURCE/tests/cli/lib.sh"

# The smallest network, with the graph for something to depend on.
sed -e 's|^    input(s, "graph"|    lg_value *graph = &|; s| // nothing here.*||' \
    -e 's|^    output(s, "node_logits", nodes)|    nodes = add(s, nodes, matmul(s, graph, nodes));\n&|' \
    "$SOURCE/docs/examples/tiny_parser.c" >net.c
model=net.c:batch=1
kind=0
mkdir data
for name in ACGAN BEGAN WGAN STARGAN; do
    "$MAKE_IMAGE_SET" "data/$name" $((kind++)) 8 16
done
photo=data/WGAN/000.png
# A table of its own, so that another graph follows than that of RED140.
grep -E '^(name|ACGAN|BEGAN|WGAN|STARGAN|AAE)	' "$SOURCE/models/red140.tsv" >labels.tsv
expect_exit 0 "$LGPNC" data graph --labels=labels.tsv -o own.npy
expect_exit 0 "$LGPNC" data graph -o red140.npy
! cmp -s own.npy red140.npy || fail "the graphs are to differ"

expect_exit 0 "$LGPNC" build $model --emit=shared --no-tune-cache -o infer.so
expect_exit 0 "$LGPNC" init $model --seed=100 -o initial.safetensors
expect_exit 0 "$LGPNC" train net.c --data=data --labels=labels.tsv --cross-val=0 --epochs=1 \
    --no-tune-cache --model-dir=trained
trained=trained/last.safetensors

# predicted FILE COMMAND...: what the command says of the photo.
predicted() {
    local file=$1
    shift
    expect_exit 0 "$@" --json "$photo"
    mv .stdout "$file"
}

# A checkpoint of its own graph, one without any.
predicted own "$LGPNC" predict infer.so --weights=$trained --graph=own.npy
predicted red140 "$LGPNC" predict infer.so --weights=$trained --graph=red140.npy
! cmp -s own red140 || fail "the graph is to make a difference"
predicted found "$LGPNC" predict infer.so --weights=$trained
same own found
predicted initial "$LGPNC" predict infer.so --weights=initial.safetensors
predicted wanted "$LGPNC" predict infer.so --weights=initial.safetensors --graph=red140.npy
same wanted initial

# Built in.
expect_exit 0 "$LGPNC" build $model --weights=$trained --no-tune-cache -o parse
predicted found ./parse
same own found
predicted found ./parse --graph=red140.npy
same red140 found
expect_exit 0 ./parse --help
grep -q 'the weights were trained' .stdout || fail "--help does not tell whose graph it is"
expect_exit 0 "$LGPNC" build $model --weights=$trained --emit=shared --no-tune-cache -o parse.so
predicted found "$LGPNC" predict parse.so
same own found
predicted found "$LGPNC" predict parse.so --graph=red140.npy
same red140 found
# Other weights do not go with it.
predicted found "$LGPNC" predict parse.so --weights=initial.safetensors
same initial found
expect_exit 0 "$LGPNC" build $model --weights=$trained --emit=object --no-tune-cache -o net.o
grep -q 'trained with tiny_parser_artifact.entries\[[01]\].inputs\[1\].value' net.h || fail "nothing in the header"
expect_exit 0 "$LGPNC" build $model --weights=initial.safetensors --emit=object --no-tune-cache -o net.o
! grep -q 'trained with tiny_' net.h || fail "a graph out of nowhere"

# `run` takes it, too.
expect_exit 0 "$LGPNC" image "$photo" --size=8 -o photo.npy
for graph in "" --input=graph=own.npy; do
    expect_exit 0 "$LGPNC" run infer.so --weights=$trained --input=image=photo.npy $graph \
        --output-dir="out$graph"
done
same out/node_logits.npy out--input=graph=own.npy/node_logits.npy
expect_exit 1 "$LGPNC" run infer.so --weights=initial.safetensors --input=image=photo.npy
expect_stderr 'graph: missing, wanted is f32\[55,55\]'

# `eval` as well, which tells of a graph that does not go with the fold.
score() {
    expect_exit 0 "$LGPNC" eval infer.so --weights=$trained --data=data --split=train --pairs=0 \
        --json "$@"
}
score --labels=labels.tsv --cross-val=0
[[ ! -s .stderr ]] || fail "something to say about its own graph"
mv .stdout own
score --cross-val=0
expect_stderr "$trained: warning: was trained with a graph that is not that of fold 0"
sed -n '/"parsing"/,$p' .stdout >found
score --cross-val=0 --graph=own.npy
sed -n '/"parsing"/,$p' .stdout >wanted
same wanted found

# Damaged.
LC_ALL=C sed 's/\("lgpnc.input.graph":{"dtype":"F32","shape":\)\[55,55\]/\1[3025] /' $trained >bent
expect_exit 1 "$LGPNC" build $model --weights=bent -o bad
expect_stderr '^error: bent: damaged: its contents have the checksum'
# Misshapen, of a file that has no checksum.
unsigned() { LC_ALL=C sed 's/"lgpnc_checkpoint":/"lgpnc_checkpoinx":/; s/"xxh64":/"xxh65":/' "$@"; }
unsigned bent >misshapen
for command in "build -o bad" "predict"; do
    files=()
    [[ $command != predict ]] || files=("$photo")
    # shellcheck disable=SC2086 # words
    expect_exit 1 "$LGPNC" $command $model --weights=misshapen "${files[@]}"
    expect_stderr '^error: misshapen: 1 of the [0-9]+ tensors of net.c:.* do not fit:'
    expect_stderr '^  lgpnc.input.graph: is f32\[3025\], wanted is f32\[55,55\]'
done
no_file bad

# A training without it, as it was once, goes on and has it.
cp -r trained old
unsigned $trained | LC_ALL=C sed 's/"lgpnc.input.graph"/"other.input.graph"/' >old/last.safetensors
predicted found "$LGPNC" predict infer.so --weights=old/last.safetensors
same red140 found
expect_exit 0 "$LGPNC" train --resume --model-dir=old --epochs=2 --no-tune-cache
expect_exit 0 "$LGPNC" train --resume --model-dir=trained --epochs=2 --no-tune-cache
predicted resumed "$LGPNC" predict infer.so --weights=old/last.safetensors
predicted found "$LGPNC" predict infer.so --weights=$trained
same found resumed
predicted found "$LGPNC" predict infer.so --weights=old/last.safetensors --graph=own.npy
same found resumed
