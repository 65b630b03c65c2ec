// SPDX-License-Identifier: Apache-2.0
// The tile instructions as the compiler left them in the library. Where the CPU has none, every single one is caught
// and run on the model, so that a wrong operand, address or configuration shows on any x86-64.
#include <kernels/amx.hpp>
#include <kernels/choice.hpp>

#include <gtest/gtest.h>

#if defined(__x86_64__) && defined(__linux__)
#include "amx/vector_kernels.hpp"
#include "reference/attention_problem.hpp"
#include "reference/product_problem.hpp"
#include "reference/tile_emulator.hpp"
#include "reference/tile_unit.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace instructions_test {

namespace nn = offramp::nn;
using naive::product_problem;
using naive::tile_unit;
using offramp::numeric_format;

template <const nn::tile_engine& (*engine)(), numeric_format format>
void multiply_on(const nn::packed_rows& rows, const nn::linear& weights, nn::index_range panels,
                 const nn::product_target& target) {
  const nn::tile_multiplication multiply = nn::choose_tile_multiplication();
  (format == numeric_format::int8 ? multiply.int8 : multiply.bfloat16)(engine(), rows, weights, panels, target);
}

const nn::tile_engine& model() { return nn::tile_engine_of<tile_unit>; }
const nn::tile_engine& instructions() { return *nn::amx_instructions(); }

template <numeric_format format>
void expect_the_bytes_of_the_model() {
  nn::kernels kernels = amx_test::kernels_by_vectors(format);
  if (nn::choose_tile_multiplication().int8 == nullptr || kernels.layout.widens_rows) {
    GTEST_SKIP() << "this CPU lacks the AVX-512 instructions around the tiles";
  }
  std::optional<naive::tile_emulator> emulator;
  if (nn::amx_tiles() == nullptr) {
    emulator.emplace();
  }
  for (std::size_t rows = 1; rows <= 70; ++rows) {
    const product_problem problem{rows, 130, 40};
    kernels.multiply = &multiply_on<model, format>;
    const std::vector<float> expected = problem.run(kernels, nn::epilogue::add);
    static_cast<void>(tile_unit::take_products());
    kernels.multiply = &multiply_on<instructions, format>;
    EXPECT_EQ(problem.run(kernels, nn::epilogue::add), expected) << rows << " rows";
    const bool is_emulated = emulator.has_value() && (format == numeric_format::bfloat16 || rows > 16);
    EXPECT_EQ(tile_unit::take_products() != 0, is_emulated) << rows << " rows";
    EXPECT_FALSE(tile_unit::is_configured());
  }
}

template <const nn::tile_engine& (*engine)()>
void attend_on(const nn::attention_head& head, nn::attention_scratch& scratch) {
  nn::choose_tile_multiplication().attention(engine(), head, scratch);
}

TEST(amx_instructions, attend_as_the_model_does) {
  nn::kernels kernels = amx_test::kernels_by_vectors(numeric_format::bfloat16);
  if (nn::choose_tile_multiplication().attention == nullptr || kernels.layout.widens_rows) {
    GTEST_SKIP() << "this CPU lacks the AVX-512 instructions around the tiles";
  }
  std::optional<naive::tile_emulator> emulator;
  if (nn::amx_tiles() == nullptr) {
    emulator.emplace();
  }
  for (const std::size_t queries : {1UL, 16UL, 17UL, 40UL}) {
    for (const auto& problem : {naive::attention_problem{queries, 40, 33}, naive::with_bias({queries, 70, 64})}) {
      kernels.attend = &attend_on<model>;
      const std::vector<float> expected = problem.run(kernels);
      static_cast<void>(tile_unit::take_products());
      kernels.attend = &attend_on<instructions>;
      EXPECT_EQ(problem.run(kernels), expected) << queries << " queries";
      EXPECT_EQ(tile_unit::take_products() != 0, emulator.has_value()) << queries << " queries";
      EXPECT_FALSE(tile_unit::is_configured());
    }
  }
}

TEST(amx_instructions, multiply_int8_as_the_model_does) { expect_the_bytes_of_the_model<numeric_format::int8>(); }

TEST(amx_instructions, multiply_bfloat16_as_the_model_does) {
  expect_the_bytes_of_the_model<numeric_format::bfloat16>();
}

}  // namespace instructions_test
#else
TEST(amx_instructions, are_of_another_architecture) {
  EXPECT_EQ(offramp::nn::amx_instructions(), nullptr);
  EXPECT_EQ(offramp::nn::amx_tiles(), nullptr);
}
#endif
