// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/load_options.hpp>

#include <cstddef>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits {

/// In which order a layer with an exit on the [CLS] rows computes them and its other rows. Changes no result.
enum class row_order { together, first_rows_first, first_rows_only };

/// How often texts leave at one exit, learned from the calls so far. It decides schedules only.
class exit_rate {
 public:
  [[nodiscard]] double value() const noexcept { return left_ / visited_; }

  void count(bool has_left) noexcept {
    constexpr double memory = 256.0;  // visits; older ones fade, because thresholds and texts change
    if (visited_ > memory) {
      visited_ *= 0.5;
      left_ *= 0.5;
    }
    visited_ += 1.0;
    left_ += has_left ? 1.0 : 0.0;
  }

 private:
  // Before anything is known: about what thresholds that lose a point of accuracy give with six exits.
  double visited_ = 8.0;
  double left_ = 2.5;
};

/// Computing [CLS] first reads most of the layer's weights a second time, and the [CLS] rows of the texts that go on
/// are computed twice; it saves the other rows of those that leave.
[[nodiscard]] inline row_order choose_row_order(schedule chosen, double likelihood, std::size_t texts,
                                                std::size_t rows) {
  // Reading a layer's weights from memory takes as long as multiplying them with about this many rows, in every
  // numeric format, because the slower formats also hold larger weights.
  constexpr double rows_per_reading = 6.0;
  const double saved = likelihood * static_cast<double>(rows - texts);
  const double spent = rows_per_reading + static_cast<double>(texts);
  const bool pays = chosen == schedule::cls_first || (chosen == schedule::by_cost && saved > spent);
  return pays ? row_order::first_rows_first : row_order::together;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::exits
