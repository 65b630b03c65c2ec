// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// Element types of a safetensors file. Only f64, f32, f16, bf16 and i8 can be read as weights; the others may stand in
/// a file next to them (buffers such as `position_ids`).
enum class dtype { boolean, u8, i8, f8_e5m2, f8_e4m3, f8_e8m0, i16, u16, f16, bf16, i32, u32, f32, c64, f64, i64, u64 };

struct dtype_description {
  dtype type;
  std::string_view name;  ///< as in the file
  std::size_t size;       ///< bytes of one element
};

inline constexpr std::array dtype_descriptions{
    dtype_description{dtype::boolean, "BOOL", 1},    dtype_description{dtype::u8, "U8", 1},
    dtype_description{dtype::i8, "I8", 1},           dtype_description{dtype::f8_e5m2, "F8_E5M2", 1},
    dtype_description{dtype::f8_e4m3, "F8_E4M3", 1}, dtype_description{dtype::f8_e8m0, "F8_E8M0", 1},
    dtype_description{dtype::i16, "I16", 2},         dtype_description{dtype::u16, "U16", 2},
    dtype_description{dtype::f16, "F16", 2},         dtype_description{dtype::bf16, "BF16", 2},
    dtype_description{dtype::i32, "I32", 4},         dtype_description{dtype::u32, "U32", 4},
    dtype_description{dtype::f32, "F32", 4},         dtype_description{dtype::c64, "C64", 8},
    dtype_description{dtype::f64, "F64", 8},         dtype_description{dtype::i64, "I64", 8},
    dtype_description{dtype::u64, "U64", 8}};

[[nodiscard]] constexpr const dtype_description& describe(dtype type) {
  return dtype_descriptions[static_cast<std::size_t>(type)];
}

[[nodiscard]] constexpr std::optional<dtype> parse_dtype(std::string_view name) {
  for (const dtype_description& candidate : dtype_descriptions) {
    if (candidate.name == name) {
      return candidate.type;
    }
  }
  return std::nullopt;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
