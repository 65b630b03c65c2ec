// SPDX-License-Identifier: Apache-2.0
#include <offramp/model/checkpoint.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace checkpoint_test {

using offramp::error_kind;
using offramp::model::checkpoint;
using offramp::model::open_checkpoint;
using offramp::model::tensor_shape;
using offramp_tests::bytes_of;
using offramp_tests::expect_error;
using offramp_tests::memory_model;
using offramp_tests::safetensors_bytes;

constexpr auto bad = error_kind::bad_model;

struct stored_tensor {
  std::string name;
  std::string type;
  std::string shape;
  std::string bytes;
};

std::string file_of(const std::vector<stored_tensor>& tensors) {
  std::string header = "{";
  std::string data;
  for (const stored_tensor& tensor : tensors) {
    header += (header.size() > 1 ? ",\"" : "\"") + tensor.name + R"(":{"dtype":")" + tensor.type + R"(","shape":)" +
              tensor.shape + R"(,"data_offsets":[)" + std::to_string(data.size()) + "," +
              std::to_string(data.size() + tensor.bytes.size()) + "]}";
    data += tensor.bytes;
  }
  return safetensors_bytes(header + "}", data);
}

/// Reads all of a tensor, the same row by row, and as a table; all must agree.
std::vector<float> read_every_way(const checkpoint& tensors, const std::string& name, const tensor_shape& shape) {
  const std::vector<float> whole = tensors.read(name, shape);
  std::vector<float> rows;
  tensors.read_rows(name, shape[0], shape[1], [&](std::size_t row, std::span<const float> values) {
    EXPECT_EQ(row * shape[1], rows.size());
    rows.insert(rows.end(), values.begin(), values.end());
  });
  EXPECT_EQ(whole, rows);
  const offramp::nn::embedding_table table = tensors.read_table(name, shape[0], shape[1]);
  std::vector<float> looked_up(shape[0] * shape[1]);
  for (std::size_t row = 0; row < shape[0]; ++row) {
    table.copy_row(row, looked_up.data() + row * shape[1]);
  }
  EXPECT_EQ(whole, looked_up);
  return whole;
}

void expect_refusal(const std::vector<stored_tensor>& tensors, const tensor_shape& shape,
                    const std::vector<std::string>& parts) {
  const memory_model model{{"model.safetensors", file_of(tensors)}};
  const checkpoint subject = open_checkpoint(model.set());
  expect_error(bad, parts, [&] { (void)subject.read("w", shape); });
  if (shape.size() == 2) {
    expect_error(bad, parts, [&] { subject.read_rows("w", shape[0], shape[1], [](auto, auto) {}); });
    expect_error(bad, parts, [&] { (void)subject.read_table("w", shape[0], shape[1]); });
  }
}

TEST(checkpoint, reads_every_type_of_weight) {
  const memory_model model{
      {"model.safetensors", file_of({{"f32", "F32", "[2,2]", bytes_of<float>({1, -2, 3, -4})},
                                     {"f16", "F16", "[1,2]", bytes_of<std::uint16_t>({0x3C00, 0xC000})},
                                     {"bf16", "BF16", "[2,1]", bytes_of<std::uint16_t>({0x3F80, 0xC040})},
                                     {"i8", "I8", "[2,2]", bytes_of<std::int8_t>({-127, 2, 3, 127})},
                                     {"i8.scale", "F32", "[2]", bytes_of<float>({0.5F, 2})}})}};
  const checkpoint tensors = open_checkpoint(model.set());
  EXPECT_EQ(read_every_way(tensors, "f32", {2, 2}), (std::vector<float>{1, -2, 3, -4}));
  EXPECT_EQ(read_every_way(tensors, "f16", {1, 2}), (std::vector<float>{1, -2}));
  EXPECT_EQ(read_every_way(tensors, "bf16", {2, 1}), (std::vector<float>{1, -3}));
  EXPECT_EQ(read_every_way(tensors, "i8", {2, 2}), (std::vector<float>{-63.5F, 1, 6, 254}));
  EXPECT_TRUE(tensors.is_quantized("i8"));
  EXPECT_EQ(tensors.read_table("f32", 2, 2).bytes(), 16U);
  EXPECT_EQ(tensors.read_table("f16", 1, 2).bytes(), 4U);
  EXPECT_EQ(tensors.read_table("bf16", 2, 1).bytes(), 4U);
  EXPECT_EQ(tensors.read_table("i8", 2, 2).bytes(), 12U);
  EXPECT_FALSE(tensors.is_quantized("f32"));
  EXPECT_TRUE(tensors.contains("i8.scale"));
  EXPECT_FALSE(tensors.contains("x"));
}

