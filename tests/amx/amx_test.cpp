// SPDX-License-Identifier: Apache-2.0
// Products by tiles: on a model of the tile registers everywhere, and on the CPU's own where it has them.
#include "amx/vector_kernels.hpp"
#include "reference/attention_problem.hpp"
#include "reference/product_problem.hpp"
#include "reference/tile_unit.hpp"

#include <kernels/amx.hpp>
#include <kernels/choice.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

namespace amx_test {

namespace nn = offramp::nn;
using naive::attention_problem;
using naive::product_problem;
using naive::tile_unit;
using nn::epilogue;
using offramp::instruction_set;
using offramp::numeric_format;

enum class unit { model, cpu };

constexpr const nn::tile_engine& model = nn::tile_engine_of<tile_unit>;

void multiply_int8_by_model(const nn::packed_rows& rows, const nn::linear& weights, nn::index_range panels,
                            const nn::product_target& target) {
  nn::choose_tile_multiplication().int8(model, rows, weights, panels, target);
}

void multiply_bfloat16_by_model(const nn::packed_rows& rows, const nn::linear& weights, nn::index_range panels,
                                const nn::product_target& target) {
  nn::choose_tile_multiplication().bfloat16(model, rows, weights, panels, target);
}

void attend_by_model(const nn::attention_head& head, nn::attention_scratch& scratch) {
  nn::choose_tile_multiplication().attention(model, head, scratch);
}

nn::kernels kernels_by_model(numeric_format format) {
  nn::kernels kernels = kernels_by_vectors(format);
  kernels.attend = &attend_by_model;
  kernels.multiply = format == numeric_format::int8 ? &multiply_int8_by_model : &multiply_bfloat16_by_model;
  return kernels;
}

/// Skips where this CPU cannot run the code around the tiles, or has no tiles of its own.
class amx : public testing::TestWithParam<std::tuple<unit, numeric_format>> {
 protected:
  void SetUp() override {
    if (nn::choose_tile_multiplication().int8 == nullptr || kernels_by_vectors(format()).layout.widens_rows) {
      GTEST_SKIP() << "this CPU lacks the AVX-512 instructions around the tiles";
    }
    if (std::get<unit>(GetParam()) == unit::cpu && nn::amx_tiles() == nullptr) {
      GTEST_SKIP() << "this CPU has no AMX, or the system does not give it to this process";
    }
    static_cast<void>(tile_unit::take_products());
    static_cast<void>(tile_unit::take_configurations());
  }
  void TearDown() override { EXPECT_FALSE(tile_unit::is_configured()); }

