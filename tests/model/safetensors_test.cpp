// SPDX-License-Identifier: Apache-2.0
#include <offramp/model/safetensors.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace safetensors_test {

using offramp::error_kind;
using offramp::model::safetensors;
using offramp::model::tensor_info;
using offramp_tests::bytes_of;
using offramp_tests::expect_error;
using offramp_tests::memory_file;
using offramp_tests::safetensors_bytes;

std::vector<float> read_all(const safetensors& file, const std::string& name) {
  const tensor_info* info = file.find(name);
  std::vector<float> values(info->num_elements);
  file.read(*info, 0, std::span<float>(values));
  return values;
}

/// One tensor "t".
std::string entry(const std::string& dtype, const std::string& shape, const std::string& offsets) {
  return R"({"t":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
}

TEST(safetensors, reads_every_type_of_weight) {
  const std::string content = safetensors_bytes(
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},)"
      R"("b":{"dtype":"F16","shape":[3],"data_offsets":[16,22]},"c":{"dtype":"BF16","shape":[1,2],"data_offsets":[22,26]},)"
      R"("d":{"dtype":"I8","shape":[2,1],"data_offsets":[26,28]},"e":{"dtype":"I64","shape":[],"data_offsets":[28,36]},)"
      R"("f":{"dtype":"F32","shape":[0,9],"data_offsets":[36,36]}}   )",
      bytes_of<float>({1.5F, -2, 3, 4}) + bytes_of<std::uint16_t>({0x3C00, 0xC000, 0x0001}) +
          bytes_of<std::uint16_t>({0x3F80, 0xC040}) + bytes_of<std::int8_t>({-127, 5}) + bytes_of<std::int64_t>({7}));
  const std::string name = "m.safetensors";
  const safetensors file(memory_file(name, content));
  EXPECT_EQ(file.names(), (std::vector<std::string>{"a", "b", "c", "d", "e", "f"}));
  EXPECT_EQ(read_all(file, "a"), (std::vector<float>{1.5F, -2, 3, 4}));
  EXPECT_EQ(read_all(file, "b"), (std::vector<float>{1, -2, std::ldexp(1.0F, -24)}));
  EXPECT_EQ(read_all(file, "c"), (std::vector<float>{1, -3}));
  EXPECT_EQ(read_all(file, "d"), (std::vector<float>{-127, 5}));
  EXPECT_TRUE(read_all(file, "f").empty());
  EXPECT_EQ(file.find("a")->shape, (offramp::model::tensor_shape{2, 2}));
  EXPECT_EQ(file.find("x"), nullptr);

  std::vector<std::int8_t> bytes(1);
  file.read(*file.find("d"), 1, std::span(bytes));
  EXPECT_EQ(bytes[0], 5);
  std::vector<float> one(1);
  file.read(*file.find("a"), 3, std::span(one));
  EXPECT_EQ(one[0], 4);
  expect_error(error_kind::unsupported, {name, "I64"}, [&] { file.read(*file.find("e"), 0, std::span(one)); });
  expect_error(error_kind::unsupported, {name, "F32"}, [&] { file.read(*file.find("a"), 0, std::span(bytes)); });
  expect_error(error_kind::invalid_argument, {name}, [&] { file.read(*file.find("a"), 4, std::span(one)); });
  expect_error(error_kind::invalid_argument, {name}, [&] { file.read(*file.find("a"), SIZE_MAX, std::span(one)); });
}

TEST(safetensors, converts_tensors_larger_than_its_buffer) {
  std::vector<std::uint16_t> stored(20'001);
  for (std::size_t i = 0; i < stored.size(); ++i) {
    stored[i] = static_cast<std::uint16_t>(i);
  }
  const std::string content = safetensors_bytes(entry("BF16", "[20001]", "[0,40002]"), bytes_of(stored));
  const std::vector<float> values = read_all(safetensors(memory_file("m", content)), "t");
  for (std::size_t i = 0; i < stored.size(); ++i) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(values[i]), static_cast<std::uint32_t>(i) << 16);
  }
}

TEST(safetensors, accepts_a_file_without_tensors) {
  const std::string content = safetensors_bytes("{}", "");
  EXPECT_TRUE(safetensors(memory_file("m", content)).tensors().empty());
}

