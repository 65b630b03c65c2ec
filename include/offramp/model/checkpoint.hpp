// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/number.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/model/safetensors.hpp>
#include <offramp/nn/embedding_table.hpp>
#include <offramp/nn/rounding.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// The weights of one model by name, whatever file, type and wrapper they are stored in. A name that a file's metadata
/// calls another one's alias reads as that. A matrix `<name>` of type I8 [rows,
/// columns] goes with `<name>.scale` F32 [rows]: value = int8 * scale of the row. Every value handed out is finite.
/// All reads throw `bad_model` on a missing tensor, another shape than expected, or a value that is not finite, and
/// name the file and the tensor. Const members are safe from several threads.
class checkpoint {
 public:
  /// Throws `bad_model` when two parts hold a tensor of the same name.
  explicit checkpoint(std::vector<safetensors> parts) : parts_(std::move(parts)) {
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      for (const auto& [name, info] : parts_[i].tensors()) {
        if (const auto [found, added] = entries_.try_emplace(without_wrappers(name), entry{i, name}); !added) {
          refuse(i, name, "stands in " + parts_[found->second.part].source().name() + " too");
        }
      }
    }
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      for (const auto& [alias, name] : parts_[i].metadata()) {
        if (parts_[i].find(name) != nullptr) {
          entries_.try_emplace(without_wrappers(alias), entry{i, name});
        }
      }
    }
  }

  [[nodiscard]] bool contains(std::string_view name) const { return entries_.contains(name); }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [name, at] : entries_) {
      all.push_back(name);
    }
    return all;
  }

  /// Throws `bad_model`. `advice`: more to say, may be empty.
  [[noreturn]] void refuse_missing(std::string_view name, const std::string& advice) const {
    std::string files = "no safetensors file";
    if (!parts_.empty()) {
      files = parts_.front().source().name() + (parts_.size() > 1 ? " and its other parts" : "");
    }
    throw error(error_kind::bad_model,
                files + ": tensor \"" + std::string(name) + "\" is missing" + (advice.empty() ? "" : "; " + advice));
  }

  [[nodiscard]] const tensor_shape& shape(std::string_view name) const { return locate(name).info.shape; }

  /// Throws `bad_model` for another shape, without reading values.
  void check_shape(std::string_view name, const tensor_shape& expected) const { (void)locate(name, expected); }

  /// Whether the tensor is stored as I8 with one scale per row.
  [[nodiscard]] bool is_quantized(std::string_view name) const { return locate(name).info.type == dtype::i8; }

  /// All values of a tensor of exactly this shape, row-major.
  [[nodiscard]] std::vector<float> read(std::string_view name, const tensor_shape& expected) const {
    return read_floats<std::vector<float>>(name, expected);
  }

  /// Calls `visit(row, std::span<const float>)` for every row of the matrix [rows, columns], in order. Holds about
  /// 256 KiB (or one row, if that is more) at a time. The span is valid during the call only.
  template <typename Visit>
  void read_rows(std::string_view name, std::size_t rows, std::size_t columns, const Visit& visit) const {
    const location at = locate(name, {rows, columns});
    if (at.info.type == dtype::i8) {
      std::vector<float> values(columns);
      read_quantized_rows(name, rows, columns, [&](std::size_t row, std::span<const std::int8_t> stored, float scale) {
        std::ranges::transform(stored, values.begin(), [&](std::int8_t v) { return static_cast<float>(v) * scale; });
        visit(row, std::span<const float>(values));
      });
      return;
    }
    for_each_row<float>(at, rows, columns, [&](std::size_t row, std::span<float> values) {
      check_finite(at.part, name, values, row * columns);
      visit(row, std::span<const float>(values));
    });
  }

  /// As read_rows for a matrix that is_quantized, but calls `visit(row, std::span<const std::int8_t>, float scale)`:
  /// the stored bytes, all within +-127, and the factor that turns them into weights.
  template <typename Visit>
  void read_quantized_rows(std::string_view name, std::size_t rows, std::size_t columns, const Visit& visit) const {
    const location at = locate(name, {rows, columns});
    const std::vector<float> scale = read_scale(name, rows);
    for_each_row<std::int8_t>(at, rows, columns, [&](std::size_t row, std::span<std::int8_t> values) {
      if (std::ranges::find(values, std::int8_t{-128}) != values.end()) {
        refuse(at.part, name, "row " + std::to_string(row) + " holds -128, expected values from -127 to 127");
      }
      visit(row, std::span<const std::int8_t>(values), scale[row]);
    });
  }

  /// A matrix [rows, columns] in the type that it is stored in, F64 as float32.
  [[nodiscard]] nn::embedding_table read_table(std::string_view name, std::size_t rows, std::size_t columns) const {
    const location at = locate(name, {rows, columns});
    if (at.info.type == dtype::i8) {
      nn::embedding_table::int8_rows stored;
      stored.values.reserve(at.info.num_elements);
      stored.scales.reserve(rows);
      read_quantized_rows(name, rows, columns, [&](std::size_t, std::span<const std::int8_t> values, float scale) {
        stored.values.insert(stored.values.end(), values.begin(), values.end());
        stored.scales.push_back(scale);
      });
      return {std::move(stored), columns};
    }
    if (at.info.type != dtype::f16 && at.info.type != dtype::bf16) {
      return {nn::embedding_table::float32_rows{read_floats<nn::weight_vector<float>>(name, {rows, columns})}, columns};
    }
    nn::weight_vector<std::uint16_t> bits(at.info.num_elements);
    parts_[at.part].read(at.info, 0, std::span(bits));
    nn::embedding_table table;
    if (at.info.type == dtype::f16) {
      table = {nn::embedding_table::float16_rows{std::move(bits)}, columns};
    } else {
      table = {nn::embedding_table::bfloat16_rows{std::move(bits)}, columns};
    }
    std::vector<float> values(columns);
    for (std::size_t row = 0; row < rows; ++row) {
      table.copy_row(row, values.data());
      check_finite(at.part, name, values, row * columns);
    }
    return table;
  }

 private:
  struct location {
    std::size_t part;
    const tensor_info& info;
  };

  /// Where a tensor stands, and under which name.
  struct entry {
    std::size_t part;
    std::string stored_name;
  };

  /// The name without the modules that torch.compile (`_orig_mod`) and DataParallel (`module`) wrap around others.
  [[nodiscard]] static std::string without_wrappers(const std::string& name) {
    std::string result;
    for (std::size_t start = 0; start < name.size();) {
      const std::size_t end = std::min(name.find('.', start), name.size() - 1) + 1;
      const std::string_view module = std::string_view(name).substr(start, end - start);
      if (module != "_orig_mod." && module != "module.") {
        result += module;
      }
      start = end;
    }
    return result;
  }

  [[noreturn]] void refuse(std::size_t part, std::string_view name, const std::string& what) const {
    throw error(error_kind::bad_model,
                parts_[part].source().name() + ": tensor \"" + std::string(name) + "\": " + what);
  }

  [[nodiscard]] location locate(std::string_view name) const {
    const auto found = entries_.find(name);
    if (found == entries_.end()) {
      refuse_missing(name, "");
    }
    return {found->second.part, *parts_[found->second.part].find(found->second.stored_name)};
  }

  [[nodiscard]] location locate(std::string_view name, const tensor_shape& expected) const {
    const location at = locate(name);
    if (at.info.shape != expected) {
      refuse(at.part, name, "has the shape " + to_string(at.info.shape) + ", expected " + to_string(expected));
    }
    const dtype type = at.info.type;
    if (type != dtype::f64 && type != dtype::f32 && type != dtype::f16 && type != dtype::bf16 && type != dtype::i8) {
      refuse(at.part, name,
             "has the type " + std::string(describe(type).name) + ", expected F64, F32, F16, BF16 or I8");
    }
    if (type == dtype::i8 && expected.size() != 2) {
      refuse(at.part, name, "is I8 of shape " + to_string(expected) + ", expected I8 for matrices only");
    }
    return at;
  }

  /// `<name>.scale`, [rows].
  [[nodiscard]] std::vector<float> read_scale(std::string_view name, std::size_t rows) const {
    const std::string scale_name = std::string(name) + ".scale";
    const location at = locate(scale_name, {rows});
    if (at.info.type != dtype::f32) {
      refuse(at.part, scale_name, "has the type " + std::string(describe(at.info.type).name) + ", expected F32");
    }
    std::vector<float> scale = read(scale_name, {rows});
    for (std::size_t row = 0; row < rows; ++row) {
      if (!(scale[row] >= 0.0F) || !std::isfinite(scale[row] * 127.0F)) {
        refuse(at.part, scale_name,
               "element " + std::to_string(row) + " is " + offramp::detail::number_text(scale[row]) +
                   ", expected a factor from 0 on that leaves 127 times itself finite");
      }
    }
    return scale;
  }

  template <class Vector>
  [[nodiscard]] Vector read_floats(std::string_view name, const tensor_shape& expected) const {
    const location at = locate(name, expected);
    Vector values(at.info.num_elements);
    if (at.info.type == dtype::i8) {
      auto place = values.begin();
      read_quantized_rows(name, expected[0], expected[1], [&](std::size_t, auto row, float scale) {
        for (const std::int8_t value : row) {
          *place++ = static_cast<float>(value) * scale;
        }
      });
    } else {
      parts_[at.part].read(at.info, 0, std::span<float>(values));
      check_finite(at.part, name, values, 0);
    }
    return values;
  }

  template <typename T, typename Visit>
  void for_each_row(const location& at, std::size_t rows, std::size_t columns, const Visit& visit) const {
    constexpr std::size_t buffer_bytes = std::size_t{1} << 18;
    const std::size_t rows_at_once = std::clamp<std::size_t>(
        buffer_bytes / sizeof(T) / std::max<std::size_t>(columns, 1), 1, std::max<std::size_t>(rows, 1));
    std::vector<T> buffer(rows_at_once * columns);
    for (std::size_t first = 0; first < rows; first += rows_at_once) {
      const std::size_t count = std::min(rows_at_once, rows - first);
      const auto piece = std::span(buffer).first(count * columns);
      parts_[at.part].read(at.info, first * columns, piece);
      for (std::size_t row = 0; row < count; ++row) {
        visit(first + row, piece.subspan(row * columns, columns));
      }
    }
  }

  void check_finite(std::size_t part, std::string_view name, std::span<const float> values, std::size_t first) const {
    if (!std::isfinite(nn::largest_magnitude(values))) {
      const auto found = std::ranges::find_if_not(values, [](float value) { return std::isfinite(value); });
      refuse(part, name,
             "element " + std::to_string(first + static_cast<std::size_t>(found - values.begin())) + " is " +
                 offramp::detail::number_text(*found) + ", expected finite values");
    }
  }

  std::vector<safetensors> parts_;
  std::map<std::string, entry, std::less<>> entries_;
};

