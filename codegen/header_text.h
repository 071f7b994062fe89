// The text of runtime/artifact.h, put into the program by CMake.
#ifndef LG_CODEGEN_HEADER_TEXT_H
#define LG_CODEGEN_HEADER_TEXT_H

extern const char lg_artifact_header_text[];

#endif
