// SPDX-License-Identifier: Apache-2.0
#include "head_fit.hpp"

#include <offramp/detail/floating_point.hpp>
#include <offramp/detail/number.hpp>
#include <offramp/error.hpp>
#include <offramp/nn/dot.hpp>
#include <offramp/study/head_fit.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study {

namespace detail {
namespace {

[[noreturn]] void refuse_fit(const std::string& what) {
  throw error(error_kind::invalid_argument, "fit_heads: " + what);
}

void check_label_ids(std::span<const int> label_ids, std::size_t num_labels) {
  for (const int label : label_ids) {
    if (label < 0 || static_cast<std::size_t>(label) >= num_labels) {
      refuse_fit("label id " + std::to_string(label) + ", expected 0 to " + std::to_string(num_labels - 1));
    }
  }
}

void check_num_labels(std::size_t num_labels) {
  if (num_labels < 2) {
    refuse_fit(std::to_string(num_labels) + " labels, expected at least 2");
  }
}

void check_targets(const taught_features& given) {
  constexpr double tolerance = 1e-4;  // of sums of probabilities in float32
  std::vector<double> sums(given.num_labels);
  for (std::size_t begin = 0; begin < given.targets.size(); begin += given.num_labels) {
    double total = 0;
    for (std::size_t label = 0; label < given.num_labels; ++label) {
      const auto target = static_cast<double>(given.targets[begin + label]);
      if (!(target >= 0)) {
        refuse_fit("a target of text " + std::to_string(begin / given.num_labels) + " is " +
                   offramp::detail::number_text(target) + ", expected a probability");
      }
      sums[label] += target;
      total += target;
    }
    if (!(std::abs(total - 1) <= tolerance)) {
      refuse_fit("the targets of text " + std::to_string(begin / given.num_labels) + " add up to " +
                 offramp::detail::number_text(total) + ", expected 1");
    }
  }
  if (const auto none = std::ranges::find(sums, 0.0); none != sums.end()) {
    refuse_fit("no text has the label id " + std::to_string(none - sums.begin()) + ", expected at least one");
  }
}

void check_features(const taught_features& given) {
  const std::size_t texts = count_texts(given);
  if (given.targets.size() % given.num_labels != 0) {
    refuse_fit(std::to_string(given.targets.size()) + " targets, expected a multiple of the labels, " +
               std::to_string(given.num_labels));
  }
  if (texts == 0 || given.values.empty() || given.values.size() % texts != 0) {
    refuse_fit(std::to_string(given.values.size()) + " values for " + std::to_string(texts) +
               " texts, expected equally many for each of at least one text");
  }
  const auto found = std::ranges::find_if_not(given.values, [](float value) { return std::isfinite(value); });
  if (found != given.values.end()) {
    const auto place = static_cast<std::size_t>(found - given.values.begin());
    const std::size_t width = given.values.size() / texts;
    refuse_fit("feature " + std::to_string(place % width) + " of text " + std::to_string(place / width) + " is " +
               offramp::detail::number_text(*found) + ", expected a finite number");
  }
}

void check_positive(std::span<const double> values, const char* name) {
  for (const double value : values) {
    if (!(value > 0) || !std::isfinite(value)) {
      refuse_fit(std::string(name) + " " + offramp::detail::number_text(value) + ", expected a finite positive number");
    }
  }
}

}  // namespace

slope penalised(const logistic_loss& loss, double penalty, const Eigen::VectorXd& parameters) {
  const Eigen::Index weights = loss.features() * loss.logits();
  slope here = loss(parameters);
  here.value += penalty / 2 * parameters.head(weights).squaredNorm();
  here.gradient.head(weights) += penalty * parameters.head(weights);
  return here;
}

minimum fit_one(const logistic_loss& loss, head_curvature& curvature, double penalty, Eigen::VectorXd start) {
  constexpr double tolerance = 1e-11;  // nats per text
  curvature.set_penalty(penalty);
  const auto evaluate = [&](const Eigen::VectorXd& parameters) { return penalised(loss, penalty, parameters); };
  return minimize(evaluate, curvature, std::move(start), tolerance);
}

}  // namespace detail

std::vector<double> balanced_weights(std::span<const int> label_ids, std::size_t num_labels) {
  const offramp::detail::default_floating_point environment;
  std::vector<double> weights(num_labels);
  for (const int label : label_ids) {
    weights.at(static_cast<std::size_t>(label)) += 1.0;
  }
  for (double& weight : weights) {
    weight = weight > 0 ? static_cast<double>(label_ids.size()) / (static_cast<double>(num_labels) * weight) : 0.0;
  }
  return weights;
}

std::vector<linear_head> fit_heads(const labelled_features& given, std::span<const double> strengths,
                                   std::span<const double> class_weights, const runner& run) {
  detail::check_num_labels(given.num_labels);
  detail::check_label_ids(given.label_ids, given.num_labels);
  const std::vector<float> targets = detail::one_hot(given.label_ids, given.num_labels);
  return fit_heads_to_targets({given.values, targets, given.num_labels}, strengths, class_weights, run);
}

std::vector<linear_head> fit_heads_to_targets(const taught_features& given, std::span<const double> strengths,
                                              std::span<const double> class_weights, const runner& run) {
  const offramp::detail::default_floating_point environment;
  detail::check_num_labels(given.num_labels);
  detail::check_features(given);
  detail::check_targets(given);
  detail::check_positive(strengths, "strength");
  detail::check_positive(class_weights, "class weight");
  if (strengths.empty()) {
    detail::refuse_fit("no strengths, expected at least one");
  }
  if (!class_weights.empty() && class_weights.size() != given.num_labels) {
    detail::refuse_fit(std::to_string(class_weights.size()) + " class weights, expected " +
                       std::to_string(given.num_labels));
  }
  const detail::logistic_loss loss(given, class_weights, run);
  detail::head_curvature curvature(loss, run);
  // From the strongest penalty on, each fit begins where the one before ended.
  std::vector<std::size_t> order(strengths.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t index) { return strengths[index]; });
  std::vector<linear_head> heads(strengths.size());
  Eigen::VectorXd parameters = loss.start();
  for (const std::size_t index : order) {
    const double penalty = 1 / (strengths[index] * static_cast<double>(loss.texts()));
    detail::minimum fitted = detail::fit_one(loss, curvature, penalty, std::move(parameters));
    parameters = std::move(fitted.point);
    heads[index] = loss.head(parameters);
    heads[index].is_optimal = fitted.is_reached;
  }
  return heads;
}

std::vector<float> head_logits(const linear_head& head, std::span<const float> features, const runner& run) {
  const offramp::detail::default_floating_point environment;
  const std::size_t labels = head.bias.size();
  const std::size_t width = labels == 0 ? 0 : head.weights.size() / labels;
  if (width == 0 || head.weights.size() != labels * width || features.size() % width != 0) {
    throw error(error_kind::invalid_argument, "head_logits: " + std::to_string(features.size()) +
                                                  " values, expected a multiple of the head's features, " +
                                                  std::to_string(width));
  }
  const std::size_t texts = features.size() / width;
  std::vector<float> logits(texts * labels);
  detail::for_each_block(run, texts, [&](std::size_t /*block*/, std::size_t first, std::size_t last) {
    for (std::size_t text = first; text < last; ++text) {
      for (std::size_t label = 0; label < labels; ++label) {
        logits[text * labels + label] =
            nn::dot(head.weights.data() + label * width, features.data() + text * width, width) + head.bias[label];
      }
    }
  });
  return logits;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study
