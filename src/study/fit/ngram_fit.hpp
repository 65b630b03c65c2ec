// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exits/ngrams.hpp>
#include <offramp/runner.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The n-grams of many texts, row after row, each of unit length, and what they should be answered with.
class ngram_examples {
 public:
  ngram_examples(exits::ngram_shape shape, std::size_t num_labels) : shape_(shape), num_labels_(num_labels) {}

  /// `target` [labels]: probabilities that add up to 1, one of them 1 where the text has a label.
  void add(const exits::ngram_text& text, std::span<const float> target);

  /// The same texts with other targets [texts, num_labels].
  [[nodiscard]] ngram_examples with_targets(std::vector<float> targets, std::size_t num_labels) const {
    ngram_examples other = *this;
    other.num_labels_ = num_labels;
    other.targets_ = std::move(targets);
    return other;
  }

  [[nodiscard]] const exits::ngram_shape& shape() const noexcept { return shape_; }
  [[nodiscard]] std::size_t num_labels() const noexcept { return num_labels_; }
  [[nodiscard]] std::size_t size() const noexcept { return ends_.size(); }
  [[nodiscard]] std::span<const exits::ngram_feature> features(std::size_t text) const {
    const std::size_t begin = text == 0 ? 0 : ends_[text - 1];
    return std::span(features_).subspan(begin, ends_[text] - begin);
  }
  [[nodiscard]] std::span<const exits::ngram_feature> features() const noexcept { return features_; }
  [[nodiscard]] std::span<const float> targets() const noexcept { return targets_; }
  [[nodiscard]] std::span<const float> target(std::size_t text) const {
    return std::span(targets_).subspan(text * num_labels_, num_labels_);
  }

 private:
  exits::ngram_shape shape_;
  std::size_t num_labels_;
  std::vector<std::size_t> ends_;  // [texts], into features
  std::vector<exits::ngram_feature> features_;
  std::vector<float> targets_;  // [texts, labels]
  exits::ngram_memory memory_;
};

/// Weights of a linear head over buckets, before they are rounded.
struct ngram_weights {
  std::vector<float> weights;  // [buckets, labels]
  std::vector<float> bias;     // [labels]
  bool is_optimal = true;      // false: the fit ran out of steps
};

/// Multinomial logistic regression with an L2 penalty (binary for two labels, as fit_heads), once for each of
/// `strengths`, which are ascending values of C: minimises
///
///     C * sum over texts of weight * -sum of target[label] * ln softmax(W x + b)[label]  +  1/2 * sum of squares of W
///
/// with the weights that weigh_texts gives for `class_weights` (empty: all 1).
///
/// Sums over texts are formed text after text and sums over buckets bucket after bucket, so that the number of threads
/// that `run` lends changes no bit.
[[nodiscard]] std::vector<ngram_weights> fit_ngrams(const ngram_examples& examples, std::span<const double> strengths,
                                                    std::span<const double> class_weights, const runner& run);

/// int8 weights with one scale per label.
[[nodiscard]] exits::ngram_head round_weights(const ngram_weights& weights, const exits::ngram_shape& shape);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
