// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exit_policy.hpp>
#include <offramp/study/compiled_target.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

/// What one text would be told, and where.
struct exit_answer {
  std::size_t exit = 0;  ///< index into exit_logits::exits
  int label_id = 0;      ///< multi-label: the most probable, given or not; replay::gives() says which are
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

  [[nodiscard]] std::size_t num_texts() const noexcept { return num_texts_; }
  [[nodiscard]] std::size_t num_exits() const noexcept { return exits_.size(); }
  [[nodiscard]] std::size_t num_labels() const noexcept { return num_labels_; }
  [[nodiscard]] const std::vector<exit_info>& exits() const noexcept { return exits_; }
  [[nodiscard]] bool is_multi_label() const noexcept { return !cuts_.empty(); }
  /// The right answers, [texts]; where nobody has said them, those of full depth. Multi-label: empty.
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
  /// Whether it gives that label to the text.
  [[nodiscard]] bool gives(std::size_t exit, std::size_t text, std::size_t label) const;
  /// Whether that is a right label of the text.
  [[nodiscard]] bool is_right_label(std::size_t text, std::size_t label) const;
  /// Whether its answer is right, of a multi-label model in all labels.
  [[nodiscard]] bool is_right(std::size_t exit, std::size_t text) const { return is_right_[exit][text] != 0; }
  /// Whether its answer is the last exit's.
  [[nodiscard]] bool agrees(std::size_t exit, std::size_t text) const { return agrees_[exit][text] != 0; }

 private:
  std::vector<exit_info> exits_;
  std::size_t num_texts_;
  std::size_t num_labels_;
  std::vector<float> cuts_;  // [labels]; empty: labels exclude each other
  std::vector<int> label_ids_;
  std::vector<std::uint8_t> label_sets_;  // [texts, labels], multi-label
  bool is_labelled_;
  std::vector<std::vector<float>> probabilities_;    // [exits][texts, labels]
  std::vector<float> uncertainties_;                 // [exits, texts]; empty: no gate
  std::vector<std::vector<std::uint8_t>> is_right_;  // [exits][texts]
  std::vector<std::vector<std::uint8_t>> agrees_;    // [exits][texts]
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
