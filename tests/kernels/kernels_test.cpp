// SPDX-License-Identifier: Apache-2.0
// Every kernel of every target that this machine can run, against naive ones and against itself; compiled against the
// header-only target too, which has one.
#include "reference/naive.hpp"
#include "reference/product_problem.hpp"

#if defined(OFFRAMP_HEADER_ONLY)
#include <offramp/nn/reference_kernels.hpp>
#else
#include <offramp/nn/kernels.hpp>
#endif

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace kernels_test {

namespace nn = offramp::nn;
using naive::product_problem;
using naive::random_values;
using nn::epilogue;
using offramp::instruction_set;
using offramp::numeric_format;

/// A parameter that GoogleTest can show.
struct target : nn::kernels {};
void PrintTo(const target& shown, std::ostream* out) { *out << shown.name; }

/// One set of kernels for each target and format; targets that the CPU lacks fall together with the next one down.
std::vector<target> all_kernels() {
  std::vector<target> all;
  std::set<std::string> names;
#if defined(OFFRAMP_HEADER_ONLY)
  const std::vector formats{numeric_format::float32};
#else
  const std::vector formats{numeric_format::float32, numeric_format::bfloat16, numeric_format::int8};
#endif
  for (const numeric_format format : formats) {
    for (const std::vector<instruction_set>& avoid : {std::vector<instruction_set>{},
                                                      {instruction_set::amx},
                                                      {instruction_set::avx512_bf16},
                                                      {instruction_set::avx512_vnni},
                                                      {instruction_set::avx512},
                                                      {instruction_set::avx2},
                                                      {instruction_set::arm_bf16},
                                                      {instruction_set::arm_dotprod}}) {
      target kernels{nn::choose_kernels({.format = format, .avoid = avoid})};
      if (names.insert(kernels.name).second) {
        all.push_back(std::move(kernels));
      }
    }
  }
  return all;
}

class kernels_test : public testing::TestWithParam<target> {};

INSTANTIATE_TEST_SUITE_P(targets, kernels_test, testing::ValuesIn(all_kernels()), [](const auto& instance) {
  std::string name = instance.param.name;
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

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

TEST_P(kernels_test, non_finite_inputs_reach_the_outputs) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    product_problem problem{3, 40, 20};
    problem.x[45] = bad;
    const std::vector<float> y = problem.run(GetParam(), epilogue::store);
    for (std::size_t o = 0; o < problem.outputs; ++o) {
      EXPECT_FALSE(std::isfinite(y[problem.outputs + o])) << bad;
      EXPECT_TRUE(std::isfinite(y[o])) << bad;
    }
  }
}

TEST_P(kernels_test, rows_of_zeros_give_the_bias) {
  product_problem problem{2, 40, 20};
  std::fill(problem.x.begin(), problem.x.end(), 0.0F);
  const std::vector<float> y = problem.run(GetParam(), epilogue::store);
  EXPECT_TRUE(std::equal(problem.bias.begin(), problem.bias.end(), y.begin()));
}

TEST_P(kernels_test, attention_agrees_with_a_naive_one) {
  for (const std::size_t size : {11UL, 32UL, 64UL}) {
    for (const std::size_t tokens : {1UL, 3UL, 16UL, 17UL, 70UL, 200UL}) {
      for (const std::size_t queries : {std::size_t{1}, tokens}) {
        const std::vector<float> query = random_values(queries * size, 1);
        const std::vector<float> key = random_values(tokens * size, 2);
        const std::vector<float> value = random_values(tokens * size, 3);
        std::vector<float> context(queries * size);
        nn::attention_scratch scratch;
        GetParam().attend(
            {query.data(), queries, size, key.data(), value.data(), tokens, size, size, context.data(), size}, scratch);
        const std::vector<double> expected = naive::attend(query, key, value, size);
        for (std::size_t i = 0; i < context.size(); ++i) {
          ASSERT_NEAR(static_cast<double>(context[i]), expected[i], 1e-5) << size << ' ' << tokens << ' ' << queries;
        }
      }
    }
  }
}

TEST_P(kernels_test, a_query_does_not_depend_on_the_others) {
  constexpr std::size_t size = 24;
  constexpr std::size_t tokens = 75;
  const std::vector<float> query = random_values(tokens * size, 1);
  const std::vector<float> key = random_values(tokens * size, 2);
  const std::vector<float> value = random_values(tokens * size, 3);
  nn::attention_scratch scratch;
  std::vector<float> together(tokens * size);
  GetParam().attend({query.data(), tokens, size, key.data(), value.data(), tokens, size, size, together.data(), size},
                    scratch);
  for (const std::size_t row : {0UL, 13UL, 74UL}) {
    std::vector<float> alone(size);
    GetParam().attend(
        {query.data() + row * size, 1, size, key.data(), value.data(), tokens, size, size, alone.data(), size},
        scratch);
    EXPECT_TRUE(std::equal(alone.begin(), alone.end(), together.begin() + static_cast<std::ptrdiff_t>(row * size)));
  }
}

TEST_P(kernels_test, normalizes_rows_of_any_length) {
  for (const std::size_t size : {1UL, 7UL, 16UL, 37UL, 384UL}) {
    std::vector<float> rows = random_values(3 * size, 5);
    const nn::layer_norm norm{random_values(size, 6), random_values(size, 7), 1e-5F};
    std::vector<float> expected = rows;
    for (std::size_t row = 0; row < 3; ++row) {
      norm.apply(expected.data() + row * size);
    }
    GetParam().normalize(norm, rows.data(), 3);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      ASSERT_NEAR(rows[i], expected[i], 2e-5F) << size;
    }
  }
}

// One int8 model gives the same sums on every CPU. Without a bias the epilogue rounds once, with or without FMA.
TEST(int8_kernels, give_the_same_bytes_on_every_target) {
  product_problem problem{13, 130, 65};
  std::fill(problem.bias.begin(), problem.bias.end(), 0.0F);
  std::vector<float> first;
  for (const nn::kernels& kernels : all_kernels()) {
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
  for (const nn::kernels& kernels : all_kernels()) {
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

// Shows which of them this machine could run: the others went untested.
TEST(choose_kernels, names_its_target_and_format) {
  for (const nn::kernels& kernels : all_kernels()) {
    std::cout << "tested: " << kernels.name << '\n';
    EXPECT_NE(kernels.name.find(kernels.layout.format == numeric_format::float32    ? " float32"
                                : kernels.layout.format == numeric_format::bfloat16 ? " bfloat16"
                                                                                    : " int8"),
              std::string::npos);
  }
}

}  // namespace kernels_test
