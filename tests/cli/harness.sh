# The test drivers themselves can fail.
. "$SOURCE/tests/cli/lib.sh"

# Includes: a tree that is right, then one wrong line in it.
mkdir -p tree/ir tree/frontend tree/codegen
echo '#include "ir/graph.h"' >tree/frontend/layers.c
echo '#include "runtime/artifact.h"' >tree/codegen/artifact.c
expect_exit 0 bash "$SOURCE/tests/check_includes.sh" tree
echo '#include "frontend/layers.h"' >tree/ir/graph.c
expect_exit 1 bash "$SOURCE/tests/check_includes.sh" tree
expect_stderr '^ir/graph.c:1: ir/ may not include "frontend/layers.h"'
echo '#include "runtime/loader.h"' >tree/codegen/artifact.c
expect_exit 1 bash "$SOURCE/tests/check_includes.sh" tree
expect_stderr '^codegen/artifact.c:1: '

# IR files: cat stands for the program.
cat >"a b.ir" <<'END'
; RUN: %lgpnc %s | FileCheck %s
; RUN: %lgpnc %s >%t
; CHECK: {{^}}pelican
pelican
END
expect_exit 0 env LGPNC=/bin/cat bash "$SOURCE/tests/run_filecheck.sh" "a b.ir"
sed -i '$d' "a b.ir"
expect_exit 1 env LGPNC=/bin/cat bash "$SOURCE/tests/run_filecheck.sh" "a b.ir"
expect_exit 1 env LGPNC=/bin/false bash "$SOURCE/tests/run_filecheck.sh" "a b.ir"
echo '; CHECK: pelican' >none.ir
expect_exit 1 env LGPNC=/bin/cat bash "$SOURCE/tests/run_filecheck.sh" none.ir
expect_stderr "no '; RUN:' line"

# Scripts: the first failing command ends one, and so does a helper.
printf 'false\ntrue\n' >stops.sh
expect_exit 1 bash "$SOURCE/tests/run_cli.sh" stops.sh
echo '. "$SOURCE/tests/cli/lib.sh"; expect_exit 2 true; true' >code.sh
expect_exit 1 bash "$SOURCE/tests/run_cli.sh" code.sh
expect_stderr 'exit 0, expected 2'
echo 'touch here; exec ls -A' >folder.sh
expect_exit 0 bash "$SOURCE/tests/run_cli.sh" folder.sh
expect_stdout '^here$'
no_file here
