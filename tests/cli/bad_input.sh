# Every file that can be broken is fed broken: one message that names file and fault, exit code 1,
# and no output.
. "$SOURCE/tests/cli/lib.sh"

cat >net.ir <<'END'
module @net
param @w: f32[4,3] {normal=0.5}
func @infer(%x: f32[2,3]) -> (%y: f32[2,4]) {
  %0 = matmul %x, @w {tb} : f32[2,4]
  return %0
}
END
"$LGPNC" build net.ir --emit=shared -o net.so >.stdout
"$LGPNC" init net.ir -o good.safetensors
make_npy x.npy '<f4' 2,3 '\0\0\x80\x3f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'

fault() {
    local pattern=$1
    shift
    expect_exit 1 "$LGPNC" "$@"
    one_error "$pattern"
    no_temporary
}

# ---- images
photo=$SOURCE/tests/goldens/images/photo.jpg
picture=$SOURCE/tests/goldens/images/rgb.png
: >empty.jpg
head -c 700 "$photo" >short.jpg
head -c 200 "$picture" >short.png
echo 'hello, world' >text.png
{ head -c 16 "$picture"; printf '\x7f\xff\xff\xff\x7f\xff\xff\xff'; tail -c +25 "$picture"; } >huge.png
for image in empty.jpg short.jpg short.png text.png huge.png missing.jpg .; do
    fault "error: $image" image "$image" -o out.npy
    no_file out.npy
done
fault 'no/such/folder/out.npy' image "$photo" -o no/such/folder/out.npy
mkdir folder
fault 'folder' image "$photo" -o folder

# ---- checkpoints
header() { printf '{"w":{"dtype":"%s","shape":%s,"data_offsets":%s}}' "$@"; }
zeros='\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
make_safetensors long "$(header F32 '[4,3]' '[0,48]')" "$zeros"'\0\0\0\0'
{ little_endian 8 4000000000; tail -c +9 long; } >long.safetensors
head -c 60 long >short.safetensors
: >empty.safetensors
make_safetensors outside.safetensors "$(header F32 '[4,3]' '[0,96]')" "$zeros"'\0\0\0\0'
make_safetensors overlap.safetensors '{"w":{"dtype":"F32","shape":[4,3],"data_offsets":[0,48]},"v":{"dtype":"F32","shape":[4],"data_offsets":[16,32]}}' "$zeros"'\0\0\0\0'
make_safetensors type.safetensors "$(header I32 '[4,3]' '[0,48]')" "$zeros"'\0\0\0\0'
make_safetensors shape.safetensors "$(header F32 '[3,4]' '[0,48]')" "$zeros"'\0\0\0\0'
make_safetensors name.safetensors '{"v":{"dtype":"F32","shape":[4,3],"data_offsets":[0,48]}}' "$zeros"'\0\0\0\0'
make_safetensors nan.safetensors "$(header F32 '[4,3]' '[0,48]')" "$zeros"'\0\0\xc0\x7f'
make_safetensors json.safetensors '{"w":' "$zeros"
for file in long short empty outside overlap type shape name nan json missing; do
    fault "$file.safetensors: " run net.so --weights=$file.safetensors --input=x=x.npy --output-dir=out
    fault "$file.safetensors: " build net.ir --weights=$file.safetensors --emit=shared -o out.so
    no_file out out.so
done
fault 'w: is i32\[4,3\], wanted is f32\[4,3\]|type' run net.so --weights=type.safetensors
fault 'no weights: name a checkpoint with --weights' run net.so --input=x=x.npy
fault 'no model "net"' init net -o w.safetensors
fault 'no/such/w.safetensors' init net.ir -o no/such/w.safetensors

