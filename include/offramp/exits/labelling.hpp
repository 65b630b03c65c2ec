// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exits/confidence.hpp>
#include <offramp/version.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// How a model's labels stand to each other, and so what its logits answer: they exclude each other, and the most
/// probable is given; or each is given for itself, or not (multi-label). A view.
class labelling {
 public:
  /// Labels that exclude each other.
  labelling() = default;
  /// A label is given where its probability is above its cut; no cuts: as above.
  explicit labelling(std::span<const float> cuts) : cuts_(cuts) {}

  [[nodiscard]] bool is_multi_label() const noexcept { return !cuts_.empty(); }

  /// softmax(logits / temperature), or the sigmoid of each, into `probabilities`; never NaN or outside 0 to 1 for
  /// finite logits.
  void calibrate(std::span<const float> logits, float temperature, std::span<float> probabilities) const {
    if (!is_multi_label()) {
      exits::calibrate(logits, temperature, probabilities);
      return;
    }
    std::ranges::transform(logits, probabilities.begin(), [&](float logit) {
      return static_cast<float>(1.0 / (1.0 + std::exp(-static_cast<double>(logit) / static_cast<double>(temperature))));
    });
  }

  /// How sure the answer is: its probability, or that of the least sure decision, whichever way it goes.
  [[nodiscard]] float confidence(std::span<const float> probabilities) const {
    if (!is_multi_label()) {
      return probabilities[most_probable(probabilities)];
    }
    float least = 1.0F;
    for (const float probability : probabilities) {
      least = std::min(least, std::max(probability, 1.0F - probability));
    }
    return least;
  }

  /// Whether the label is given, or among those given.
  [[nodiscard]] bool gives(std::span<const float> probabilities, std::size_t label) const {
    return is_multi_label() ? probabilities[label] > cuts_[label] : most_probable(probabilities) == label;
  }

  /// Whether both give the same label, or the same labels; false where one says nothing.
  [[nodiscard]] bool agree(std::span<const float> one, std::span<const float> other) const {
    if (one.empty() || other.empty()) {
      return false;
    }
    if (!is_multi_label()) {
      return most_probable(one) == most_probable(other);
    }
    for (std::size_t label = 0; label < cuts_.size(); ++label) {
      if (gives(one, label) != gives(other, label)) {
        return false;
      }
    }
    return true;
  }

 private:
  std::span<const float> cuts_;  // [labels], each between 0 and 1; empty: labels exclude each other
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