namespace detail {

/// The shard files that an index names, each once. `place` is its "weight_map".
[[nodiscard]] inline std::map<std::string, std::vector<std::string>> tensors_by_shard(const json_place& weight_map) {
  constexpr std::size_t max_shards = 256;  // every one stays open
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto& [tensor, value] : json_object(weight_map).place().value().items()) {
    const json_place place = weight_map.member(tensor);
    const std::string& shard = place.text();
    const bool plain = shard.find_first_of(std::string_view("/\\:\0", 4)) == std::string::npos &&
                       !shard.starts_with('.') && shard.ends_with(".safetensors");
    if (!plain) {
      place.refuse("the plain name of a .safetensors file in the same directory");
    }
    shards[shard].push_back(tensor);
  }
  if (shards.empty() || shards.size() > max_shards) {
    throw error(error_kind::bad_model, weight_map.describe() + " names " + std::to_string(shards.size()) +
                                           " files, expected 1 to " + std::to_string(max_shards));
  }
  return shards;
}

}  // namespace detail

/// Opens `model.safetensors`, or the files that `model.safetensors.index.json` names (plain names inside the model
/// only). Throws `io` when neither exists or a shard is missing, `bad_model` when a file breaks the format or a tensor
/// is not in the shard that the index names.
[[nodiscard]] inline checkpoint open_checkpoint(const file_set& files) {
  constexpr std::uint64_t index_limit = 100'000'000;
  std::vector<safetensors> parts;
  if (std::optional<file> single = files.find("model.safetensors")) {
    parts.emplace_back(*std::move(single));
    return checkpoint(std::move(parts));
  }
  const std::optional<file> index = files.find("model.safetensors.index.json");
  if (!index) {
    throw error(error_kind::io,
                files.describe("model.safetensors") + ": no such file, and no model.safetensors.index.json");
  }
  const json_document document = parse_json(index->read_all(index_limit), index->name());
  json_object object{json_place(document, index->name())};
  for (const auto& [shard, tensors] : detail::tensors_by_shard(object.require("weight_map"))) {
    parts.emplace_back(files.open(shard));
    for (const std::string& tensor : tensors) {
      if (parts.back().find(tensor) == nullptr) {
        throw error(error_kind::bad_model, parts.back().source().name() + ": tensor \"" + tensor +
                                               "\" is missing, expected by " + index->name());
      }
    }
  }
  return checkpoint(std::move(parts));
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
