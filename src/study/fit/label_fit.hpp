// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ngram_fit.hpp"
#include "targets.hpp"

#include <offramp/runner.hpp>
#include <offramp/study/head_fit.hpp>
#include <offramp/version.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

/// How heads are fitted and chosen, whether labels exclude each other (no `cuts`) or each is given for itself: then
/// every label of every text is a choice of its own between no and yes, and each label's row is fitted as a head of two
/// labels, whose second logit less the first is the logit of yes.
namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The targets [texts, 2] of one label: how likely it is not there, and how likely it is.
[[nodiscard]] inline std::vector<float> targets_of_label(std::span<const float> targets, std::size_t num_labels,
                                                         std::size_t label) {
  std::vector<float> two;
  for (std::size_t place = label; place < targets.size(); place += num_labels) {
    two.push_back(1.0F - targets[place]);
    two.push_back(targets[place]);
  }
  return two;
}

/// As fit_heads_to_targets, once for each of `strengths`.
[[nodiscard]] inline std::vector<linear_head> fit_label_heads(const taught_features& given, std::span<const float> cuts,
                                                              std::span<const double> strengths,
                                                              std::span<const double> class_weights,
                                                              const runner& run) {
  if (cuts.empty()) {
    return fit_heads_to_targets(given, strengths, class_weights, run);
  }
  std::vector<linear_head> heads(strengths.size());
  for (std::size_t label = 0; label < given.num_labels; ++label) {
    const std::vector<float> targets = targets_of_label(given.targets, given.num_labels, label);
    const std::vector<linear_head> fits = fit_heads_to_targets({given.values, targets, 2}, strengths, {}, run);
    for (std::size_t i = 0; i < fits.size(); ++i) {
      const std::size_t width = fits[i].weights.size() / 2;
      for (std::size_t feature = 0; feature < width; ++feature) {
        heads[i].weights.push_back(fits[i].weights[width + feature] - fits[i].weights[feature]);
      }
      heads[i].bias.push_back(fits[i].bias[1] - fits[i].bias[0]);
      heads[i].is_optimal = heads[i].is_optimal && fits[i].is_optimal;
    }
  }
  return heads;
}

/// As fit_ngrams.
[[nodiscard]] inline std::vector<ngram_weights> fit_label_ngrams(const ngram_examples& examples,
                                                                 std::span<const float> cuts,
                                                                 std::span<const double> strengths,
                                                                 std::span<const double> class_weights,
                                                                 const runner& run) {
  if (cuts.empty()) {
    return fit_ngrams(examples, strengths, class_weights, run);
  }
  const std::size_t labels = examples.num_labels();
  std::vector<ngram_weights> joined(strengths.size());
  for (std::size_t label = 0; label < labels; ++label) {
    const ngram_examples two = examples.with_targets(targets_of_label(examples.targets(), labels, label), 2);
    const std::vector<ngram_weights> fits = fit_ngrams(two, strengths, {}, run);
    for (std::size_t i = 0; i < fits.size(); ++i) {
      joined[i].weights.resize(examples.shape().buckets() * labels);
      for (std::size_t bucket = 0; bucket < examples.shape().buckets(); ++bucket) {
        joined[i].weights[bucket * labels + label] = fits[i].weights[2 * bucket + 1] - fits[i].weights[2 * bucket];
      }
      joined[i].bias.push_back(fits[i].bias[1] - fits[i].bias[0]);
      joined[i].is_optimal = joined[i].is_optimal && fits[i].is_optimal;
    }
  }
  return joined;
}

/// As cross_entropy; the mean over texts and labels where each is given for itself.
[[nodiscard]] inline double mean_nll(std::span<const float> logits, std::span<const float> targets,
                                     std::size_t num_labels, std::span<const float> cuts,
                                     std::span<const double> class_weights) {
  if (cuts.empty()) {
    return cross_entropy(logits, targets, num_labels, class_weights);
  }
  std::vector<float> choices;  // no has the logit 0
  for (const float logit : logits) {
    choices.push_back(0.0F);
    choices.push_back(logit);
  }
  return cross_entropy(choices, targets_of_label(targets, 1, 0), 2);
}

/// As share_right; of texts of which every label is decided as the target is where each is given for itself.
[[nodiscard]] inline double share_answered_right(std::span<const float> logits, std::span<const float> targets,
                                                 std::size_t num_labels, std::span<const float> cuts) {
  if (cuts.empty()) {
    return share_right(logits, targets, num_labels);
  }
  std::size_t right = 0;
  for (std::size_t begin = 0; begin < logits.size(); begin += num_labels) {
    bool is_right = true;
    for (std::size_t label = 0; label < num_labels; ++label) {
      const auto probability = static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logits[begin + label]))));
      is_right = is_right && (probability > cuts[label]) == (targets[begin + label] > cuts[label]);
    }
    right += is_right ? 1U : 0U;
  }
  return static_cast<double>(right * num_labels) / static_cast<double>(logits.size());
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
