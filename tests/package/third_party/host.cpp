// SPDX-License-Identifier: Apache-2.0
// Usage: host MODEL-DIRECTORY PLUGIN [LIBRARY]. A program with an Eigen of its own that loads, uses and unloads a
// plugin 100 times. Nothing stays in memory: neither the plugin nor the shared library that it brings along.
#include "own_eigen.hpp"

#include <dlfcn.h>

#include <iostream>

namespace {

bool is_loaded(const char* path) {
  void* found = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
  if (found != nullptr) {
    dlclose(found);
  }
  return found != nullptr;
}

int use_once(const char* plugin, const char* model_directory) {
  void* handle = dlopen(plugin, RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    std::cerr << dlerror() << '\n';
    return 1;
  }
  using function = int(const char*);
  auto* const use_offramp = reinterpret_cast<function*>(dlsym(handle, "use_offramp"));
  const int status = use_offramp == nullptr ? 1 : use_offramp(model_directory);
  dlclose(handle);
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    return 2;
  }
  use_own_eigen();
  for (int round = 0; round < 100; ++round) {
    if (use_once(argv[2], argv[1]) != 0) {
      return 1;
    }
    for (int i = 2; i < argc; ++i) {
      if (is_loaded(argv[i])) {
        std::cerr << argv[i] << " stays in memory after dlclose\n";
        return 1;
      }
    }
  }
  use_own_eigen();
}
