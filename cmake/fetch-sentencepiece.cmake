# SPDX-License-Identifier: Apache-2.0
# Takes sentencepiece from its repository, as dependencies.cmake does with what has a CMake package.
message(STATUS "SentencePiece was not found; it is fetched from https://github.com/google/sentencepiece.git")
block()
  set(CMAKE_POLICY_DEFAULT_CMP0077 NEW)  # the variables below count as options
  set(CMAKE_POLICY_VERSION_MINIMUM 3.5)  # for its own cmake_minimum_required
  set(CMAKE_COMPILE_WARNING_AS_ERROR OFF)
  set(SPM_ENABLE_SHARED OFF)
  set(SPM_ENABLE_TCMALLOC OFF)
  FetchContent_Declare(SentencePiece GIT_REPOSITORY https://github.com/google/sentencepiece.git
                       GIT_TAG 17d7580d6407802f85855d2cc9190634e2c95624)  # v0.2.0
  FetchContent_GetProperties(SentencePiece)
  if(NOT sentencepiece_POPULATED)
    FetchContent_Populate(SentencePiece)
    # Its install rules are unconditional; those of a directory that is excluded from all are left out.
    add_subdirectory(${sentencepiece_SOURCE_DIR} ${sentencepiece_BINARY_DIR} EXCLUDE_FROM_ALL)
  endif()
endblock()
# With what it brings along: parts of Abseil and Protocol Buffers, and a trie.
set(offramp_sentencepiece_namespaces sentencepiece=offramp_sentencepiece google=offramp_google absl=offramp_absl
                                     Darts=offramp_darts)
offramp_absorb(sentencepiece-static NAME sentencepiece NAMESPACES ${offramp_sentencepiece_namespaces})
find_package(Threads REQUIRED)
FetchContent_GetProperties(SentencePiece SOURCE_DIR sentencepiece_SOURCE_DIR)
target_include_directories(offramp_sentencepiece SYSTEM INTERFACE ${sentencepiece_SOURCE_DIR}/src)
target_link_libraries(offramp_sentencepiece INTERFACE Threads::Threads)
add_library(SentencePiece::sentencepiece ALIAS offramp_sentencepiece)
