// SPDX-License-Identifier: Apache-2.0
#include <study/fit/minimize.hpp>

#include <gtest/gtest.h>
#include <Eigen/Core>

#include <cmath>

namespace minimize_test {

using namespace offramp::study::detail;

/// A bowl, the steeper the later the dimension, whose lowest point is at (1, 1, ...).
slope bowl(const Eigen::VectorXd& point) {
  slope here{0, Eigen::VectorXd(point.size())};
  for (Eigen::Index i = 0; i < point.size(); ++i) {
    const double distance = point[i] - 1;
    const double steepness = std::pow(4.0, static_cast<double>(i));
    here.value += steepness * (distance * distance / 2 + std::pow(distance, 4));
    here.gradient[i] = steepness * (distance + 4 * std::pow(distance, 3));
  }
  return here;
}

/// Knows nothing, and counts how often it was asked to learn.
struct ignorant {
  Eigen::VectorXd operator()(const Eigen::VectorXd& vector) const { return vector; }
  void update(const Eigen::VectorXd& /*point*/) { ++updates; }
  int updates = 0;
};

TEST(Minimize, FindsTheLowestPoint) {
  ignorant curvature;
  const minimum found = minimize(bowl, curvature, Eigen::VectorXd::Zero(8), 1e-12);
  EXPECT_TRUE(found.is_reached);
  EXPECT_NEAR(found.value, 0, 1e-10);
  EXPECT_EQ(found.value, bowl(found.point).value);
  EXPECT_LT((found.point - Eigen::VectorXd::Ones(8)).cwiseAbs().maxCoeff(), 1e-4);
}

TEST(Minimize, SaysWhenItRanOutOfSteps) {
  ignorant curvature;
  const minimum found = minimize(bowl, curvature, Eigen::VectorXd::Zero(8), 1e-12, 3);
  EXPECT_FALSE(found.is_reached);
  EXPECT_GT(found.value, 1e-6);
  EXPECT_LT(found.value, bowl(Eigen::VectorXd::Zero(8)).value);
  EXPECT_EQ(curvature.updates, 0);
}

TEST(Minimize, LooksAtTheCurvatureAgainWhenStepsAreMany) {
  ignorant curvature;
  // Tolerance 0: as far as rounding lets it.
  EXPECT_FALSE(minimize(bowl, curvature, Eigen::VectorXd::Zero(16), 0, 61).is_reached);
  EXPECT_EQ(curvature.updates, 2) << "after 20 steps and after 40 more";
}

}  // namespace minimize_test
