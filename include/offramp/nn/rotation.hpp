// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <Eigen/Core>

#include <cmath>
#include <cstddef>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn {

/// Rotary positions (Su et al. 2021) for heads of `size`, which is even: at position p, the pair of elements i and
/// i + size / 2 turns by the angle p / base^(2 i / size). Angles are formed in float32, as transformers does; far from
/// the beginning of a text that shows.
class rotation {
 public:
  rotation(float base, std::size_t size) : base_(base), half_(size / 2) {
    for (std::size_t i = 0; i < half_; ++i) {
      const double exponent = static_cast<double>(static_cast<float>(2 * i) / static_cast<float>(size));
      frequencies_.push_back(1.0F / static_cast<float>(std::pow(static_cast<double>(base), exponent)));
    }
  }

  [[nodiscard]] bool is_of(float base, std::size_t size) const noexcept { return base == base_ && size == 2 * half_; }

  /// Prepares for positions below `count`.
  void extend(std::size_t count) {
    turns_.reserve(count * 2 * half_);
    for (std::size_t position = turns_.size() / (2 * half_); position < count; ++position) {
      const auto angle = [&](std::size_t i) {
        return static_cast<double>(static_cast<float>(position) * frequencies_[i]);
      };
      for (std::size_t i = 0; i < half_; ++i) {
        turns_.push_back(static_cast<float>(std::cos(angle(i))));
      }
      for (std::size_t i = 0; i < half_; ++i) {
        turns_.push_back(static_cast<float>(std::sin(angle(i))));
      }
    }
  }

  /// Turns a query or a key [size] at a position that was prepared for. Not inlined: a copy per caller could be
  /// compiled to other roundings.
  [[gnu::noinline]] void apply(std::size_t position, float* row) const {
    using lanes = Eigen::Array<float, 8, 1>;
    const float* cosines = turns_.data() + position * 2 * half_;
    const float* sines = cosines + half_;
    float* upper = row + half_;
    std::size_t i = 0;
    for (; i + 8 <= half_; i += 8) {
      const lanes a = Eigen::Map<const lanes>(row + i);
      const lanes b = Eigen::Map<const lanes>(upper + i);
      const Eigen::Map<const lanes> cosine(cosines + i);
      const Eigen::Map<const lanes> sine(sines + i);
      Eigen::Map<lanes>{row + i} = a * cosine - b * sine;
      Eigen::Map<lanes>{upper + i} = b * cosine + a * sine;
    }
    for (; i < half_; ++i) {
      const float a = row[i];
      const float b = upper[i];
      row[i] = a * cosines[i] - b * sines[i];
      upper[i] = b * cosines[i] + a * sines[i];
    }
  }

  [[nodiscard]] std::size_t bytes() const noexcept { return turns_.capacity() * sizeof(float); }

 private:
  float base_;
  std::size_t half_;
  std::vector<float> frequencies_;  // [half]
  std::vector<float> turns_;        // [positions, 2, half], cosines and sines
};

/// The rotations that the layers of an encoder use, each up to the longest text seen.
class rotations {
 public:
  /// Prepared for positions below `count`; valid until the next call.
  [[nodiscard]] const rotation& prepare(float base, std::size_t size, std::size_t count) {
    for (rotation& known : all_) {
      if (known.is_of(base, size)) {
        known.extend(count);
        return known;
      }
    }
    all_.emplace_back(base, size).extend(count);
    return all_.back();
  }

  [[nodiscard]] std::size_t bytes() const noexcept {
    std::size_t sum = 0;
    for (const rotation& each : all_) {
      sum += each.bytes();
    }
    return sum;
  }

 private:
  std::vector<rotation> all_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::nn
