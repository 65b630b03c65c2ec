// SPDX-License-Identifier: Apache-2.0
#include <offramp/model/safetensors_writer.hpp>

#include "model/model_files.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace safetensors_writer_test {

using namespace offramp::model;

const std::vector<named_tensor> tensors{{"exits.0.classifier.weight", {2, 3}, {1, -2, 3, 4.5F, 5e-40F, -0.0F}},
                                        {"exits.0.classifier.bias", {2}, {0.1F, 0.2F}},
                                        {"scalar", {}, {7}},
                                        {"none", {0, 4}, {}}};

TEST(SafetensorsWriter, ReaderGetsBackWhatWasWritten) {
  const std::string bytes = write_safetensors(tensors);
  const safetensors file(offramp_tests::memory_file("a.safetensors", bytes));
  EXPECT_EQ(file.tensors().size(), tensors.size());
  for (const named_tensor& expected : tensors) {
    const tensor_info* found = file.find(expected.name);
    ASSERT_NE(found, nullptr) << expected.name;
    EXPECT_EQ(found->type, dtype::f32);
    EXPECT_EQ(found->shape, expected.shape);
    std::vector<float> values(expected.values.size());
    file.read(*found, 0, values);
    EXPECT_EQ(offramp_tests::bytes_of(values), offramp_tests::bytes_of(expected.values)) << expected.name;
    EXPECT_EQ(found->begin % sizeof(float), 0U);
  }
}

TEST(SafetensorsWriter, KeepsTheOrderAndTheBytes) {
  const std::string bytes = write_safetensors(tensors);
  EXPECT_EQ(bytes, write_safetensors(tensors));
  EXPECT_LT(bytes.find("classifier.weight"), bytes.find("classifier.bias"));
  EXPECT_EQ(static_cast<unsigned char>(bytes[0]) % 8, 0);
}

TEST(SafetensorsWriter, WritesNoTensorsAtAll) {
  EXPECT_TRUE(safetensors(offramp_tests::memory_file("a", write_safetensors({}))).tensors().empty());
}

TEST(SafetensorsWriter, RefusesWhatNoReaderWouldTake) {
  const auto refuses = [](const std::vector<named_tensor>& given, const std::string& what) {
    offramp_tests::expect_error(offramp::error_kind::invalid_argument, {what},
                                [&] { static_cast<void>(write_safetensors(given)); });
  };
  refuses({{"a", {2, 2}, {1, 2, 3}}}, "3 values, expected 4 for the shape [2, 2]");
  refuses({{"a", {}, {}}}, "0 values, expected 1");
  refuses({{"a", {1}, {1}}, {"a", {1}, {2}}}, "\"a\" stands twice");
  refuses({{"a", {2}, {1, std::numeric_limits<float>::quiet_NaN()}}}, "element 1 is nan");
  refuses({{"a", {1}, {std::numeric_limits<float>::infinity()}}}, "element 0 is inf");
  refuses({{"\xff", {1}, {1}}}, "cannot be written");
}

}  // namespace safetensors_writer_test
