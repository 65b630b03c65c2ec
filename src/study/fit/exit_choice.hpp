// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "half_rows.hpp"
#include "layer_features.hpp"

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

/// About `most` of the texts, evenly spread over those of each label, at least one of each that occurs; all where they
/// are no more.
[[nodiscard]] inline dataset thin_out(const dataset& data, std::size_t num_labels, std::size_t most) {
  const std::size_t texts = data.texts.size();
  if (texts <= most) {
    return data;
  }
  const std::vector<std::size_t> counts = count_labels(data, num_labels);
  std::vector<std::size_t> seen(num_labels);
  dataset thin{data.name, data.sha256, {}};
  for (const labelled_text& text : data.texts) {
    const auto label = static_cast<std::size_t>(text.label_id);
    const std::size_t wanted = (counts[label] * most + texts - 1) / texts;
    const std::size_t place = seen[label]++;
    if ((place + 1) * wanted / counts[label] > place * wanted / counts[label]) {
      thin.texts.push_back(text);
    }
  }
  return thin;
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

/// The pooling that heads do better with on dev, all layers together (ties: the first one's).
[[nodiscard]] inline model::pooling better_pooling(std::span<const head_choice> choices) {
  const auto sum = [&](model::pooling pooling) {
    double total = 0;
    for (const head_choice& choice : choices) {
      total += choice.input.pooling == pooling ? choice.dev_nll : 0.0;
    }
    return total;
  };
  const model::pooling first = choices.front().input.pooling;
  const model::pooling last = choices.back().input.pooling;
  return sum(last) < sum(first) ? last : first;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
