// SPDX-License-Identifier: Apache-2.0
#include "ngram_fit.hpp"

#include "logistic_loss.hpp"
#include "minimize.hpp"

#include <Eigen/Core>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

namespace {

/// A text's place among those that share a bucket.
struct occurrence {
  std::uint32_t text = 0;
  float value = 0.0F;
};

/// The examples bucket after bucket; only buckets that occur have a column.
struct bucket_columns {
  std::vector<std::uint32_t> bucket_of;  // [columns]
  std::vector<std::uint32_t> column_of;  // [buckets]
  std::vector<std::size_t> ends;         // [columns], into occurrences
  std::vector<occurrence> occurrences;   // by column, then text

  [[nodiscard]] std::span<const occurrence> column(std::size_t index) const {
    const std::size_t begin = index == 0 ? 0 : ends[index - 1];
    return std::span(occurrences).subspan(begin, ends[index] - begin);
  }
};

[[nodiscard]] bucket_columns transpose(const ngram_examples& examples) {
  bucket_columns columns;
  std::vector<std::size_t> counts(examples.shape().buckets());
  for (const exits::ngram_feature& feature : examples.features()) {
    ++counts[feature.bucket];
  }
  columns.column_of.resize(counts.size());
  std::vector<std::size_t> next;
  std::size_t end = 0;
  for (std::size_t bucket = 0; bucket < counts.size(); ++bucket) {
    if (counts[bucket] > 0) {
      columns.column_of[bucket] = static_cast<std::uint32_t>(columns.bucket_of.size());
      columns.bucket_of.push_back(static_cast<std::uint32_t>(bucket));
      next.push_back(end);
      columns.ends.push_back(end += counts[bucket]);
    }
  }
  columns.occurrences.resize(end);
  for (std::size_t text = 0; text < examples.size(); ++text) {
    for (const exits::ngram_feature& feature : examples.features(text)) {
      columns.occurrences[next[columns.column_of[feature.bucket]]++] = {static_cast<std::uint32_t>(text),
                                                                        feature.value};
    }
  }
  return columns;
}

/// The mean cross-entropy of the targets plus the penalty, and its gradient. Parameters: weights [columns, logits],
/// then bias [logits]; two labels share one logit, that of the second.
class ngram_loss {
 public:
  ngram_loss(const ngram_examples& examples, std::span<const double> class_weights, const runner& run)
      : examples_(examples),
        text_weights_(weigh_texts(examples.targets(), examples.num_labels(), class_weights)),
        run_(run),
        columns_(transpose(examples)),
        logits_(examples.num_labels() == 2 ? 1 : examples.num_labels()),
        residuals_(examples.size() * logits_),
        variances_(examples.size() * logits_) {}

  void set_penalty(double penalty) { penalty_ = penalty; }

  [[nodiscard]] Eigen::VectorXd start() const {
    return Eigen::VectorXd::Zero(static_cast<Eigen::Index>((columns_.ends.size() + 1) * logits_));
  }

  [[nodiscard]] slope operator()(const Eigen::VectorXd& parameters) {
    const double loss = compare(parameters);
    const auto texts = static_cast<double>(examples_.size());
    const Eigen::Index weights = parameters.size() - static_cast<Eigen::Index>(logits_);
    slope result{loss / texts + penalty_ / 2 * parameters.head(weights).squaredNorm(),
                 Eigen::VectorXd(parameters.size())};
    gather(
        residuals_, [](double value) { return value; }, result.gradient);
    result.gradient /= texts;
    result.gradient.head(weights) += penalty_ * parameters.head(weights);
    return result;
  }

  /// The Hessian's diagonal.
  [[nodiscard]] Eigen::VectorXd diagonal(const Eigen::VectorXd& parameters) {
    compare(parameters);
    Eigen::VectorXd result(parameters.size());
    gather(
        variances_, [](double value) { return value * value; }, result);
    result /= static_cast<double>(examples_.size());
    result.array() += penalty_;
    return result;
  }

  [[nodiscard]] ngram_weights weights(const Eigen::VectorXd& parameters) const {
    const std::size_t labels = examples_.num_labels();
    ngram_weights result;
    result.weights.resize(examples_.shape().buckets() * labels);
    result.bias.resize(labels);
    const auto spread = [&](std::size_t row, float* target) {
      for (std::size_t label = 0; label < labels; ++label) {
        const std::size_t logit = logits_ == 1 ? 0 : label;
        const double factor = logits_ == 1 ? (label == 0 ? -0.5 : 0.5) : 1.0;
        target[label] = static_cast<float>(factor * parameters[static_cast<Eigen::Index>(row * logits_ + logit)]);
      }
    };
    for (std::size_t column = 0; column < columns_.bucket_of.size(); ++column) {
      spread(column, result.weights.data() + std::size_t{columns_.bucket_of[column]} * labels);
    }
    spread(columns_.bucket_of.size(), result.bias.data());
    return result;
  }

 private:
  /// The loss in sum; leaves what each text's logits should change by, and p (1 - p) of each.
  double compare(const Eigen::VectorXd& parameters) {
    std::vector<double> losses(text_blocks);
    for_each_block(run_, examples_.size(), [&](std::size_t block, std::size_t first, std::size_t last) {
      Eigen::VectorXd logits(static_cast<Eigen::Index>(logits_));
      for (std::size_t text = first; text < last; ++text) {
        losses[block] += compare_one(parameters, text, logits);
      }
    });
    return std::accumulate(losses.begin(), losses.end(), 0.0);
  }

