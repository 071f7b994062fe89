# lgpnc eval: numbers that can be counted by hand, a small LGPN, pages and JSON, what is refused.
. "$SOURCE/tests/cli/lib.sh"

# Fold 1 holds out FGAN and DDPM_256, and real images 0 and 10. A model may have any name.
odd="A<b>&\"c'"
awk -F'\t' -v OFS='\t' -v odd="${odd//&/\\\\&}" '$1 == "FGAN" { sub(/^FGAN/, odd) } { print }' \
    "$SOURCE/models/red140.tsv" >table.tsv
grep -qF "$odd" table.tsv || fail "the table lacks $odd"
mkdir set
"$MAKE_IMAGE_SET" set/DDPM_256 1 3 16
"$MAKE_IMAGE_SET" "set/$odd" 2 2 16
"$MAKE_IMAGE_SET" set/ACGAN 3 4 16
"$MAKE_IMAGE_SET" set/WGAN 4 3 16
"$MAKE_IMAGE_SET" photos 0 20 16
images=(--data=set --real=photos --labels=table.tsv)

# A network that says no to all nodes by 2, and p(fake) = 1 / (1 + exp(-2)) of everything.
cat >no.ir <<'END'
func @infer(%image: f32[3,4,4,3], %graph: f32[55,55]) -> (%real_fake: f32[3,2], %node_logits: f32[3,55,2]) {
  %0 = constant {values=[0.0,2.0]} : f32[2]
  %1 = reshape %0 : f32[1,2]
  %2 = broadcast %1 : f32[3,2]
  %3 = constant {values=[1.0,-1.0]} : f32[2]
  %4 = reshape %3 : f32[1,1,2]
  %5 = broadcast %4 : f32[3,55,2]
  return %2, %5
}
END
expect_exit 0 "$LGPNC" eval no.ir "${images[@]}"
expect_stdout '^fold 1, test set of set: 5 generated images of 2 models, 2 real images of photos$'
# 16 nodes are on in each of the two models: 55 log(1 + exp(-2)) + 16 * 2.
expect_stdout '^node loss 38\.9810 \(cross entropy, sum over 55 nodes; 38\.1231 when undecided\)$'
# On in 3 of 5 images: F1 4/7 and 0; ACGAN, the majority of training, has no MSE either.
expect_stdout '^ 2 loss MSE +3 +0\.286 +0\.229 +0\.571 +0\.400 +0\.286 +0\.400$'
# Off in all; ACGAN has it.
expect_stdout '^ 0 loss L1 +0 +1\.000 +1\.000 +1\.000 +1\.000 +0\.000 +0\.000$'
# Filters of DDPM_256 are not known; those of the other are 0: the middle of 0..2999, over 8365.
expect_stdout '^   filters +2 +0\.1793 '
expect_stdout '^AUC 0\.5000, average precision 0\.7143, accuracy 0\.7143 \(always .*: 0\.7143\)$'
expect_stdout '^   feature f +not computed: the model has no output feature$'
expect_stdout '^DDPM_256 +3 +0\.709 +1\.000$'
[[ $(awk 'length($0) > 100' .stdout) == "" ]] || fail "lines of more than 100 columns"

# JSON and the page; no real images.
expect_exit 0 "$LGPNC" eval no.ir --data=set --labels=table.tsv --json --output=e.json --report=e.html
[[ ! -s .stdout ]]
cp e.json .stdout
expect_stdout '"format": "lgpnc-eval"'
expect_stdout '"name": "A<b>&\\"c'"'"'"'
expect_stdout '"missing": "there are no negatives"'
expect_stdout '"name": "loss_mse"'
cp e.html .stdout
expect_stdout 'A&lt;b&gt;&amp;&quot;c&#39;'
expect_stdout 'there are no real images'
! grep -qF "$odd" e.html || fail "a name is not escaped"
! grep -qE 'https?:|src=|@import|url\(' e.html || fail "the page wants the network"

