// SPDX-License-Identifier: Apache-2.0
#include "outcomes.hpp"
#include "study/likeliest_labels.hpp"
#include "study/macro_f1.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/exits/confidence.hpp>
#include <offramp/study/metrics.hpp>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

using offramp::detail::settled;

namespace detail {
namespace {

/// As macro_f1.hpp has them.
struct label_counts {
  std::vector<std::int64_t> right;
  std::vector<std::int64_t> mentions;
};

[[nodiscard]] label_counts count_labels(const labelled_probabilities& given) {
  check(given);
  const exits::labelling labels(given.cuts);
  label_counts counts{std::vector<std::int64_t>(given.num_labels), std::vector<std::int64_t>(given.num_labels)};
  for (std::size_t text = 0; text < count_texts(given); ++text) {
    for (std::size_t label = 0; label < given.num_labels; ++label) {
      const bool is_given = labels.gives(row(given, text), label);
      const bool is_expected = is_right_label(given, text, label);
      counts.right[label] += is_given && is_expected ? 1 : 0;
      counts.mentions[label] += (is_given ? 1 : 0) + (is_expected ? 1 : 0);
    }
  }
  return counts;
}

/// -ln of a probability that was said of what happened.
[[nodiscard]] double surprise(float probability) {
  return -std::log(static_cast<double>(std::max(probability, std::numeric_limits<float>::min())));
}

/// Texts in a bin, summed.
struct bin_sums {
  std::size_t texts = 0;
  double probability = 0.0;
  double happened = 0.0;

  void add(const outcome& one) {
    ++texts;
    probability += one.probability;
    happened += one.happened ? 1.0 : 0.0;
  }
};

[[nodiscard]] std::size_t bin_of(double probability, std::size_t bins) {
  return std::min(bins - 1, static_cast<std::size_t>(probability * static_cast<double>(bins)));
}

[[nodiscard]] std::vector<bin_sums> equal_width_sums(std::span<const outcome> outcomes, std::size_t bins) {
  if (bins == 0) {
    throw error(error_kind::invalid_argument, "0 bins, expected at least one");
  }
  std::vector<bin_sums> sums(bins);
  for (const outcome& one : outcomes) {
    sums[bin_of(one.probability, bins)].add(one);
  }
  return sums;
}

/// The sum over bins of |happened - expected|, divided by the number of texts.
[[nodiscard]] double mean_gap(std::span<const bin_sums> sums) {
  double gap = 0.0;
  std::size_t texts = 0;
  for (const bin_sums& bin : sums) {
    gap += std::abs(bin.happened - bin.probability);
    texts += bin.texts;
  }
  return gap / static_cast<double>(texts);
}

}  // namespace
}  // namespace detail

std::vector<int> answers(const labelled_probabilities& given) {
  detail::check(given);
  if (!given.cuts.empty()) {
    throw error(error_kind::invalid_argument, "answers: expected labels that exclude each other");
  }
  return detail::likeliest_labels(given.values, given.num_labels);
}

std::vector<float> confidences(const labelled_probabilities& given) {
  detail::check(given);
  const exits::labelling labels(given.cuts);
  std::vector<float> result;
  for (std::size_t text = 0; text < detail::count_texts(given); ++text) {
    result.push_back(labels.confidence(detail::row(given, text)));
  }
  return result;
}

double accuracy(const labelled_probabilities& given) {
  const offramp::detail::default_floating_point environment;
  const std::vector<detail::outcome> outcomes = detail::answer_outcomes(given);
  return settled(static_cast<double>(std::ranges::count(outcomes, true, &detail::outcome::happened)) /
                 static_cast<double>(outcomes.size()));
}

double macro_f1(const labelled_probabilities& given) {
  const offramp::detail::default_floating_point environment;
  const detail::label_counts counts = detail::count_labels(given);
  return settled(detail::macro_f1(counts.right, counts.mentions));
}

double micro_f1(const labelled_probabilities& given) {
  const offramp::detail::default_floating_point environment;
  const detail::label_counts counts = detail::count_labels(given);
  return settled(detail::micro_f1(counts.right, counts.mentions));
}

double mean_confidence(const labelled_probabilities& given) {
  const offramp::detail::default_floating_point environment;
  const std::vector<float> found = confidences(given);
  return settled(std::accumulate(found.begin(), found.end(), 0.0) / static_cast<double>(found.size()));
}

