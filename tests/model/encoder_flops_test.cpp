// SPDX-License-Identifier: Apache-2.0
#include <offramp/model/encoder_flops.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace encoder_flops_test {

using namespace offramp::model;

TEST(encoder_flops, are_the_most_there_can_be_where_they_are_more) {
  config shape;
  shape.hidden_size = 2048;
  constexpr std::size_t tokens = std::size_t{1} << 20U;
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::int64_t of_one = count_flops(shape, 1, tokens);
  EXPECT_GT(of_one, most / 1024);
  EXPECT_EQ(count_flops(shape, 2, tokens), 2 * of_one);
  EXPECT_EQ(count_flops(shape, 1024, tokens), most);
}

TEST(encoder_flops, are_fewer_in_layers_that_see_a_window) {
  config shape;
  shape.hidden_size = 4;
  shape.attention = {{.reach = 2}, {.reach = {}}};
  constexpr std::int64_t weights = 2 * 100 * 4 * 4 * 4;  // of 100 tokens
  EXPECT_EQ(count_layer_flops(shape, 0, 100), weights + 4 * 100 * 5 * 4);
  EXPECT_EQ(count_layer_flops(shape, 1, 100), weights + 4 * 100 * 100 * 4);
}

TEST(encoder_flops, are_more_where_positions_are_compared) {
  config shape;
  shape.hidden_size = 4;
  const std::int64_t without = count_layer_flops(shape, 0, 10);
  shape.relative.has_keys = true;
  shape.relative.has_queries = true;
  EXPECT_EQ(count_layer_flops(shape, 0, 10), without) << "the table is not used";
  shape.relative.is_used = true;
  EXPECT_EQ(count_layer_flops(shape, 0, 10), without + 2 * 2 * 10 * 10 * 4);
}

}  // namespace encoder_flops_test
