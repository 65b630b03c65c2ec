// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "study/macro_f1.hpp"

#include <offramp/study/binomial.hpp>
#include <offramp/study/exit_logits.hpp>
#include <offramp/study/operating_point.hpp>
#include <offramp/study/replay.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Counts over answers that come and go one at a time. All sums are of integers, so the way to a state leaves no trace
/// in it.
class tally {
 public:
  explicit tally(const exit_logits& logits)
      : logits_(logits),
        texts_(std::make_shared<const replay>(logits)),
        shares_(logits.exits.size()),
        right_(logits.num_labels),
        mentions_(logits.num_labels) {
    for (std::size_t exit = 0; exit < shares_.size(); ++exit) {
      std::size_t correct = 0;
      for (std::size_t text = 0; text < logits.num_texts; ++text) {
        correct += is_right(text, exit) ? 1U : 0U;
      }
      correct_at_.push_back(correct);
    }
    for (std::size_t text = 0; !logits.flops.empty() && text < logits.num_texts; ++text) {
      full_flops_ += logits.flops[(shares_.size() - 1) * logits.num_texts + text];
    }
  }

  void add(std::size_t text, std::size_t exit) { count(text, exit, 1); }
  void remove(std::size_t text, std::size_t exit) { count(text, exit, -1); }

  [[nodiscard]] bool is_right(std::size_t text, std::size_t exit) const { return texts_->is_right(exit, text); }

  /// Of the answers counted now, one for each text. Leaves the thresholds open.
  [[nodiscard]] operating_point point() const {
    operating_point point;
    const auto n = static_cast<double>(logits_.num_texts);
    double random_correct = 0.0;
    for (std::size_t exit = 0; exit < shares_.size(); ++exit) {
      const share& counted = shares_[exit];
      const auto texts = static_cast<double>(counted.texts);
      const int layer = logits_.exits[exit].layer;
      point.exits.push_back({layer, static_cast<std::size_t>(counted.texts), static_cast<std::size_t>(counted.correct),
                             counted.texts == 0 ? 0.0 : static_cast<double>(counted.confidence) / unit / texts});
      point.correct += point.exits.back().correct;
      point.mean_layer += texts * layer;
      random_correct += texts * static_cast<double>(correct_at_[exit]);
    }
    point.texts = logits_.num_texts;
    point.accuracy = static_cast<double>(point.correct) / n;
    point.accuracy_95 =
        wilson(static_cast<std::int64_t>(point.correct), static_cast<std::int64_t>(logits_.num_texts), 0.95);
    point.macro_f1 = macro_f1(right_, mentions_);
    point.micro_f1 = micro_f1(right_, mentions_);
    point.mean_layer /= n;
    point.layer_speedup = speedup(logits_.exits.back().layer, point.mean_layer);
    point.mean_flops = static_cast<double>(flops_) / n;
    point.flops_speedup =
        logits_.flops.empty() ? 0.0 : speedup(static_cast<double>(full_flops_), static_cast<double>(flops_));
    point.lost = static_cast<std::size_t>(lost_);
    point.gained = static_cast<std::size_t>(gained_);
    point.disagreeing = static_cast<std::size_t>(disagreeing_);
    point.disagreement = static_cast<double>(disagreeing_) / n;
    point.random_accuracy = random_correct / n / n;
    return point;
  }

 private:
  /// 1 where both are 0: full depth of a model that has no exit behind a layer.
  [[nodiscard]] static double speedup(double full, double early) { return full == early ? 1.0 : full / early; }

  /// Confidences are summed in whole numbers of these, so that a sum depends on no order; 2^33 texts fit.
  static constexpr double unit = 0x1p30;

  struct share {
    std::int64_t texts = 0;
    std::int64_t correct = 0;
    std::int64_t confidence = 0;
  };

  void count(std::size_t text, std::size_t exit, std::int64_t step) {
    const exit_answer answer = texts_->answer(exit, text);
    const std::int64_t right = is_right(text, exit) ? step : 0;
    share& counted = shares_[exit];
    counted.texts += step;
    counted.correct += right;
    counted.confidence += step * static_cast<std::int64_t>(static_cast<double>(answer.confidence) * unit);
    const bool is_last_right = is_right(text, shares_.size() - 1);
    flops_ += logits_.flops.empty() ? 0 : step * logits_.flops[exit * logits_.num_texts + text];
    disagreeing_ += texts_->agrees(exit, text) ? 0 : step;
    lost_ += is_last_right && right == 0 ? step : 0;
    gained_ += !is_last_right && right != 0 ? step : 0;
    if (!texts_->is_multi_label()) {
      count_given(text, static_cast<std::size_t>(answer.label_id), step);
      mentions_[static_cast<std::size_t>(logits_.label_ids[text])] += step;
      return;
    }
    for (std::size_t label = 0; label < right_.size(); ++label) {
      if (texts_->gives(exit, text, label)) {
        count_given(text, label, step);
      }
      mentions_[label] += texts_->is_right_label(text, label) ? step : 0;
    }
  }

  void count_given(std::size_t text, std::size_t label, std::int64_t step) {
    mentions_[label] += step;
    right_[label] += texts_->is_right_label(text, label) ? step : 0;
  }

  const exit_logits& logits_;
  std::shared_ptr<const replay> texts_;  // shared by copies
  std::vector<share> shares_;            // [exits]
  std::vector<std::int64_t> right_;      // [labels], as macro_f1.hpp has them
  std::vector<std::int64_t> mentions_;   // [labels], likewise
  std::vector<std::size_t> correct_at_;  // [exits], if that exit answered all texts
  std::int64_t full_flops_ = 0;          // of all texts at full depth
  std::int64_t flops_ = 0;
  std::int64_t lost_ = 0;    // right at full depth alone
  std::int64_t gained_ = 0;  // wrong at full depth alone
  std::int64_t disagreeing_ = 0;
};

/// What one exit for each text gives, from a tally that has counted nothing yet.
template <class ExitOf>
[[nodiscard]] operating_point point_of_exits(tally counts, std::size_t num_texts, const ExitOf& exit_of) {
  for (std::size_t text = 0; text < num_texts; ++text) {
    counts.add(text, exit_of(text));
  }
  return counts.point();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
