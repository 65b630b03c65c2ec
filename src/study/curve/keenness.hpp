// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/exits/confidence.hpp>
#include <offramp/exits/gate.hpp>
#include <offramp/exits/labelling.hpp>
#include <offramp/study/sweep_rule.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

[[nodiscard]] inline float next_above(float value) {
  return std::nextafter(value, std::numeric_limits<float>::infinity());
}
[[nodiscard]] inline float next_below(float value) {
  return std::nextafter(value, -std::numeric_limits<float>::infinity());
}

/// Marks an exit where the rule never lets the text go.
inline constexpr float never = -std::numeric_limits<float>::infinity();

/// How readily the rule lets one text go at each exit: a text leaves at its first exit whose keenness is at or above
/// some level, and a threshold is such a level (threshold_range_of). The last exit, which asks no rule, has none.
class keenness {
 public:
  keenness(const sweep_rule& rule, const exits::labelling& labels) : rule_(rule), labels_(labels) {}

  /// For the next exit of the text, in turn, and what the gate says of it.
  [[nodiscard]] float of(std::span<const float> probabilities, float uncertainty) {
    const std::size_t exit = exit_++;
    switch (rule_.kind) {
      case exit_policy::rule::declining:
        return highest_undeclined(labels_.confidence(probabilities), exit);
      case exit_policy::rule::entropy:
        return -exits::entropy(probabilities);
      case exit_policy::rule::normalized_entropy:
        return -exits::normalized_entropy(probabilities);
      case exit_policy::rule::margin:
        return exits::margin(probabilities);
      case exit_policy::rule::patience:
        return agreement(probabilities);
      case exit_policy::rule::patience_entropy:
        return least_recent(-exits::normalized_entropy(probabilities));
      case exit_policy::rule::learned:
        return -uncertainty;
      default:
        return labels_.confidence(probabilities);
    }
  }

 private:
  /// Exits in a row before this one that agree with it.
  [[nodiscard]] float agreement(std::span<const float> probabilities) {
    streak_ = labels_.agree(before_, probabilities) ? streak_ + 1 : 0;
    before_.assign(probabilities.begin(), probabilities.end());
    return streak_ > 0 ? static_cast<float>(streak_) : never;
  }

  /// The lowest of the last `count` values.
  [[nodiscard]] float least_recent(float value) {
    recent_.push_back(value);
    const auto count = static_cast<std::ptrdiff_t>(rule_.count);
    return std::ssize(recent_) < count ? never : *std::min_element(recent_.end() - count, recent_.end());
  }

  /// The highest threshold whose decline until `exit` brings it to the confidence or below.
  [[nodiscard]] float highest_undeclined(float confidence, std::size_t exit) const {
    const auto is_reached = [&](float threshold) {
      return static_cast<double>(confidence) >= exits::declined_threshold(threshold, rule_.decline, exit);
    };
    auto threshold = static_cast<float>(exits::declined_threshold(confidence, -rule_.decline, exit));
    while (!is_reached(threshold)) {
      threshold = next_below(threshold);
    }
    while (is_reached(next_above(threshold))) {
      threshold = next_above(threshold);
    }
    return threshold;
  }

  sweep_rule rule_;
  exits::labelling labels_;
  std::size_t exit_ = 0;
  int streak_ = 0;
  std::vector<float> before_;  // [labels], of the exit before
  std::vector<float> recent_;
};

/// A number at which every layer of a model with that many exits runs, whatever the texts.
[[nodiscard]] inline float full_depth_threshold(const sweep_rule& rule, std::size_t num_exits) {
  switch (rule.kind) {
    case exit_policy::rule::normalized_entropy:
      return -1.0F;
    case exit_policy::rule::entropy:
    case exit_policy::rule::patience_entropy:
    case exit_policy::rule::learned:
      return 0.0F;
    case exit_policy::rule::patience:
      return static_cast<float>(num_exits);
    case exit_policy::rule::declining:
      return 2.0F + std::ceil(rule.decline * static_cast<float>(num_exits));
    default:
      return 2.0F;
  }
}

/// The number with the fewest decimals from `lowest` to `highest`; the end that is finite where no short one fits.
[[nodiscard]] inline float shortest_between(float lowest, float highest) {
  const bool from_below = std::isfinite(lowest);
  if (!from_below && !std::isfinite(highest)) {
    return 0.0F;
  }
  double scale = 1.0;
  for (int decimals = 0; decimals < 9; ++decimals, scale *= 10.0) {
    const double scaled = static_cast<double>(from_below ? lowest : highest) * scale;
    const auto candidate = static_cast<float>((from_below ? std::ceil(scaled) : std::floor(scaled)) / scale);
    if (lowest <= candidate && candidate <= highest) {
      return candidate;
    }
  }
  return from_below ? lowest : highest;
}

/// The thresholds at which texts leave from keenness `level` on, but not yet from `below`, the next lower level that
/// occurs. `never` as `below` when there is none, `-never` as `level` for full depth.
[[nodiscard]] inline threshold_range threshold_range_of(const sweep_rule& rule, float below, float level) {
  const bool is_first = below == never;
  const auto range = [](float lowest, float highest) {
    return threshold_range{lowest, highest, shortest_between(lowest, highest)};
  };
  switch (rule.kind) {
    case exit_policy::rule::patience:
      return range(is_first ? 1.0F : below + 1.0F, level);
    case exit_policy::rule::entropy:
    case exit_policy::rule::patience_entropy:
    case exit_policy::rule::learned:
      return range(level == -never ? never : next_above(-level), -below);
    case exit_policy::rule::normalized_entropy:
      return range(-level, is_first ? -below : next_below(-below));
    default:
      return range(is_first ? never : next_above(below), level);
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
