// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/number.hpp>
#include <offramp/error.hpp>
#include <offramp/model/json_writer.hpp>
#include <offramp/model/safetensors.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// One tensor to be written: F32, I8 whose rows' scales stand in a tensor of their own, or U64.
struct named_tensor {
  std::string name;
  tensor_shape shape;
  std::vector<float> values;                 ///< row-major, the product of the shape
  std::vector<std::int8_t> bytes = {};       ///< instead of `values`, -127 to 127
  std::vector<std::uint64_t> integers = {};  ///< instead of both
};

namespace detail {

template <class Value>
[[nodiscard]] std::string bytes_of(const std::vector<Value>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline void check_writable(const named_tensor& tensor) {
  const auto refuse = [&](const std::string& what) {
    throw error(error_kind::invalid_argument, "tensor \"" + tensor.name + "\": " + what);
  };
  const std::size_t size =
      std::accumulate(tensor.shape.begin(), tensor.shape.end(), std::size_t{1}, std::multiplies<>());
  const std::size_t found = tensor.values.size() + tensor.bytes.size() + tensor.integers.size();
  if (size != found || std::max({tensor.values.size(), tensor.bytes.size(), tensor.integers.size()}) != found) {
    refuse(std::to_string(found) + " values, expected " + std::to_string(size) + " for the shape " +
           to_string(tensor.shape));
  }
  for (std::size_t i = 0; i < tensor.values.size(); ++i) {
    if (!std::isfinite(tensor.values[i])) {
      refuse("element " + std::to_string(i) + " is " + offramp::detail::number_text(tensor.values[i]) +
             ", expected finite values");
    }
  }
}

[[nodiscard]] inline std::string header_entry(const named_tensor& tensor, std::size_t begin, std::size_t end) {
  std::string extents;
  for (const std::size_t extent : tensor.shape) {
    extents += (extents.empty() ? "" : ",") + std::to_string(extent);
  }
  const std::string type = !tensor.bytes.empty() ? "I8" : !tensor.integers.empty() ? "U64" : "F32";
  return R"({"dtype":")" + type + R"(","shape":[)" + extents + R"(],"data_offsets":[)" + std::to_string(begin) + "," +
         std::to_string(end) + "]}";
}

}  // namespace detail

/// The bytes of a safetensors file with these tensors, in this order. The same tensors give the same bytes. Throws
/// `invalid_argument` where values do not fill a shape or are not finite, a name stands twice or is not UTF-8.
[[nodiscard]] inline std::string write_safetensors(std::span<const named_tensor> tensors) {
  std::set<std::string_view> names;
  std::string header;
  std::string data;
  for (const named_tensor& tensor : tensors) {
    detail::check_writable(tensor);
    if (!names.insert(tensor.name).second) {
      throw error(error_kind::invalid_argument, "tensor \"" + tensor.name + "\" stands twice");
    }
    const std::size_t begin = data.size();
    data += detail::bytes_of(tensor.values) + detail::bytes_of(tensor.bytes) + detail::bytes_of(tensor.integers);
    header +=
        (header.empty() ? "" : ",") + quote_json(tensor.name) + ":" + detail::header_entry(tensor, begin, data.size());
  }
  std::string text = "{" + header + "}";
  // Spaces after the header, so that the data begin at a multiple of eight bytes.
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const auto length = std::bit_cast<std::array<char, 8>>(static_cast<std::uint64_t>(text.size()));
  return std::string(length.data(), length.size()) + text + data;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
