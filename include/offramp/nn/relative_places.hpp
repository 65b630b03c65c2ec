// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// DeBERTa's relative embeddings (He et al. 2021): one for each distance, or, with `buckets`, for ranges of distances.
struct relative_range {
  std::ptrdiff_t buckets = 0;  ///< in each direction; 0: every distance has one of its own
  std::ptrdiff_t longest = 0;  ///< distances from here on share the last one; with buckets above buckets / 2 + 1

  /// The embeddings are [2 * span(), hidden].
  [[nodiscard]] constexpr std::ptrdiff_t span() const noexcept { return buckets > 0 ? buckets : longest; }
  /// Up to this distance each has an embedding of its own.
  [[nodiscard]] constexpr std::ptrdiff_t exact() const noexcept { return buckets > 0 ? buckets / 2 : longest; }
};

/// The bucket of a distance: itself up to half of the buckets, beyond by its logarithm, as transformers computes it in
/// float32: rounding decides where a bucket begins.
[[nodiscard]] inline std::ptrdiff_t logarithmic_bucket(std::ptrdiff_t distance, const relative_range& range) {
  const std::ptrdiff_t middle = range.exact();
  const std::ptrdiff_t length = distance < 0 ? -distance : distance;
  if (range.buckets == 0 || length <= middle) {
    return distance;
  }
  const double farthest = static_cast<double>(range.longest - 1) / static_cast<double>(middle);
  const float share = std::log(static_cast<float>(length) / static_cast<float>(middle)) /
                      std::log(static_cast<float>(farthest)) * static_cast<float>(middle - 1);
  const std::ptrdiff_t bucket = static_cast<std::ptrdiff_t>(std::ceil(share)) + middle;
  return distance < 0 ? -bucket : bucket;
}

/// Where the distances within texts stand in tables of them, in ascending order of the distance: at places from 0 on.
class relative_places {
 public:
  relative_places() = default;

  /// `tokens`: of the longest text, from 1 on.
  relative_places(const relative_range& range, std::size_t tokens)
      : span_(range.span()), exact_(range.exact()), middle_(tokens - 1) {
    lowest_ = limited(-static_cast<std::ptrdiff_t>(middle_), range);
    places_.reserve(2 * middle_ + 1);
    for (std::size_t i = 0; i < 2 * middle_ + 1; ++i) {
      const std::ptrdiff_t distance = static_cast<std::ptrdiff_t>(i) - static_cast<std::ptrdiff_t>(middle_);
      places_.push_back(static_cast<std::uint32_t>(limited(distance, range) - lowest_));
    }
  }

  /// The place of the distance d is the result's [d].
  [[nodiscard]] const std::uint32_t* of_distances() const noexcept { return places_.data() + middle_; }

  /// Up to this distance, in either direction, the places follow one another.
  [[nodiscard]] std::ptrdiff_t exact() const noexcept { return exact_; }

  [[nodiscard]] std::size_t size() const noexcept { return places_.empty() ? 0 : places_.back() + std::size_t{1}; }

  /// The relative embedding for a query that lies `place` before its key, and for one as far behind.
  [[nodiscard]] std::size_t row_before(std::size_t place) const noexcept { return row(-bucket_at(place)); }
  [[nodiscard]] std::size_t row_behind(std::size_t place) const noexcept { return row(bucket_at(place)); }

  [[nodiscard]] std::size_t bytes() const noexcept { return places_.size() * sizeof(std::uint32_t); }

 private:
  [[nodiscard]] static std::ptrdiff_t limited(std::ptrdiff_t distance, const relative_range& range) {
    return std::clamp(logarithmic_bucket(distance, range), -range.span(), range.span());
  }

  [[nodiscard]] std::ptrdiff_t bucket_at(std::size_t place) const noexcept {
    return static_cast<std::ptrdiff_t>(place) + lowest_;
  }

  /// Of a query that lies `distance` behind its key.
  [[nodiscard]] std::size_t row(std::ptrdiff_t distance) const noexcept {
    return static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(distance + span_, 0, 2 * span_ - 1));
  }

  std::ptrdiff_t span_ = 0;
  std::ptrdiff_t exact_ = 0;
  std::ptrdiff_t lowest_ = 0;  // the bucket at place 0
  std::size_t middle_ = 0;     // where the distance 0 stands
  std::vector<std::uint32_t> places_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
