// SPDX-License-Identifier: Apache-2.0
#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/sha256.hpp>
#include <offramp/study/model_identity.hpp>

#include <algorithm>
#include <system_error>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

std::string identify_model(const std::filesystem::path& directory) {
  const offramp::detail::default_floating_point environment;
  std::vector<std::filesystem::path> files;
  std::error_code problem;
  for (std::filesystem::directory_iterator entry(directory, problem), end; !problem && entry != end;
       entry.increment(problem)) {
    if (entry->is_regular_file(problem) && entry->path().filename() != "exits.texts.safetensors") {
      files.push_back(entry->path());
    }
  }
  if (problem) {
    throw error(error_kind::io, directory.string() + ": cannot be listed: " + problem.message());
  }
  std::ranges::sort(files);
  std::string names;
  for (const std::filesystem::path& file : files) {
    names += file.filename().string() + '\n' + model::sha256_hex(model::file(file)) + '\n';
  }
  return model::sha256_hex(names);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
