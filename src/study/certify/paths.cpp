// SPDX-License-Identifier: Apache-2.0
#include "study/certify/policy_test.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/study/certification.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

/// Steps from ones to a shape, and from there to zeros.
constexpr int scalar_steps = 500;

/// `make(thresholds)` along per_exit_path's way from ones over `shape` to zeros.
template <class Make>
[[nodiscard]] std::vector<exit_policy> shaped_path(std::span<const float> shape, const Make& make) {
  if (shape.empty() || !std::ranges::all_of(shape, [](float value) { return value >= 0.0F && value <= 1.0F; })) {
    refuse_certification("a shape holds values from 0 to 1");
  }
  std::vector<exit_policy> path;
  for (int step = 0; step <= 2 * scalar_steps; ++step) {
    const float scalar = static_cast<float>(step) / static_cast<float>(scalar_steps);
    std::vector<float> thresholds;
    for (const float value : shape) {
      thresholds.push_back(scalar <= 1.0F ? 1.0F - scalar * (1.0F - value) : (2.0F - scalar) * value);
    }
    path.push_back(make(std::move(thresholds)));
  }
  return path;
}

/// An answer that some exit would give: how sure it is, and whether that is a loss.
struct possible_answer {
  float confidence;
  bool is_lost;
};

/// The lowest threshold at which the answers that reach it have a mean loss of at most epsilon.
[[nodiscard]] float lowest_threshold(std::vector<possible_answer> answers, double epsilon) {
  std::ranges::sort(answers, std::ranges::greater(), &possible_answer::confidence);
  float lowest = 1.0F;
  std::size_t reached = 0;
  std::size_t lost = 0;
  for (int step = 0; step <= threshold_steps; ++step) {
    const float threshold = threshold_at(step);
    while (reached < answers.size() && answers[reached].confidence >= threshold) {
      lost += answers[reached++].is_lost ? 1U : 0U;
    }
    if (static_cast<double>(lost) <= epsilon * static_cast<double>(reached)) {
      lowest = threshold;
    }
  }
  return lowest;
}

}  // namespace
}  // namespace detail

std::vector<exit_policy> threshold_path() {
  const offramp::detail::default_floating_point environment;
  std::vector<exit_policy> path;
  for (int step = 0; step <= detail::threshold_steps; ++step) {
    path.emplace_back(detail::threshold_at(step));
  }
  return path;
}

std::vector<exit_policy> gate_path() {
  const offramp::detail::default_floating_point environment;
  std::vector<exit_policy> path;
  for (int step = detail::threshold_steps; step >= 0; --step) {
    path.push_back(exit_policy::learned(detail::threshold_at(step)));
  }
  return path;
}

std::vector<exit_policy> declining_path(float decline, std::size_t num_exits) {
  const offramp::detail::default_floating_point environment;
  static_cast<void>(exit_policy::declining(1.0F, decline));  // refuses what is out of range
  const double fall = static_cast<double>(decline) * static_cast<double>(num_exits < 2 ? 0 : num_exits - 2);
  const int above_one = static_cast<int>(std::ceil(fall * detail::threshold_steps));
  std::vector<exit_policy> path;
  for (int step = -above_one; step <= detail::threshold_steps; ++step) {
    path.push_back(exit_policy::declining(detail::threshold_at(step), decline));
  }
  return path;
}

std::vector<exit_policy> per_exit_path(std::span<const float> shape) {
  const offramp::detail::default_floating_point environment;
  return detail::shaped_path(
      shape, [](std::vector<float> thresholds) { return exit_policy::per_exit(std::move(thresholds)); });
}

std::vector<exit_policy> per_label_path(std::span<const float> shape, std::size_t num_exits) {
  const offramp::detail::default_floating_point environment;
  return detail::shaped_path(shape, [&](const std::vector<float>& thresholds) {
    return exit_policy::per_class(std::vector<std::vector<float>>(num_exits, thresholds));
  });
}

std::vector<float> per_exit_shape(const replay& texts, certified_loss loss, double epsilon) {
  const offramp::detail::default_floating_point environment;
  std::vector<float> shape;
  for (std::size_t exit = 0; exit < texts.num_exits(); ++exit) {
    std::vector<detail::possible_answer> answers;
    for (std::size_t text = 0; text < texts.num_texts(); ++text) {
      const exit_answer answer = texts.answer(exit, text);
      answers.push_back({answer.confidence, detail::is_lost(texts, text, exit, loss)});
    }
    shape.push_back(detail::lowest_threshold(std::move(answers), epsilon));
  }
  return shape;
}

std::vector<float> per_label_shape(const replay& texts, certified_loss loss, double epsilon) {
  const offramp::detail::default_floating_point environment;
  if (texts.is_multi_label()) {
    detail::refuse_certification("one threshold per label is for labels that exclude each other");
  }
  std::vector<std::vector<detail::possible_answer>> answers(texts.num_labels());
  for (std::size_t exit = 0; exit + 1 < texts.num_exits(); ++exit) {
    for (std::size_t text = 0; text < texts.num_texts(); ++text) {
      const exit_answer answer = texts.answer(exit, text);
      answers[static_cast<std::size_t>(answer.label_id)].push_back(
          {answer.confidence, detail::is_lost(texts, text, exit, loss)});
    }
  }
  std::vector<float> shape;
  for (std::vector<detail::possible_answer>& of_label : answers) {
    shape.push_back(detail::lowest_threshold(std::move(of_label), epsilon));
  }
  return shape;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
