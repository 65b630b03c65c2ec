// SPDX-License-Identifier: Apache-2.0
#include "own_eigen.hpp"

#include <Eigen/Dense>

#include <stdexcept>

void use_own_eigen() {
  for (int size = 2; size < 40; ++size) {
    const Eigen::MatrixXd factor = Eigen::MatrixXd::Random(size, size);
    const Eigen::MatrixXd matrix = factor * factor.transpose() + Eigen::MatrixXd::Identity(size, size);
    const Eigen::VectorXd right = Eigen::VectorXd::Ones(size);
    const Eigen::VectorXd solution = matrix.ldlt().solve(right);
    if ((matrix * solution - right).norm() > 1e-6) {
      throw std::runtime_error("Eigen does not solve");
    }
  }
}
