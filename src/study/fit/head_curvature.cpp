// SPDX-License-Identifier: Apache-2.0
#include "head_curvature.hpp"

#include <offramp/detail/lend.hpp>

#include <algorithm>
#include <cstddef>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

head_curvature::head_curvature(const logistic_loss& loss, const runner& run)
    : run_(run), features_(loss.features()), logits_(loss.logits()) {
  const auto sampled = static_cast<Eigen::Index>(std::min(loss.texts(), 8 * static_cast<std::size_t>(features_)));
  sample_.resize(sampled, features_);
  weights_.resize(sampled);
  for (Eigen::Index i = 0; i < sampled; ++i) {
    const std::size_t text = static_cast<std::size_t>(i) * loss.texts() / static_cast<std::size_t>(sampled);
    sample_.row(i) = loss.standardised(text).transpose();
    weights_[i] = loss.weight_of(text);
  }
  update(loss.start());
}

void head_curvature::update(const Eigen::VectorXd& parameters) {
  const Eigen::MatrixXd open = open_probabilities(parameters);  // [sampled, logits]
  const Eigen::VectorXd by_text = open.rowwise().sum();
  constexpr double least = 1e-12;
  shares_ = open.colwise().mean().transpose().cwiseMax(least);
  const double total = shares_.sum() * static_cast<double>(sample_.rows());
  Eigen::MatrixXd products(features_, features_);
  offramp::detail::lend(run_, static_cast<std::size_t>(features_), [&](std::size_t index) {
    const auto column = static_cast<Eigen::Index>(index);
    const Eigen::VectorXd weighted = sample_.col(column).cwiseProduct(by_text) / total;
    for (Eigen::Index row = column; row < features_; ++row) {
      products(row, column) = sample_.col(row).dot(weighted);
    }
  });
  axes_.compute(products);
}

Eigen::VectorXd head_curvature::operator()(const Eigen::VectorXd& vector) const {
  const Eigen::Map<const Eigen::MatrixXd> weights(vector.data(), features_, logits_);
  Eigen::MatrixXd along = axes_.eigenvectors().transpose() * weights;
  for (Eigen::Index logit = 0; logit < logits_; ++logit) {
    along.col(logit).array() /= shares_[logit] * axes_.eigenvalues().array().max(0.0) + penalty_;
  }
  Eigen::VectorXd result(vector.size());
  Eigen::Map<Eigen::MatrixXd> result_weights(result.data(), features_, logits_);
  result_weights = axes_.eigenvectors() * along;
  result.tail(logits_) = vector.tail(logits_).cwiseQuotient(shares_);
  if (logits_ > 1) {
    // What all labels have in common changes no probability: a descent from 0 has no use for it, and would long undo
    // it against nothing but the penalty.
    const Eigen::VectorXd common = result_weights.rowwise().mean();
    result_weights.colwise() -= common;
    result.tail(logits_).array() -= result.tail(logits_).mean();
  }
  return result;
}

Eigen::MatrixXd head_curvature::open_probabilities(const Eigen::VectorXd& parameters) const {
  const Eigen::Map<const Eigen::MatrixXd> weights(parameters.data(), features_, logits_);
  Eigen::MatrixXd values = sample_ * weights;
  values.rowwise() += parameters.tail(logits_).transpose();
  for (Eigen::Index text = 0; text < values.rows(); ++text) {
    Eigen::VectorXd probabilities = values.row(text).transpose();
    to_probabilities(probabilities);
    values.row(text) = weights_[text] * (probabilities.array() * (1 - probabilities.array())).matrix().transpose();
  }
  return values;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
