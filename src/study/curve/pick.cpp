// SPDX-License-Identifier: Apache-2.0
#include "study/number_text.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/study/pick.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

using offramp::detail::settled;

namespace detail {
namespace {

/// A plain decimal number and nothing else, whatever the locale.
[[nodiscard]] std::optional<double> number_in(std::string_view text) {
  double value = 0.0;
  const char* const end = text.data() + text.size();
  const auto [rest, problem] = std::from_chars(text.data(), end, value, std::chars_format::fixed);
  const bool is_plain = text.find_first_not_of("0123456789.") == std::string_view::npos;
  return is_plain && problem == std::errc() && rest == end ? std::optional<double>(value) : std::nullopt;
}

/// The deepest of the timed points, ascending, up to which the wall time of all is `allowed`.
template <class Allowed>
[[nodiscard]] std::optional<std::size_t> deepest_timed(std::span<const timed_point> timed, const Allowed& allowed) {
  std::optional<std::size_t> deepest;
  for (const timed_point& next : timed) {
    if (!allowed(next.time.single)) {
      break;
    }
    deepest = next.point;
  }
  return deepest;
}

}  // namespace
}  // namespace detail

pick_goal parse_pick_goal(std::string_view text) {
  const offramp::detail::default_floating_point environment;
  const auto refuse = [&] {
    throw error(
        error_kind::invalid_argument,
        "pick \"" + std::string(text) + "\" is unknown, expected as in loss:1, loss:1@95, speedup:3 or p95:5ms");
  };
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view name = text.substr(0, colon);
  std::string_view number = text.substr(std::min(colon + 1, text.size()));
  pick_goal wanted;
  wanted.what = name == "loss"      ? pick_goal::kind::loss
                : name == "speedup" ? pick_goal::kind::speedup
                                    : pick_goal::kind::p95;
  if (const std::size_t at = number.find('@'); name == "loss" && at != std::string_view::npos) {
    wanted.confidence = detail::number_in(number.substr(at + 1)).value_or(0.0) / 100.0;
    number = number.substr(0, at);
    if (!(*wanted.confidence > 0.5 && *wanted.confidence < 1.0)) {
      refuse();
    }
  }
  const std::string_view unit = name == "speedup" ? "x" : name == "p95" ? "ms" : "";
  if (!unit.empty() && number.ends_with(unit)) {
    number.remove_suffix(unit.size());
  }
  const std::optional<double> value = detail::number_in(number);
  wanted.value = value.value_or(0.0);
  const bool in_range = name == "loss"      ? wanted.value >= 0.0 && wanted.value <= 100.0
                        : name == "speedup" ? wanted.value >= 1.0
                                            : name == "p95" && wanted.value > 0.0;
  if (!value || !in_range) {
    refuse();
  }
  return wanted;
}

std::string describe(const pick_goal& wanted) {
  const std::string value = detail::short_number(wanted.value);
  switch (wanted.what) {
    case pick_goal::kind::loss:
      return (wanted.value == 0.0 ? "no loss of accuracy"
                                  : "at most " + value + (wanted.value == 1.0 ? " point of loss" : " points of loss")) +
             (wanted.confidence ? ", " + detail::short_percent(*wanted.confidence) + " % sure"
                                : std::string(" on these texts"));
    case pick_goal::kind::speedup:
      return "at least " + value + "x faster";
    case pick_goal::kind::p95:
      return "95 % of texts within " + value + " ms";
  }
  return "";
}

std::size_t pick_loss(const curve& found, double points) {
  const offramp::detail::default_floating_point environment;
  points = settled(points);
  if (!(points >= 0.0)) {
    throw error(error_kind::invalid_argument,
                "pick_loss: a loss of " + detail::short_number(points) + " points, expected at least 0");
  }
  const operating_point& full = found.full_depth();
  // Texts are whole: a sliver of slack only keeps rounding from deciding.
  const double allowed = points / 100.0 * static_cast<double>(full.texts) + 1e-6;
  const auto cheapest = std::ranges::find_if(found.points, [&](const operating_point& point) {
    return static_cast<double>(full.correct) - static_cast<double>(point.correct) <= allowed;
  });
  return static_cast<std::size_t>(cheapest - found.points.begin());
}

std::size_t pick_sure_loss(const curve& found, double points, double confidence) {
  const offramp::detail::default_floating_point environment;
  points = settled(points);
  confidence = settled(confidence);
  if (!(confidence > 0.5 && confidence < 1.0)) {
    throw error(error_kind::invalid_argument,
                "pick_sure_loss: a confidence of " + std::to_string(confidence) + ", expected above 0.5 and below 1");
  }
  // Half of what a two-sided interval leaves out lies below it.
  const double two_sided = 2.0 * confidence - 1.0;
  std::size_t point = found.points.size() - 1;
  while (point > 0 && 100.0 * found.points[point - 1].paired_loss(two_sided).upper <= points) {
    --point;
  }
  return point;
}

std::optional<std::size_t> pick_layer_speedup(const curve& found, double factor) {
  const offramp::detail::default_floating_point environment;
  factor = settled(factor);
  constexpr double rounding = 1e-12;
  std::optional<std::size_t> deepest;
  for (std::size_t point = 0; point < found.points.size(); ++point) {
    if (found.points[point].layer_speedup >= factor * (1.0 - rounding)) {
      deepest = point;
    }
  }
  return deepest;
}

std::optional<std::size_t> pick_time_speedup(std::span<const timed_point> timed, double factor) {
  const offramp::detail::default_floating_point environment;
  factor = settled(factor);
  return detail::deepest_timed(timed, [&](const latency& time) { return time.speedup.likely.lower >= factor; });
}

std::optional<std::size_t> pick_p95(std::span<const timed_point> timed, double milliseconds) {
  const offramp::detail::default_floating_point environment;
  milliseconds = settled(milliseconds);
  return detail::deepest_timed(timed, [&](const latency& time) { return time.p95_likely.upper <= milliseconds; });
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
