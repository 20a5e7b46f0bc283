# Writes OUTPUT, a header with the digest of all sources that objects depend on, and LLVM's version.
#   cmake -DSOURCE=DIR -DOUTPUT=FILE -DLLVM_VERSION=V -P build_id.cmake
file(GLOB sources ${SOURCE}/codegen/*.[ch] ${SOURCE}/codegen/*.def ${SOURCE}/ir/*.[ch] ${SOURCE}/ir/*.def
     ${SOURCE}/ir/base/*.[ch])
list(SORT sources)
set(digests "")
foreach(source ${sources})
  file(SHA256 ${source} digest)
  string(APPEND digests "${digest}\n")
endforeach()
string(SHA256 id "${digests}")
file(WRITE ${OUTPUT} "#define LIG_BUILD_ID \"${id}\"\n#define LIG_LLVM_VERSION \"${LLVM_VERSION}\"\n")
