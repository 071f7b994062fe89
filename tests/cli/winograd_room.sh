# A job of Winograd's form that takes all panels holds the inputs and products of its tiles, 9.4 MB
# of an image here: it does not take a second image, for which nobody has room.
source "$SOURCE/tests/cli/lib.sh"

cat >stage.ir <<'END'
param @w: f32[512,512,3,3]
func @infer(%x: f32[8,32,32,512]) -> (%y: f32[8,32,32,512]) {
  %0 = conv2d %x, @w {pad=[1,1]} : f32[8,32,32,512]
  return %0
}
END
expect_exit 0 "$LGPNC" build stage.ir --cpu=x86-64-v4 --emit=kernel-ir -o stage.kir
grep -q 'tiles of 4: {rows=8 columns=8 images=1 ' stage.kir ||
    fail "jobs: $(grep 'tiles of' stage.kir)"
expect_exit 0 "$LGPNC" build stage.ir --cpu=x86-64-v4 --emit=object -o stage.o
