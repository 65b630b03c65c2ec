// SPDX-License-Identifier: Apache-2.0
// When tiles, and instructions that a CPU's target does not name, are offered and chosen.
#include <kernels/amx.hpp>
#include <kernels/choice.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace choice_test {

namespace nn = offramp::nn;
using offramp::instruction_set;
using offramp::numeric_format;

/// What a CPU with AMX says (Sapphire Rapids).
constexpr nn::tile_answers every_answer{.leaf_1_ecx = 1U << 27U,
                                        .leaf_7_edx = 1U << 22U | 1U << 24U | 1U << 25U,
                                        .enabled_state = 7U << 16U | 7U,
                                        .most_palettes = 1,
                                        .palette_1_eax = 1024U << 16U | 8192U,
                                        .palette_1_ebx = 8U << 16U | 64U,
                                        .palette_1_ecx = 16,
                                        .products_ebx = 64U << 8U | 16U};

TEST(offers_tiles, wants_every_instruction_and_both_states) {
  EXPECT_TRUE(nn::offers_tiles(every_answer));
  EXPECT_FALSE(nn::offers_tiles({}));
  const auto without = [](std::uint32_t leaf_1, std::uint32_t leaf_7, std::uint64_t state) {
    nn::tile_answers answers = every_answer;
    answers.leaf_1_ecx &= ~leaf_1;
    answers.leaf_7_edx &= ~leaf_7;
    answers.enabled_state &= ~state;
    return answers;
  };
  EXPECT_FALSE(nn::offers_tiles(without(1U << 27U, 0, 0)));
  for (const unsigned bit : {22U, 24U, 25U}) {
    EXPECT_FALSE(nn::offers_tiles(without(0, 1U << bit, 0))) << bit;
  }
  for (const unsigned bit : {17U, 18U}) {
    EXPECT_FALSE(nn::offers_tiles(without(0, 0, 1U << bit))) << bit;
  }
  EXPECT_TRUE(nn::offers_tiles(without(0, 1U << 23U, 1U << 16U)));
}

TEST(offers_tiles, wants_registers_of_the_sizes_in_use) {
  const auto with = [](std::uint32_t nn::tile_answers::*answer, std::uint32_t value) {
    nn::tile_answers answers = every_answer;
    answers.*answer = value;
    return nn::offers_tiles(answers);
  };
  using answers = nn::tile_answers;
  EXPECT_FALSE(with(&answers::most_palettes, 0));  // as behind hypervisors that hide the registers alone
  EXPECT_FALSE(with(&answers::palette_1_eax, 0));
  EXPECT_FALSE(with(&answers::palette_1_eax, 1024U << 16U | 4096U));
  EXPECT_FALSE(with(&answers::palette_1_eax, 512U << 16U | 8192U));
  EXPECT_FALSE(with(&answers::palette_1_ebx, 8U << 16U | 32U));
  EXPECT_FALSE(with(&answers::palette_1_ebx, 4U << 16U | 64U));
  EXPECT_FALSE(with(&answers::palette_1_ecx, 8));
  EXPECT_FALSE(with(&answers::products_ebx, 0));
  EXPECT_FALSE(with(&answers::products_ebx, 64U << 8U | 8U));
  EXPECT_FALSE(with(&answers::products_ebx, 32U << 8U | 16U));
  EXPECT_TRUE(with(&answers::most_palettes, 2));
}

TEST(choose_kernels, takes_tiles_where_they_are_and_allowed) {
  const auto name = [](numeric_format format, std::vector<instruction_set> avoid, nn::cpu_extras extras) {
    return nn::choose_kernels({.format = format, .avoid = std::move(avoid)}, extras).name;
  };
  const auto names_amx = [](const std::string& text) { return text.find("AMX") != std::string::npos; };
  if (nn::choose_tile_multiplication().int8 == nullptr) {
    GTEST_SKIP() << "this CPU lacks the AVX-512 instructions around the tiles";
  }
  constexpr nn::cpu_extras everything{.bfloat16_products = true, .fast_bfloat16_products = true, .tiles = true};
  EXPECT_FALSE(names_amx(name(numeric_format::float32, {}, everything)));
  for (const numeric_format format : {numeric_format::int8, numeric_format::bfloat16}) {
    EXPECT_TRUE(names_amx(name(format, {}, everything)));
    EXPECT_FALSE(names_amx(name(format, {}, {.bfloat16_products = true, .tiles = false})));
    for (const auto avoided : {instruction_set::amx, instruction_set::avx512_bf16, instruction_set::avx512_vnni,
                               instruction_set::avx512, instruction_set::avx2}) {
      EXPECT_FALSE(names_amx(name(format, {avoided}, everything))) << static_cast<int>(avoided);
    }
  }
  EXPECT_NE(name(numeric_format::bfloat16, {instruction_set::amx}, everything).find("vdpbf16ps"), std::string::npos);
  nn::cpu_extras slow = everything;
  slow.fast_bfloat16_products = false;
  EXPECT_TRUE(names_amx(name(numeric_format::bfloat16, {}, slow)));
  EXPECT_NE(name(numeric_format::bfloat16, {instruction_set::amx}, slow).find("widened"), std::string::npos);
  EXPECT_EQ(names_amx(nn::choose_kernels({.format = numeric_format::int8}).name), nn::amx_tiles() != nullptr);
}

// By name alone: this CPU may lack them.
TEST(choose_kernels, takes_dot_products_that_the_target_does_not_name) {
  const auto takes = [](std::vector<instruction_set> avoid, nn::cpu_extras extras) {
    const nn::kernels chosen = nn::choose_kernels({.format = numeric_format::int8, .avoid = std::move(avoid)}, extras);
    return chosen.name.find("vpdpbusd") != std::string::npos;
  };
  constexpr nn::cpu_extras of_avx512{.int8_products = true};
  constexpr nn::cpu_extras of_avx{.avx_int8_products = true};
  const std::string target = nn::choose_kernels({}, {}).name;
  if (target != "AVX2 float32" && target != "AVX3 float32") {
    GTEST_SKIP() << target << " has dot products of its own, or none";
  }
  EXPECT_EQ(takes({}, of_avx512), target == "AVX3 float32");
  EXPECT_EQ(takes({}, of_avx), target == "AVX2 float32");
  EXPECT_FALSE(takes({instruction_set::avx512_vnni}, of_avx512));
  EXPECT_FALSE(takes({instruction_set::avx512_vnni}, of_avx));
}

#if defined(__linux__) && defined(__x86_64__)
TEST(find_cpu_extras, finds_what_the_system_names) {
  std::ifstream file("/proc/cpuinfo");
  std::set<std::string> flags;
  for (std::string line; flags.empty() && std::getline(file, line);) {
    if (line.starts_with("flags")) {
      std::istringstream words(line);
      flags.insert(std::istream_iterator<std::string>(words), {});
    }
  }
  if (flags.empty()) {
    GTEST_SKIP() << "/proc/cpuinfo names no flags";
  }
  // An old kernel does not know all names of a new CPU.
  const nn::cpu_extras found = nn::find_cpu_extras();
  EXPECT_GE(found.int8_products, flags.contains("avx512_vnni"));
  EXPECT_GE(found.avx_int8_products, flags.contains("avx_vnni"));
  EXPECT_GE(found.bfloat16_products, flags.contains("avx512_bf16"));
  EXPECT_GE(flags.contains("avx2"), found.avx_int8_products);
  EXPECT_GE(flags.contains("avx512f"), found.int8_products || found.bfloat16_products);
}
#endif

}  // namespace choice_test
