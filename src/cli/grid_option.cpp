// SPDX-License-Identifier: Apache-2.0
#include "grid_option.hpp"

#include "command.hpp"

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

void set_grid(const std::string& text, offramp::study::study_options& options) {
  const auto refuse = [&] {
    throw usage_error("--grid is \"" + text + "\", expected a number from 1 to 1000 or thresholds as in 0.5,0.9");
  };
  constexpr std::size_t most = 1000;
  if (const std::optional<std::size_t> count = whole_number(text)) {
    if (*count < 1 || *count > most) {
      refuse();
    }
    options.timed_points = *count;
    return;
  }
  std::istringstream numbers(text);
  numbers.imbue(std::locale::classic());
  std::vector<float>& thresholds = options.timed_thresholds;
  do {
    if (!(numbers >> thresholds.emplace_back()) || !std::isfinite(thresholds.back()) || thresholds.size() > most) {
      refuse();
    }
  } while (numbers.peek() == ',' && numbers.get());
  if (numbers.peek() != std::istringstream::traits_type::eof()) {
    refuse();
  }
}

}  // namespace offramp_cli
