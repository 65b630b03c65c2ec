// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/study/half_rows.hpp>
#include <offramp/detail/study/layer_features.hpp>
#include <offramp/runner.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/head_fit.hpp>
#include <offramp/study/temperature.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// A head and how well it did.
struct head_choice {
  pooled_layer input;
  double strength = 0;
  linear_head head;
  double train_accuracy = 0;
  double dev_nll = std::numeric_limits<double>::infinity();  // weighted as in training
};

[[nodiscard]] inline std::vector<int> label_ids(const dataset& data) {
  std::vector<int> ids(data.texts.size());
  std::ranges::transform(data.texts, ids.begin(), &labelled_text::label_id);
  return ids;
}

/// The share of texts whose highest logit, the lowest such label, is the right one.
[[nodiscard]] inline double share_right(std::span<const float> logits, std::span<const int> ids) {
  const std::size_t labels = logits.size() / ids.size();
  std::size_t right = 0;
  for (std::size_t text = 0; text < ids.size(); ++text) {
    const auto row = logits.subspan(text * labels, labels);
    right += std::ranges::max_element(row) - row.begin() == ids[text] ? 1U : 0U;
  }
  return static_cast<double>(right) / static_cast<double>(ids.size());
}

/// The labels of train and dev, and how they are fitted.
struct choice_task {
  std::vector<int> train_ids;
  std::vector<int> dev_ids;
  std::size_t num_labels = 0;
  std::vector<double> class_weights;  // empty: all 1
  std::vector<double> strengths;      // ascending
};

/// The head of one input, its strength chosen on dev. Takes the features, to give their memory back soon.
[[nodiscard]] inline head_choice choose_strength(const choice_task& task, const pooled_layer& input, half_rows train,
                                                 half_rows dev, const runner& run) {
  const std::vector<float> train_values = std::exchange(train, {}).widen();
  const std::vector<float> dev_values = std::exchange(dev, {}).widen();
  std::vector<linear_head> heads =
      fit_heads({train_values, task.train_ids, task.num_labels}, task.strengths, task.class_weights, run);
  head_choice best;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const std::vector<float> logits = head_logits(heads[i], dev_values, run);
    const double nll = negative_log_likelihood(logits, task.dev_ids, task.num_labels, 1.0F, task.class_weights);
    if (nll < best.dev_nll) {
      best = {input, task.strengths[i], std::move(heads[i]), 0, nll};
    }
  }
  best.train_accuracy = share_right(head_logits(best.head, train_values, run), task.train_ids);
  return best;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
