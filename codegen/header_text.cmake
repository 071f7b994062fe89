# The text of runtime/artifact.h as a C string: headers of objects carry it (codegen/header.c).
set(artifact_header ${PROJECT_SOURCE_DIR}/runtime/artifact.h)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${artifact_header})
file(READ ${artifact_header} text)
string(REPLACE "\\" "\\\\" text "${text}")
string(REPLACE "\"" "\\\"" text "${text}")
string(REPLACE "\n" "\\n\"\n    \"" text "${text}")
set(header_text_source ${PROJECT_BINARY_DIR}/header_text.c)
file(CONFIGURE OUTPUT ${header_text_source} @ONLY CONTENT
"#include \"codegen/header_text.h\"

const char lg_artifact_header_text[] =
    \"@text@\";
")
