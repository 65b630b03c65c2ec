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

/// The label id of a text whose class nobody has said.
inline constexpr int no_label = -1;
/// That of a text which may have any number of labels.
inline constexpr int label_set = -2;

/// One text, or the two of a pair, and the class it belongs to, or its labels.
struct labelled_text {
  std::string first;
  std::optional<std::string> second;
  int label_id = 0;                 ///< index into the labels that the data set was read with, no_label or label_set
  std::size_t line = 0;             ///< where it stands in the file, from 1
  std::vector<int> label_ids = {};  ///< of a label_set: ascending, perhaps none

  bool operator==(const labelled_text&) const = default;
};

/// Texts in the order of their file: all of them labelled, or none.
struct dataset {
  std::string name;                  ///< the file, as it stands in messages
  std::string sha256;                ///< of the file's bytes, 64 hexadecimal digits
  std::vector<labelled_text> texts;  ///< never empty

  [[nodiscard]] bool is_labelled() const noexcept { return texts.empty() || texts.front().label_id != no_label; }
};

/// Whether a row has one label, or any number of them, for multi-label models.
enum class labels_per_text { one, any };

/// What the fields of a row are called, in files whose rows name them: .jsonl, and .csv with a header.
struct field_names {
  std::string label = "label";
  std::string text = "text";
  std::string text_pair = "text_pair";
};

/// Reads labelled texts, UTF-8, one a line: `label<TAB>text`, for pairs `label<TAB>premise<TAB>hypothesis`; a file that
/// ends in .jsonl holds objects with the members of `names` instead, one that ends in .csv a header with them and
/// records as in RFC 4180. A label may be a whole number there. A line ends at '\n', one '\r' before it is dropped.
/// `labels` are the names as the file writes them, by label id. With `labels_per_text::any` the label is any number of
/// them with commas between, empty for none, or in .jsonl an array.
///
/// Throws `io` for a file that cannot be read and `bad_data`, naming file and line, for an unknown label, one that
/// stands twice in a row, a missing or surplus column, an empty line and an empty file.
[[nodiscard]] OFFRAMP_API dataset read_dataset(const std::filesystem::path& path, std::span<const std::string> labels,
                                               input_kind input, const field_names& names = {},
                                               labels_per_text count = labels_per_text::one);

/// Reads unlabelled texts, UTF-8, one a line: any line is a text, the empty one too; a pair is divided by its first
/// tab. Files that end in .jsonl and .csv are as above; other fields, the label for one, are left alone. Lines end as
/// above. Throws `io`, and `bad_data`, naming file and line, for a pair without a tab, a missing or surplus member and
/// an empty file.
[[nodiscard]] OFFRAMP_API dataset read_texts(const std::filesystem::path& path, input_kind input,
                                             const field_names& names = {});

/// What keeps texts together when they are parted: pairs with one first text (of a premise, say) are not quite
/// independent, and on two sides the one learns from the other.
enum class part_by { text, first_text };

/// Each different text of `data` once (text_hash says which are), in one of as many parts as there are `shares` of 1:
/// which one depends on the text alone, or on its first text, through its SHA-256, so that copies never end up on two
/// sides, and neither the order nor the number of lines moves a text. Within a part texts go by that hash; a part's
/// `sha256` is that of its texts' hashes, and the line of a text is that of its first copy. Throws `invalid_argument`
/// for shares that are not positive or do not add up to 1, and `bad_data` for a part without texts: there are too few.
[[nodiscard]] OFFRAMP_API std::vector<dataset> part_texts(const dataset& data, std::span<const double> shares,
                                                          part_by what = part_by::text);

/// How many texts each label has, by label id; a text with several counts for each.
[[nodiscard]] OFFRAMP_API std::vector<std::size_t> count_labels(const dataset& data, std::size_t num_labels);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
