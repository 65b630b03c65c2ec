// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "fit_texts.hpp"
#include "half_rows.hpp"
#include "label_fit.hpp"
#include "layer_features.hpp"
#include "targets.hpp"

#include <offramp/runner.hpp>
#include <offramp/study/head_fit.hpp>

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

/// About `most` of the texts, evenly spread over those of each likeliest label, at least one of each that occurs; all
/// where they are no more.
[[nodiscard]] inline taught_texts thin_out(const taught_texts& all, std::size_t num_labels, std::size_t most) {
  const std::size_t texts = all.data.texts.size();
  if (texts <= most) {
    return all;
  }
  const std::vector<int> labels = likeliest_labels(all.targets, num_labels);
  std::vector<std::size_t> counts(num_labels);
  for (const int label : labels) {
    ++counts[static_cast<std::size_t>(label)];
  }
  std::vector<std::size_t> seen(num_labels);
  taught_texts thin{{all.data.name, all.data.sha256, {}}, {}};
  for (std::size_t text = 0; text < texts; ++text) {
    const auto label = static_cast<std::size_t>(labels[text]);
    const std::size_t wanted = (counts[label] * most + texts - 1) / texts;
    const std::size_t place = seen[label]++;
    if ((place + 1) * wanted / counts[label] > place * wanted / counts[label]) {
      const auto target = std::span(all.targets).subspan(text * num_labels, num_labels);
      thin.data.texts.push_back(all.data.texts[text]);
      thin.targets.insert(thin.targets.end(), target.begin(), target.end());
    }
  }
  return thin;
}

/// What heads should answer to train and dev, borrowed, and how they are fitted.
struct choice_task {
  std::span<const float> train_targets;
  std::span<const float> dev_targets;
  std::size_t num_labels = 0;
  std::span<const float> cuts = {};   // [labels] where each label is given for itself, borrowed
  std::vector<double> class_weights;  // empty: all 1
  std::vector<double> strengths;      // ascending
};

/// The head of one input, its strength chosen on dev. Takes the features, to give their memory back soon.
[[nodiscard]] inline head_choice choose_strength(const choice_task& task, const pooled_layer& input, half_rows train,
                                                 half_rows dev, const runner& run) {
  const std::vector<float> train_values = std::exchange(train, {}).widen();
  const std::vector<float> dev_values = std::exchange(dev, {}).widen();
  std::vector<linear_head> heads = fit_label_heads({train_values, task.train_targets, task.num_labels}, task.cuts,
                                                   task.strengths, task.class_weights, run);
  head_choice best;
  for (std::size_t i = 0; i < heads.size(); ++i) {
    const std::vector<float> logits = head_logits(heads[i], dev_values, run);
    const double nll = mean_nll(logits, task.dev_targets, task.num_labels, task.cuts, task.class_weights);
    if (nll < best.dev_nll) {
      best = {input, task.strengths[i], std::move(heads[i]), 0, nll};
    }
  }
  best.train_accuracy =
      share_answered_right(head_logits(best.head, train_values, run), task.train_targets, task.num_labels, task.cuts);
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
