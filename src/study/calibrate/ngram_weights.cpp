// SPDX-License-Identifier: Apache-2.0
#include "study/exit_temperature.hpp"

#include <offramp/detail/bisection.hpp>
#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/study/ngram_weights.hpp>
#include <offramp/study/temperature.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

constexpr float highest_weight = 100.0F;  // that an exit of its own has a temperature left for
constexpr double least_ratio = 3.841;     // that 5 % of chi-squared with one degree of freedom exceed

/// An exit's decisions with those of the n-grams added, by how much these weigh.
class opinion_pool {
 public:
  opinion_pool(const exit_decisions& own, const exit_decisions& ngrams)
      : own_(own.logits()), ngrams_(ngrams.logits()), right_(own.right()), num_answers_(own.num_answers()) {}

  [[nodiscard]] float best_weight() const {
    // Shares of the n-grams in the sum, which end where weights do not. Along them the likelihood, at the best
    // temperature, has one peak, since it is log-concave in the factors of both.
    const auto weight_of = [](double share) { return static_cast<float>(share / (1.0 - share)); };
    const double highest_share = static_cast<double>(highest_weight) / (1.0 + static_cast<double>(highest_weight));
    if (slope(0.0F) >= 0.0) {
      return 0.0F;
    }
    if (slope(highest_weight) <= 0.0) {
      return highest_weight;
    }
    constexpr int halvings = 24;  // float32 tells no more apart
    double lowest = 0.0;
    double highest = highest_share;
    for (int i = 0; i < halvings; ++i) {
      const double middle = (lowest + highest) / 2.0;
      (slope(weight_of(middle)) > 0.0 ? highest : lowest) = middle;
    }
    const float weight = weight_of(lowest);
    const auto decisions = static_cast<double>(right_.size());
    return 2.0 * decisions * (nll(0.0F) - nll(weight)) > least_ratio ? weight : 0.0F;
  }

 private:
  [[nodiscard]] std::vector<float> pooled(float weight) const {
    std::vector<float> sum(own_.size());
    std::ranges::transform(own_, ngrams_, sum.begin(), [&](float own, float ngrams) { return own + weight * ngrams; });
    return sum;
  }

  [[nodiscard]] double nll(float weight) const {
    return fit_temperature(pooled(weight), right_, num_answers_).nll_after;
  }

  /// A positive multiple of the derivative of nll: the mean over decisions of E[n-gram logit] - that of the right one.
  [[nodiscard]] double slope(float weight) const {
    const std::vector<float> logits = pooled(weight);
    const auto temperature = static_cast<double>(fit_temperature(logits, right_, num_answers_).temperature);
    double sum = 0.0;
    for (std::size_t decision = 0; decision < right_.size(); ++decision) {
      const auto row = std::span(logits).subspan(decision * num_answers_, num_answers_);
      const auto ngrams = ngrams_.subspan(decision * num_answers_, num_answers_);
      const float highest = std::ranges::max(row);
      double total = 0.0;
      double expected = 0.0;
      for (std::size_t answer = 0; answer < num_answers_; ++answer) {
        const double share = std::exp((static_cast<double>(row[answer]) - static_cast<double>(highest)) / temperature);
        total += share;
        expected += share * static_cast<double>(ngrams[answer]);
      }
      sum += expected / total - static_cast<double>(ngrams[static_cast<std::size_t>(right_[decision])]);
    }
    return sum / static_cast<double>(right_.size());
  }

  std::span<const float> own_;     // [decisions, answers]
  std::span<const float> ngrams_;  // likewise
  std::span<const int> right_;     // [decisions]
  std::size_t num_answers_;
};

/// Gives an exit that weight in place of the one that it has.
void set_weight(exit_logits& logits, std::size_t exit, float weight) {
  const float more = weight - logits.exits[exit].ngram_weight;
  const std::size_t size = logits.num_texts * logits.num_labels;
  for (std::size_t i = 0; i < size; ++i) {
    logits.values[exit * size + i] += more * logits.values[i];
  }
  logits.exits[exit].ngram_weight = weight;
}

}  // namespace
}  // namespace detail

exit_logits fit_ngram_weights(exit_logits logits, full_depth_answers last) {
  const offramp::detail::default_floating_point environment;
  if (logits.exits.empty() || logits.exits.front().layer != 0) {
    throw error(error_kind::invalid_argument, "no exit before the encoder, expected one whose n-grams others can hear");
  }
  const bool is_last_kept = last == full_depth_answers::kept || !logits.is_labelled;
  const detail::exit_decisions ngrams(logits, 0);
  for (std::size_t exit = 1; exit + (is_last_kept ? 1 : 0) < logits.exits.size(); ++exit) {
    detail::set_weight(logits, exit, 0.0F);
    const detail::exit_decisions own(logits, exit);
    detail::set_weight(logits, exit, detail::opinion_pool(own, ngrams).best_weight());
  }
  return logits;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
