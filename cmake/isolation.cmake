# SPDX-License-Identifier: Apache-2.0
# Nothing of a third party leaves the compiled library. What it compiles from their headers has namespaces of ours: the
# linker would merge equal names with those of a program, whose version, flags and alignment may be others. A shared
# library shows the public interface alone.
set(offramp_own_namespaces Eigen=offramp_eigen nlohmann=offramp_nlohmann)
target_compile_definitions(offramp PRIVATE ${offramp_own_namespaces})
set_property(SOURCE src/kernels/kernels.cpp APPEND PROPERTY COMPILE_DEFINITIONS hwy=offramp_hwy)
if(OFFRAMP_SENTENCEPIECE)
  set_property(SOURCE src/sentencepiece.cpp APPEND PROPERTY COMPILE_DEFINITIONS OFFRAMP_WITH_SENTENCEPIECE)
endif()
# Fetched libraries become part of ours (dependencies.cmake), in namespaces of ours too.
foreach(absorbed IN LISTS offramp_absorbed)
  target_sources(offramp PRIVATE $<TARGET_OBJECTS:${absorbed}>)
endforeach()
if(TARGET offramp_hwy)
  set_property(SOURCE src/kernels/cpu_targets.cpp APPEND PROPERTY COMPILE_DEFINITIONS hwy=offramp_hwy)
endif()
if(TARGET offramp_sentencepiece)
  set_property(SOURCE src/sentencepiece.cpp APPEND PROPERTY COMPILE_DEFINITIONS ${offramp_sentencepiece_namespaces})
endif()

# What a library of offramp's objects needs besides, and what a shared one shows.
function(offramp_link target)
  set(highway $<IF:$<BOOL:${offramp_links_hwy}>,hwy::hwy,offramp_hwy>)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:Eigen3::Eigen> $<BUILD_INTERFACE:nlohmann_json::nlohmann_json>
                                          $<BUILD_INTERFACE:${highway}>)
  if(OFFRAMP_SENTENCEPIECE)
    target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:SentencePiece::sentencepiece>)
  endif()
  get_target_property(type ${target} TYPE)
  if(type STREQUAL SHARED_LIBRARY AND NOT APPLE)
    set(symbols ${PROJECT_BINARY_DIR}/exported-symbols.map)
    configure_file(${PROJECT_SOURCE_DIR}/cmake/exported-symbols.map.in ${symbols} @ONLY)
    target_link_options(${target} PRIVATE LINKER:--version-script=${symbols})
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${symbols})
  endif()
endfunction()
offramp_link(offramp)

# For tests and benchmarks of the implementation: the whole library, whatever it shows, and its names of third parties.
if(OFFRAMP_BUILD_TESTS OR OFFRAMP_BUILD_BENCHMARKS OR OFFRAMP_BUILD_FUZZERS)
  get_target_property(type offramp TYPE)
  if(type STREQUAL SHARED_LIBRARY)
    add_library(offramp_internals STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:offramp>)
    offramp_link(offramp_internals)
    target_sources(offramp_internals PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${public_headers})
    target_compile_features(offramp_internals PUBLIC cxx_std_20)
    target_compile_definitions(offramp_internals PUBLIC ${offramp_own_namespaces})
  else()
    add_library(offramp_internals INTERFACE)
    target_link_libraries(offramp_internals INTERFACE offramp)
    target_compile_definitions(offramp_internals INTERFACE ${offramp_own_namespaces})
  endif()
endif()
