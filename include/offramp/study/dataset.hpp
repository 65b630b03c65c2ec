// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// One text, or the two of a pair, and the class it belongs to.
struct labelled_text {
  std::string first;
  std::optional<std::string> second;
  int label_id = 0;      ///< index into the labels that the data set was read with
  std::size_t line = 0;  ///< where it stands in the file, from 1

  bool operator==(const labelled_text&) const = default;
};

/// Labelled texts in the order of their file.
struct dataset {
  std::string name;                  ///< the file, as it stands in messages
  std::string sha256;                ///< of the file's bytes, 64 hexadecimal digits
  std::vector<labelled_text> texts;  ///< never empty
};

/// Reads labelled texts, UTF-8, one a line: `label<TAB>text`, for pairs `label<TAB>premise<TAB>hypothesis`; a file that
/// ends in .jsonl holds objects with the members `label`, `text` and for pairs `text_pair` instead. A line ends at
/// '\n', one '\r' before it is dropped. `labels` are the names as the file writes them, by label id. Throws `io` for a
/// file that cannot be read and `invalid_argument`, naming file and line, for an unknown label, a missing or surplus
/// column, an empty line and an empty file.
[[nodiscard]] OFFRAMP_API dataset read_dataset(const std::filesystem::path& path, std::span<const std::string> labels,
                                               input_kind input);

/// How many texts each label has, by label id.
[[nodiscard]] OFFRAMP_API std::vector<std::size_t> count_labels(const dataset& data, std::size_t num_labels);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