  double compare_one(const Eigen::VectorXd& parameters, std::size_t text, Eigen::VectorXd& logits) {
    const auto count = static_cast<Eigen::Index>(logits_);
    logits = parameters.tail(count);
    for (const exits::ngram_feature& feature : examples_.features(text)) {
      logits += static_cast<double>(feature.value) *
                parameters.segment(static_cast<Eigen::Index>(columns_.column_of[feature.bucket]) * count, count);
    }
    const std::span<const float> target = examples_.target(text);
    const double loss = to_slope(logits, target);
    const double weight = text_weights_[text];
    for (std::size_t logit = 0; logit < logits_; ++logit) {
      const double residual = logits[static_cast<Eigen::Index>(logit)];
      const double probability = residual + static_cast<double>(target[logits_ == 1 ? 1 : logit]);
      residuals_[text * logits_ + logit] = weight * residual;
      variances_[text * logits_ + logit] = weight * probability * (1.0 - probability);
    }
    return weight * loss;
  }

  /// result[column, logit] = sum over the column's texts of of_text[text, logit] * power(value); bias: value 1.
  template <class Power>
  void gather(std::span<const double> of_text, const Power& power, Eigen::VectorXd& result) const {
    const std::size_t columns = columns_.ends.size();
    for_each_block(run_, columns, [&](std::size_t /*block*/, std::size_t first, std::size_t last) {
      for (std::size_t column = first; column < last; ++column) {
        for (std::size_t logit = 0; logit < logits_; ++logit) {
          double sum = 0;
          for (const occurrence& where : columns_.column(column)) {
            sum += of_text[where.text * logits_ + logit] * power(static_cast<double>(where.value));
          }
          result[static_cast<Eigen::Index>(column * logits_ + logit)] = sum;
        }
      }
    });
    for (std::size_t logit = 0; logit < logits_; ++logit) {
      double sum = 0;
      for (std::size_t text = 0; text < examples_.size(); ++text) {
        sum += of_text[text * logits_ + logit];
      }
      result[static_cast<Eigen::Index>(columns * logits_ + logit)] = sum;
    }
  }

  const ngram_examples& examples_;
  std::vector<double> text_weights_;  // [texts]
  const runner& run_;
  bucket_columns columns_;
  std::size_t logits_;
  double penalty_ = 0;
  std::vector<double> residuals_;  // [texts, logits]
  std::vector<double> variances_;  // [texts, logits]
};

/// About the inverse Hessian: that of its diagonal.
class diagonal_curvature {
 public:
  diagonal_curvature(ngram_loss& loss, const Eigen::VectorXd& point) : loss_(loss) { update(point); }

  [[nodiscard]] Eigen::VectorXd operator()(const Eigen::VectorXd& vector) const {
    return vector.cwiseQuotient(diagonal_);
  }
  void update(const Eigen::VectorXd& point) { diagonal_ = loss_.diagonal(point); }

 private:
  ngram_loss& loss_;
  Eigen::VectorXd diagonal_;
};

}  // namespace

void ngram_examples::add(const exits::ngram_text& text, std::span<const float> target) {
  const std::span<const exits::ngram_feature> found = exits::read_ngrams(text, shape_, memory_);
  const float scale = exits::inverse_length(found);
  for (const exits::ngram_feature& feature : found) {
    features_.push_back({feature.bucket, feature.value * scale});
  }
  ends_.push_back(features_.size());
  targets_.insert(targets_.end(), target.begin(), target.end());
}

std::vector<ngram_weights> fit_ngrams(const ngram_examples& examples, std::span<const double> strengths,
                                      std::span<const double> class_weights, const runner& run) {
  constexpr double tolerance = 1e-7;  // nats per text: weights are rounded to 8 bits afterwards
  ngram_loss loss(examples, class_weights, run);
  std::vector<ngram_weights> fits;
  Eigen::VectorXd point = loss.start();
  for (const double strength : strengths) {
    loss.set_penalty(1 / (strength * static_cast<double>(examples.size())));
    diagonal_curvature curvature(loss, point);
    minimum fitted =
        minimize([&](const Eigen::VectorXd& at) { return loss(at); }, curvature, std::move(point), tolerance, 300);
    point = std::move(fitted.point);
    fits.push_back(loss.weights(point));
    fits.back().is_optimal = fitted.is_reached;
  }
  return fits;
}

exits::ngram_head round_weights(const ngram_weights& weights, const exits::ngram_shape& shape) {
  const std::size_t labels = weights.bias.size();
  exits::ngram_head head;
  head.shape = shape;
  head.bias = weights.bias;
  head.scales.assign(labels, 0.0F);
  for (std::size_t i = 0; i < weights.weights.size(); ++i) {
    head.scales[i % labels] = std::max(head.scales[i % labels], std::abs(weights.weights[i]) / 127.0F);
  }
  head.weights.resize(weights.weights.size());
  for (std::size_t i = 0; i < weights.weights.size(); ++i) {
    const float scale = head.scales[i % labels];
    head.weights[i] = static_cast<std::int8_t>(scale > 0.0F ? std::lrint(weights.weights[i] / scale) : 0);
  }
  return head;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
