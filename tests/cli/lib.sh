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

# no_temporary [FOLDER...]: nothing is left there (default: here) of an output that did not come.
no_temporary() {
    local found
    found=$(find "${@:-.}" -maxdepth 1 -name '.lg-*')
    [[ -z $found ]] || fail "left behind: $found"
}

# one_error PATTERN: the last command said nothing on standard output and one error on standard
# error, which matches.
one_error() {
    local count
    [[ ! -s .stdout ]] || fail "something on standard output"
    count=$(grep -Ec '(^|: )error: |^lgpnc( [a-z]+)+: ' .stderr) || true
    [[ $count == 1 ]] || fail "$count errors, expected 1"
    expect_stderr "$1"
}

# same FILE FILE: they have the same bytes.
same() {
    cmp -- "$1" "$2" >&2 || fail "$1 and $2 differ"
}

# little_endian BYTES NUMBER: the number in binary.
little_endian() {
    local i n=$2
    for ((i = 0; i < $1; i++, n >>= 8)); do
        # shellcheck disable=SC2059 # the format is made here
        printf "\\x$(printf %02x $((n & 255)))"
    done
}

# make_safetensors FILE HEADER DATA: DATA is a format of printf, as in '\0\0\x80\x3f'.
make_safetensors() {
    { little_endian 8 ${#2}; printf %s "$2"; printf "$3"; } >"$1"
}

# make_npy FILE TYPE SHAPE DATA: an array of NumPy's type ('<f4'); DATA as above.
make_npy() {
    local header
    header=$(printf '%-117s' "{'descr': '$2', 'fortran_order': False, 'shape': ($3), }")
    { printf '\x93NUMPY\1\0'; little_endian 2 118; printf '%s\n' "$header"; printf "$4"; } >"$1"
}

# skip REASON: the test cannot run on this machine.
skip() {
    echo "skipped: $*"
    exit 77
}