#if defined(__GLIBC__)
// Freed there, a large block makes the C library serve others like it from memory that it never gives back.
TEST(checkpoint, keeps_tables_of_every_type_out_of_the_heap) {
  constexpr std::size_t rows = 2048;
  constexpr std::size_t columns = 1024;
  const std::string shape = "[2048,1024]";
  const memory_model model{{"model.safetensors", file_of({{"f32", "F32", shape, std::string(rows * columns * 4, 0)},
                                                          {"f16", "F16", shape, std::string(rows * columns * 2, 0)},
                                                          {"bf16", "BF16", shape, std::string(rows * columns * 2, 0)},
                                                          {"i8", "I8", shape, std::string(rows * columns, 0)},
                                                          {"i8.scale", "F32", "[2048]", std::string(rows * 4, 0)}})}};
  const checkpoint tensors = open_checkpoint(model.set());
  const auto bytes_in_use = [] {
    const struct mallinfo2 heap = ::mallinfo2();
    return heap.uordblks + heap.hblkhd;
  };
  for (const char* name : {"f32", "f16", "bf16", "i8"}) {
    const std::size_t before = bytes_in_use();
    const offramp::nn::embedding_table table = tensors.read_table(name, rows, columns);
    EXPECT_GE(table.bytes(), rows * columns) << name;
    EXPECT_LT(bytes_in_use(), before + rows * columns / 2) << name;
  }
}
#endif

TEST(checkpoint, reads_matrices_larger_than_its_buffer) {
  std::vector<float> values(700 * 300);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(i);
  }
  const memory_model model{{"model.safetensors", file_of({{"w", "F32", "[700,300]", bytes_of(values)}})}};
  EXPECT_EQ(read_every_way(open_checkpoint(model.set()), "w", {700, 300}), values);
}

TEST(checkpoint, refuses_missing_tensors_and_other_shapes) {
  const stored_tensor w{"w", "F32", "[2,3]", bytes_of<float>({1, 2, 3, 4, 5, 6})};
  expect_refusal({w}, {3, 2}, {"model.safetensors: tensor \"w\": has the shape [2, 3], expected [3, 2]"});
  expect_refusal({w}, {6}, {"[2, 3], expected [6]"});
  expect_refusal({w}, {2, 3, 1}, {"[2, 3], expected [2, 3, 1]"});
  expect_refusal({{"v", "F32", "[1]", bytes_of<float>({1})}}, {2, 3}, {"tensor \"w\" is missing"});
}

TEST(checkpoint, refuses_what_is_no_weight) {
  expect_refusal({{"w", "I64", "[1,1]", bytes_of<std::int64_t>({1})}}, {1, 1}, {"has the type I64"});
  expect_refusal({{"w", "I8", "[2]", "ab"}, {"w.scale", "F32", "[2]", bytes_of<float>({1, 1})}}, {2},
                 {"matrices only"});
}

TEST(checkpoint, refuses_values_that_are_not_finite) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  expect_refusal({{"w", "F32", "[2,1]", bytes_of<float>({1, nan})}}, {2, 1}, {"\"w\": element 1 is nan", "finite"});
  expect_refusal({{"w", "F32", "[1]", bytes_of<float>({-infinity})}}, {1}, {"element 0 is -inf"});
  expect_refusal({{"w", "F16", "[1,2]", bytes_of<std::uint16_t>({0x3C00, 0x7C00})}}, {1, 2}, {"element 1 is inf"});
  expect_refusal({{"w", "BF16", "[1,2]", bytes_of<std::uint16_t>({0x7FC0, 0x3F80})}}, {1, 2}, {"element 0 is nan"});
}

TEST(checkpoint, refuses_bad_scales) {
  const stored_tensor w{"w", "I8", "[2,1]", bytes_of<std::int8_t>({1, -1})};
  const auto scale = [](const std::vector<float>& values) {
    return stored_tensor{"w.scale", "F32", "[" + std::to_string(values.size()) + "]", bytes_of(values)};
  };
  expect_refusal({w}, {2, 1}, {"tensor \"w.scale\" is missing"});
  expect_refusal({w, scale({1})}, {2, 1}, {"w.scale", "[1], expected [2]"});
  expect_refusal({w, scale({1, -1})}, {2, 1}, {"w.scale", "element 1"});
  expect_refusal({w, scale({std::numeric_limits<float>::quiet_NaN(), 1})}, {2, 1}, {"w.scale", "element 0"});
  expect_refusal({w, scale({1, 1e38F})}, {2, 1}, {"w.scale", "element 1"});
  expect_refusal({w, {"w.scale", "F16", "[2]", bytes_of<std::uint16_t>({0x3C00, 0x3C00})}}, {2, 1}, {"expected F32"});
  expect_refusal({{"w", "I8", "[2,1]", bytes_of<std::int8_t>({1, -128})}, scale({1, 1})}, {2, 1}, {"row 1 holds -128"});
}