double negative_log_likelihood(const labelled_probabilities& given) {
  const offramp::detail::default_floating_point environment;
  detail::check(given);
  double sum = 0.0;
  if (!given.cuts.empty()) {
    for (const detail::outcome& one : detail::calibration_outcomes(given)) {
      sum += detail::surprise(static_cast<float>(one.happened ? one.probability : 1.0 - one.probability));
    }
    return settled(sum / static_cast<double>(given.values.size()));
  }
  for (std::size_t text = 0; text < given.label_ids.size(); ++text) {
    sum += detail::surprise(detail::row(given, text)[static_cast<std::size_t>(given.label_ids[text])]);
  }
  return settled(sum / static_cast<double>(given.label_ids.size()));
}

double brier_score(const labelled_probabilities& given) {
  const offramp::detail::default_floating_point environment;
  detail::check(given);
  double sum = 0.0;
  for (std::size_t text = 0; text < detail::count_texts(given); ++text) {
    for (std::size_t label = 0; label < given.num_labels; ++label) {
      const double truth = detail::is_right_label(given, text, label) ? 1.0 : 0.0;
      const double distance = static_cast<double>(detail::row(given, text)[label]) - truth;
      sum += distance * distance;
    }
  }
  return settled(sum / static_cast<double>(detail::count_texts(given)));
}

std::vector<reliability_bin> reliability_bins(const labelled_probabilities& given, std::size_t bins) {
  const offramp::detail::default_floating_point environment;
  const std::vector<detail::bin_sums> sums = detail::equal_width_sums(detail::calibration_outcomes(given), bins);
  std::vector<reliability_bin> result;
  for (std::size_t bin = 0; bin < bins; ++bin) {
    const auto edge = [&](std::size_t index) { return static_cast<double>(index) / static_cast<double>(bins); };
    const auto mean = [&](double sum) {
      return sums[bin].texts > 0 ? sum / static_cast<double>(sums[bin].texts) : 0.0;
    };
    result.push_back(
        {edge(bin), edge(bin + 1), sums[bin].texts, mean(sums[bin].probability), mean(sums[bin].happened)});
  }
  return result;
}

double calibration_error(const labelled_probabilities& given, std::size_t bins) {
  const offramp::detail::default_floating_point environment;
  return settled(detail::mean_gap(detail::equal_width_sums(detail::calibration_outcomes(given), bins)));
}

double equal_mass_calibration_error(const labelled_probabilities& given, std::size_t bins) {
  const offramp::detail::default_floating_point environment;
  if (bins == 0) {
    throw error(error_kind::invalid_argument, "0 bins, expected at least one");
  }
  std::vector<detail::outcome> sorted = detail::calibration_outcomes(given);
  std::ranges::sort(sorted, {}, &detail::outcome::probability);
  std::vector<detail::bin_sums> sums(1);
  detail::for_each_tie(sorted, [&](std::size_t begin, std::size_t end) {
    // A new bin begins where the share of texts so far has reached the next multiple of 1 / bins.
    if (sums.back().texts > 0 && begin * bins / sorted.size() > (begin - sums.back().texts) * bins / sorted.size()) {
      sums.emplace_back();
    }
    for (std::size_t text = begin; text < end; ++text) {
      sums.back().add(sorted[text]);
    }
  });
  return settled(detail::mean_gap(sums));
}

double class_wise_calibration_error(const labelled_probabilities& given, std::size_t bins) {
  const offramp::detail::default_floating_point environment;
  detail::check(given);
  double sum = 0.0;
  for (std::size_t label = 0; label < given.num_labels; ++label) {
    sum += detail::mean_gap(detail::equal_width_sums(detail::label_outcomes(given, label), bins));
  }
  return settled(sum / static_cast<double>(given.num_labels));
}

double expected_calibration_error_of_draws(const labelled_probabilities& given, std::size_t bins, std::size_t draws,
                                           std::uint64_t seed) {
  const offramp::detail::default_floating_point environment;
  std::vector<detail::outcome> outcomes = detail::calibration_outcomes(given);
  // What is said happens with its own probability, so only probabilities matter; sorted, their order does not.
  std::ranges::sort(outcomes, {}, &detail::outcome::probability);
  std::mt19937_64 random(seed);
  double sum = 0.0;
  for (std::size_t draw = 0; draw < draws; ++draw) {
    for (detail::outcome& one : outcomes) {
      constexpr double unit = 0x1p-53;
      one.happened = static_cast<double>(random() >> 11U) * unit < one.probability;
    }
    sum += detail::mean_gap(detail::equal_width_sums(outcomes, bins));
  }
  return settled(draws > 0 ? sum / static_cast<double>(draws) : 0.0);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
