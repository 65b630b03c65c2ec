// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "half_rows.hpp"
#include "logistic_loss.hpp"
#include "mix_loss.hpp"

#include <offramp/runner.hpp>

#include <Eigen/Core>

#include <cstddef>
#include <span>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// What mixes are learned from: texts with the states of every layer from 1 on, pooled alike.
struct layered_texts {
  std::vector<half_rows> layers;  // each [texts, hidden]
  std::vector<float> targets;     // [texts, labels]; none is 0 throughout
  std::size_t num_labels = 0;
  std::vector<double> class_weights;  // empty: all 1
};

/// Learns how the layers up to an exit are best mixed before its head (Right Tool, Schwartz et al. 2020).
///
/// Mix s and head (W, b) minimise together what fit_heads minimises for the head alone, over m = sum of s[l] p_l in
/// place of p_e. Standardising m makes that indifferent to the length of s, which is 1. Given s, it is convex in the
/// head. Given the head's weights for m as it is, it is convex in s and b: the logits are linear in both, and the
/// variance of m's dimension h, by which the penalty weighs the squares of W's column h, is s' C_h s with the
/// covariance C_h of that dimension of the layers. So the two take turns, from the exit's own layer on, and no turn
/// makes it worse.
class mix_learner {
 public:
  /// Borrows both.
  mix_learner(const layered_texts& texts, const runner& run);

  /// The mix [layer] of an exit on `layer`, of unit L2 norm. `penalty` is fit_one's.
  [[nodiscard]] std::vector<float> learn(int layer, double penalty) const;

 private:
  [[nodiscard]] Eigen::Index num_texts() const { return static_cast<Eigen::Index>(text_weights_.size()); }
  [[nodiscard]] std::size_t hidden() const { return covariances_.size(); }

  /// The mixed states of every text, [texts, hidden].
  [[nodiscard]] std::vector<float> mix_all(std::span<const float> mix) const;

  /// The best mix, of unit norm, for a head whose weights stand still; `mix` is where to start.
  [[nodiscard]] std::vector<float> best_mix(const logistic_loss::affine& head, std::span<const float> mix,
                                            double penalty) const;

  [[nodiscard]] layer_shares share_out(const logistic_loss::affine& head, std::size_t layers) const;

  const layered_texts& texts_;
  const runner& run_;
  std::vector<double> text_weights_;          // [texts]
  std::vector<Eigen::MatrixXd> covariances_;  // [hidden], each [layers, layers]
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
