# Writes OUTPUT, a header with the commit that is being built; touched only when that changes.
#   cmake -DSOURCE=DIR -DOUTPUT=FILE -P build_commit.cmake
set(commit unknown)
find_program(GIT git)
if(GIT)
  # A copy without history inside some other repository must not name that one's commit.
  execute_process(COMMAND ${GIT} -C ${SOURCE} rev-parse --show-cdup OUTPUT_VARIABLE up ERROR_QUIET
                  RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(failed EQUAL 0 AND up STREQUAL "")
    execute_process(COMMAND ${GIT} -C ${SOURCE} describe --always --dirty --tags OUTPUT_VARIABLE described ERROR_QUIET
                    RESULT_VARIABLE failed OUTPUT_STRIP_TRAILING_WHITESPACE)
    if(failed EQUAL 0)
      set(commit ${described})
    endif()
  endif()
endif()
set(text "#define LIG_COMMIT \"${commit}\"\n")
set(old "")
if(EXISTS ${OUTPUT})
  file(READ ${OUTPUT} old)
endif()
if(NOT old STREQUAL text)
  file(WRITE ${OUTPUT} "${text}")
endif()
