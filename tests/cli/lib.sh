# Helpers of the command line tests. A script starts with
#   . "$SOURCE/tests/cli/lib.sh"
# and runs in an empty folder, with "$LGPNC" the program. The last command's output is in the files
# .stdout and .stderr there.

# fail MESSAGE: ends the test; shows what the last command said.
fail() {
    echo "FAILED (${BASH_SOURCE[-1]##*/}:${BASH_LINENO[-2]}): $*" >&2
    for stream in .stdout .stderr; do
        [[ ! -s $stream ]] || { echo "--- $stream" >&2; head -c 4000 "$stream" >&2; }
    done
    exit 1
}

# expect_exit CODE COMMAND...: the command ends with this code.
expect_exit() {
    local want=$1 got=0
    shift
    "$@" >.stdout 2>.stderr || got=$?
    [[ $got == "$want" ]] || fail "exit $got, expected $want: $*"
}

# expect_stdout PATTERN, expect_stderr PATTERN: a line that the last command wrote matches the
# extended regular expression.
expect_stdout() {
    grep -Eq -- "$1" .stdout || fail "no line on standard output matches: $1"
}

expect_stderr() {
    grep -Eq -- "$1" .stderr || fail "no line on standard error matches: $1"
}

# no_file FILE...: none of them exists.
no_file() {
    local file
    for file; do
        [[ ! -e $file && ! -L $file ]] || fail "$file exists"
    done
}

# skip REASON: the test cannot run on this machine.
skip() {
    echo "skipped: $*"
    exit 77
}
