// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "minimize.hpp"
#include "targets.hpp"

#include <offramp/detail/lend.hpp>
#include <offramp/runner.hpp>
#include <offramp/study/linear_head.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// Work on texts is cut into this many blocks, whose sums are added in order: the same for any number of threads.
inline constexpr std::size_t text_blocks = 64;

/// Calls body(block, first text, one past the last) for every block, on the threads that `run` lends.
template <class Body>
void for_each_block(const runner& run, std::size_t texts, const Body& body) {
  const std::size_t blocks = std::min(texts, text_blocks);
  offramp::detail::lend(run, blocks,
                        [&](std::size_t block) { body(block, block * texts / blocks, (block + 1) * texts / blocks); });
}

/// Where a feature lies and how far it spreads.
struct feature_scale {
  Eigen::VectorXd mean;     // [features]
  Eigen::VectorXd inverse;  // [features], 1 / standard deviation, 1 for a constant feature
};

[[nodiscard]] inline std::size_t count_texts(const taught_features& given) {
  return given.targets.size() / given.num_labels;
}

/// The feature values [features] of one text.
[[nodiscard]] inline Eigen::Map<const Eigen::VectorXf> features_of(const taught_features& given, std::size_t text) {
  const std::size_t width = given.values.size() / count_texts(given);
  return {given.values.data() + text * width, static_cast<Eigen::Index>(width)};
}

[[nodiscard]] inline feature_scale measure_scale(const taught_features& given, const runner& run) {
  const std::size_t texts = count_texts(given);
  const auto width = static_cast<Eigen::Index>(given.values.size() / texts);
  const auto mean_of = [&](const auto& term) {
    std::vector<Eigen::VectorXd> sums(text_blocks, Eigen::VectorXd::Zero(width));
    for_each_block(run, texts, [&](std::size_t block, std::size_t first, std::size_t last) {
      for (std::size_t text = first; text < last; ++text) {
        sums[block] += term(features_of(given, text).cast<double>());
      }
    });
    Eigen::VectorXd total = Eigen::VectorXd::Zero(width);
    for (const Eigen::VectorXd& sum : sums) {
      total += sum;
    }
    return Eigen::VectorXd(total / static_cast<double>(texts));
  };
  feature_scale scale;
  scale.mean = mean_of([](const auto& features) { return features; });
  const Eigen::VectorXd variance =
      mean_of([&](const auto& features) { return (features - scale.mean).cwiseAbs2().eval(); });
  scale.inverse = Eigen::VectorXd::Ones(width);
  for (Eigen::Index i = 0; i < width; ++i) {
    const double deviation = std::sqrt(variance[i]);
    // Below, weights would not be finite in float32.
    constexpr double smallest = 1e-35;
    if (deviation > std::max(smallest, 1e-10 * std::abs(scale.mean[i]))) {
      scale.inverse[i] = 1 / deviation;
    }
  }
  return scale;
}

/// Replaces the logits of one text by their probabilities and returns ln of the sum of their exponentials. Two labels
/// share one logit, that of the second; the first's is 0.
inline double to_probabilities(Eigen::VectorXd& logits) {
  if (logits.size() == 1) {
    double& logit = logits[0];
    const double decay = std::exp(-std::abs(logit));
    const double sum = std::max(logit, 0.0) + std::log1p(decay);
    logit = (logit < 0 ? decay : 1.0) / (1.0 + decay);
    return sum;
  }
  const double highest = logits.maxCoeff();
  double sum = 0;
  for (double& logit : logits) {
    logit = std::exp(logit - highest);
    sum += logit;
  }
  logits /= sum;
  return highest + std::log(sum);
}

/// Replaces the logits of one text by the gradient of its cross-entropy to `target` [labels], which it returns.
[[nodiscard]] inline double to_slope(Eigen::VectorXd& logits, std::span<const float> target) {
  const std::size_t first = logits.size() == 1 ? 1 : 0;  // of the labels that have a logit
  double aimed = 0;
  for (Eigen::Index i = 0; i < logits.size(); ++i) {
    aimed += static_cast<double>(target[first + static_cast<std::size_t>(i)]) * logits[i];
  }
  const double sum = to_probabilities(logits);
  for (Eigen::Index i = 0; i < logits.size(); ++i) {
    logits[i] -= static_cast<double>(target[first + static_cast<std::size_t>(i)]);
  }
  return sum - aimed;
}

/// The mean weighted cross-entropy to the targets and its gradient, as a function of the weights of standardised
/// features and the biases: [features, logits] column after column, then [logits]. Two labels share one logit, that of
/// the second.
class logistic_loss {
 public:
  /// Weights and biases for features as they are.
  struct affine {
    Eigen::MatrixXd weights;  // [features, logits]
    Eigen::VectorXd bias;     // [logits]
  };

