// SPDX-License-Identifier: Apache-2.0
#include "study/label_checks.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/study/temperature.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

using offramp::detail::settled;

namespace detail {
namespace {

/// The negative log-likelihood as a function of beta = 1 / temperature.
class likelihood {
 public:
  likelihood(std::span<const float> logits, std::span<const int> label_ids, std::size_t num_labels)
      : logits_(logits), label_ids_(label_ids), num_labels_(num_labels) {
    check_labels(logits.size(), label_ids, num_labels);
    if (!std::ranges::all_of(logits, [](float logit) { return std::isfinite(logit); })) {
      throw error(error_kind::invalid_argument, "a logit is not finite");
    }
  }

  /// `class_weights`: empty, or one for each label.
  [[nodiscard]] double at(double beta, std::span<const double> class_weights = {}) const {
    double sum = 0.0;
    double weights = 0.0;
    for (std::size_t text = 0; text < label_ids_.size(); ++text) {
      const double highest = highest_of(text);
      double total = 0.0;
      for (const float logit : row(text)) {
        total += std::exp(beta * (static_cast<double>(logit) - highest));
      }
      const double weight = class_weights.empty() ? 1.0 : class_weights[static_cast<std::size_t>(label_ids_[text])];
      sum += weight * (std::log(total) - beta * (right(text) - highest));
      weights += weight;
    }
    return sum / weights;
  }

  struct derivatives {
    double slope = 0.0;      ///< the mean over texts of E[logit] - logit of the right answer
    double curvature = 0.0;  ///< the mean over texts of Var[logit]
  };

  /// With respect to beta.
  [[nodiscard]] derivatives derive(double beta) const {
    derivatives sum;
    for (std::size_t text = 0; text < label_ids_.size(); ++text) {
      // Distances from the highest logit, so that large logits cancel nothing.
      const double highest = highest_of(text);
      double total = 0.0;
      double first = 0.0;
      double second = 0.0;
      for (const float logit : row(text)) {
        const double distance = static_cast<double>(logit) - highest;
        const double weight = std::exp(beta * distance);
        total += weight;
        first += weight * distance;
        second += weight * distance * distance;
      }
      const double mean = first / total;
      sum.slope += mean - (right(text) - highest);
      sum.curvature += second / total - mean * mean;
    }
    const auto texts = static_cast<double>(label_ids_.size());
    return {sum.slope / texts, sum.curvature / texts};
  }

  /// Every text has the same logit for every label.
  [[nodiscard]] bool is_flat() const {
    for (std::size_t text = 0; text < label_ids_.size(); ++text) {
      if (!std::ranges::all_of(row(text), [&](float logit) { return logit == row(text).front(); })) {
        return false;
      }
    }
    return true;
  }

 private:
  [[nodiscard]] std::span<const float> row(std::size_t text) const {
    return logits_.subspan(text * num_labels_, num_labels_);
  }
  [[nodiscard]] double highest_of(std::size_t text) const { return static_cast<double>(std::ranges::max(row(text))); }
  [[nodiscard]] double right(std::size_t text) const {
    return static_cast<double>(row(text)[static_cast<std::size_t>(label_ids_[text])]);
  }

  std::span<const float> logits_;   // [texts, labels]
  std::span<const int> label_ids_;  // [texts]
  std::size_t num_labels_;
};

/// Where the slope is zero between `low`, where it is negative, and `high`, where it is positive.
[[nodiscard]] double find_minimum(const likelihood& nll, double low, double high) {
  constexpr int most_steps = 200;
  constexpr double precision = 1e-12;
  double beta = 1.0;
  for (int step = 0; step < most_steps; ++step) {
    const likelihood::derivatives found = nll.derive(beta);
    if (found.slope == 0.0) {
      return beta;
    }
    (found.slope > 0.0 ? high : low) = beta;
    const double newton = found.curvature > 0.0 ? beta - found.slope / found.curvature : low;
    const double next = newton > low && newton < high ? newton : 0.5 * (low + high);
    if (std::abs(next - beta) <= precision * beta) {
      return next;
    }
    beta = next;
  }
  return beta;
}

}  // namespace
}  // namespace detail

temperature_fit fit_temperature(std::span<const float> logits, std::span<const int> label_ids, std::size_t num_labels) {
  const offramp::detail::default_floating_point environment;
  constexpr double low = 1.0 / static_cast<double>(highest_temperature);
  constexpr double high = 1.0 / static_cast<double>(lowest_temperature);
  const detail::likelihood nll(logits, label_ids, num_labels);
  temperature_fit fit;
  fit.nll_before = nll.at(1.0);
  fit.nll_after = fit.nll_before;
  if (nll.is_flat()) {
    return settled(fit);
  }
  if (nll.derive(low).slope >= 0.0) {
    fit.temperature = highest_temperature;
    fit.at_bound = true;
  } else if (nll.derive(high).slope <= 0.0) {
    fit.temperature = lowest_temperature;
    fit.at_bound = true;
  } else {
    fit.temperature = std::clamp(static_cast<float>(1.0 / detail::find_minimum(nll, low, high)), lowest_temperature,
                                 highest_temperature);
  }
  fit.nll_after = nll.at(1.0 / static_cast<double>(fit.temperature));
  if (fit.nll_after > fit.nll_before) {
    // Rounding, where the best temperature is as good as 1.
    return settled(temperature_fit{1.0F, false, fit.nll_before, fit.nll_before});
  }
  return settled(fit);
}

double negative_log_likelihood(std::span<const float> logits, std::span<const int> label_ids, std::size_t num_labels,
                               float temperature, std::span<const double> class_weights) {
  const offramp::detail::default_floating_point environment;
  const detail::likelihood nll(logits, label_ids, num_labels);
  if (!class_weights.empty() && class_weights.size() != num_labels) {
    throw error(error_kind::invalid_argument,
                std::to_string(class_weights.size()) + " class weights, expected " + std::to_string(num_labels));
  }
  return settled(nll.at(1.0 / static_cast<double>(temperature), class_weights));
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
