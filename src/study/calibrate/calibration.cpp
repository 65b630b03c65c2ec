// SPDX-License-Identifier: Apache-2.0
#include "study/certified_default.hpp"
#include "study/exit_temperature.hpp"
#include "study/update_exits.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/error.hpp>
#include <offramp/model/heads.hpp>
#include <offramp/study/calibration.hpp>
#include <offramp/study/known_texts.hpp>
#include <offramp/study/replay.hpp>
#include <offramp/study/temperature.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

[[nodiscard]] exit_quality::leaving_texts measure_leaving(const replay& texts, std::span<const exit_answer> answers,
                                                          std::size_t exit) {
  exit_quality::leaving_texts leaving;
  for (std::size_t text = 0; text < answers.size(); ++text) {
    if (answers[text].exit == exit) {
      ++leaving.texts;
      leaving.accuracy += texts.is_right(exit, text) ? 1.0 : 0.0;
      leaving.confidence += static_cast<double>(answers[text].confidence);
    }
  }
  if (leaving.texts > 0) {
    leaving.accuracy /= static_cast<double>(leaving.texts);
    leaving.confidence /= static_cast<double>(leaving.texts);
  }
  return leaving;
}

/// How well the exit's confidence tells answers that are the last exit's from others.
[[nodiscard]] std::optional<double> measure_agreement(const replay& texts, const labelled_probabilities& given,
                                                      std::size_t exit) {
  std::vector<bool> agrees;
  for (std::size_t text = 0; text < texts.num_texts(); ++text) {
    agrees.push_back(texts.agrees(exit, text));
  }
  return area_under_roc(confidences(given), agrees);
}

/// Every exit, with the temperatures in `logits`.
[[nodiscard]] std::vector<exit_quality> measure_exits(const exit_logits& logits, const exit_policy& policy) {
  const replay texts(logits);
  const std::vector<exit_answer> leaving = texts.decide(policy);
  std::vector<exit_quality> all;
  for (std::size_t exit = 0; exit < logits.exits.size(); ++exit) {
    const labelled_probabilities given = logits.judged(texts.probabilities(exit));
    all.push_back({.accuracy = accuracy(given),
                   .confidence = mean_confidence(given),
                   .nll = exit_decisions(logits, exit).nll(logits.exits[exit].temperature),
                   .brier = brier_score(given),
                   .ece = calibration_error(given),
                   .ece_of_draws = expected_calibration_error_of_draws(given),
                   .equal_mass_ece = equal_mass_calibration_error(given),
                   .class_wise_ece = class_wise_calibration_error(given),
                   .auroc_correct = area_under_roc_of_correct(given),
                   .auroc_agreement = measure_agreement(texts, given, exit),
                   .aurc = area_under_risk_coverage(given),
                   .reliability = reliability_bins(given),
                   .leaving = measure_leaving(texts, leaving, exit)});
  }
  return all;
}

/// Replaces the logits of `exit`, which were computed with the temperatures in `old`, by what they are once the exits
/// below have the logits and temperatures in `logits`.
void correct_logits(exit_logits& logits, const exit_logits& old, std::size_t exit, std::span<const float> weights) {
  const std::size_t labels = logits.num_labels;
  for (std::size_t text = 0; text < logits.num_texts; ++text) {
    std::vector<double> change;  // [exits below * labels]
    for (std::size_t below = 0; below < exit; ++below) {
      for (std::size_t label = 0; label < labels; ++label) {
        const auto scaled = [&](const exit_logits& of) {
          return static_cast<double>(of.at(below, text)[label]) / static_cast<double>(of.exits[below].temperature);
        };
        change.push_back(scaled(logits) - scaled(old));
      }
    }
    for (std::size_t label = 0; label < labels; ++label) {
      float& value = logits.values[(exit * logits.num_texts + text) * labels + label];
      double sum = static_cast<double>(value);
      for (std::size_t i = 0; i < change.size(); ++i) {
        sum += static_cast<double>(weights[label * change.size() + i]) * change[i];
      }
      value = static_cast<float>(sum);
    }
  }
}

