// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "logistic_loss.hpp"

#include <offramp/runner.hpp>

#include <Eigen/Core>
#include <Eigen/Eigenvalues>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// How a penalised logistic loss bends, about: for every logit one and the same matrix over the features, as much of it
/// as the logit's probabilities leave open. Unlike the identity it knows how the features of an encoder move together,
/// and, looked at where a descent stands, that the texts told apart already bend nothing: without the first plain
/// L-BFGS is slow, without the second a weak penalty is. What ties labels to each other, and weights to biases, is left
/// to the descent. Learned from texts enough for a good idea.
class head_curvature {
 public:
  /// At equal probabilities.
  head_curvature(const logistic_loss& loss, const runner& run);

  void set_penalty(double penalty) noexcept { penalty_ = penalty; }

  /// At the probabilities that these parameters give.
  void update(const Eigen::VectorXd& parameters);

  /// The inverse of the curvature times a vector of weights and biases.
  [[nodiscard]] Eigen::VectorXd operator()(const Eigen::VectorXd& vector) const;

 private:
  /// For each sampled text and logit p (1 - p), times how much the text counts.
  [[nodiscard]] Eigen::MatrixXd open_probabilities(const Eigen::VectorXd& parameters) const;

  const runner& run_;
  Eigen::Index features_;
  Eigen::Index logits_;
  Eigen::MatrixXd sample_;   // [sampled, features], standardised
  Eigen::VectorXd weights_;  // [sampled]
  Eigen::VectorXd shares_;   // [logits], how much each logit bends
  Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> axes_;
  double penalty_ = 1;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
