// SPDX-License-Identifier: Apache-2.0
// The products of every target that this machine can run, against naive ones and against themselves; compiled against
// the header-only target too, which has one.
#include "reference/kernel_targets.hpp"
#include "reference/product_problem.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace kernels_test {

namespace nn = offramp::nn;
using naive::product_problem;
using nn::epilogue;
using offramp::numeric_format;

class kernels_test : public testing::TestWithParam<naive::target> {};

INSTANTIATE_TEST_SUITE_P(targets, kernels_test, testing::ValuesIn(naive::all_targets()), naive::name_of_target);

TEST_P(kernels_test, products_agree_with_naive_ones_at_ragged_sizes) {
  for (const std::size_t rows : {1UL, 2UL, 5UL, 12UL, 13UL, 29UL}) {
    for (const std::size_t inputs : {1UL, 15UL, 33UL, 64UL, 130UL}) {
      for (const std::size_t outputs : {1UL, 8UL, 31UL, 32UL, 65UL}) {
        const product_problem problem{rows, inputs, outputs};
        const std::vector<float> y = problem.run(GetParam(), epilogue::store);
        const std::vector<double> expected = problem.expected(GetParam().layout.format, epilogue::store);
        for (std::size_t i = 0; i < y.size(); ++i) {
          ASSERT_NEAR(static_cast<double>(y[i]), expected[i], 2e-5 * std::sqrt(static_cast<double>(inputs)))
              << rows << " rows, " << inputs << " -> " << outputs << ", element " << i;
        }
      }
    }
  }
}

TEST_P(kernels_test, every_epilogue_agrees_with_a_naive_one) {
  for (const auto kind :
       {epilogue::store, epilogue::add, epilogue::gelu, epilogue::gelu_tanh, epilogue::relu, epilogue::tanh}) {
    const product_problem problem{7, 20, 70};
    const std::vector<float> y = problem.run(GetParam(), kind);
    const std::vector<double> expected = problem.expected(GetParam().layout.format, kind);
    for (std::size_t i = 0; i < y.size(); ++i) {
      ASSERT_NEAR(static_cast<double>(y[i]), expected[i], 2e-5) << static_cast<int>(kind) << ", element " << i;
    }
  }
}

// Long inputs and many rows take the paths that cut both.
TEST_P(kernels_test, large_products_agree_with_naive_ones) {
  const product_problem problem{200, 3072, 33};
  const std::vector<float> y = problem.run(GetParam(), epilogue::gelu);
  const std::vector<double> expected = problem.expected(GetParam().layout.format, epilogue::gelu);
  for (std::size_t i = 0; i < y.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(y[i]), expected[i], 5e-4) << "element " << i;
  }
}

// Where all values have their format's largest magnitude, sums of a few products are the largest there are.
TEST_P(kernels_test, equal_magnitudes_of_any_signs_saturate_nothing) {
  const auto fill = [](std::vector<float>& values, auto sign_of) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = sign_of(i) ? -1.0F : 1.0F;
    }
  };
  product_problem problem{16, 200, 32};
  // Every pattern of signs in four neighbours, in the rows and in the weights.
  fill(problem.x, [&](std::size_t i) { return (i / problem.inputs >> i % problem.inputs % 4 & 1U) != 0; });
  fill(problem.weights, [&](std::size_t i) { return (i / problem.inputs >> i % problem.inputs % 4 & 1U) != 0; });
  const std::vector<float> y = problem.run(GetParam(), epilogue::store);
  const std::vector<double> expected = problem.expected(GetParam().layout.format, epilogue::store);
  for (std::size_t i = 0; i < y.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(y[i]), expected[i], 1e-4) << "element " << i;
  }
}

TEST_P(kernels_test, a_row_does_not_depend_on_its_neighbours) {
  const nn::kernels& kernels = GetParam();
  const product_problem all{190, 3072, 40};
  const std::vector<float> together = all.run(kernels, epilogue::add);
  for (const std::size_t row : {0UL, 11UL, 100UL, 189UL}) {
    product_problem alone{1, all.inputs, all.outputs};
    alone.x.assign(all.x.begin() + static_cast<std::ptrdiff_t>(row * all.inputs),
                   all.x.begin() + static_cast<std::ptrdiff_t>((row + 1) * all.inputs));
    alone.before.assign(all.before.begin() + static_cast<std::ptrdiff_t>(row * all.outputs),
                        all.before.begin() + static_cast<std::ptrdiff_t>((row + 1) * all.outputs));
    const std::vector<float> y = alone.run(kernels, epilogue::add);
    ASSERT_TRUE(std::equal(y.begin(), y.end(), together.begin() + static_cast<std::ptrdiff_t>(row * all.outputs)))
        << "row " << row;
  }
}

