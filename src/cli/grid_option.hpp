// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/curve.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace offramp_cli {

/// Which points of a curve are wanted: "16" spreads so many evenly over the mean layer, "0.5,0.9" or "0.9" names
/// thresholds (a single one needs its decimal point).
class grid {
 public:
  /// Throws usage_error for anything else.
  explicit grid(const std::string& text);

  /// Indices into curve::points, in the order of the grid; a point may come twice.
  [[nodiscard]] std::vector<std::size_t> points_of(const offramp::study::curve& found) const;

 private:
  std::optional<std::size_t> count_;
  std::vector<float> thresholds_;
};

}  // namespace offramp_cli