struct hostile {
  std::string what;     // the fault
  std::string message;  // a part of the message
  std::string content;
};

std::vector<hostile> hostile_files() {
  const std::string four = bytes_of<float>({1});
  const std::string eight = bytes_of<float>({1, 2});
  const auto t = [&](const std::string& dtype, const std::string& shape, const std::string& offsets,
                     const std::string& data) { return safetensors_bytes(entry(dtype, shape, offsets), data); };
  const auto two = [&](const std::string& first, const std::string& second, const std::string& data) {
    return safetensors_bytes(R"({"t":{"dtype":"F32","shape":[1],"data_offsets":)" + first +
                                 R"(},"u":{"dtype":"F32","shape":[1],"data_offsets":)" + second + "}}",
                             data);
  };
  const std::string good = entry("F32", "[1]", "[0,4]");
  return {
      {"empty file", "has 0 bytes", ""},
      {"length cut off", "has 7 bytes", std::string(7, '\0')},
      {"no header", "JSON", std::string(8, '\0')},
      {"header beyond the file", "header claims 1000 bytes", safetensors_bytes(good, four, 1000)},
      {"header one byte too long", "header claims", safetensors_bytes(good, "", good.size() + 1)},
      {"giant header", "expected at most", safetensors_bytes(good, four, UINT64_MAX)},
      {"header length that wraps", "header claims", safetensors_bytes(good, four, UINT64_MAX - 7)},
      {"header above 100 MB", "header claims 100000001", safetensors_bytes(good, four, 100'000'001)},
      {"header is an array", "expected an object", safetensors_bytes("[]", "")},
      {"header is no JSON", "JSON", safetensors_bytes("{\"t\":", "")},
      {"header is not UTF-8", "JSON", safetensors_bytes("{\"\xFF\":{}}", "")},
      {"text after the header", "JSON", safetensors_bytes(good + "x", four)},
      {"deep header", "deeper", safetensors_bytes(std::string(5000, '['), "")},
      {"same name twice", "twice", safetensors_bytes(good.substr(0, good.size() - 1) + "," + good.substr(1), four)},
      {"same field twice", "twice",
       safetensors_bytes(R"({"t":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})", four)},
      {"metadata with numbers", "__metadata__", safetensors_bytes(R"({"__metadata__":{"a":1}})", "")},
      {"metadata is a string", "__metadata__", safetensors_bytes(R"({"__metadata__":"pt"})", "")},
      {"tensor is a number", "tensor \"t\"", safetensors_bytes(R"({"t":1})", "")},
      {"no dtype", "tensor \"t\"", safetensors_bytes(R"({"t":{"shape":[1],"data_offsets":[0,4]}})", four)},
      {"extra field", "tensor \"t\"",
       safetensors_bytes(R"({"t":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", four)},
      {"unknown dtype", "\"F33\"", t("F33", "[1]", "[0,4]", four)},
      {"dtype in lower case", "\"f32\"", t("f32", "[1]", "[0,4]", four)},
      {"dtype is a number", "dtype", safetensors_bytes(R"({"t":{"dtype":32,"shape":[1],"data_offsets":[0,4]}})", four)},
      {"shape is a number", "shape", t("F32", "1", "[0,4]", four)},
      {"negative dimension", "shape", t("F32", "[-1]", "[0,4]", four)},
      {"two negative dimensions", "shape", t("F32", "[-1,-1]", "[0,4]", four)},
      {"fractional dimension", "shape", t("F32", "[1.0]", "[0,4]", four)},
      {"dimension above 64 bits", "shape", t("F32", "[18446744073709551616]", "[0,4]", four)},
      {"nine dimensions", "shape", t("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]", four)},
      {"eight dimensions whose product wraps to 0", "does not fit",
       t("F32", "[256,256,256,256,256,256,256,256]", "[0,0]", "")},
      {"product wraps to 1", "does not fit", t("I8", "[4294967297,4294967297]", "[0,1]", "x")},
      {"product wraps to 0", "does not fit", t("F32", "[4294967296,4294967296]", "[0,0]", "")},
      {"product wraps before a zero", "does not fit", t("F32", "[4294967296,4294967296,0]", "[0,0]", "")},
      {"product times size wraps", "does not fit", t("F32", "[4611686018427387905]", "[0,4]", four)},
      {"largest dimension", "does not fit", t("F32", "[18446744073709551615]", "[0,4]", four)},
      {"shape larger than its bytes", "needs 8 bytes", t("F32", "[2]", "[0,4]", four)},
      {"shape smaller than its bytes", "needs 4 bytes", t("F32", "[1]", "[0,8]", eight)},
      {"offsets of three", "data_offsets", t("F32", "[1]", "[0,4,8]", four)},
      {"negative offset", "data_offsets", t("F32", "[1]", "[-4,0]", four)},
      {"descending offsets", "data_offsets", t("F32", "[1]", "[4,0]", four)},
      {"offsets beyond the file", "data_offsets", t("F32", "[1]", "[0,4]", "abc")},
      {"offsets that wrap", "data_offsets", t("F32", "[1]", "[18446744073709551612,18446744073709551615]", four)},
      {"fractional offset", "data_offsets", t("F32", "[1]", "[0,4.0]", four)},
      {"gap at the start", "expected 0", t("F32", "[1]", "[4,8]", eight)},
      {"bytes after the last tensor", "end of the file", t("F32", "[1]", "[0,4]", eight)},
      {"data without tensors", "end of the file", safetensors_bytes("{}", four)},
      {"overlap", "tensor \"u\"", two("[0,4]", "[2,6]", "abcdef")},
      {"same bytes twice", "tensor \"u\"", two("[0,4]", "[0,4]", four)},
      {"gap in the middle", "tensor \"u\"", two("[0,4]", "[8,12]", eight + four)},
  };
}