TEST_P(kernels_test, a_part_of_the_outputs_is_written_alone) {
  const nn::kernels& kernels = GetParam();
  const std::size_t width = kernels.layout.panel_width;
  const product_problem problem{6, 40, 3 * width + 5};
  const std::vector<float> all = problem.run(kernels, epilogue::gelu);
  const nn::linear weights = problem.linear(kernels.layout);
  const nn::packed_rows packed = problem.packed(kernels);
  constexpr float untouched = -7.0F;
  for (const auto& [first, last] : {std::pair{1UL, 3UL}, {0UL, 1UL}, {2UL, 4UL}}) {
    const std::size_t columns = std::min(last * width, problem.outputs) - first * width;
    const std::size_t stride = columns + 11;
    std::vector<float> y((problem.rows + 1) * stride, untouched);
    float* from = y.data() + 3;
    kernels.multiply(packed, weights, {first, last}, {from, stride, epilogue::gelu});
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t row = (i - 3) / stride;
      const std::size_t column = (i - 3) % stride;
      const bool is_written = i >= 3 && row < problem.rows && column < columns;
      ASSERT_EQ(y[i], is_written ? all[row * problem.outputs + first * width + column] : untouched)
          << "panels " << first << " to " << last << ", element " << i;
    }
  }
}

TEST_P(kernels_test, rows_may_lie_further_apart_than_they_are_long) {
  const nn::kernels& kernels = GetParam();
  const product_problem dense{5, 70, 20};
  product_problem apart = dense;
  apart.source_stride = 83;
  apart.x.assign(dense.rows * apart.source_stride, std::numeric_limits<float>::quiet_NaN());
  for (std::size_t row = 0; row < dense.rows; ++row) {
    std::copy_n(dense.x.begin() + static_cast<std::ptrdiff_t>(row * dense.inputs), dense.inputs,
                apart.x.begin() + static_cast<std::ptrdiff_t>(row * apart.source_stride));
  }
  EXPECT_EQ(apart.run(kernels, epilogue::store), dense.run(kernels, epilogue::store));
}

TEST_P(kernels_test, a_row_does_not_depend_on_alignment) {
  const nn::kernels& kernels = GetParam();
  const product_problem problem{3, 40, 50};
  const std::vector<float> expected = problem.run(kernels, epilogue::add);
  const nn::linear weights = problem.linear(kernels.layout);
  for (std::size_t shift = 1; shift < 17; ++shift) {
    std::vector<float> x(shift);
    x.insert(x.end(), problem.x.begin(), problem.x.end());
    std::vector<float> y(shift);
    y.insert(y.end(), problem.before.begin(), problem.before.end());
    nn::packed_rows packed;
    packed.resize(kernels.layout, problem.rows, problem.inputs);
    kernels.pack(x.data() + shift, problem.inputs, {0, problem.rows}, packed);
    kernels.multiply(packed, weights, {0, weights.panels()}, {y.data() + shift, problem.outputs, epilogue::add});
    ASSERT_TRUE(std::equal(expected.begin(), expected.end(), y.begin() + static_cast<std::ptrdiff_t>(shift)));
  }
}

TEST_P(kernels_test, panels_may_be_computed_apart) {
  const nn::kernels& kernels = GetParam();
  const product_problem problem{5, 100, 150};
  const std::vector<float> together = problem.run(kernels, epilogue::gelu);
  const nn::linear weights = problem.linear(kernels.layout);
  nn::packed_rows packed;
  packed.resize(kernels.layout, problem.rows, problem.inputs);
  kernels.pack(problem.x.data(), problem.inputs, {0, 2}, packed);
  kernels.pack(problem.x.data(), problem.inputs, {2, 5}, packed);
  std::vector<float> apart = problem.before;
  for (std::size_t panel = 0; panel < weights.panels(); ++panel) {
    kernels.multiply(packed, weights, {panel, panel + 1},
                     {apart.data() + panel * kernels.layout.panel_width, problem.outputs, epilogue::gelu});
  }
  EXPECT_EQ(apart, together);
}

// One tile, several, and pieces of long inputs each fetch something else.
TEST_P(kernels_test, fetching_weights_ahead_changes_no_byte) {
  for (const std::size_t rows : {1UL, 8UL, 29UL, 170UL}) {
    const product_problem problem{rows, 2100, 70};
    const std::vector<float> without = problem.run(GetParam(), epilogue::add, nn::weight_prefetch::never);
    EXPECT_EQ(problem.run(GetParam(), epilogue::add, nn::weight_prefetch::always), without) << rows << " rows";
    EXPECT_EQ(problem.run(GetParam(), epilogue::add, nn::weight_prefetch::by_cpu), without) << rows << " rows";
  }
}