# ---- arrays
make_npy wrong_shape.npy '<f4' 3,2 '\0\0\x80\x3f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
make_npy wrong_type.npy '<i4' 2,3 '\0\0\x80\x3f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'
make_npy complex.npy '<c8' 2,3 '\0'
make_npy huge.npy '<f4' 99999999999,99999999999 '\0'
head -c 140 x.npy >short.npy
run_net=(run net.so --weights=good.safetensors --output-dir=out)
for file in short complex huge missing; do
    fault "$file.npy: " "${run_net[@]}" --input=x=$file.npy
done
fault 'net.so: function infer' "${run_net[@]}"
expect_stderr '^x: missing, wanted is f32\[2,3\]'
fault 'net.so: function infer' "${run_net[@]}" --input=x=wrong_shape.npy
expect_stderr '^x: is f32\[3,2\], wanted is f32\[2,3\]'
fault 'net.so: function infer' "${run_net[@]}" --input=x=wrong_type.npy
expect_stderr '^x: is i32\[2,3\], wanted is f32\[2,3\]'
fault 'net.so: function infer' "${run_net[@]}" --input=x=x.npy --input=z=x.npy
expect_stderr '^z: there is no input of that name'
fault 'no function train' "${run_net[@]}" --function=train
rm -rf out
touch out
fault 'out: .*folder' "${run_net[@]}" --input=x=x.npy
rm out

# ---- artifacts, and models that predict nothing
fault 'missing.so: ' run missing.so
echo 'no library' >text.so
fault 'text.so: ' run text.so
cc -shared -x c -o other.so - <<<'int x;'
fault 'other.so: no artifact' run other.so
expect_exit 1 "$LGPNC" predict net.so --weights=good.safetensors "$photo"
expect_stderr 'node_logits'
expect_stderr 'lgpnc run'
# Code for another machine is not begun to be compiled.
foreign=aarch64
if [[ $(uname -m) == aarch64 ]]; then foreign=x86-64-v3; fi
for command in 'run net.ir --weights=good.safetensors' 'bench net.ir' "predict lgpn $photo"; do
    # shellcheck disable=SC2086 # words
    expect_exit 1 "$LGPNC" $command --cpu=$foreign
    expect_stderr "error: --cpu=$foreign: code for that does not run on this machine"
done

# ---- IR
sed 's/matmul/matmull/' net.ir >syntax.ir
sed 's/f32\[2,3\]/f32[2,5]/' net.ir >shape.ir
sed '/return/d' net.ir >return.ir
: >empty.ir
head -c 100000 /dev/urandom >random.ir
fault '^syntax.ir:4:[0-9]+: error: ' build syntax.ir --emit=ir -o out.ir
fault '^shape.ir:4:[0-9]+: error: ' build shape.ir --emit=ir -o out.ir
expect_exit 1 "$LGPNC" build return.ir --emit=ir -o out.ir
expect_stderr '^return.ir:'
for command in 'build random.ir --emit=ir -o out.ir' 'opt random.ir --passes=dce -o out.ir'; do
    # shellcheck disable=SC2086 # words
    expect_exit 1 "$LGPNC" $command
    expect_stderr 'random.ir:'
done
no_file out.ir
sed 's/kernel/kern/' <("$LGPNC" build net.ir --emit=kernel-ir) >syntax.kir
expect_exit 1 "$LGPNC" build syntax.kir --emit=llvm -o out.ll
expect_stderr '^syntax.kir:[0-9]+:[0-9]+: error: '
no_file out.ll

# ---- a model in C
echo 'int main(void) { return nothing; }' >broken.c
expect_exit 1 "$LGPNC" build ./broken.c --emit=ir
expect_stderr 'broken.c:1'
expect_stderr 'error: the C compiler'

# ---- outputs that cannot be written
for kind in shared object; do
    fault 'no/such/net' build net.ir --emit=$kind -o no/such/net
    fault 'folder' build net.ir --emit=$kind -o folder
done
for kind in ir kernel-ir llvm asm; do
    fault 'no/such/net' build net.ir --emit=$kind -o no/such/net
done
fault '(write|space)' build net.ir --emit=ir -o /dev/full
fault 'needs kernels' build net.ir --emit=asm --passes=dce
