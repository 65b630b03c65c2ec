// SPDX-License-Identifier: Apache-2.0
// Usage: program MODEL-DIRECTORY. A program with an Eigen of its own beside the library.
#include "own_eigen.hpp"

extern "C" int use_offramp(const char* model_directory);

int main(int argc, char** argv) {
  if (argc != 2) {
    return 2;
  }
  use_own_eigen();
  const int status = use_offramp(argv[1]);
  use_own_eigen();
  return status;
}
