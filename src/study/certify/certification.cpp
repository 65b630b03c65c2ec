// SPDX-License-Identifier: Apache-2.0
#include "study/certify/policy_test.hpp"
#include "study/update_exits.hpp"

#include <offramp/detail/floating_point.hpp>
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

using offramp::detail::settled;

namespace detail {
namespace {

[[nodiscard]] std::int64_t sum_of_losses(const replay& texts, const exit_policy& policy, certified_loss loss) {
  const std::vector<std::uint8_t> losses = losses_of(texts, texts.decide(policy), loss);
  return std::accumulate(losses.begin(), losses.end(), std::int64_t{0});
}

}  // namespace
}  // namespace detail

std::size_t fixed_sequence_test(std::span<const std::int64_t> losses, std::int64_t n, double epsilon, double delta) {
  const offramp::detail::default_floating_point environment;
  epsilon = settled(epsilon);
  delta = settled(delta);
  detail::check_promise(epsilon, delta);
  std::size_t passed = 0;
  while (passed < losses.size() && binomial_tail_at_most(losses[passed], n, epsilon) <= delta) {
    ++passed;
  }
  return passed;
}

std::int64_t texts_needed(double epsilon, double delta) {
  const offramp::detail::default_floating_point environment;
  epsilon = settled(epsilon);
  delta = settled(delta);
  detail::check_promise(epsilon, delta);
  // (1 - epsilon)^n <= delta, up to rounding.
  const double needed = std::log(delta) / std::log1p(-epsilon);
  constexpr double most = 1e12;  // as the binomial takes
  if (!(needed < most)) {
    detail::refuse_certification("an epsilon of " + offramp::detail::number_text(epsilon) +
                                 ", which takes more than 1e12 texts");
  }
  auto n = static_cast<std::int64_t>(needed);
  while (binomial_tail_at_most(0, n, epsilon) > delta) {
    ++n;
  }
  return n;
}

std::optional<std::int64_t> losses_allowed(std::int64_t n, double epsilon, double delta) {
  const offramp::detail::default_floating_point environment;
  epsilon = settled(epsilon);
  delta = settled(delta);
  detail::check_promise(epsilon, delta);
  if (n < 1) {
    detail::refuse_certification(std::to_string(n) + " texts, expected at least one");
  }
  std::int64_t allowed = -1;
  for (std::int64_t refused = n; refused - allowed > 1;) {
    const std::int64_t middle = allowed + (refused - allowed) / 2;
    (binomial_tail_at_most(middle, n, epsilon) <= delta ? allowed : refused) = middle;
  }
  return allowed < 0 ? std::nullopt : std::optional(allowed);
}

std::vector<std::uint8_t> losses_of(const replay& texts, std::span<const exit_answer> answers, certified_loss loss) {
  std::vector<std::uint8_t> losses;
  for (std::size_t text = 0; text < answers.size(); ++text) {
    losses.push_back(detail::is_lost(texts, text, answers[text].exit, loss) ? 1 : 0);
  }
  return losses;
}

certification certify(const replay& texts, std::span<const exit_policy> path, certified_loss loss, double epsilon,
                      double delta) {
  const offramp::detail::default_floating_point environment;
  if (path.empty()) {
    detail::refuse_certification("the path is empty");
  }
  detail::check_certifiable(texts, loss, epsilon, delta);
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

/// How often the texts have been looked at. Throws unless they are new to the model, none of them twice, and those of
/// the test.
[[nodiscard]] std::int64_t looks_at(const std::filesystem::path& directory, const certification& result,
                                    const dataset& data) {
  const certifiable_texts texts = select_certifiable(known_texts::read(directory), data);
  if (texts.repeated > 0 || static_cast<std::int64_t>(data.texts.size()) != result.n) {
    refuse_certification(data.name + " holds " + std::to_string(texts.texts.texts.size()) + " different texts in " +
                         std::to_string(data.texts.size()) + " rows, and " + std::to_string(result.n) +
                         " were tested on: expected those that select_certifiable gives");
  }
  return static_cast<std::int64_t>(texts.earlier_looks) + 1;
}

}  // namespace
}  // namespace detail

void store_certificate(const std::filesystem::path& directory, const classifier& model, const certification& result,
                       const dataset& data) {
  const offramp::detail::default_floating_point environment;
  if (!result.certified) {
    detail::refuse_certification("nothing was certified");
  }
  const std::int64_t looks = detail::looks_at(directory, result, data);
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
                                             .policy = model::describe_policy(result.certified->policy),
                                             .scope = result.scope,
                                             .looks = looks};
  model::exits_file content = stored.plan.description;
  detail::settle_input(content, data);
  std::erase_if(content.certificates, [&](const model::certificate_description& old) {
    return old.numeric_format == added.numeric_format && old.loss == added.loss && old.scope == added.scope &&
           old.epsilon == added.epsilon && old.delta == added.delta && old.max_tokens == added.max_tokens &&
           old.exit_layers == added.exit_layers;
  });
  content.certificates.push_back(added);
  known_texts known = known_texts::read(directory);
  known.add(text_use::certified, data);
  detail::write_exits(directory, stored, content, known.bytes());
}

void store_default_policy(const std::filesystem::path& directory, const classifier& model, const exit_policy& policy) {
  const offramp::detail::default_floating_point environment;
  model.check(policy);
  const detail::stored_exits stored = detail::open_stored_exits(directory);
  model::exits_file content = stored.plan.description;
  if (model.exits().size() != content.exits.size()) {
    throw error(error_kind::invalid_argument, "store_default_policy: the model was loaded with some of its exits");
  }
  if (!content.input) {
    throw error(error_kind::invalid_argument,
                "store_default_policy: the model does not say whether it takes pairs; calibrate it first");
  }
  content.default_policy = model::describe_policy(policy);
  detail::write_exits(directory, stored, content);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
