// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/config.hpp>
#include <offramp/model/files.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// The labels that an AllenNLP archive keeps in `vocabulary/labels.txt`, one a line in the order of their ids; those of
/// `config.json` where there is no such file. Throws `bad_model` for an empty line, a label that stands twice, more
/// than 65,536 labels, or other names than the config gives.
[[nodiscard]] inline std::vector<std::string> read_label_lines(const file_set& files, const config& shape) {
  constexpr std::uint64_t size_limit = 16'000'000;
  constexpr std::size_t most = 65536;
  const std::optional<file> source = files.find("vocabulary/labels.txt");
  if (!source) {
    return shape.labels;
  }
  const auto refuse = [&](const std::string& what) {
    throw error(error_kind::bad_model, source->name() + ": " + what);
  };
  const std::string content = source->read_all(size_limit);
  std::vector<std::string> labels;
  std::set<std::string> seen;
  for (std::size_t begin = 0; begin < content.size();) {
    const std::size_t end = std::min(content.find('\n', begin), content.size());
    std::string line = content.substr(begin, end - begin);
    if (line.ends_with('\r')) {
      line.pop_back();
    }
    begin = end + 1;
    if (line.empty() || labels.size() == most || !seen.insert(line).second) {
      refuse("line " + std::to_string(labels.size() + 1) + " is \"" + line +
             "\", expected a label that is not empty and stands once, of at most " + std::to_string(most));
    }
    labels.push_back(std::move(line));
  }
  if (!shape.labels_are_default && labels != shape.labels) {
    refuse("its labels differ from config.json's id2label");
  }
  return labels;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
