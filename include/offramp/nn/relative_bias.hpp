// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// T5's bidirectional buckets (Raffel et al. 2020), as MPNet has them.
inline constexpr std::size_t relative_buckets = 32;

/// The bucket of a key at `distance` behind its query, negative before it. In each direction the distances 0 to 7 have
/// buckets of their own; beyond, two share each doubling, and from 91 on all are in the last.
[[nodiscard]] constexpr std::size_t relative_bucket(std::ptrdiff_t distance) noexcept {
  constexpr std::size_t of_one_direction = relative_buckets / 2;
  constexpr std::uint64_t exact = of_one_direction / 2;
  const std::size_t first = distance > 0 ? of_one_direction : 0;
  const auto length = static_cast<std::uint64_t>(distance < 0 ? -distance : distance);
  if (length < exact) {
    return first + static_cast<std::size_t>(length);
  }
  // exact * log(length / exact) / log(128 / exact) is the logarithm of this square to the base 2.
  const std::uint64_t square = length * length / (exact * exact);
  return first +
         std::min<std::size_t>(exact + static_cast<std::size_t>(std::bit_width(square)) - 1, of_one_direction - 1);
}

/// What each head adds to the scaled score of a key for a query, by the distance between the two: the same in all
/// layers.
class relative_bias {
 public:
  /// Adds nothing.
  relative_bias() = default;

  /// `table`: [buckets, heads], at least relative_buckets rows. `tokens`: of the longest text, from 1 on.
  relative_bias(std::span<const float> table, std::size_t heads, std::size_t tokens)
      : middle_(tokens - 1), values_(heads * (2 * tokens - 1)) {
    for (std::size_t head = 0; head < heads; ++head) {
      for (std::size_t i = 0; i < width(); ++i) {
        const auto distance = static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(middle_);
        values_[head * width() + i] = table[relative_bucket(distance) * heads + head];
      }
    }
  }

  /// The number for a key k and a query q is the result's [k - q]; null where nothing is added.
  [[nodiscard]] const float* of_head(std::size_t head) const noexcept {
    return values_.empty() ? nullptr : values_.data() + head * width() + middle_;
  }

  [[nodiscard]] std::size_t bytes() const noexcept { return values_.size() * sizeof(float); }

 private:
  [[nodiscard]] std::size_t width() const noexcept { return 2 * middle_ + 1; }

  std::size_t middle_ = 0;     // where the distance 0 stands
  std::vector<float> values_;  // [heads, width()], by distance
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
