# Sets of images: what `data check` finds in them, what `data graph` writes.
. "$SOURCE/tests/cli/lib.sh"

mkdir set
"$MAKE_IMAGE_SET" set/AAE 1 4 16
"$MAKE_IMAGE_SET" set/WGAN_DRA 2 3 24
"$MAKE_IMAGE_SET" photos 0 11 20

# A whole set.
expect_exit 0 "$LGPNC" data check set --real=photos
expect_stdout '^set: 2 of 140 generative models, 7 images; photos: 11 real images$'
expect_stdout '^  AAE +- +4 +0  16x16 +2$'
expect_stdout '^  WGAN_DRA +gan +3 +0  24x24 +4$'
expect_stdout '^  real +11 +0  20x20 +-$'
expect_stdout '^  all +18 +0  16x16\.\.24x24 +-$'
expect_stdout '^  1 +2 +7 +9 +0 +0 +2$'
expect_stdout '^  2 +1 +3 +10 +1 +4 +1$'
expect_stdout '^  loss_l1 +1 +4 +0 +1 +0 +0$'
[[ ! -s .stderr ]]
expect_exit 0 "$LGPNC" data check set --cross-val=2
expect_stdout '^  loss_l1 +1 +4 +1$'
mv .stdout one
expect_exit 0 "$LGPNC" data check set/ --cross-val=2 --threads=1 --labels="$SOURCE/models/red140.tsv"
sed 's,^set:,set/:,' one | same - .stdout
expect_exit 0 "$LGPNC" data check set --json
expect_stdout '^\{"data":"set","table_models":140,.*"name":"AAE","family":"-","test_set":2,"images":4,'
[[ $(wc -l <.stdout) == 1 ]]

# Broken images and empty folders.
echo nothing >set/AAE/001.jpg
head -c 100 set/WGAN_DRA/000.png >set/WGAN_DRA/bad.png
ln -s nowhere set/WGAN_DRA/dead.JPG
mkdir set/BEGAN
expect_exit 1 "$LGPNC" data check set
expect_stdout '^  AAE +- +4 +1 '
expect_stdout '^  WGAN_DRA +gan +5 +2 '
expect_stdout '^  set/AAE/001.jpg: not an image'
expect_stdout '^  set/WGAN_DRA/bad.png: .*truncated'
expect_stdout '^  set/WGAN_DRA/dead.JPG: cannot open'
expect_stderr 'warning: set/BEGAN: no images in it'
expect_stderr 'error: 3 of 9 images cannot be read'
expect_exit 1 "$LGPNC" data check set --json
expect_stdout '"broken":\[\{"file":"set/AAE/001.jpg","reason":"set/AAE/001.jpg: not an image'
expect_stdout '"warnings":\["set/BEGAN: no images in it'
rm -r set/BEGAN set/WGAN_DRA/bad.png set/WGAN_DRA/dead.JPG set/AAE/001.jpg

# The same bytes: with one label they are counted, with two listed.
cp set/AAE/000.png set/AAE/copy.png
expect_exit 0 "$LGPNC" data check set
expect_stdout '^files with the bytes of another: 1, of which 0 with another label$'
[[ ! -s .stderr ]]
cp set/AAE/000.png set/WGAN_DRA/copy.png
cp set/AAE/002.png photos/copy.png
expect_exit 0 "$LGPNC" data check set --real=photos
expect_stdout '^files with the bytes of another: 3, of which 2 with another label$'
expect_stdout '^  set/WGAN_DRA/copy.png is set/AAE/000.png$'
expect_stdout '^  photos/copy.png is set/AAE/002.png$'
expect_stderr 'set/WGAN_DRA/copy.png: warning: has the bytes of set/AAE/000.png, but another label; there are 2'
expect_exit 0 "$LGPNC" data check set --real=photos --json
expect_stdout '"duplicates":\{"files":3,"other_label":\[\["set/WGAN_DRA/copy.png","set/AAE/000.png"\],'
rm set/AAE/copy.png set/WGAN_DRA/copy.png photos/copy.png

