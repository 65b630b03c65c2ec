// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "head_curvature.hpp"
#include "logistic_loss.hpp"
#include "minimize.hpp"

#include <offramp/study/head_fit.hpp>

#include <Eigen/Core>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// `loss` plus penalty / 2 times the sum of squares of the weights.
[[nodiscard]] slope penalised(const logistic_loss& loss, double penalty, const Eigen::VectorXd& parameters);

/// Its minimum, from `start` on.
[[nodiscard]] minimum fit_one(const logistic_loss& loss, head_curvature& curvature, double penalty,
                              Eigen::VectorXd start);

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
