// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "svg.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

struct box {
  double left = 0.0;
  double top = 0.0;
  double right = 0.0;
  double bottom = 0.0;

  [[nodiscard]] bool contains(pixel place) const {
    return left <= place.x && place.x <= right && top <= place.y && place.y <= bottom;
  }
  [[nodiscard]] bool overlaps(const box& other) const {
    return left < other.right && other.left < right && top < other.bottom && other.top < bottom;
  }
  [[nodiscard]] pixel centre() const { return {(left + right) / 2.0, (top + bottom) / 2.0}; }
};

/// Finds room for labels between lines.
class label_placer {
 public:
  /// Labels stay inside `area`.
  explicit label_placer(box area) : area_(area) {}

  void avoid(std::span<const pixel> line) {
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
      constexpr double spacing = 3.0;
      const double length = std::hypot(line[i + 1].x - line[i].x, line[i + 1].y - line[i].y);
      const double pieces = std::floor(length / spacing) + 1.0;
      for (double piece = 0.0; piece < pieces; piece += 1.0) {
        const double share = piece / pieces;
        obstacles_.push_back(
            {line[i].x + share * (line[i + 1].x - line[i].x), line[i].y + share * (line[i + 1].y - line[i].y)});
      }
    }
    if (!line.empty()) {
      obstacles_.push_back(line.back());
    }
  }

  void avoid(const box& taken) { taken_.push_back(taken); }

  /// A free box of this size whose centre is as near as possible to one of `places`, the earlier ones preferred; then
  /// it is taken. Nothing when there is no room within `reach`.
  [[nodiscard]] std::optional<box> place(std::span<const pixel> places, pixel size, double reach) {
    constexpr double step = 4.0;
    for (double distance = size.y / 2.0 + 5.0; distance <= reach; distance += step) {
      for (const pixel& target : places) {
        for (const pixel& direction : directions) {
          const double x = target.x + direction.x * (distance + (size.x - size.y) / 2.0);
          const double y = target.y + direction.y * distance;
          const box candidate{x - size.x / 2.0, y - size.y / 2.0, x + size.x / 2.0, y + size.y / 2.0};
          if (is_free(candidate)) {
            taken_.push_back(candidate);
            return candidate;
          }
        }
      }
    }
    return std::nullopt;
  }

  [[nodiscard]] bool is_free(const box& candidate) const {
    return candidate.left >= area_.left && candidate.right <= area_.right && candidate.top >= area_.top &&
           candidate.bottom <= area_.bottom &&
           std::ranges::none_of(obstacles_, [&](const pixel& place) { return candidate.contains(place); }) &&
           std::ranges::none_of(taken_, [&](const box& other) { return candidate.overlaps(other); });
  }

 private:
  static constexpr pixel directions[] = {{0, -1}, {0, 1}, {0.6, 0.8}, {-0.6, -0.8}, {1, 0}, {-1, 0}};

  box area_;
  std::vector<pixel> obstacles_;
  std::vector<box> taken_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
