# No public name has two definitions: among archives the linker would take the first in silence.
. "$SOURCE/tests/cli/lib.sh"

twice=$(nm -A --defined-only --extern-only "$(dirname -- "$LGPNC")"/lib/liblgpnc_*.a |
    awk 'NF > 2 && $(NF - 1) ~ /^[TDBR]$/ { print $NF }' |
    sort | uniq -d)
[[ -z $twice ]] || fail "defined twice: $twice"
