// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "study/likeliest_labels.hpp"

#include <offramp/study/fit_options.hpp>
#include <offramp/study/head_fit.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

/// Targets [texts, labels] are the answers that a head should give: probabilities that add up to 1 for each text, one
/// of them 1 where the right answer is known; of multi-label models each between 0 and 1 (label_fit.hpp).
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

[[nodiscard]] inline std::vector<float> one_hot(std::span<const int> label_ids, std::size_t num_labels) {
  std::vector<float> targets(label_ids.size() * num_labels);
  for (std::size_t text = 0; text < label_ids.size(); ++text) {
    targets[text * num_labels + static_cast<std::size_t>(label_ids[text])] = 1.0F;
  }
  return targets;
}

/// How much each text counts, [texts], where labels count as much as `class_weights` [labels] says (empty: all 1).
[[nodiscard]] inline std::vector<double> weigh_texts(std::span<const float> targets, std::size_t num_labels,
                                                     std::span<const double> class_weights) {
  std::vector<double> weights(targets.size() / num_labels, class_weights.empty() ? 1.0 : 0.0);
  for (std::size_t i = 0; i < targets.size() && !class_weights.empty(); ++i) {
    weights[i / num_labels] += static_cast<double>(targets[i]) * class_weights[i % num_labels];
  }
  return weights;
}

/// Empty where labels count by their texts.
[[nodiscard]] inline std::vector<double> class_weights_for(class_weighting weighting, std::span<const float> targets,
                                                           std::size_t num_labels) {
  return weighting == class_weighting::balanced ? balanced_weights(likeliest_labels(targets, num_labels), num_labels)
                                                : std::vector<double>();
}

/// The mean of -ln softmax(logits) under the targets, in nats; a text counts as weigh_texts says. For targets of 0 and
/// 1 the negative log-likelihood of the right answers.
[[nodiscard]] inline double cross_entropy(std::span<const float> logits, std::span<const float> targets,
                                          std::size_t num_labels, std::span<const double> class_weights = {}) {
  const std::vector<double> weights = weigh_texts(targets, num_labels, class_weights);
  double sum = 0;
  double total = 0;
  for (std::size_t text = 0; text < weights.size(); ++text) {
    const auto row = logits.subspan(text * num_labels, num_labels);
    const auto highest = static_cast<double>(std::ranges::max(row));
    double exponentials = 0;
    double aimed = 0;
    for (std::size_t label = 0; label < num_labels; ++label) {
      const double distance = static_cast<double>(row[label]) - highest;
      exponentials += std::exp(distance);
      aimed += static_cast<double>(targets[text * num_labels + label]) * distance;
    }
    sum += weights[text] * (std::log(exponentials) - aimed);
    total += weights[text];
  }
  return sum / total;
}

/// The share of texts whose highest logit, the lowest such label, is that of the highest target.
[[nodiscard]] inline double share_right(std::span<const float> logits, std::span<const float> targets,
                                        std::size_t num_labels) {
  const std::vector<int> given = likeliest_labels(logits, num_labels);
  const std::vector<int> right = likeliest_labels(targets, num_labels);
  std::size_t equal = 0;
  for (std::size_t text = 0; text < given.size(); ++text) {
    equal += given[text] == right[text] ? 1U : 0U;
  }
  return static_cast<double>(equal) / static_cast<double>(given.size());
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
