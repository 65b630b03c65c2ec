// SPDX-License-Identifier: Apache-2.0
#include "study/certify/policy_test.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/study/binomial.hpp>
#include <offramp/study/certification.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

/// A candidate has to pass on the first texts at this share of delta, so that it mostly does on others, too: what just
/// passes once fails half of the time.
constexpr double screening = 1.0 / 10.0;

/// Texts that have left, and what was lost on them.
struct leavers {
  std::int64_t texts = 0;
  std::int64_t losses = 0;

  [[nodiscard]] bool pass(double epsilon, double delta) const {
    // What loses more than epsilon on average never passes, and the sum of a tail takes time.
    return texts > 0 && static_cast<double>(losses) <= epsilon * static_cast<double>(texts) &&
           binomial_tail_at_most(losses, texts, epsilon) <= delta;
  }
};

/// A text that has not left before some exit, and what that exit says.
struct waiting_answer {
  std::size_t text = 0;
  float confidence = 0.0F;
  bool is_lost = false;
};

/// Opens exits one after the other, each as far as those who have left by then allow.
class candidate_search {
 public:
  candidate_search(const replay& texts, certified_loss loss, double epsilon, double delta)
      : texts_(texts), loss_(loss), epsilon_(epsilon), delta_(delta * screening) {
    for (std::size_t text = 0; text < texts.num_texts(); ++text) {
      waiting_.push_back(text);
    }
  }

  /// The threshold of the next exit: the lowest on the grid at which those who have left by then pass, else
  /// closed_exit.
  [[nodiscard]] float find(std::size_t exit) {
    std::vector<waiting_answer> answers;
    for (const std::size_t text : waiting_) {
      const exit_answer answer = texts_.answer(exit, text);
      answers.push_back({text, answer.confidence, is_lost(texts_, text, exit, loss_)});
    }
    std::ranges::stable_sort(answers, std::ranges::greater(), &waiting_answer::confidence);
    leavers now = left_;
    leavers best = left_;
    float lowest = closed_exit;
    std::size_t leaving = 0;
    for (int step = 0; step <= threshold_steps; ++step) {
      const std::size_t before = leaving;
      for (; leaving < answers.size() && answers[leaving].confidence >= threshold_at(step); ++leaving) {
        ++now.texts;
        now.losses += answers[leaving].is_lost ? 1 : 0;
      }
      if (leaving > before && now.pass(epsilon_, delta_)) {
        lowest = threshold_at(step);
        best = now;
      }
    }
    left_ = best;
    std::erase_if(answers, [&](const waiting_answer& answer) { return answer.confidence >= lowest; });
    waiting_.clear();
    for (const waiting_answer& answer : answers) {
      waiting_.push_back(answer.text);
    }
    std::ranges::sort(waiting_);
    return lowest;
  }

 private:
  const replay& texts_;
  certified_loss loss_;
  double epsilon_;
  double delta_;
  leavers left_;
  std::vector<std::size_t> waiting_;
};

/// Those who have left by each exit, [exits].
[[nodiscard]] std::vector<leavers> leavers_by_exit(const replay& texts, std::span<const exit_answer> answers,
                                                   certified_loss loss) {
  std::vector<leavers> by_exit(texts.num_exits());
  for (std::size_t text = 0; text < answers.size(); ++text) {
    leavers& here = by_exit[answers[text].exit];
    ++here.texts;
    here.losses += is_lost(texts, text, answers[text].exit, loss) ? 1 : 0;
  }
  for (std::size_t exit = 1; exit < by_exit.size(); ++exit) {
    by_exit[exit].texts += by_exit[exit - 1].texts;
    by_exit[exit].losses += by_exit[exit - 1].losses;
  }
  return by_exit;
}

/// What the texts say about one vector of thresholds.
struct tested_thresholds {
  tested_policy policy;
  std::vector<depth_evidence> depths;
  bool passes = true;
};

[[nodiscard]] tested_thresholds test_thresholds(const replay& texts, const std::vector<float>& thresholds,
                                                certified_loss loss, double epsilon, double delta) {
  const bool is_full_depth = std::ranges::count(thresholds, closed_exit) == std::ssize(thresholds);
  const exit_policy policy = is_full_depth ? exit_policy::full_depth() : exit_policy::per_exit(thresholds);
  const std::vector<exit_answer> answers = texts.decide(policy);
  const std::vector<leavers> by_exit = leavers_by_exit(texts, answers, loss);
  tested_thresholds tested{test_policy(texts, policy, by_exit.back().losses, delta), {}, true};
  for (std::size_t exit = 0; exit < by_exit.size(); ++exit) {
    const auto [count, losses] = by_exit[exit];
    const bool is_last = exit + 1 == by_exit.size();
    const bool is_open = is_last || thresholds[exit] != closed_exit;
    // At the last exit nothing is lost but plain errors: if those before it pass, all do.
    tested.passes =
        tested.passes && (!is_open || (is_last && loss != certified_loss::error) || by_exit[exit].pass(epsilon, delta));
    tested.depths.push_back({.layer = texts.exits()[exit].layer,
                             .threshold = is_open && !is_last ? std::optional(thresholds[exit]) : std::nullopt,
                             .texts = count,
                             .losses = losses,
                             .bound = count == 0 ? 1.0 : clopper_pearson_upper(losses, count, delta)});
  }
  return tested;
}

}  // namespace
}  // namespace detail

certification certify_every_exit(const replay& choosing, const replay& texts, certified_loss loss, double epsilon,
                                 double delta) {
  const offramp::detail::default_floating_point environment;
  detail::check_certifiable(texts, loss, epsilon, delta);
  detail::check_certifiable(choosing, loss, epsilon, delta);
  const std::size_t last = texts.num_exits() - 1;
  std::vector<float> candidates;
  detail::candidate_search search(choosing, loss, epsilon, delta);
  for (std::size_t exit = 0; exit < last; ++exit) {
    candidates.push_back(search.find(exit));
  }
  certification result{.loss = loss,
                       .scope = certified_scope::every_exit,
                       .epsilon = epsilon,
                       .delta = delta,
                       .n = static_cast<std::int64_t>(texts.num_texts()),
                       .certified = {},
                       .failed = {},
                       .depths = {}};
  // Exits open from the last one downwards, `open` being the first that is.
  std::vector<float> thresholds(last + 1, closed_exit);
  for (std::size_t open = last + 1; open-- > 0;) {
    if (open < last && candidates[open] == closed_exit) {
      continue;
    }
    if (open < last) {
      thresholds[open] = candidates[open];
    }
    detail::tested_thresholds tested = detail::test_thresholds(texts, thresholds, loss, epsilon, delta);
    if (!tested.passes) {
      result.failed = std::move(tested.policy);
      break;
    }
    result.certified = std::move(tested.policy);
    result.depths = std::move(tested.depths);
  }
  return result;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
