// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/version.hpp>

#include <filesystem>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// What a file of labelled texts tells about itself.
struct data_description {
  std::vector<std::string> labels;  ///< all that occur, each once, in the order of their bytes
  input_kind input = input_kind::single;
};

/// Looks through a file of the form that read_dataset reads: pairs where its first line holds one. The texts are not
/// checked. Throws `io` for a file that cannot be read, `bad_data` for an empty one, and, naming file and line, for a
/// line without a label, unless lines have any number of them.
[[nodiscard]] OFFRAMP_API data_description describe_data(const std::filesystem::path& path,
                                                         const field_names& names = {},
                                                         labels_per_text count = labels_per_text::one);

/// Whether a file of the form that read_texts reads holds single texts or pairs, as its first line says. Throws `io`
/// for a file that cannot be read, and `bad_data` for a first line that is no JSON object in .jsonl, and in files of
/// plain lines for one with a tab, which may divide a pair or not.
[[nodiscard]] OFFRAMP_API input_kind find_input_of_texts(const std::filesystem::path& path,
                                                         const field_names& names = {});

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
