# SPDX-License-Identifier: Apache-2.0
# What the linker sees of the library. The shared one shows the public interface and nothing else; the static one defines
# nothing under the name of a third party, which the linker could take for a program's own. Neither has a unique symbol:
# that would stay in memory after dlclose.
include(${CMAKE_CURRENT_LIST_DIR}/consumer.cmake)

# Names of namespaces as compilers mangle them, after what is no digit.
set(third_parties "[^0-9](5Eigen|8nlohmann|3hwy|6google|4absl|5Darts)")
if(NOT LINKS_SENTENCEPIECE)
  string(APPEND third_parties "|[^0-9]13sentencepiece")
endif()
# In offramp::<version>: functions of the public folders, members of classifier, what error needs to be caught.
set(version "7offramp[0-9]+v[0-9]+_[0-9]+")
set(interface "^(offramp_[a-z0-9_]+|_ZT[ISV]N${version}5errorE|_ZNK?${version}.*)$")
set(internals "^_ZNK?${version}(4text|5model|2nn|5exits|6detail|10classifier5state)")

set(wrong "")
run(${NM} -D --defined-only ${SHARED_LIBRARY})
string(REGEX MATCHALL "[^\n]+" lines "${output}")
list(LENGTH lines count)
foreach(line IN LISTS lines)
  if(line MATCHES " A OFFRAMP_[0-9]+_[0-9]+$")  # the version itself
    continue()
  endif()
  string(REGEX REPLACE "^[^ ]* ([A-Za-z]) ([^ ]+)@@OFFRAMP_[0-9]+_[0-9]+$" "\\2" symbol "${line}")
  if(NOT symbol MATCHES "${interface}" OR symbol MATCHES "${internals}" OR line MATCHES " u ")
    list(APPEND wrong "shared: ${line}")
  endif()
endforeach()
if(count LESS 20)
  message(FATAL_ERROR "${SHARED_LIBRARY} shows ${count} symbols, so a program cannot use it")
endif()

run(${NM} --defined-only ${STATIC_LIBRARY})
string(REGEX MATCHALL "[^\n]+ [TWVBDRuiC] [^\n]+" lines "${output}")
foreach(line IN LISTS lines)
  if(line MATCHES " u " OR line MATCHES "${third_parties}")
    list(APPEND wrong "static: ${line}")
  endif()
endforeach()

if(wrong)
  list(LENGTH wrong count)
  list(SUBLIST wrong 0 30 wrong)
  list(JOIN wrong "\n" wrong)
  message(FATAL_ERROR "${count} symbols of others leave the library:\n${wrong}")
endif()
message(STATUS "the shared library shows ${count} symbols")
