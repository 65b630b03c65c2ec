// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "logistic_loss.hpp"
#include "minimize.hpp"

#include <offramp/runner.hpp>

#include <Eigen/Cholesky>
#include <Eigen/Core>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// What a head whose weights stand still says to texts, layer by layer.
struct layer_shares {
  std::vector<double> values;  // [texts, layers, logits], what a layer adds to the logits at mixing weight 1
  std::size_t layers = 0;
  std::size_t logits = 0;

  /// [logits, layers] of one text.
  [[nodiscard]] Eigen::Map<const Eigen::MatrixXd> of_text(std::size_t text) const {
    return {values.data() + text * layers * logits, static_cast<Eigen::Index>(logits),
            static_cast<Eigen::Index>(layers)};
  }
};

/// The loss of one head as a function of how it mixes layers and of its biases, [layers] then [logits]: the mean
/// weighted cross-entropy to the targets, plus 1/2 mix' `ridge` mix. Convex.
class mix_loss {
 public:
  /// `targets` are [texts, labels], `text_weights` [texts] say how much each text counts.
  mix_loss(layer_shares shares, std::span<const float> targets, std::span<const double> text_weights,
           Eigen::MatrixXd ridge, const runner& run)
      : shares_(std::move(shares)),
        targets_(targets),
        text_weights_(text_weights),
        ridge_(std::move(ridge)),
        run_(run) {}

  [[nodiscard]] Eigen::Index layers() const noexcept { return static_cast<Eigen::Index>(shares_.layers); }
  [[nodiscard]] Eigen::Index logits() const noexcept { return static_cast<Eigen::Index>(shares_.logits); }

  [[nodiscard]] slope operator()(const Eigen::VectorXd& parameters) const {
    const Eigen::VectorXd mix = parameters.head(layers());
    const Eigen::VectorXd bias = parameters.tail(logits());
    std::vector<slope> sums(text_blocks, slope{0, Eigen::VectorXd::Zero(parameters.size())});
    const std::size_t labels = targets_.size() / text_weights_.size();
    for_each_block(run_, text_weights_.size(), [&](std::size_t block, std::size_t first, std::size_t last) {
      Eigen::VectorXd logits_of_text;
      for (std::size_t text = first; text < last; ++text) {
        const auto shares = shares_.of_text(text);
        logits_of_text = bias;
        for (Eigen::Index layer = 0; layer < layers(); ++layer) {
          logits_of_text += mix[layer] * shares.col(layer);
        }
        sums[block].value += text_weights_[text] * to_slope(logits_of_text, targets_.subspan(text * labels, labels));
        logits_of_text *= text_weights_[text];
        for (Eigen::Index layer = 0; layer < layers(); ++layer) {
          sums[block].gradient[layer] += shares.col(layer).dot(logits_of_text);
        }
        sums[block].gradient.tail(logits()) += logits_of_text;
      }
    });
    slope total{0, Eigen::VectorXd::Zero(parameters.size())};
    for (const slope& sum : sums) {
      total.value += sum.value;
      total.gradient += sum.gradient;
    }
    const auto texts = static_cast<double>(text_weights_.size());
    total.value = total.value / texts + mix.dot(ridge_ * mix) / 2;
    total.gradient /= texts;
    total.gradient.head(layers()) += ridge_ * mix;
    return total;
  }

 private:
  layer_shares shares_;
  std::span<const float> targets_;
  std::span<const double> text_weights_;
  Eigen::MatrixXd ridge_;  // [layers, layers]
  const runner& run_;
};

/// About the inverse Hessian of a mix_loss: that at equal probabilities, wherever the descent stands.
class mix_curvature {
 public:
  mix_curvature(const layer_shares& shares, std::span<const double> text_weights, const Eigen::MatrixXd& ridge) {
    Eigen::MatrixXd products = Eigen::MatrixXd::Zero(ridge.rows(), ridge.cols());
    double weight = 0;
    for (std::size_t text = 0; text < text_weights.size(); ++text) {
      const auto of_text = shares.of_text(text);
      products += text_weights[text] * of_text.transpose() * of_text;
      weight += text_weights[text];
    }
    const auto texts = static_cast<double>(text_weights.size());
    open_ = (shares.logits == 1 ? 0.25 : 1 / static_cast<double>(shares.logits));
    products = products * open_ / texts + ridge;
    open_ *= weight / texts;
    // A layer that adds nothing has no curvature of its own.
    constexpr double least = 1e-9;
    const double floor = least * products.trace() + 1e-300;
    products += floor * Eigen::MatrixXd::Identity(products.rows(), products.cols());
    mix_.compute(products);
  }

  void update(const Eigen::VectorXd& /*parameters*/) {}

  [[nodiscard]] Eigen::VectorXd operator()(const Eigen::VectorXd& vector) const {
    Eigen::VectorXd result = vector / open_;
    result.head(mix_.rows()) = mix_.solve(vector.head(mix_.rows()));
    return result;
  }

 private:
  Eigen::LDLT<Eigen::MatrixXd> mix_;
  double open_ = 1;  // p (1 - p) of one logit, mean over texts
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
