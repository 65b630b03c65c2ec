// SPDX-License-Identifier: Apache-2.0
#include "study/update_exits.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/detail/number.hpp>
#include <offramp/error.hpp>
#include <offramp/model/exits/policy.hpp>
#include <offramp/study/binomial.hpp>
#include <offramp/study/certifiable_texts.hpp>
#include <offramp/study/certification.hpp>
#include <offramp/study/known_texts.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

/// Steps of a path of thresholds, and of a search for a shape, from 1 to 0.
constexpr int threshold_steps = 1000;
/// Steps from ones to a shape, and from there to zeros.
constexpr int scalar_steps = 500;

[[noreturn]] void refuse(const std::string& what) {
  throw error(error_kind::invalid_argument, "certification: " + what);
}

[[nodiscard]] float threshold_at(int step) {
  return static_cast<float>(threshold_steps - step) / static_cast<float>(threshold_steps);
}

/// `make(thresholds)` along per_exit_path's way from ones over `shape` to zeros.
template <class Make>
[[nodiscard]] std::vector<exit_policy> shaped_path(std::span<const float> shape, const Make& make) {
  if (shape.empty() || !std::ranges::all_of(shape, [](float value) { return value >= 0.0F && value <= 1.0F; })) {
    refuse("a shape holds values from 0 to 1");
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

[[nodiscard]] bool is_lost(const replay& texts, std::size_t text, int label, certified_loss loss) {
  const int right = texts.label_ids()[text];
  const int last = texts.answer(texts.num_exits() - 1, text).label_id;
  switch (loss) {
    case certified_loss::disagreement:
      return label != last;
    case certified_loss::accuracy_drop:
      return label != right && last == right;
    case certified_loss::error:
      return label != right;
  }
  return true;
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

[[nodiscard]] tested_policy test_policy(const replay& texts, const exit_policy& policy, std::int64_t losses,
                                        double delta) {
  const auto n = static_cast<std::int64_t>(texts.num_texts());
  double layers = 0.0;
  for (const exit_answer& answer : texts.decide(policy)) {
    layers += texts.exits()[answer.exit].layer;
  }
  return {policy, losses, static_cast<double>(losses) / static_cast<double>(n), clopper_pearson_upper(losses, n, delta),
          layers / static_cast<double>(n)};
}

[[nodiscard]] std::int64_t sum_of_losses(const replay& texts, const exit_policy& policy, certified_loss loss) {
  const std::vector<std::uint8_t> losses = losses_of(texts, texts.decide(policy), loss);
  return std::accumulate(losses.begin(), losses.end(), std::int64_t{0});
}

}  // namespace
}  // namespace detail

std::size_t fixed_sequence_test(std::span<const std::int64_t> losses, std::int64_t n, double epsilon, double delta) {
  const offramp::detail::default_floating_point environment;
  if (!(epsilon > 0.0 && epsilon < 1.0) || !(delta > 0.0 && delta < 1.0)) {
    detail::refuse("epsilon " + offramp::detail::number_text(epsilon) + ", delta " +
                   offramp::detail::number_text(delta) + ", expected both between 0 and 1");
  }
  std::size_t passed = 0;
  while (passed < losses.size() && binomial_tail_at_most(losses[passed], n, epsilon) <= delta) {
    ++passed;
  }
  return passed;
}

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
      answers.push_back({answer.confidence, detail::is_lost(texts, text, answer.label_id, loss)});
    }
    shape.push_back(detail::lowest_threshold(std::move(answers), epsilon));
  }
  return shape;
}

std::vector<float> per_label_shape(const replay& texts, certified_loss loss, double epsilon) {
  const offramp::detail::default_floating_point environment;
  std::vector<std::vector<detail::possible_answer>> answers(texts.num_labels());
  for (std::size_t exit = 0; exit + 1 < texts.num_exits(); ++exit) {
    for (std::size_t text = 0; text < texts.num_texts(); ++text) {
      const exit_answer answer = texts.answer(exit, text);
      answers[static_cast<std::size_t>(answer.label_id)].push_back(
          {answer.confidence, detail::is_lost(texts, text, answer.label_id, loss)});
    }
  }
  std::vector<float> shape;
  for (std::vector<detail::possible_answer>& of_label : answers) {
    shape.push_back(detail::lowest_threshold(std::move(of_label), epsilon));
  }
  return shape;
}

