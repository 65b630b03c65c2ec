// SPDX-License-Identifier: Apache-2.0
#include <offramp/nn/encoder_flops.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>

namespace encoder_flops_test {

namespace nn = offramp::nn;

TEST(encoder_flops, are_the_most_there_can_be_where_they_are_more) {
  nn::encoder shared;  // one layer's weights for all
  shared.hidden = 2048;
  shared.layers.resize(1);
  constexpr std::size_t tokens = std::size_t{1} << 20U;
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  const std::int64_t of_one = nn::count_flops(shared, 1, tokens);
  EXPECT_GT(of_one, most / 1024);
  EXPECT_EQ(nn::count_flops(shared, 2, tokens), 2 * of_one);
  EXPECT_EQ(nn::count_flops(shared, 1024, tokens), most);
}

}  // namespace encoder_flops_test