  [[nodiscard]] static numeric_format format() { return std::get<numeric_format>(GetParam()); }
  [[nodiscard]] static nn::kernels kernels() {
    return std::get<unit>(GetParam()) == unit::cpu ? nn::choose_kernels({.format = format()})
                                                   : kernels_by_model(format());
  }
};

INSTANTIATE_TEST_SUITE_P(units, amx,
                         testing::Combine(testing::Values(unit::model, unit::cpu),
                                          testing::Values(numeric_format::int8, numeric_format::bfloat16)),
                         [](const auto& instance) {
                           return std::string(std::get<unit>(instance.param) == unit::cpu ? "cpu" : "model") +
                                  (std::get<numeric_format>(instance.param) == numeric_format::int8 ? "_int8"
                                                                                                    : "_bfloat16");
                         });

constexpr auto every_epilogue = {epilogue::store,     epilogue::add,  epilogue::gelu,
                                 epilogue::gelu_tanh, epilogue::relu, epilogue::tanh};

void expect_near(const std::vector<float>& y, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(y.size(), expected.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    ASSERT_NEAR(static_cast<double>(y[i]), expected[i], tolerance) << "element " << i;
  }
}

TEST_P(amx, products_of_every_number_of_rows_agree_with_naive_ones) {
  const nn::kernels kernels = this->kernels();
  for (std::size_t rows = 1; rows <= 70; ++rows) {
    for (const auto& [inputs, outputs] : {std::pair{1UL, 31UL}, {64UL, 32UL}, {67UL, 96UL}, {129UL, 33UL}}) {
      SCOPED_TRACE(testing::Message() << rows << " rows, " << inputs << " -> " << outputs);
      const product_problem problem{rows, inputs, outputs};
      ASSERT_NO_FATAL_FAILURE(expect_near(problem.run(kernels, epilogue::store),
                                          problem.expected(format(), epilogue::store),
                                          2e-5 * std::sqrt(static_cast<double>(inputs))));
    }
  }
}

TEST_P(amx, every_epilogue_agrees_with_a_naive_one) {
  for (const std::size_t rows : {5UL, 16UL, 17UL, 32UL, 45UL}) {
    for (const epilogue kind : every_epilogue) {
      SCOPED_TRACE(testing::Message() << rows << " rows, epilogue " << static_cast<int>(kind));
      const product_problem problem{rows, 70, 75};
      ASSERT_NO_FATAL_FAILURE(expect_near(problem.run(kernels(), kind), problem.expected(format(), kind), 5e-5));
    }
  }
}

// Long inputs are cut into pieces, whose sums wait in the outputs.
TEST_P(amx, a_row_depends_neither_on_its_neighbours_nor_on_how_rows_are_cut) {
  const nn::kernels kernels = this->kernels();
  const product_problem all{175, 3072, 40};
  const std::vector<float> together = all.run(kernels, epilogue::add);
  for (const std::size_t first : {0UL, 30UL, 120UL}) {
    for (const std::size_t rows : {1UL, 16UL, 17UL, 55UL}) {
      product_problem some{rows, all.inputs, all.outputs};
      std::copy_n(all.x.begin() + static_cast<std::ptrdiff_t>(first * all.inputs), some.x.size(), some.x.begin());
      std::copy_n(all.before.begin() + static_cast<std::ptrdiff_t>(first * all.outputs), some.before.size(),
                  some.before.begin());
      const std::vector<float> y = some.run(kernels, epilogue::add);
      ASSERT_TRUE(std::equal(y.begin(), y.end(), together.begin() + static_cast<std::ptrdiff_t>(first * all.outputs)))
          << rows << " rows from " << first;
    }
  }
}

TEST_P(amx, panels_may_be_computed_apart_on_several_threads) {
  const nn::kernels kernels = this->kernels();
  const product_problem problem{37, 100, 150};
  const std::vector<float> together = problem.run(kernels, epilogue::gelu);
  const nn::linear weights = problem.linear(kernels.layout);
  nn::packed_rows packed;
  packed.resize(kernels.layout, problem.rows, problem.inputs);
  kernels.pack(problem.x.data(), problem.inputs, {0, problem.rows}, packed);
  std::vector<float> apart = problem.before;
  std::vector<std::thread> threads;
  for (std::size_t panel = 0; panel < weights.panels(); ++panel) {
    threads.emplace_back([&, panel] {
      kernels.multiply(packed, weights, {panel, panel + 1},
                       {apart.data() + panel * kernels.layout.panel_width, problem.outputs, epilogue::gelu});
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(apart, together);
}

TEST_P(amx, fetching_weights_ahead_changes_no_byte) {
  for (const std::size_t rows : {20UL, 70UL}) {
    const product_problem problem{rows, 200, 100};
    const std::vector<float> without = problem.run(kernels(), epilogue::add, nn::weight_prefetch::never);
    EXPECT_EQ(problem.run(kernels(), epilogue::add, nn::weight_prefetch::always), without) << rows << " rows";
    EXPECT_EQ(problem.run(kernels(), epilogue::add, nn::weight_prefetch::by_cpu), without) << rows << " rows";
  }
}

TEST_P(amx, non_finite_inputs_reach_the_outputs_of_their_row_alone) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    product_problem problem{34, 40, 20};
    problem.x[problem.inputs * 33 + 5] = bad;
    const std::vector<float> y = problem.run(kernels(), epilogue::store);
    for (std::size_t i = 0; i < y.size(); ++i) {
      EXPECT_EQ(std::isfinite(y[i]), i < problem.outputs * 33) << bad << ", element " << i;
    }
  }
}

TEST_P(amx, int8_gives_the_bytes_of_the_vector_instructions) {
  if (format() != numeric_format::int8) {
    GTEST_SKIP() << "bfloat16 rounds otherwise";
  }
  const nn::kernels by_vectors = kernels_by_vectors(numeric_format::int8);
  for (std::size_t rows = 1; rows <= 70; ++rows) {
    for (const epilogue kind : every_epilogue) {
      const product_problem problem{rows, 130, 71};
      ASSERT_EQ(problem.run(kernels(), kind), problem.run(by_vectors, kind))
          << rows << " rows, epilogue " << static_cast<int>(kind);
    }
  }
}

// Without a bias the epilogue rounds once, with or without fused multiply-add.
TEST_P(amx, int8_gives_the_bytes_of_plain_instructions) {
  if (format() != numeric_format::int8) {
    GTEST_SKIP() << "bfloat16 rounds otherwise";
  }
  const nn::kernels plain = nn::choose_kernels({.format = numeric_format::int8, .avoid = {instruction_set::avx2}});
  for (std::size_t rows = 1; rows <= 70; ++rows) {
    product_problem problem{rows, 257, 65};
    std::fill(problem.bias.begin(), problem.bias.end(), 0.0F);
    ASSERT_EQ(problem.run(kernels(), epilogue::store), problem.run(plain, epilogue::store)) << rows << " rows";
  }
}

TEST_P(amx, the_cpu_gives_the_bytes_of_the_model) {
  if (std::get<unit>(GetParam()) == unit::model) {
    GTEST_SKIP() << "is the model";
  }
  for (std::size_t rows = 1; rows <= 70; ++rows) {
    const product_problem problem{rows, 330, 70};
    ASSERT_EQ(problem.run(kernels(), epilogue::add), problem.run(kernels_by_model(format()), epilogue::add))
        << rows << " rows";
  }
}

TEST_P(amx, attention_agrees_with_a_naive_one) {
  for (const std::size_t size : {1UL, 31UL, 32UL, 64UL, 72UL, 128UL}) {
    for (const std::size_t tokens : {33UL, 64UL, 65UL, 100UL}) {
      for (const std::size_t queries : {1UL, 16UL, 33UL}) {
        SCOPED_TRACE(testing::Message() << queries << " queries, " << tokens << " tokens, size " << size);
        for (const attention_problem& problem :
             {attention_problem{queries, tokens, size}, naive::with_bias({queries, tokens, size})}) {
          ASSERT_NO_FATAL_FAILURE(expect_near(problem.run(kernels()), problem.expected(), 6e-5));
        }
      }
    }
  }
}

TEST_P(amx, attention_of_the_cpu_gives_the_bytes_of_the_model) {
  if (std::get<unit>(GetParam()) == unit::model) {
    GTEST_SKIP() << "is the model";
  }
  for (const std::size_t tokens : {40UL, 64UL, 150UL}) {
    const attention_problem problem = naive::with_bias({tokens, tokens, 48});
    EXPECT_EQ(problem.run(kernels()), problem.run(kernels_by_model(format()))) << tokens << " tokens";
  }
}

TEST_P(amx, attention_of_few_tokens_leaves_the_tiles_alone) {
  if (std::get<unit>(GetParam()) == unit::cpu) {
    GTEST_SKIP() << "only the model counts";
  }
  for (const std::size_t tokens : {1UL, 32UL, 33UL}) {
    const attention_problem problem{1, tokens, 64};
    const std::vector<float> context = problem.run(kernels());
    EXPECT_EQ(tile_unit::take_products() != 0, tokens > 32) << tokens << " tokens";
    EXPECT_EQ(context == problem.run(kernels_by_vectors(format())), tokens <= 32) << tokens << " tokens";
  }
}

TEST_P(amx, int8_of_few_rows_leaves_the_tiles_alone) {
  if (std::get<unit>(GetParam()) == unit::cpu) {
    GTEST_SKIP() << "only the model counts";
  }
  for (const std::size_t rows : {1UL, 16UL, 17UL}) {
    static_cast<void>(product_problem{rows, 64, 32}.run(kernels(), epilogue::store));
    const bool uses_tiles = format() == numeric_format::bfloat16 || rows > 16;
    EXPECT_EQ(tile_unit::take_products() != 0, uses_tiles) << rows << " rows";
  }
}

TEST_P(amx, registers_are_configured_once_for_tiles_of_one_height) {
  if (std::get<unit>(GetParam()) == unit::cpu) {
    GTEST_SKIP() << "only the model counts";
  }
  const auto configurations = [&](std::size_t rows) {
    static_cast<void>(product_problem{rows, 64, 96}.run(kernels(), epilogue::store));
    return tile_unit::take_configurations();
  };
  EXPECT_EQ(configurations(32), 1U);
  EXPECT_EQ(configurations(64), 1U);
  EXPECT_EQ(configurations(33), 6U);  // 17 and 16 rows in each of three panels
}

TEST(tile_configurations, hold_every_number_of_rows) {
  for (std::size_t rows = 1; rows <= nn::most_tile_rows; ++rows) {
    const nn::tile_configuration& configuration = nn::tile_configurations[rows - 1];
    EXPECT_NO_THROW(tile_unit::configure(configuration));
    const auto rows_of = [&](nn::tile_register which) {
      return std::size_t{configuration.rows[static_cast<std::size_t>(which)]};
    };
    EXPECT_EQ(rows_of(nn::tile_register::upper_rows) + rows_of(nn::tile_register::lower_rows), rows);
    EXPECT_EQ(rows_of(nn::tile_register::upper_left) + rows_of(nn::tile_register::lower_left), rows);
    EXPECT_EQ(rows_of(nn::tile_register::upper_right) + rows_of(nn::tile_register::lower_right), rows);
  }
  tile_unit::release();
}

}  // namespace amx_test