TEST(checkpoint, reads_stored_bytes_of_quantized_matrices_only) {
  const memory_model model{{"model.safetensors", file_of({{"w", "I8", "[2,2]", bytes_of<std::int8_t>({1, 2, 3, -4})},
                                                          {"w.scale", "F32", "[2]", bytes_of<float>({1, 0.25F})},
                                                          {"v", "F32", "[1,1]", bytes_of<float>({1})},
                                                          {"v.scale", "F32", "[1]", bytes_of<float>({1})}})}};
  const checkpoint tensors = open_checkpoint(model.set());
  std::vector<float> scales;
  tensors.read_quantized_rows("w", 2, 2, [&](std::size_t row, std::span<const std::int8_t> values, float scale) {
    EXPECT_EQ(values[0], row == 0 ? 1 : 3);
    scales.push_back(scale);
  });
  EXPECT_EQ(scales, (std::vector<float>{1, 0.25F}));
  EXPECT_THROW(tensors.read_quantized_rows("v", 1, 1, [](auto, auto, auto) {}), offramp::error);
}

std::string index_of(const std::string& map) { return R"({"metadata": {"total_size": 8}, "weight_map": )" + map + "}"; }

TEST(sharded_checkpoint, is_read_where_there_is_no_single_file) {
  const std::string a = file_of({{"a", "F32", "[1]", bytes_of<float>({1})}});
  const std::string b = file_of({{"b", "F32", "[1]", bytes_of<float>({2})}});
  memory_model model{{"1.safetensors", a},
                     {"2.safetensors", b},
                     {"model.safetensors.index.json", index_of(R"({"a": "1.safetensors", "b": "2.safetensors"})")}};
  EXPECT_EQ(open_checkpoint(model.set()).read("b", {1}), std::vector<float>{2});
  model["model.safetensors"] = file_of({{"c", "F32", "[1]", bytes_of<float>({3})}});
  EXPECT_TRUE(open_checkpoint(model.set()).contains("c"));
  EXPECT_FALSE(open_checkpoint(model.set()).contains("b"));
}

TEST(sharded_checkpoint, stays_within_its_directory) {
  for (const std::string name : {"../m.safetensors", "/m.safetensors", "sub/m.safetensors", "sub\\\\m.safetensors",
                                 "c:m.safetensors", ".safetensors", "m.bin", "", "m.safetensors\\u0000.safetensors"}) {
    SCOPED_TRACE(name);
    const memory_model model{{"model.safetensors.index.json", index_of(R"({"a": ")" + name + "\"}")}};
    expect_error(bad, {"weight_map.a", "plain name"}, [&] { (void)open_checkpoint(model.set()); });
  }
}

TEST(sharded_checkpoint, holds_what_its_index_says_once) {
  const std::string a = file_of({{"a", "F32", "[1]", bytes_of<float>({1})}});
  const auto refuse = [&](const std::string& map, error_kind kind, const std::vector<std::string>& parts) {
    const memory_model model{
        {"1.safetensors", a}, {"2.safetensors", a}, {"model.safetensors.index.json", index_of(map)}};
    expect_error(kind, parts, [&] { (void)open_checkpoint(model.set()); });
  };
  refuse(R"({"b": "1.safetensors"})", bad, {"1.safetensors: tensor \"b\" is missing, expected by"});
  refuse(R"({"a": "3.safetensors"})", error_kind::io, {"3.safetensors", "no such file"});
  refuse(R"({"a": 1})", bad, {"weight_map.a is 1"});
  refuse("{}", bad, {"names 0 files"});
  refuse("[]", bad, {"weight_map"});
  std::string many = "{";
  for (int i = 0; i < 257; ++i) {
    many += (i > 0 ? ",\"" : "\"") + std::to_string(i) + R"(": ")" + std::to_string(i) + ".safetensors\"";
  }
  refuse(many + "}", bad, {"names 257 files, expected 1 to 256"});

  std::vector<offramp::model::safetensors> twice;
  twice.emplace_back(offramp_tests::memory_file("1.safetensors", a));
  twice.emplace_back(offramp_tests::memory_file("2.safetensors", a));
  expect_error(bad, {"2.safetensors: tensor \"a\"", "1.safetensors too"},
               [&] { checkpoint subject(std::move(twice)); });
}

TEST(sharded_checkpoint, must_be_there) {
  expect_error(error_kind::io, {"model.safetensors: no such file"},
               [] { (void)open_checkpoint(memory_model{}.set()); });
}

}  // namespace checkpoint_test
