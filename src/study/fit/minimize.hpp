// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <Eigen/Core>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The value and gradient of a function at one point.
struct slope {
  double value = 0;
  Eigen::VectorXd gradient;
};

/// How the last steps of a descent bent the gradient, as L-BFGS remembers it (Nocedal 1980).
class bend_memory {
 public:
  void remember(Eigen::VectorXd step, Eigen::VectorXd change) {
    const double product = step.dot(change);
    if (!(product > 0)) {
      return;  // rounding has eaten it
    }
    if (bends_.size() == most_bends) {
      bends_.pop_front();
    }
    bends_.push_back({std::move(step), std::move(change), 1 / product});
  }

  /// The inverse Hessian's effect on `vector`. `precondition` is a first idea of that effect; how far it is off in
  /// scale is read off the last step.
  template <class Precondition>
  [[nodiscard]] Eigen::VectorXd unbend(Eigen::VectorXd vector, const Precondition& precondition) const {
    std::deque<double> shares;
    for (auto past = bends_.rbegin(); past != bends_.rend(); ++past) {
      shares.push_front(past->inverse * past->step.dot(vector));
      vector -= shares.front() * past->change;
    }
    vector = precondition(vector);
    if (!bends_.empty()) {
      const bend& last = bends_.back();
      vector *= 1 / (last.inverse * last.change.dot(precondition(last.change)));
    }
    for (std::size_t i = 0; i < bends_.size(); ++i) {
      vector += (shares[i] - bends_[i].inverse * bends_[i].change.dot(vector)) * bends_[i].step;
    }
    return vector;
  }

 private:
  static constexpr std::size_t most_bends = 12;

  struct bend {
    Eigen::VectorXd step;
    Eigen::VectorXd change;
    double inverse = 0;  // 1 / (step . change)
  };
  std::deque<bend> bends_;
};

/// Where a descent ended.
struct minimum {
  Eigen::VectorXd point;
  double value = 0;
  bool is_reached = true;  // false: it ran out of steps
};

/// The minimum of a strictly convex function from `point` on, by L-BFGS with backtracking (Armijo). `evaluate(point)`
/// gives the slope, `curvature(vector)` about the inverse Hessian times the vector; where that turns out to be a poor
/// guide, `curvature.update(point)` is asked to look at the Hessian there. Ends when the function can fall by no more
/// than about `tolerance`, or rounding hides the way down, or after `most_steps`.
template <class Evaluate, class Curvature>
[[nodiscard]] minimum minimize(const Evaluate& evaluate, Curvature& curvature, Eigen::VectorXd point, double tolerance,
                               int most_steps = 1000) {
  constexpr double shortest = 1e-10;
  constexpr double enough = 1e-4;  // of the decrease that the slope promises
  int wait = 20;                   // steps that a good guide hardly needs; twice as many after each look
  int next_look = wait;
  bend_memory memory;
  slope here = evaluate(point);
  for (int step = 0; step < most_steps; ++step) {
    if (step == next_look) {
      curvature.update(point);
      wait *= 2;
      next_look += wait;
    }
    const Eigen::VectorXd direction = -memory.unbend(here.gradient, curvature);
    const double descent = here.gradient.dot(direction);
    if (!(-descent / 2 > tolerance)) {
      return {std::move(point), here.value};
    }
    double length = 1;
    slope there = evaluate(point + direction);
    while (!(there.value <= here.value + enough * length * descent) && length > shortest) {
      // The lowest point of the parabola through what is known, within reason.
      const double bend = there.value - here.value - length * descent;
      length *= std::clamp(-descent * length / (2 * bend), 0.1, 0.5);
      there = evaluate(point + length * direction);
    }
    if (!(there.value < here.value)) {
      return {std::move(point), here.value};
    }
    point += length * direction;
    memory.remember(length * direction, there.gradient - here.gradient);
    here = std::move(there);
  }
  return {std::move(point), here.value, false};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