  logistic_loss(const taught_features& given, std::span<const double> class_weights, const runner& run)
      : given_(given),
        run_(run),
        text_weights_(weigh_texts(given.targets, given.num_labels, class_weights)),
        scale_(measure_scale(given, run)),
        features_(scale_.mean.size()),
        logits_(given.num_labels == 2 ? 1 : static_cast<Eigen::Index>(given.num_labels)) {}

  [[nodiscard]] Eigen::Index features() const noexcept { return features_; }
  [[nodiscard]] Eigen::Index logits() const noexcept { return logits_; }
  [[nodiscard]] std::size_t texts() const noexcept { return text_weights_.size(); }
  /// The features of one text, standardised.
  [[nodiscard]] Eigen::VectorXd standardised(std::size_t text) const {
    return (features_of(given_, text).cast<double>() - scale_.mean).cwiseProduct(scale_.inverse);
  }
  [[nodiscard]] Eigen::VectorXd start() const { return Eigen::VectorXd::Zero((features_ + 1) * logits_); }

  [[nodiscard]] slope operator()(const Eigen::VectorXd& parameters) const {
    const affine map = unscale(parameters);
    std::vector<partial_sum> sums(text_blocks);
    for_each_block(run_, texts(), [&](std::size_t block, std::size_t first, std::size_t last) {
      sums[block] = sum_over(map, first, last);
    });
    partial_sum total = std::move(sums.front());
    for (std::size_t block = 1; block < sums.size() && sums[block].bias.size() > 0; ++block) {
      total.loss += sums[block].loss;
      total.weights += sums[block].weights;
      total.bias += sums[block].bias;
    }
    const auto count = static_cast<double>(texts());
    slope result{total.loss / count, Eigen::VectorXd(parameters.size())};
    for (Eigen::Index logit = 0; logit < logits_; ++logit) {
      result.gradient.segment(logit * features_, features_) =
          (total.weights.col(logit) - total.bias[logit] * scale_.mean).cwiseProduct(scale_.inverse) / count;
    }
    result.gradient.tail(logits_) = total.bias / count;
    return result;
  }

  /// How much a text counts.
  [[nodiscard]] double weight_of(std::size_t text) const { return text_weights_[text]; }

  [[nodiscard]] affine unscale(const Eigen::VectorXd& parameters) const {
    affine map{Eigen::MatrixXd(features_, logits_), parameters.tail(logits_)};
    for (Eigen::Index logit = 0; logit < logits_; ++logit) {
      map.weights.col(logit) = parameters.segment(logit * features_, features_).cwiseProduct(scale_.inverse);
      map.bias[logit] -= map.weights.col(logit).dot(scale_.mean);
    }
    return map;
  }

  /// The head for features as they are.
  [[nodiscard]] linear_head head(const Eigen::VectorXd& parameters) const {
    const affine map = unscale(parameters);
    linear_head result;
    const auto add = [&](Eigen::Index logit, double factor) {
      for (Eigen::Index i = 0; i < features_; ++i) {
        result.weights.push_back(static_cast<float>(factor * map.weights(i, logit)));
      }
      result.bias.push_back(static_cast<float>(factor * map.bias[logit]));
    };
    if (logits_ == 1) {
      add(0, -0.5);
      add(0, 0.5);
    } else {
      for (Eigen::Index logit = 0; logit < logits_; ++logit) {
        add(logit, 1.0);
      }
    }
    return result;
  }

 private:
  struct partial_sum {
    double loss = 0;
    Eigen::MatrixXd weights;  // [features, logits], gradient
    Eigen::VectorXd bias;     // [logits], gradient
  };

  [[nodiscard]] partial_sum sum_over(const affine& map, std::size_t first, std::size_t last) const {
    partial_sum sum{0, Eigen::MatrixXd::Zero(features_, logits_), Eigen::VectorXd::Zero(logits_)};
    Eigen::VectorXd features(features_);
    Eigen::VectorXd logits(logits_);
    for (std::size_t text = first; text < last; ++text) {
      features = features_of(given_, text).cast<double>();
      for (Eigen::Index logit = 0; logit < logits_; ++logit) {
        logits[logit] = map.weights.col(logit).dot(features) + map.bias[logit];
      }
      const double weight = weight_of(text);
      sum.loss += weight * to_slope(logits, given_.targets.subspan(text * given_.num_labels, given_.num_labels));
      logits *= weight;
      for (Eigen::Index logit = 0; logit < logits_; ++logit) {
        sum.weights.col(logit) += logits[logit] * features;
      }
      sum.bias += logits;
    }
    return sum;
  }

  taught_features given_;
  const runner& run_;
  std::vector<double> text_weights_;  // [texts]
  feature_scale scale_;
  Eigen::Index features_;
  Eigen::Index logits_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