# A small LGPN, compiled for two images at a time: threads change nothing, nor does the batch.
model=lgpn:image=16,width=8,feat=16,dim=8,blocks=1-1-1-1
expect_exit 0 "$LGPNC" init $model -o w.safetensors
expect_exit 0 "$LGPNC" build $model,batch=2 --weights=w.safetensors --emit=shared -o small.so
eval_small() {
    expect_exit 0 "$LGPNC" eval ./small.so "${images[@]}" "$@"
}
eval_small --threads=1 --json --report=small.html
expect_stdout '"name": "node_features"'
mv .stdout one.json
eval_small --threads=2 --json
same one.json .stdout
eval_small
expect_stdout '^   feature f +AUC [01]\.[0-9]+, accuracy [01]\.[0-9]+ on 2000 pairs at -?[01]\.[0-9]+'
mv .stdout two
expect_exit 0 "$LGPNC" eval $model --weights=w.safetensors "${images[@]}" --batch-size=4
# The last digits of a threshold may differ: other shapes, other sums.
same <(sed '1d;s/ at .*//' two) <(sed '1d;s/ at .*//' .stdout)
eval_small --split=train
expect_stdout '^fold 1, train set of set: 7 generated images of 2 models, 18 real images of photos$'
eval_small --pairs=0
expect_stdout '^   feature f +not computed: not asked for$'
[[ $(grep -c '<svg' small.html) == $(grep -c '</svg>' small.html) ]]
for plot in 'loss functions: mean F1' 'L1 error, smaller is better' 'ROC: generated images' \
    'Precision and recall' 'ROC: pairs of one model' 'Mean cosine of two models'; do
    grep -qF "$plot" small.html || fail "the page lacks: $plot"
done

# Broken images are left out and told; one model alone.
echo nothing >set/DDPM_256/001.jpg
eval_small
expect_stdout '^left out, cannot be read: 1$'
expect_stderr 'warning: left out: set/DDPM_256/001.jpg: not an image'
mkdir alone
cp -r set/DDPM_256 alone
eval_small --data=alone
expect_stdout 'not computed: pairs of different models need images of at least two models'
expect_stdout '^what always saying the majority would score is not known: there are no images of'

# What is refused leaves nothing behind.
fault() {
    local code=$1 pattern=$2
    shift 2
    expect_exit "$code" "$LGPNC" eval "$@" --output=out.txt --report=out.html
    one_error "$pattern"
    no_file out.txt out.html
    no_temporary
}
fault 2 'no MODEL given' --data=set
fault 2 'no images; name their folder with --data=DIR' no.ir
fault 2 'there are test and train' no.ir --data=set --split=all
fault 2 'a number from 0 to 4' no.ir --data=set --cross-val=5
fault 2 'a number from 0 to 100000' no.ir --data=set --pairs=-1
fault 1 'missing: cannot open the folder' no.ir --data=missing
fault 1 'set: error: there is no image of the test set of fold 3' no.ir --data=set --labels=table.tsv --cross-val=3
fault 1 'no.ir: error: it is made for its batch' no.ir "${images[@]}" --batch-size=2
fault 1 'small.so: error: it is made for its batch' ./small.so "${images[@]}" --batch-size=2
fault 1 'no weights' $model "${images[@]}"
make_npy g.npy '<f4' '1,' '\0\0\0\0'
fault 1 'g.npy: a graph is f32\[55,55\], this is f32\[1\]' no.ir "${images[@]}" --graph=g.npy
sed 's/%image/%picture/' no.ir >other.ir
fault 1 'other.ir: not LGPN' other.ir "${images[@]}"
sed 's/\[1\.0,-1\.0\]/[inf,-1.0]/' no.ir >inf.ir
fault 1 'is not finite' inf.ir "${images[@]}"
expect_exit 1 "$LGPNC" eval no.ir "${images[@]}" --report=nowhere/e.html
expect_stderr 'error: .*nowhere'
