// SPDX-License-Identifier: Apache-2.0
#include "mix_fit.hpp"

#include "head_fit.hpp"
#include "minimize.hpp"

#include <offramp/detail/lend.hpp>
#include <offramp/exits/head.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

namespace {

/// Takes the means over all texts from the shares, and returns them: [logits, layers].
[[nodiscard]] Eigen::MatrixXd center(layer_shares& shares) {
  const std::size_t width = shares.layers * shares.logits;
  const std::size_t texts = shares.values.size() / width;
  std::vector<double> means(width);
  for (std::size_t i = 0; i < shares.values.size(); ++i) {
    means[i % width] += shares.values[i] / static_cast<double>(texts);
  }
  for (std::size_t i = 0; i < shares.values.size(); ++i) {
    shares.values[i] -= means[i % width];
  }
  return Eigen::Map<const Eigen::MatrixXd>(means.data(), static_cast<Eigen::Index>(shares.logits),
                                           static_cast<Eigen::Index>(shares.layers));
}

}  // namespace

mix_learner::mix_learner(const layered_texts& texts, const runner& run)
    : texts_(texts),
      run_(run),
      text_weights_(weigh_texts(texts.targets, texts.num_labels, texts.class_weights)),
      covariances_(texts.layers.front().columns()) {
  offramp::detail::lend(run_, covariances_.size(), [&](std::size_t dimension) {
    Eigen::MatrixXd states(num_texts(), static_cast<Eigen::Index>(texts_.layers.size()));
    for (Eigen::Index layer = 0; layer < states.cols(); ++layer) {
      for (Eigen::Index text = 0; text < states.rows(); ++text) {
        states(text, layer) = static_cast<double>(
            texts_.layers[static_cast<std::size_t>(layer)].at(static_cast<std::size_t>(text), dimension));
      }
    }
    const Eigen::RowVectorXd mean = states.colwise().mean();
    states.rowwise() -= mean;
    covariances_[dimension] = states.transpose() * states / static_cast<double>(num_texts());
  });
}

std::vector<float> mix_learner::learn(int layer, double penalty) const {
  constexpr int most_turns = 12;
  constexpr double least_gain = 1e-5;  // nats per text
  std::vector<float> mix(static_cast<std::size_t>(layer));
  mix.back() = 1;
  Eigen::VectorXd parameters;
  double lowest = std::numeric_limits<double>::infinity();
  for (int turn = 0; turn < most_turns; ++turn) {
    const std::vector<float> mixed = mix_all(mix);
    const logistic_loss loss({mixed, texts_.targets, texts_.num_labels}, texts_.class_weights, run_);
    head_curvature curvature(loss, run_);
    minimum head = fit_one(loss, curvature, penalty, turn == 0 ? loss.start() : std::move(parameters));
    if (lowest - head.value < least_gain) {
      break;
    }
    lowest = head.value;
    parameters = std::move(head.point);
    mix = best_mix(loss.unscale(parameters), mix, penalty);
  }
  return mix;
}

std::vector<float> mix_learner::mix_all(std::span<const float> mix) const {
  std::vector<float> mixed(text_weights_.size() * hidden());
  for_each_block(run_, text_weights_.size(), [&](std::size_t /*block*/, std::size_t first, std::size_t last) {
    std::vector<float> states(mix.size() * hidden());
    for (std::size_t text = first; text < last; ++text) {
      for (std::size_t layer = 0; layer < mix.size(); ++layer) {
        texts_.layers[layer].widen(text, std::span(states).subspan(layer * hidden(), hidden()));
      }
      exits::mix_layers(mix, states, std::span(mixed).subspan(text * hidden(), hidden()));
    }
  });
  return mixed;
}

std::vector<float> mix_learner::best_mix(const logistic_loss::affine& head, std::span<const float> mix,
                                         double penalty) const {
  constexpr double tolerance = 1e-9;  // nats per text
  layer_shares shares = share_out(head, mix.size());
  const auto layers = static_cast<Eigen::Index>(mix.size());
  Eigen::VectorXd start(layers + head.bias.size());
  for (Eigen::Index layer = 0; layer < layers; ++layer) {
    start[layer] = static_cast<double>(mix[static_cast<std::size_t>(layer)]);
  }
  // Shares without their means, so that mix and biases do not pull at each other.
  start.tail(head.bias.size()) = head.bias + center(shares) * start.head(layers);
  Eigen::MatrixXd ridge = Eigen::MatrixXd::Zero(layers, layers);
  for (std::size_t dimension = 0; dimension < hidden(); ++dimension) {
    ridge += penalty * head.weights.row(static_cast<Eigen::Index>(dimension)).squaredNorm() *
             covariances_[dimension].topLeftCorner(layers, layers);
  }
  mix_curvature curvature(shares, text_weights_, ridge);
  const mix_loss loss(std::move(shares), texts_.targets, text_weights_, std::move(ridge), run_);
  const minimum found = minimize(loss, curvature, std::move(start), tolerance);
  const double norm = found.point.head(layers).norm();
  std::vector<float> best(mix.begin(), mix.end());
  if (norm > 0 && std::isfinite(norm)) {
    std::transform(found.point.data(), found.point.data() + layers, best.begin(),
                   [&](double weight) { return static_cast<float>(weight / norm); });
  }
  return best;
}

layer_shares mix_learner::share_out(const logistic_loss::affine& head, std::size_t layers) const {
  const auto logits = static_cast<std::size_t>(head.bias.size());
  layer_shares shares{std::vector<double>(text_weights_.size() * layers * logits), layers, logits};
  for_each_block(run_, text_weights_.size(), [&](std::size_t /*block*/, std::size_t first, std::size_t last) {
    std::vector<float> state(hidden());
    for (std::size_t place = first * layers; place < last * layers; ++place) {
      texts_.layers[place % layers].widen(place / layers, state);
      const Eigen::VectorXd wide =
          Eigen::Map<const Eigen::VectorXf>(state.data(), static_cast<Eigen::Index>(hidden())).cast<double>();
      for (std::size_t logit = 0; logit < logits; ++logit) {
        shares.values[place * logits + logit] = head.weights.col(static_cast<Eigen::Index>(logit)).dot(wide);
      }
    }
  });
  return shares;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
