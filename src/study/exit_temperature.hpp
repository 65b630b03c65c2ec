// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/exit_logits.hpp>
#include <offramp/study/temperature.hpp>

#include <cstddef>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// What one exit decides, one choice among exclusive answers after the other: a label for each text; or for each text
/// and label, yes or no, whose logits are the label's and 0: softmax over the two is the sigmoid of the first. So
/// temperatures are fitted in one way.
class exit_decisions {
 public:
  /// Borrows `logits`.
  exit_decisions(const exit_logits& logits, std::size_t exit)
      : logits_(logits.of_exit(exit)), right_(logits.label_ids), num_answers_(logits.num_labels) {
    if (logits.cuts.empty()) {
      return;
    }
    for (std::size_t i = 0; i < logits_.size(); ++i) {
      own_logits_.push_back(0.0F);
      own_logits_.push_back(logits_[i]);
      own_right_.push_back(logits.label_sets[i]);
    }
    logits_ = own_logits_;
    right_ = own_right_;
    num_answers_ = 2;
  }
  exit_decisions(const exit_decisions&) = delete;
  exit_decisions& operator=(const exit_decisions&) = delete;
  ~exit_decisions() = default;

  [[nodiscard]] std::span<const float> logits() const { return logits_; }  ///< [decisions, answers]
  [[nodiscard]] std::span<const int> right() const { return right_; }      ///< [decisions]
  [[nodiscard]] std::size_t num_answers() const { return num_answers_; }

  [[nodiscard]] temperature_fit fit() const { return fit_temperature(logits_, right_, num_answers_); }

  /// The mean over decisions of -ln of the right answer's probability.
  [[nodiscard]] double nll(float temperature) const {
    return negative_log_likelihood(logits_, right_, num_answers_, temperature);
  }

 private:
  std::span<const float> logits_;  // [decisions, answers]
  std::span<const int> right_;     // [decisions]
  std::size_t num_answers_;
  std::vector<float> own_logits_;
  std::vector<int> own_right_;
};

/// The best temperature of one exit. Where the last exit's answers count as right, nothing says how sure of them it may
/// be itself: it keeps the temperature that it has.
[[nodiscard]] inline temperature_fit fit_exit_temperature(const exit_logits& logits, std::size_t exit) {
  const exit_decisions decisions(logits, exit);
  if (logits.is_labelled || exit + 1 < logits.exits.size()) {
    return decisions.fit();
  }
  const float kept = logits.exits[exit].temperature;
  return {kept, false, decisions.nll(1.0F), decisions.nll(kept)};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