void check_weights(const previous_logit_weights& weights, const exit_logits& logits) {
  bool fits = weights.empty() || weights.size() == logits.exits.size();
  for (std::size_t exit = 0; exit < weights.size(); ++exit) {
    fits = fits && (weights[exit].empty() || weights[exit].size() == exit * logits.num_labels * logits.num_labels);
  }
  if (!fits) {
    throw error(error_kind::invalid_argument, "the weights of previous logits do not fit the exits");
  }
}

[[nodiscard]] std::optional<float>& temperature_of(model::exit_description& exit, numeric_format format) {
  switch (format) {
    case numeric_format::bfloat16:
      return exit.temperature.bfloat16;
    case numeric_format::int8:
      return exit.temperature.int8;
    case numeric_format::float32:
      break;
  }
  return exit.temperature.float32;
}

[[nodiscard]] model::calibration_description describe(numeric_format format, const calibration& fitted,
                                                      const dataset& data) {
  model::calibration_description result{.numeric_format = format,
                                        .data_sha256 = data.sha256,
                                        .n = static_cast<std::int64_t>(fitted.num_texts),
                                        .exits = {}};
  for (const exit_calibration& exit : fitted.exits) {
    result.exits.push_back(stored_quality(exit.before.nll, exit.after.nll, exit.before.ece, exit.after.ece));
  }
  return result;
}

void refuse_bounds(const calibration& fitted) {
  const auto found = std::ranges::find(fitted.exits, true, &exit_calibration::at_bound);
  if (found != fitted.exits.end()) {
    const bool is_lowest = found->temperature == lowest_temperature;
    throw error(error_kind::invalid_argument,
                "the temperature of layer " + std::to_string(found->layer) + " is the " +
                    (is_lowest ? "lowest" : "highest") + " allowed, because " +
                    (is_lowest ? "every answer is right" : "the logits tell less than nothing") + " on " +
                    std::to_string(fitted.num_texts) + " texts: expected more texts");
  }
}

void check_exits(const model::exits_file& content, const calibration& fitted) {
  const auto has_layer = [](const model::exit_description& exit, const exit_calibration& other) {
    return exit.layer == other.layer;
  };
  if (!std::ranges::equal(content.exits, fitted.exits, has_layer)) {
    throw error(error_kind::invalid_argument, "the calibrated exits are not those of the model directory");
  }
  const auto hears_ngrams = [](const exit_calibration& exit) { return exit.ngram_weight != 0.0F; };
  if (std::ranges::any_of(content.exits, &model::exit_description::previous_logits) &&
      std::ranges::any_of(fitted.exits, hears_ngrams)) {
    throw error(error_kind::unsupported, "an exit reads the logits of earlier ones: expected no weights of n-grams");
  }
}

void set_temperatures(model::exits_file& content, numeric_format format, const calibration& fitted) {
  for (std::size_t exit = 0; exit < content.exits.size(); ++exit) {
    temperature_of(content.exits[exit], format) = fitted.exits[exit].temperature;
  }
}

/// Gives the exits their weights of n-grams, and takes away what was fitted to the old ones.
void set_ngram_weights(model::exits_file& content, const calibration& fitted) {
  bool is_any_new = false;
  for (std::size_t exit = 0; exit < content.exits.size(); ++exit) {
    float& weight = content.exits[exit].ngram_weight;
    const float more = fitted.exits[exit].ngram_weight - weight;
    is_any_new = is_any_new || more != 0.0F;
    weight = fitted.exits[exit].ngram_weight;
    for (golden_text& golden : content.golden) {
      for (std::size_t label = 0; more != 0.0F && label < content.labels.size(); ++label) {
        golden.logits[exit][label] += more * golden.logits.front()[label];
      }
    }
  }
  if (is_any_new) {
    content.calibration.clear();
    for (model::exit_description& exit : content.exits) {
      exit.temperature = {};
    }
  }
}

/// Removes the certificates of every format that loads with other temperatures or weights than in `old`; returns how
/// many.
std::size_t remove_outdated_certificates(model::exits_file& content, const model::exits_file& old) {
  return std::erase_if(content.certificates, [&](const model::certificate_description& certificate) {
    const auto loaded = [&](const model::exit_description& exit) {
      return std::pair(model::temperature_for(exit.temperature, certificate.numeric_format), exit.ngram_weight);
    };
    return !std::ranges::equal(content.exits, old.exits, {}, loaded, loaded);
  });
}

}  // namespace
}  // namespace detail

