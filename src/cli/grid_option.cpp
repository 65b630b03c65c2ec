// SPDX-License-Identifier: Apache-2.0
#include "grid_option.hpp"

#include "command.hpp"

#include <offramp/study/curve_study.hpp>

#include <charconv>
#include <cmath>
#include <locale>
#include <sstream>
#include <system_error>

namespace offramp_cli {

namespace {

std::optional<std::size_t> whole_number(const std::string& text) {
  std::size_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, value);
  return problem == std::errc() && rest == end ? std::optional(value) : std::nullopt;
}

}  // namespace

grid::grid(const std::string& text) : count_(whole_number(text)) {
  const auto refuse = [&] {
    throw usage_error("--grid is \"" + text + "\", expected a number from 1 to 1000 or thresholds as in 0.5,0.9");
  };
  constexpr std::size_t most = 1000;
  if (count_) {
    if (*count_ < 1 || *count_ > most) {
      refuse();
    }
    return;
  }
  std::istringstream numbers(text);
  numbers.imbue(std::locale::classic());
  do {
    if (!(numbers >> thresholds_.emplace_back()) || !std::isfinite(thresholds_.back()) || thresholds_.size() > most) {
      refuse();
    }
  } while (numbers.peek() == ',' && numbers.get());
  if (numbers.peek() != std::istringstream::traits_type::eof()) {
    refuse();
  }
}

std::vector<std::size_t> grid::points_of(const offramp::study::curve& found) const {
  if (count_) {
    return spread_points(found, *count_);
  }
  std::vector<std::size_t> points;
  for (const float threshold : thresholds_) {
    points.push_back(static_cast<std::size_t>(&found.at(threshold) - found.points.data()));
  }
  return points;
}

}  // namespace offramp_cli