TEST(safetensors, refuses_hostile_files) {
  for (const hostile& file : hostile_files()) {
    SCOPED_TRACE(file.what);
    expect_error(error_kind::bad_model, {"hostile.safetensors", file.message},
                 [&] { safetensors reader(memory_file("hostile.safetensors", file.content)); });
  }
}

TEST(safetensors, refuses_every_truncation) {
  const std::string content = safetensors_bytes(entry("F32", "[2]", "[0,8]"), bytes_of<float>({1, 2}));
  for (std::size_t size = 0; size < content.size(); ++size) {
    const std::string cut = content.substr(0, size);
    expect_error(error_kind::bad_model, {"cut"}, [&] { safetensors reader(memory_file("cut", cut)); });
  }
}

TEST(safetensors, survives_every_flipped_byte) {
  const std::string content = safetensors_bytes(entry("F16", "[2,3]", "[0,12]"), std::string(12, 'x'));
  for (std::size_t position = 0; position < content.size(); ++position) {
    for (const int bit : {1, 2, 16, 128}) {
      std::string changed = content;
      changed[position] = static_cast<char>(changed[position] ^ bit);
      try {
        const safetensors file(memory_file("changed", changed));
        for (const auto& [name, info] : file.tensors()) {
          EXPECT_LE(info.end, changed.size());
        }
      } catch (const offramp::error& problem) {
        EXPECT_EQ(problem.kind(), error_kind::bad_model);
      }
    }
  }
}

TEST(dtype, converts_every_half_precision_number) {
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const float value = offramp::nn::from_float16(static_cast<std::uint16_t>(bits));
    const std::uint32_t exponent = (bits >> 10) & 31U;
    const double fraction = bits & 1023U;
    const double sign = (bits & 0x8000U) != 0 ? -1 : 1;
    if (exponent == 31) {
      EXPECT_EQ(std::isnan(value), fraction != 0);
      EXPECT_EQ(std::isinf(value), fraction == 0);
    } else {
      const double expected = exponent == 0 ? fraction * std::ldexp(1.0, -24)
                                            : (1024 + fraction) * std::ldexp(1.0, static_cast<int>(exponent) - 25);
      EXPECT_EQ(static_cast<double>(value), sign * expected);
    }
    EXPECT_EQ(std::signbit(value), sign < 0);
  }
}

TEST(dtype, describes_every_type_at_its_place) {
  for (const auto& description : offramp::model::dtype_descriptions) {
    EXPECT_EQ(describe(description.type).name, description.name);
    EXPECT_EQ(offramp::model::parse_dtype(description.name), description.type);
  }
  EXPECT_FALSE(offramp::model::parse_dtype("F31"));
}

}  // namespace safetensors_test