# Faults of the set.
fault() {
    local pattern=$1
    shift
    expect_exit 1 "$LGPNC" data check "$@"
    one_error "$pattern"
}
mkdir empty
fault 'empty: no generated images' empty
fault 'missing: cannot open the folder: No such file' missing
fault 'set/AAE/000.png: cannot open the folder: Not a directory' set/AAE/000.png
fault 'no_photos: cannot open the folder' set --real=no_photos
fault 'must not have the generated ones' set --real=.
fault 'no.tsv: cannot open' set --labels=no.tsv
printf 'name\tfamily\n' >short.tsv
fault 'short.tsv:1: the header must name 28 columns' set --labels=short.tsv
sed 's/\t/,/g' "$SOURCE/models/red140.tsv" >comma.tsv
fault 'comma.tsv:1: the header' set --labels=comma.tsv
sed '3s/\t[0-9]*\t/\tmany\t/' "$SOURCE/models/red140.tsv" >word.tsv
fault 'word.tsv:3: layers: must be a non-negative integer, not "many"' set --labels=word.tsv
mkdir set/StyleGan2
fault 'set/StyleGan2: the table of labels has no such generative model; close are STYLEGAN_2' set
rmdir set/StyleGan2
if [[ $(id -u) != 0 ]]; then
    chmod 0 set/AAE
    fault 'set/AAE: cannot open the folder: Permission denied' set
    chmod 755 set/AAE
fi
expect_exit 2 "$LGPNC" data check
one_error 'no DIR given'
expect_exit 2 "$LGPNC" data check set photos
one_error 'one DIR only'
expect_exit 2 "$LGPNC" data check set --cross-val=5
one_error 'a number from 1 to 4'

# On a terminal it tells how far it is, and leaves no trace of that.
if command -v script >/dev/null; then
    script -qec "'$LGPNC' data check set" /dev/null </dev/null >terminal
    grep -q 'decoding images .*[0-9]/6' terminal || fail "no progress"
fi

# Ctrl-C: a pipe of labels that nobody writes to stands for a slow disk.
mkfifo slow.tsv
got=0
env --default-signal=INT "$LGPNC" data check set --labels=slow.tsv >.stdout 2>.stderr &
process=$!
sleep 0.3
kill -s INT $process
wait $process 2>.wait || got=$?
[[ $got == 130 ]] || fail "exit $got, expected 130"
[[ ! -s .stdout ]]

# The graph that predict takes by itself, and others.
"$LGPNC" data graph -o default.npy
"$LGPNC" data graph -o table.npy --labels="$SOURCE/models/red140.tsv"
"$LGPNC" data graph -o fold.npy --cross-val=1
same default.npy table.npy
cmp -s table.npy fold.npy && fail "the test set was counted"
expect_exit 0 "$LGPNC" data graph --output-dir=all --cross-val=1
same fold.npy all/graph.npy
# bytes of a header and of floats: 55 x 55, 18 x 55, 6 x 18
for size in graph:3025 hierarchy:990 hierarchy-top:108 pool-target:990 unpool-target:990; do
    [[ $(stat -c %s "all/${size%:*}.npy") == $((128 + 4 * ${size#*:})) ]] || fail "size: $size"
done
for picture in graph hierarchy; do
    head -n 2 "all/$picture.svg" | grep -q '<svg xmlns' || fail "$picture.svg is no picture"
    [[ $(tail -n 1 "all/$picture.svg") == '</svg>' ]]
    [[ $(grep -c '>layers_per_block\[2\]</text>' "all/$picture.svg") -ge 1 ]]
done
grep -q 'RED140 without test set 1: 125 generative models, 902 edges of 3025' all/graph.svg
grep -q '<title>loss_l1 with loss_l1: [0-9]* of [0-9]* models, 100 %</title>' all/graph.svg
no_temporary . all

expect_exit 2 "$LGPNC" data graph
one_error 'no file to write'
expect_exit 2 "$LGPNC" data graph -o g.npy table.tsv
one_error 'a table goes with --labels'
expect_exit 1 "$LGPNC" data graph -o g.npy --labels=no.tsv
one_error 'no.tsv'
expect_exit 1 "$LGPNC" data graph --output-dir=no/where
one_error 'no/where: cannot make the folder'
expect_exit 1 "$LGPNC" data graph --output-dir=short.tsv
one_error 'short.tsv/graph.npy'
no_file g.npy
true
