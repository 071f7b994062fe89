# ./run demo, of models that learn nothing in the time: all of its steps, stopped and gone on with.
. "$SOURCE/tests/cli/lib.sh"

"$MAKE_IMAGE_SET" photos 2 4 40
mkdir build
ln -s "$(dirname -- "$LGPNC")/lib" build/lib
cp "$LGPNC" build/lgpnc
export LGPNC_INCLUDE=$SOURCE LGPNC_LIB=$PWD/build/lib
demo=(bash "$SOURCE/tools/demo.sh" build/lgpnc --photos=photos --models=4 --images=10 --steps=2
    --epochs=1 --lgpn="lgpn:image=32,width=8,feat=32,dim=16,blocks=1-1-1-1")

# Ctrl-C goes to all that runs in the terminal: a group of processes of its own.
set -m
"${demo[@]}" >.stdout 2>.stderr &
pid=$!
set +m
for ((i = 0; i < 600; i++)); do
    [[ ! -e build/demo/zoo/real/00000.png ]] || break
    sleep 0.1
done
kill -INT -- -$pid
code=0
wait $pid || code=$?
[[ $code == 130 ]] || fail "stopped with exit code $code"
expect_stdout '^Stopped\. The same command goes on'
no_file build/demo/trained

expect_exit 0 "${demo[@]}"
expect_stdout '^\$ lgpnc zoo make '
expect_stdout '^zoo: 4 of 4 generative models, 40 images'
expect_stdout '^\$ lgpnc train .*--cross-val=1 '
expect_stdout '^epoch 1/1: '
expect_stdout '^fold 1, test set of zoo: 10 generated images of 1 model, 2 real images of zoo/real$'
expect_stdout '^parse: an executable of lgpn:image=32'
expect_stdout '^real or fake +fake '
expect_stdout '^right +[0-9]+ of 26'
expect_stdout '^  losses, F1 +[01]\.[0-9]+ +[01]\.[0-9]+$'
expect_stdout 'kernels in [0-9]+ launches,$'
[[ -s build/demo/eval.html && -s build/demo/zoo/contact.html ]]
expect_exit 0 build/demo/parse photos/000.png

# Once more: nothing is made or trained twice.
expect_exit 0 "${demo[@]}"
[[ $(grep -c 'was made before' .stdout) == 4 ]] || fail "models are made again"
! grep -q '^epoch ' .stdout || fail "trained again"

expect_exit 2 "${demo[@]}" --model=3
expect_stderr 'no such option: --model=3'
expect_exit 1 "${demo[@]}" --photos=nowhere
expect_stderr 'nowhere is no folder; name one of photographs with --photos=DIR'