previous_logit_weights read_previous_logit_weights(const std::filesystem::path& directory) {
  const detail::stored_exits stored = detail::open_stored_exits(directory);
  const model::exits_file& content = stored.plan.description;
  const auto hidden = static_cast<std::size_t>(stored.config.hidden_size);
  const std::size_t labels = content.labels.size();
  previous_logit_weights all(content.exits.size());
  for (std::size_t exit = 0; exit < all.size(); ++exit) {
    if (!content.exits[exit].previous_logits) {
      continue;
    }
    const std::size_t columns = exit * labels;
    const std::string name = stored.plan.tensors[exit].classifier + ".weight";
    const auto weights = stored.tensors.read(name, {labels, hidden + columns});
    for (std::size_t label = 0; label < labels; ++label) {
      const auto end = weights.begin() + static_cast<std::ptrdiff_t>((label + 1) * (hidden + columns));
      all[exit].insert(all[exit].end(), end - static_cast<std::ptrdiff_t>(columns), end);
    }
  }
  return all;
}

calibration measure(exit_logits logits, const exit_policy& policy) {
  const offramp::detail::default_floating_point environment;
  std::vector<exit_quality> after = detail::measure_exits(logits, policy);
  calibration result{.num_texts = logits.num_texts, .exits = {}};
  for (exit_info& exit : logits.exits) {
    result.exits.push_back({exit.layer, exit.temperature, exit.ngram_weight, false, {}, {}});
    exit.temperature = 1.0F;
  }
  std::vector<exit_quality> before = detail::measure_exits(logits, policy);
  for (std::size_t exit = 0; exit < result.exits.size(); ++exit) {
    result.exits[exit].before = std::move(before[exit]);
    result.exits[exit].after = std::move(after[exit]);
  }
  return result;
}

calibration calibrate(exit_logits logits, const exit_policy& policy, const previous_logit_weights& weights) {
  const offramp::detail::default_floating_point environment;
  detail::check_weights(weights, logits);
  if (!logits.is_labelled && !weights.empty() && !weights.back().empty()) {
    throw error(error_kind::unsupported,
                "calibrate: the last exit reads the logits of earlier ones, and answers otherwise once they have other "
                "temperatures: expected labelled texts");
  }
  const exit_logits old = logits;
  std::vector<temperature_fit> fits;
  for (std::size_t exit = 0; exit < logits.exits.size(); ++exit) {
    if (!weights.empty() && !weights[exit].empty()) {
      detail::correct_logits(logits, old, exit, weights[exit]);
    }
    fits.push_back(detail::fit_exit_temperature(logits, exit));
    logits.exits[exit].temperature = fits.back().temperature;
  }
  calibration result = measure(std::move(logits), policy);
  for (std::size_t exit = 0; exit < fits.size(); ++exit) {
    result.exits[exit].at_bound = fits[exit].at_bound;
  }
  return result;
}

removed_certificates store_calibration(const std::filesystem::path& directory, numeric_format format,
                                       const calibration& fitted, const dataset& data, temperature_at_bound at_bound) {
  const offramp::detail::default_floating_point environment;
  if (at_bound == temperature_at_bound::refuse) {
    detail::refuse_bounds(fitted);
  }
  const detail::stored_exits stored = detail::open_stored_exits(directory);
  const model::exits_file& old = stored.plan.description;
  model::exits_file content = old;
  detail::settle_input(content, data);
  detail::check_exits(content, fitted);
  detail::set_ngram_weights(content, fitted);
  detail::set_temperatures(content, format, fitted);
  const bool had_default = detail::has_certified_default(content);
  removed_certificates removed{.count = detail::remove_outdated_certificates(content, old)};
  removed.had_default = had_default && !detail::has_certified_default(content);
  std::vector<model::calibration_description> all{detail::describe(format, fitted, data)};
  for (const model::calibration_description& other : content.calibration) {
    if (other.numeric_format != all.front().numeric_format) {
      all.push_back(other);
    }
  }
  std::ranges::sort(all, {}, &model::calibration_description::numeric_format);
  content.calibration = std::move(all);
  known_texts known = known_texts::read(directory);
  known.add(text_use::calibrated, data);
  detail::write_exits(directory, stored, content, known.bytes());
  return removed;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