std::vector<std::uint8_t> losses_of(const replay& texts, std::span<const exit_answer> answers, certified_loss loss) {
  std::vector<std::uint8_t> losses;
  for (std::size_t text = 0; text < answers.size(); ++text) {
    losses.push_back(detail::is_lost(texts, text, answers[text].label_id, loss) ? 1 : 0);
  }
  return losses;
}

certification certify(const replay& texts, std::span<const exit_policy> path, certified_loss loss, double epsilon,
                      double delta) {
  const offramp::detail::default_floating_point environment;
  if (path.empty()) {
    detail::refuse("the path is empty");
  }
  if (!texts.is_labelled() && loss != certified_loss::disagreement) {
    detail::refuse("the texts have no labels, and only disagreement with full depth asks for none");
  }
  const auto n = static_cast<std::int64_t>(texts.num_texts());
  certification result{.loss = loss, .epsilon = epsilon, .delta = delta, .n = n, .certified = {}, .failed = {}};
  // One step after the other, because bold steps beyond the first failure are never looked at.
  std::vector<std::int64_t> losses;
  for (const exit_policy& policy : path) {
    losses.push_back(detail::sum_of_losses(texts, policy, loss));
    if (fixed_sequence_test(std::span(losses).last(1), n, epsilon, delta) == 0) {
      result.failed = detail::test_policy(texts, policy, losses.back(), delta);
      losses.pop_back();
      break;
    }
  }
  if (!losses.empty()) {
    result.certified = detail::test_policy(texts, path[losses.size() - 1], losses.back(), delta);
  } else if (loss != certified_loss::error) {
    result.certified = detail::test_policy(texts, exit_policy::full_depth(), 0, delta);
    result.certified->bound = 0.0;  // by definition, not by observation
  }
  return result;
}

namespace detail {
namespace {

/// That the texts are new to the model, none of them twice, and those of the test.
void check_tested(const std::filesystem::path& directory, const certification& result, const dataset& data) {
  const certifiable_texts texts = select_certifiable(known_texts::read(directory), data);
  if (texts.repeated > 0 || static_cast<std::int64_t>(data.texts.size()) != result.n) {
    refuse(data.name + " holds " + std::to_string(texts.texts.texts.size()) + " different texts in " +
           std::to_string(data.texts.size()) + " rows, and " + std::to_string(result.n) +
           " were tested on: expected those that select_certifiable gives");
  }
}

}  // namespace
}  // namespace detail

void store_certificate(const std::filesystem::path& directory, const classifier& model, const certification& result,
                       const dataset& data) {
  const offramp::detail::default_floating_point environment;
  if (!result.certified) {
    detail::refuse("nothing was certified");
  }
  detail::check_tested(directory, result, data);
  const detail::stored_exits stored = detail::open_stored_exits(directory);
  std::vector<int> layers;
  for (const exit_info& exit : model.exits()) {
    layers.push_back(exit.layer);
  }
  const model::certificate_description added{.numeric_format = model.format(),
                                             .loss = result.loss,
                                             .epsilon = result.epsilon,
                                             .delta = result.delta,
                                             .n = result.n,
                                             .data_sha256 = data.sha256,
                                             .max_tokens = model.max_tokens(),
                                             .exit_layers = layers,
                                             .policy = model::describe_policy(result.certified->policy)};
  model::exits_file content = stored.plan.description;
  detail::settle_input(content, data);
  std::erase_if(content.certificates, [&](const model::certificate_description& old) {
    return old.numeric_format == added.numeric_format && old.loss == added.loss && old.epsilon == added.epsilon &&
           old.delta == added.delta && old.max_tokens == added.max_tokens && old.exit_layers == added.exit_layers;
  });
  content.certificates.push_back(added);
  note_texts(directory, text_use::certified, data);
  detail::write_exits(directory, stored, content);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
