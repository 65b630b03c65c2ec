// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exit_policy.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// What one text would be told, and where.
struct exit_answer {
  std::size_t exit = 0;  ///< index into exit_logits::exits
  int label_id = 0;
  float confidence = 0.0F;

  bool operator==(const exit_answer&) const = default;
};

/// Answers every text of a data set under any policy, without running the encoder again: the same exit, label and
/// confidence, bit for bit, as classifier::classify_batch gives. Immutable; const members are safe from any number of
/// threads.
class OFFRAMP_API replay {
 public:
  /// Under the temperatures in `logits`.
  explicit replay(const exit_logits& logits);

  /// In the order of the data set. Throws `invalid_argument` for a policy that does not fit the exits or asks a gate
  /// that the model has not, and for a deadline, which no stored logits can answer for.
  [[nodiscard]] std::vector<exit_answer> decide(const exit_policy& policy) const;

  [[nodiscard]] std::size_t num_texts() const noexcept { return label_ids_.size(); }
  [[nodiscard]] std::size_t num_exits() const noexcept { return exits_.size(); }
  [[nodiscard]] std::size_t num_labels() const noexcept { return num_labels_; }
  [[nodiscard]] const std::vector<exit_info>& exits() const noexcept { return exits_; }
  /// The right answers, [texts]; where nobody has said them, those of full depth.
  [[nodiscard]] const std::vector<int>& label_ids() const noexcept { return label_ids_; }
  [[nodiscard]] bool is_labelled() const noexcept { return is_labelled_; }

  /// The calibrated probabilities of one exit, [texts, labels].
  [[nodiscard]] std::span<const float> probabilities(std::size_t exit) const { return probabilities_[exit]; }
  /// Those [labels] of one text.
  [[nodiscard]] std::span<const float> probabilities(std::size_t exit, std::size_t text) const {
    return probabilities(exit).subspan(text * num_labels_, num_labels_);
  }
  /// What that exit alone says.
  [[nodiscard]] exit_answer answer(std::size_t exit, std::size_t text) const;

 private:
  std::vector<exit_info> exits_;
  std::size_t num_labels_;
  std::vector<int> label_ids_;
  bool is_labelled_;
  std::vector<std::vector<float>> probabilities_;  // [exits][texts, labels]
  std::vector<float> uncertainties_;               // [exits, texts]; empty: no gate
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
