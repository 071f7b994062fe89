# The ways to run a model agree to the bit, and what is built stands alone.
. "$SOURCE/tests/cli/lib.sh"

model=lgpn:image=32,width=8,feat=32,dim=16,blocks=1-1-1-1
photo=$SOURCE/tests/goldens/images/photo.jpg

# ---- weights: equal seeds, equal files
"$LGPNC" init $model --seed=7 -o w.safetensors
"$LGPNC" init $model --seed=7 -o again.safetensors
"$LGPNC" init $model --seed=8 -o other.safetensors
same w.safetensors again.safetensors
cmp -s w.safetensors other.safetensors && fail "two seeds, one file"

# ---- four ways to predict
expect_exit 0 "$LGPNC" build $model --weights=w.safetensors -o lgpn --report
expect_stdout '^entry point infer'
expect_stdout '^  workspace: [0-9]+ bytes'
expect_stdout '^packed weights: [0-9]+ bytes'
expect_stdout '^lgpn: an executable of lgpn:image=32'
[[ ! -s .stderr ]] || fail "something to say about weights of its own"
"$LGPNC" build $model --emit=shared -o lgpn.so >.stdout
"$LGPNC" build $model --emit=shared --weights=w.safetensors -o with_weights.so >.stdout 2>.stderr
no_temporary
./lgpn --json "$photo" >exe.json
"$LGPNC" predict $model --weights=w.safetensors --json "$photo" >model.json 2>.stderr
"$LGPNC" predict lgpn.so --weights=w.safetensors --json "$photo" >shared.json 2>.stderr
"$LGPNC" predict with_weights.so --json --threads=1 "$photo" >one_thread.json
grep -q '"hyperparameters"' exe.json
for way in model shared one_thread; do
    same exe.json $way.json
done
./lgpn "$photo" >exe.txt
"$LGPNC" predict with_weights.so "$photo" >shared.txt
same exe.txt shared.txt
expect_exit 1 "$LGPNC" predict with_weights.so --json missing.jpg "$photo"
expect_stderr 'missing.jpg'
same .stdout exe.json # the others are not lost

# ---- beside the truth: of the folder's model, and of real images
mkdir -p images/WGAN_DRA/more images/real
cp "$photo" images/WGAN_DRA/more/a.jpg
cp "$photo" images/real/b.jpg
labels=$SOURCE/models/red140.tsv
compare=(--labels="$labels" images/WGAN_DRA/more/a.jpg images/real/b.jpg)
expect_exit 0 ./lgpn "${compare[@]}"
expect_stdout '^  WGAN +yes +'
expect_stdout '^  L1 +no +'
expect_stdout '^  filters +<3000 +'
expect_stdout '^  L1 +- +'
cp .stdout exe.txt
[[ $(grep -c '^  right  *[0-9]* of 26$' .stdout) == 1 ]] || fail "26 hyperparameters, real or fake included"
[[ $(sed '/^images.real/,$d' .stdout | grep -cF '* ') == $((26 - $(sed -n '0,/^  right /s/^  right *\([0-9]*\) .*/\1/p' .stdout))) ]] ||
    fail "what is not right has a star"
expect_exit 0 "$LGPNC" predict with_weights.so "${compare[@]}"
same .stdout exe.txt
expect_exit 0 ./lgpn --json "${compare[@]}"
expect_stdout '"loss_wgan":\{"value":"[a-z]+","confidence":[0-9.]+,"truth":"yes"\}'
expect_stdout '"truly_fake":true,"right":[0-9]+,"compared":26\}$'
expect_stdout '"truly_fake":false,"right":[01],"compared":1\}$'
expect_exit 1 ./lgpn --labels="$labels" "$photo"
expect_stderr 'photo.jpg: none of its folders is called as a model of the table, or real'
expect_exit 1 "$LGPNC" predict with_weights.so --labels=nothing.tsv "$photo"
expect_stderr 'nothing.tsv'

# ---- what predict feeds is what image writes
"$LGPNC" image "$photo" -o photo.npy --size=32
run=(--input=image=photo.npy --random-inputs=3)
expect_exit 0 "$LGPNC" run with_weights.so "${run[@]}" --output-dir=one --threads=1 --repeat=3
expect_stdout '^time: median [0-9.]+ ms, min [0-9.]+ ms, 3 runs, 1 thread$'
expect_exit 0 "$LGPNC" run with_weights.so "${run[@]}" --output-dir=two --threads=2
expect_exit 0 "$LGPNC" run $model --weights=w.safetensors "${run[@]}" --output-dir=model
for name in real_fake node_logits node_features feature mm1 mm2 cg1 cg2; do
    same one/$name.npy two/$name.npy
    same one/$name.npy model/$name.npy
done
[[ $(find one -type f | wc -l) == 8 ]]

# ---- alone
if [[ ${CC-} != *-fsanitize* ]]; then
    expect_exit 0 ldd lgpn
    grep -Ev 'linux-vdso|libc\.so|libm\.so|ld-linux|/ld' .stdout >others.txt || true
    [[ ! -s others.txt ]] || fail "the executable needs more than libc and libm"
fi
"$LGPNC" build $model --emit=object -o lgpn.o >.stdout
[[ -f lgpn.h ]]
expect_exit 0 nm --undefined-only lgpn.o
grep -Ev ' (mem(cpy|set|move)|[a-z]+f?|_GLOBAL_OFFSET_TABLE_)$' .stdout >others.txt || true
[[ ! -s others.txt ]] || fail "the object needs more than libc and libm"
grep -Eq ' (malloc|calloc|free|printf|fprintf|exit|abort)$' .stdout && fail "no business of an artifact"
expect_exit 0 nm --defined-only --extern-only lgpn.o
[[ $(awk '{ print $3 }' .stdout) == lgpn_artifact ]]

# ---- the stages in text read back, and say the same
"$LGPNC" build $model --emit=ir -o m.ir
"$LGPNC" build m.ir --emit=ir -o again.ir
same m.ir again.ir
cat >net.ir <<'END'
module @net
func @infer(%x: f32[1,7,9,3]) -> (%y: f32[1,7,9,3]) {
  %0 = relu %x : f32[1,7,9,3]
  return %0
}
END
"$LGPNC" build net.ir --emit=kernel-ir -o net.kir
"$LGPNC" build net.kir --emit=kernel-ir -o again.kir
same net.kir again.kir
"$LGPNC" build net.ir --emit=llvm -o net.ll
"$LGPNC" build net.kir --emit=asm -o net.s
grep -q '^define ' net.ll
grep -q 'net_entry_infer:' net.s
expect_exit 0 "$LGPNC" build $model --emit=cuda -o m.cu
[[ -s m.cu && -s m.json ]]
grep -q __global__ m.cu

# ---- time
expect_exit 0 "$LGPNC" bench with_weights.so --repeat=2
expect_stdout '^all kernels '
expect_stdout '^total: median [0-9.]+ ms'
expect_exit 0 "$LGPNC" bench with_weights.so --repeat=2 --json
expect_stdout '"median_ms": [0-9.]+'
