# lgpnc zoo make: the same bytes again, after an interruption too; a set that `data check` takes.
. "$SOURCE/tests/cli/lib.sh"

"$MAKE_IMAGE_SET" photos 5 6 24
echo nothing >photos/broken.jpg
"$MAKE_IMAGE_SET" small 1 1 8
cp small/000.png photos/small.png

make=("$LGPNC" zoo make --models=3 --images=4 --size=16 --steps=20 --photos=photos --seed=8)

# A whole one. What cannot be read or cropped is named and left out.
expect_exit 0 "${make[@]}" -o whole --threads=2
expect_stdout '^3 models of 4 images, 4 real ones: whole$'
expect_stderr 'warning: photos/broken.jpg: .*; left out'
expect_stderr 'warning: photos/small.png: 8 x 8 pixels are too few for crops of 16; left out'
[[ $(wc -l <whole/labels.tsv) == 4 ]] || fail "not three models in the table"
head -1 whole/labels.tsv | same - <(head -1 "$SOURCE/models/red140.tsv")
[[ $(cut -f1 whole/networks.tsv | sed 1d | while read -r name; do ls "whole/$name"; done | wc -l) == 12 ]] ||
    fail "not four images of each"
grep -q 'src="real/00000.png"' whole/contact.html
no_temporary whole
expect_exit 0 "$LGPNC" data check whole
expect_stdout '^whole: 3 of 3 generative models, 12 images; whole/real: 4 real images;'

# Killed behind the first model, and again: the same bytes as in one go.
"${make[@]}" -o again --threads=1 >/dev/null 2>&1 &
pid=$!
for ((i = 0; i < 600; i++)); do
    [[ $(find again/.zoo -type f 2>/dev/null | wc -l) -lt 3 ]] || break
    sleep 0.1
done
kill -KILL $pid
wait $pid || true
for ((i = 0; i < 100; i++)); do # its child ends with it
    expect_exit 0 true
    "${make[@]}" -o again --threads=1 >.stdout 2>.stderr && break
    grep -q 'another .* is at work' .stderr || fail "it does not go on"
    sleep 0.1
done
expect_stdout 'was made before'
diff -r whole again || fail "the zoo that was interrupted differs"

# Other settings are another zoo.
expect_exit 1 "${make[@]}" -o whole --steps=21
expect_stderr 'error: .*a zoo is here already, made with other settings'
mkdir full
touch full/something
expect_exit 1 "${make[@]}" -o full
expect_stderr 'full: .*is not empty'
expect_exit 1 "$LGPNC" zoo make -o new --photos=nowhere
expect_stderr 'nowhere'
expect_exit 2 "$LGPNC" zoo make -o new
expect_stderr 'no --photos given'
expect_exit 2 "$LGPNC" zoo make -o new --photos=photos --size=20
expect_stderr 'no multiple of 16'
no_file new
