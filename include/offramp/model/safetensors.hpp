// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/model/dtype.hpp>
#include <offramp/model/files.hpp>
#include <offramp/model/json.hpp>
#include <offramp/nn/rounding.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian and read as they are");

using tensor_shape = std::vector<std::size_t>;

/// "[2, 128]", for messages.
[[nodiscard]] inline std::string to_string(const tensor_shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

struct tensor_info {
  dtype type = dtype::f32;
  tensor_shape shape;            ///< empty for a scalar
  std::size_t num_elements = 0;  ///< product of the shape
  std::uint64_t begin = 0;       ///< first byte, counted from the start of the file
  std::uint64_t end = 0;         ///< one past the last byte
};

/// An open safetensors file whose header has been checked as a whole: the header lies within the file, every shape's
/// product was formed without overflow and fits the tensor's bytes, and the tensors cover the file exactly, without gap
/// or overlap. Const members are safe from several threads.
class safetensors {
 public:
  /// Throws `bad_model` when the header breaks a rule, `io` when the file cannot be read.
  explicit safetensors(file source) : source_(std::move(source)) { read_header(); }

  [[nodiscard]] const file& source() const noexcept { return source_; }

  /// Null when there is no such tensor.
  [[nodiscard]] const tensor_info* find(std::string_view name) const {
    const auto found = tensors_.find(name);
    return found == tensors_.end() ? nullptr : &found->second;
  }

  /// All tensors in order of their names.
  [[nodiscard]] const std::map<std::string, tensor_info, std::less<>>& tensors() const noexcept { return tensors_; }

  /// What `__metadata__` holds; for a tensor that stands in the file under another name only, that name.
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept { return metadata_; }

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [name, info] : tensors_) {
      all.push_back(name);
    }
    return all;
  }

  /// The values of the elements from `first` on, of an f64, f32, f16, bf16 or i8 tensor of this file (other types throw
  /// `unsupported`). Needs no memory that grows with the tensor.
  void read(const tensor_info& info, std::size_t first, std::span<float> target) const {
    switch (info.type) {
      case dtype::f32:
        return read_elements(info, first, target);
      case dtype::f16:
        return read_converted<std::uint16_t>(info, first, target, nn::from_float16);
      case dtype::bf16:
        return read_converted<std::uint16_t>(info, first, target, nn::from_bfloat16);
      case dtype::f64:
        return read_converted<double>(info, first, target, [](double v) { return static_cast<float>(v); });
      case dtype::i8:
        return read_converted<std::int8_t>(info, first, target, [](std::int8_t v) { return static_cast<float>(v); });
      default:
        throw error(error_kind::unsupported, source_.name() + ": a tensor of type " +
                                                 std::string(describe(info.type).name) +
                                                 " was asked for, expected F64, F32, F16, BF16 or I8");
    }
  }

  /// The elements of an i8 tensor from `first` on, as they are.
  void read(const tensor_info& info, std::size_t first, std::span<std::int8_t> target) const {
    if (info.type != dtype::i8) {
      throw error(error_kind::unsupported, source_.name() + ": a tensor of type " +
                                               std::string(describe(info.type).name) + " was asked for, expected I8");
    }
    read_elements(info, first, target);
  }

  /// The bits of the elements of an f16 or bf16 tensor from `first` on.
  void read(const tensor_info& info, std::size_t first, std::span<std::uint16_t> target) const {
    if (info.type != dtype::f16 && info.type != dtype::bf16) {
      throw error(error_kind::unsupported, source_.name() + ": a tensor of type " +
                                               std::string(describe(info.type).name) +
                                               " was asked for, expected F16 or BF16");
    }
    read_elements(info, first, target);
  }

  /// The elements of a u64 tensor from `first` on.
  void read(const tensor_info& info, std::size_t first, std::span<std::uint64_t> target) const {
    if (info.type != dtype::u64) {
      throw error(error_kind::unsupported, source_.name() + ": a tensor of type " +
                                               std::string(describe(info.type).name) + " was asked for, expected U64");
    }
    read_elements(info, first, target);
  }

 private:
  static constexpr std::uint64_t header_limit = 100'000'000;
  static constexpr std::size_t max_dimensions = 8;

  template <typename T>
  void read_elements(const tensor_info& info, std::size_t first, std::span<T> target) const {
    if (first > info.num_elements || target.size() > info.num_elements - first) {
      throw error(error_kind::invalid_argument, source_.name() + ": elements " + std::to_string(first) + " to " +
                                                    std::to_string(first + target.size()) + " of a tensor with " +
                                                    std::to_string(info.num_elements) + " were asked for");
    }
    if (target.empty()) {
      return;
    }
    source_.read(info.begin + std::uint64_t{first} * sizeof(T), std::as_writable_bytes(target));
  }

  template <typename T, typename Convert>
  void read_converted(const tensor_info& info, std::size_t first, std::span<float> target, Convert convert) const {
    std::array<T, 8192> buffer;  // NOLINT: filled by read_elements before it is used
    while (!target.empty()) {
      const auto piece = std::span(buffer).first(std::min(buffer.size(), target.size()));
      read_elements(info, first, piece);
      std::transform(piece.begin(), piece.end(), target.begin(), convert);
      target = target.subspan(piece.size());
      first += piece.size();
    }
  }

  [[noreturn]] void refuse(const std::string& what) const {
    throw error(error_kind::bad_model, source_.name() + ": " + what);
  }

  [[noreturn]] void refuse(const std::string& tensor, const std::string& what) const {
    refuse("tensor \"" + tensor + "\": " + what);
  }

  void read_header() {
    source_.refuse_placeholder();
    std::array<unsigned char, 8> prefix{};
    if (source_.size() < prefix.size()) {
      refuse("has " + std::to_string(source_.size()) + " bytes, expected at least 8 for the header's length");
    }
    source_.read(0, std::as_writable_bytes(std::span(prefix)));
    const auto length = std::bit_cast<std::uint64_t>(prefix);
    if (length > header_limit || length > source_.size() - prefix.size()) {
      refuse("its header claims " + std::to_string(length) + " bytes, expected at most " +
             std::to_string(std::min(header_limit, source_.size() - prefix.size())));
    }
    std::string text(static_cast<std::size_t>(length), '\0');
    source_.read(prefix.size(), std::as_writable_bytes(std::span(text)));
    const json_document document = parse_json(text, source_.name() + ": header");
    const nlohmann::json& header = document.root();
    if (!header.is_object()) {
      refuse(std::string("its header is of JSON type ") + header.type_name() + ", expected an object");
    }
    const std::uint64_t data = prefix.size() + length;
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") {
        read_metadata(entry);
      } else {
        tensors_.emplace(name, parse_entry(name, entry, data));
      }
    }
    check_coverage(data);
  }

  void read_metadata(const nlohmann::json& metadata) {
    if (!metadata.is_object() || !std::ranges::all_of(metadata, [](const auto& v) { return v.is_string(); })) {
      refuse("its __metadata__ is not an object of strings");
    }
    metadata_ = metadata.get<std::map<std::string, std::string>>();
  }

  [[nodiscard]] tensor_info parse_entry(const std::string& name, const nlohmann::json& entry,
                                        std::uint64_t data) const {
    if (!entry.is_object() || entry.size() != 3 || !entry.contains("dtype") || !entry.contains("shape") ||
        !entry.contains("data_offsets")) {
      refuse(name, "its entry is not an object of exactly dtype, shape and data_offsets");
    }
    tensor_info info;
    info.type = parse_type(name, entry.at("dtype"));
    info.shape = parse_shape(name, entry.at("shape"));
    const nlohmann::json& offsets = entry.at("data_offsets");
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned()) {
      refuse(name, "its data_offsets are not two non-negative integers");
    }
    const auto begin = offsets[0].get<std::uint64_t>();
    const auto end = offsets[1].get<std::uint64_t>();
    if (begin > end || end > source_.size() - data) {
      refuse(name, "its data_offsets are [" + std::to_string(begin) + ", " + std::to_string(end) +
                       "], expected an ascending pair of at most " + std::to_string(source_.size() - data));
    }
    info.num_elements = count_elements(name, info, end - begin);
    info.begin = data + begin;
    info.end = data + end;
    return info;
  }

  [[nodiscard]] dtype parse_type(const std::string& name, const nlohmann::json& value) const {
    if (!value.is_string()) {
      refuse(name, "its dtype is not a string");
    }
    const std::optional<dtype> type = parse_dtype(value.get_ref<const std::string&>());
    if (!type) {
      refuse(name, "has the unknown dtype \"" + value.get<std::string>() + "\"");
    }
    return *type;
  }

  [[nodiscard]] tensor_shape parse_shape(const std::string& name, const nlohmann::json& value) const {
    if (!value.is_array() || value.size() > max_dimensions) {
      refuse(name, "its shape is not an array of at most " + std::to_string(max_dimensions) + " dimensions");
    }
    tensor_shape shape;
    for (const nlohmann::json& extent : value) {
      if (!extent.is_number_unsigned()) {
        refuse(name, "its shape holds something else than non-negative integers");
      }
      shape.push_back(extent.get<std::size_t>());
    }
    return shape;
  }

  /// The product of the shape. Every partial product is checked, so a later zero does not hide one that wrapped.
  [[nodiscard]] std::size_t count_elements(const std::string& name, const tensor_info& info,
                                           std::uint64_t bytes) const {
    std::size_t count = 1;
    const std::size_t element = describe(info.type).size;
    for (const std::size_t extent : info.shape) {
      if (extent != 0 && count > SIZE_MAX / element / extent) {
        refuse(name, "the product of its shape " + to_string(info.shape) + " does not fit 64 bits");
      }
      count *= extent;
    }
    if (count * element != bytes) {
      refuse(name, "shape " + to_string(info.shape) + " of type " + std::string(describe(info.type).name) + " needs " +
                       std::to_string(count * element) + " bytes, its data_offsets hold " + std::to_string(bytes));
    }
    return count;
  }

  /// The tensors, in order of their bytes, start at `data`, follow each other directly and end with the file.
  void check_coverage(std::uint64_t data) const {
    std::vector<const std::pair<const std::string, tensor_info>*> order;
    for (const auto& tensor : tensors_) {
      order.push_back(&tensor);
    }
    std::ranges::sort(order, {}, [](const auto* t) { return std::pair(t->second.begin, t->second.end); });
    std::uint64_t expected = data;
    for (const auto* tensor : order) {
      if (tensor->second.begin != expected) {
        refuse(tensor->first, "its data begin at offset " + std::to_string(tensor->second.begin - data) +
                                  ", expected " + std::to_string(expected - data) + " (no gaps, no overlaps)");
      }
      expected = tensor->second.end;
    }
    if (expected != source_.size()) {
      refuse("its tensors end at byte " + std::to_string(expected) + ", expected the end of the file, " +
             std::to_string(source_.size()));
    }
  }

  file source_;
  std::map<std::string, tensor_info, std::less<>> tensors_;
  std::map<std::string, std::string> metadata_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
