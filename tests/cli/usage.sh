# What a newcomer meets: help everywhere, and a way on from every wrong word.
. "$SOURCE/tests/cli/lib.sh"

commands=$(sed -n 's/^COMMAND("\([a-z]*\)".*/\1/p' "$SOURCE/tools/commands.def")
[[ $commands == *build* && $commands == *opt* ]]

expect_exit 0 "$LGPNC" --help
for command in $commands; do
    expect_stdout "^  $command "
done
for command in $commands; do
    expect_exit 0 "$LGPNC" "$command" --help
    expect_stdout "^Usage: lgpnc $command "
    expect_stdout '^Examples?:$'
    expect_stdout "^  lgpnc $command "
    [[ ! -s .stderr ]]
    expect_exit 2 "$LGPNC" "$command" --nonsense
    one_error "unrecognized option '--nonsense'"
done

expect_exit 2 "$LGPNC"
expect_exit 2 "$LGPNC" biuld
one_error 'no command `biuld`; did you mean `build`'

# The commands of `lgpnc data`.
commands=$(sed -n 's/^DATA_COMMAND("\([a-z]*\)".*/\1/p' "$SOURCE/tools/commands.def")
[[ $commands == *check* && $commands == *graph* ]]
for command in $commands; do
    expect_exit 0 "$LGPNC" data --help
    expect_stdout "^  $command "
    expect_exit 0 "$LGPNC" data "$command" --help
    expect_stdout "^Usage: lgpnc data $command "
    expect_stdout '^Examples?:$'
    expect_stdout "^  lgpnc data $command "
    expect_exit 2 "$LGPNC" data "$command" --nonsense
    expect_stderr "^lgpnc data $command: unrecognized option '--nonsense'"
done
expect_exit 0 "$LGPNC" help data
expect_stdout '^Usage: lgpnc data '
expect_exit 0 "$LGPNC" data help graph
expect_stdout '^Usage: lgpnc data graph '
expect_exit 2 "$LGPNC" data
expect_exit 2 "$LGPNC" data grpah
one_error 'no command `grpah`; did you mean `graph`'

# What is missing, or stands where it may not.
usage() {
    local pattern=$1
    shift
    expect_exit 2 "$LGPNC" "$@"
    one_error "$pattern"
}
usage 'no MODEL given' build
usage 'no MODEL given' init -o w
usage 'no file to write' init lgpn
usage 'a number from 0' init lgpn -o w --seed=x
usage 'no MODEL given' run
usage 'NAME=FILE is wanted' run lgpn --input=image
usage 'a number from 1 to 1024' run lgpn --threads=0
usage 'no MODEL and no image files' predict
usage 'no image files' predict lgpn
usage 'no FILE given' image -o f.npy
usage 'no file to write' image f.jpg
usage 'a number from 1 to' image f.jpg -o f.npy --size=-3
usage 'no MODEL given' bench
usage 'one MODEL only' bench lgpn resnet
usage 'there are exe, shared' build lgpn --emit=elf
usage '`lgpnc init lgpn -o' build lgpn
usage 'is no text' build lgpn --emit=object -o -
usage 'not into llvm' build lgpn --emit=llvm --weights=w
usage 'is for --cpu=cuda' build lgpn --emit=cuda --cpu=x86-64-v3
usage 'is for CPUs' build lgpn --emit=asm --cpu=cuda
usage 'goes to standard output' build lgpn --emit=llvm --report
usage 'there are -O0' build lgpn --emit=ir -O9
usage 'both --passes and' build lgpn --emit=ir -O1 --passes=dce
usage 'a letter first' build lgpn --emit=object --name=1x

# Models and their options.
fault() {
    local pattern=$1
    shift
    expect_exit 1 "$LGPNC" "$@"
    one_error "$pattern"
}
fault 'lgpm.*' models lgpm
fault 'no option "wdth"; did you mean "width"' models lgpn:wdth=8
fault 'multiple of 8' models lgpn:width=9
fault 'one of 18.50' models resnet:depth=34
fault 'there is no such CPU' build lgpn --emit=llvm --cpu=pentium
fault 'no_such.ir' build no_such.ir --emit=ir
fault 'no_such.c' build ./no_such.c --emit=ir
fault 'flod' build lgpn --emit=ir --passes=flod

expect_exit 0 "$LGPNC" models
expect_stdout '^lgpn '
expect_stdout 'width=64 .*multiple of 8'
expect_exit 0 "$LGPNC" models lgpn
expect_stdout '^    node_logits +f32\[1,55,2\]'
expect_stdout '46485751 parameters in 470 tensors'

expect_exit 0 "$LGPNC" --version
expect_stdout '^lgpnc [0-9]+\.[0-9]+\.[0-9]+$'
expect_exit 0 "$LGPNC" opt --help-ops
expect_stdout 'conv2d'
expect_exit 0 "$LGPNC" opt --help-scalars
expect_stdout 'fma'