TEST_P(kernels_test, rows_of_zeros_give_the_bias) {
  product_problem problem{2, 40, 20};
  std::fill(problem.x.begin(), problem.x.end(), 0.0F);
  const std::vector<float> y = problem.run(GetParam(), epilogue::store);
  EXPECT_TRUE(std::equal(problem.bias.begin(), problem.bias.end(), y.begin()));
}

// One int8 model gives the same sums on every CPU. Without a bias the epilogue rounds once, with or without FMA.
TEST(int8_kernels, give_the_same_bytes_on_every_target) {
  product_problem problem{13, 130, 65};
  std::fill(problem.bias.begin(), problem.bias.end(), 0.0F);
  std::vector<float> first;
  for (const nn::kernels& kernels : naive::all_targets()) {
    if (kernels.layout.format == numeric_format::int8) {
      const std::vector<float> y = problem.run(kernels, epilogue::store);
      if (first.empty()) {
        first = y;
      }
      EXPECT_EQ(y, first) << kernels.name;
    }
  }
}

// ... and on every architecture: those of a loop over integers, since the scale 0.25 is exact.
TEST(int8_kernels, give_the_bytes_of_plain_integers) {
  constexpr std::size_t rows = 29;
  constexpr std::size_t inputs = 333;
  constexpr std::size_t outputs = 70;
  product_problem problem{rows, inputs, outputs};
  std::fill(problem.bias.begin(), problem.bias.end(), 0.0F);
  std::mt19937 generator(11);
  const auto draw = [&] { return static_cast<int>(generator() % 255) - 127; };
  std::vector<int> x(rows * inputs);
  std::vector<int> weights(outputs * inputs);
  std::generate(x.begin(), x.end(), draw);
  std::generate(weights.begin(), weights.end(), draw);
  for (std::size_t row = 0; row < rows; ++row) {
    x[row * inputs] = row % 2 == 0 ? 127 : -127;
  }
  for (std::size_t o = 0; o < outputs; ++o) {
    weights[o * inputs + 1] = o % 2 == 0 ? -127 : 127;
  }
  // Row 0 with output 0: the largest sum there can be.
  std::fill_n(x.begin(), inputs, -127);
  std::fill_n(weights.begin(), inputs, -127);
  const auto as_float = [](int value) { return static_cast<float>(value) * 0.25F; };
  std::transform(x.begin(), x.end(), problem.x.begin(), as_float);
  std::transform(weights.begin(), weights.end(), problem.weights.begin(), as_float);
  for (const nn::kernels& kernels : naive::all_targets()) {
    if (kernels.layout.format != numeric_format::int8) {
      continue;
    }
    const std::vector<float> y = problem.run(kernels, epilogue::store);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const auto row = x.begin() + static_cast<std::ptrdiff_t>(i / outputs * inputs);
      const auto column = weights.begin() + static_cast<std::ptrdiff_t>(i % outputs * inputs);
      const int sum = std::inner_product(row, row + inputs, column, 0);
      ASSERT_EQ(y[i], static_cast<float>(sum) * 0.0625F) << kernels.name << ", element " << i;
    }
  }
}

// The longest inputs that int8 allows, with the largest sums of either sign.
TEST(int8_kernels, sums_reach_the_largest_integer_and_do_not_wrap) {
  constexpr std::size_t inputs = nn::most_int8_inputs;
  product_problem problem{.rows = 3,
                          .inputs = inputs,
                          .outputs = 17,
                          .weights = std::vector<float>(17 * inputs, 127.0F),
                          .bias = std::vector<float>(17),
                          .x = std::vector<float>(3 * inputs, 127.0F)};
  std::fill_n(problem.x.begin(), inputs, -127.0F);
  constexpr auto largest = static_cast<float>(127 * 127 * static_cast<std::int64_t>(inputs));
  for (const nn::kernels& kernels : naive::all_targets()) {
    if (kernels.layout.format == numeric_format::int8) {
      const std::vector<float> y = problem.run(kernels, epilogue::store);
      for (std::size_t i = 0; i < y.size(); ++i) {
        ASSERT_EQ(y[i], i < problem.outputs ? -largest : largest) << kernels.name << ", element " << i;
      }
    }
  }
}

// Shows which of them this machine could run: the others went untested.
TEST(choose_kernels, names_its_target_and_format) {
  for (const nn::kernels& kernels : naive::all_targets()) {
    std::cout << "tested: " << kernels.name << '\n';
    EXPECT_NE(kernels.name.find(kernels.layout.format == numeric_format::float32    ? " float32"
                                : kernels.layout.format == numeric_format::bfloat16 ? " bfloat16"
                                                                                    : " int8"),
              std::string::npos);
  }
}

}  // namespace kernels_test
