// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/classifier.hpp>
#include <offramp/runner.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/fit.hpp>
#include <offramp/study/fit_options.hpp>
#include <offramp/study/known_texts.hpp>
#include <offramp/study/progress.hpp>
#include <offramp/version.hpp>

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Texts and what heads should answer to them.
struct taught_texts {
  dataset data;
  std::vector<float> targets;  // [texts, labels], as in targets.hpp
};

/// What exits learn from, are chosen with, and never see.
struct fit_texts {
  taught_texts train;
  taught_texts dev;
  std::optional<dataset> held_out;
  std::vector<std::string> warnings;
};

/// Throws `invalid_argument` unless there is something to learn from and something to choose with.
void check_files(const fit_files& files);

/// Throws `bad_data` where labels are to count alike and one is no answer to learn from.
void check_weighting(class_weighting weighting, const taught_texts& train, const std::vector<std::string>& labels);

/// Single texts or pairs, as the first line of the files says. Throws as describe_data, and `bad_data` for unlabelled
/// lines with a tab, which may divide a pair or not.
[[nodiscard]] input_kind find_input(const fit_files& files, const field_names& names, labels_per_text count);

/// How data files are read, and texts without labels parted.
struct text_shares {
  double held_out = 0;  // that is neither learned from nor chosen with
  part_by what = part_by::text;
  field_names fields = {};
  labels_per_text count = labels_per_text::one;
};

/// Files on their way to fit_texts.
class fit_reader {
 public:
  /// Reads and parts them. `labels` are as the data write them, by label id. `known`: to the exits that stay. Throws as
  /// fit_exits does for data, and as select_certifiable for what is held out.
  fit_reader(const fit_files& files, const known_texts& known, const std::vector<std::string>& labels, input_kind input,
             const text_shares& shares);

  /// Texts without labels, if there are any, are answered by the last exit of what `load_teacher` gives.
  [[nodiscard]] fit_texts answer(const std::function<classifier()>& load_teacher, const runner& run,
                                 const progress& report) &&;

 private:
  void read_labelled(const fit_files& files, const std::vector<std::string>& labels, input_kind input,
                     const text_shares& form);
  void warn_of_shared_firsts(std::span<const dataset> parts);
  void part(dataset texts, const text_shares& wanted);

  std::optional<taught_texts> train_;
  std::optional<taught_texts> dev_;
  std::optional<dataset> train_without_labels_;
  std::optional<dataset> dev_without_labels_;
  std::optional<dataset> held_out_;
  std::vector<std::string> warnings_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
