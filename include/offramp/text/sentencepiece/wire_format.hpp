// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/version.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// How a field of a protocol buffer is written: as a number of any length, of eight or of four bytes, or as a length
/// and as many bytes. Groups, the two other kinds, are not read.
enum class wire_type : unsigned { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

/// One field of a message, at its place in the file.
struct wire_field {
  std::uint64_t number;
  wire_type type;
  std::uint64_t value;     ///< of a number
  std::string_view bytes;  ///< of a `bytes` field
  std::string place;       ///< "spiece.model: byte 17", for error messages

  [[noreturn]] void refuse(const std::string& problem) const {
    throw error(error_kind::bad_model, place + ": field " + std::to_string(number) + " " + problem);
  }

  /// Each of them throws `bad_model` when the field is of another type or range.
  [[nodiscard]] std::string_view as_bytes() const {
    expect(wire_type::bytes, "bytes");
    return bytes;
  }
  [[nodiscard]] float as_float() const {
    expect(wire_type::fixed32, "a float32");
    return std::bit_cast<float>(static_cast<std::uint32_t>(value));
  }
  [[nodiscard]] bool as_boolean() const { return as_number(1) == 1; }
  [[nodiscard]] std::uint64_t as_number(std::uint64_t highest) const {
    expect(wire_type::varint, "a number");
    if (value > highest) {
      refuse("is " + std::to_string(value) + ", expected 0 to " + std::to_string(highest));
    }
    return value;
  }

 private:
  void expect(wire_type expected, const std::string& name) const {
    if (type != expected) {
      refuse("is no " + name);
    }
  }
};

/// Reads the fields of one message, one after another.
class wire_reader {
 public:
  /// `offset`: of the message in the file `name`.
  wire_reader(std::string_view message, std::string name, std::size_t offset)
      : message_(message), name_(std::move(name)), offset_(offset) {}

  [[nodiscard]] bool done() const noexcept { return position_ == message_.size(); }

  /// Throws `bad_model` where the bytes are no field.
  [[nodiscard]] wire_field next() {
    const std::size_t start = position_;
    const std::uint64_t key = read_varint();
    wire_field field{key >> 3, static_cast<wire_type>(key & 7), 0, {}, describe(start)};
    if (field.number == 0 || field.number >= 1U << 29) {
      field.refuse("is out of range");
    }
    if (field.type == wire_type::varint) {
      field.value = read_varint();
    } else if (field.type == wire_type::fixed64) {
      field.value = read_fixed(8);
    } else if (field.type == wire_type::fixed32) {
      field.value = read_fixed(4);
    } else if (field.type == wire_type::bytes) {
      field.bytes = take(read_varint());
    } else {
      field.refuse("has the wire type " + std::to_string(key & 7) + ", expected 0, 1, 2 or 5");
    }
    return field;
  }

  /// The reader of a message within this one.
  [[nodiscard]] wire_reader nested(const wire_field& field) const {
    const std::string_view bytes = field.as_bytes();
    return {bytes, name_, offset_ + static_cast<std::size_t>(bytes.data() - message_.data())};
  }

 private:
  [[nodiscard]] std::string describe(std::size_t position) const {
    return name_ + ": byte " + std::to_string(offset_ + position);
  }

  [[nodiscard]] std::string_view take(std::uint64_t length) {
    if (length > message_.size() - position_) {
      throw error(error_kind::bad_model, describe(position_) + ": " + std::to_string(length) +
                                             " bytes are announced, the message has " +
                                             std::to_string(message_.size() - position_));
    }
    const std::string_view bytes = message_.substr(position_, static_cast<std::size_t>(length));
    position_ += bytes.size();
    return bytes;
  }

  [[nodiscard]] std::uint64_t read_fixed(std::size_t size) {
    const std::string_view bytes = take(size);
    std::uint64_t number = 0;
    for (std::size_t index = 0; index < size; ++index) {
      number |= std::uint64_t{static_cast<unsigned char>(bytes[index])} << 8 * index;
    }
    return number;
  }

  [[nodiscard]] std::uint64_t read_varint() {
    const std::size_t start = position_;
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).front());
      if (shift == 63 && byte > 1) {
        break;
      }
      number |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) {
        return number;
      }
    }
    throw error(error_kind::bad_model, describe(start) + ": a number of more than 64 bits");
  }

  std::string_view message_;
  std::string name_;
  std::size_t offset_;
  std::size_t position_ = 0;
};

/// Refuses the second of some fields of a message: readers differ about which one counts.
class single_fields {
 public:
  /// `numbers` below 64.
  single_fields(std::initializer_list<std::uint64_t> numbers) {
    for (const std::uint64_t number : numbers) {
      awaited_ |= std::uint64_t{1} << number;
    }
  }

  void check(const wire_field& field) {
    const std::uint64_t bit = field.number < 64 ? std::uint64_t{1} << field.number : 0;
    if ((seen_ & bit) != 0) {
      field.refuse("stands twice");
    }
    seen_ |= bit & awaited_;
  }

 private:
  std::uint64_t awaited_ = 0;
  std::uint64_t seen_ = 0;
};

/// Writes the fields of one message.
class wire_writer {
 public:
  void number(std::uint64_t field, std::uint64_t value) {
    varint(field << 3 | static_cast<unsigned>(wire_type::varint));
    varint(value);
  }
  void real(std::uint64_t field, float value) {
    varint(field << 3 | static_cast<unsigned>(wire_type::fixed32));
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) {
      message_ += static_cast<char>(bits >> shift & 0xFFU);
    }
  }
  void bytes(std::uint64_t field, std::string_view value) {
    varint(field << 3 | static_cast<unsigned>(wire_type::bytes));
    varint(value.size());
    message_ += value;
  }

  [[nodiscard]] const std::string& message() const noexcept { return message_; }

 private:
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
      message_ += static_cast<char>(0x80U | (value & 0x7FU));
    }
    message_ += static_cast<char>(value);
  }

  std::string message_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
