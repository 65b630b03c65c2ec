// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "python_texts.hpp"

#include <offramp/text/unicode/utf8.hpp>

#include <nanobind/ndarray.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace offramp_python {

/// The texts of a NumPy array of strings as UTF-8, all in one piece of memory. NumPy has each as code points, with
/// zeros behind the last up to a common width.
class ucs4_texts {
 public:
  using rows = nb::ndarray<const std::uint32_t, nb::ndim<2>, nb::c_contig>;

  /// Throws UnicodeError for what is no character.
  explicit ucs4_texts(const rows& all) {
    const std::size_t width = all.shape(1);
    constexpr std::size_t most_bytes_of_a_character = 4;
    std::vector<std::size_t> ends;
    ends.reserve(all.shape(0));
    std::size_t end = 0;
    for (std::size_t i = 0; i < all.shape(0); ++i) {
      const auto text = without_zeros_behind({all.data() + i * width, width});
      const std::size_t most = end + most_bytes_of_a_character * text.size();
      if (most > bytes_.size()) {
        bytes_.resize(2 * most);
      }
      end = static_cast<std::size_t>(write(text, bytes_.data() + end) - bytes_.data());
      ends.push_back(end);
    }
    views_.reserve(ends.size());
    std::size_t begin = 0;
    for (const std::size_t text_end : ends) {
      views_.emplace_back(bytes_.data() + begin, text_end - begin);
      begin = text_end;
    }
  }

  [[nodiscard]] std::span<const std::string_view> views() const noexcept { return views_; }

 private:
  static constexpr std::size_t block = 16;  // of characters that are looked at together

  [[nodiscard]] static std::uint32_t bits_of(const std::uint32_t* characters) noexcept {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < block; ++i) {
      bits |= characters[i];
    }
    return bits;
  }

  [[nodiscard]] static std::span<const std::uint32_t> without_zeros_behind(std::span<const std::uint32_t> text) {
    std::size_t end = text.size() % block;  // of the blocks that are not all zeros; memory is read forwards
    for (std::size_t i = end; i < text.size(); i += block) {
      end = bits_of(text.data() + i) == 0 ? end : i + block;
    }
    text = text.first(end);
    while (!text.empty() && text.back() == 0) {
      text = text.first(text.size() - 1);
    }
    return text;
  }

  /// Returns where it ends.
  static char* write(std::span<const std::uint32_t> text, char* to) {
    std::size_t i = 0;
    while (i < text.size()) {
      if (i + block <= text.size() && bits_of(text.data() + i) < 0x80) {
        for (std::size_t k = 0; k < block; ++k) {
          to[k] = static_cast<char>(text[i + k]);
        }
        to += block;
        i += block;
        continue;
      }
      const std::uint32_t character = text[i++];
      if ((character >= 0xD800 && character < 0xE000) || character > 0x10FFFF) {
        refuse(text);
      }
      to += offramp::text::encode_utf8(character, to);
    }
    return to;
  }

  /// As Python refuses to encode it.
  [[noreturn]] static void refuse(std::span<const std::uint32_t> text) {
    int order = 0;  // the machine's
    const auto string =
        nb::steal(PyUnicode_DecodeUTF32(reinterpret_cast<const char*>(text.data()),
                                        static_cast<Py_ssize_t>(text.size_bytes()), "surrogatepass", &order));
    if (string.is_valid()) {
      (void)text_of(string);
    }
    throw nb::python_error();
  }

  std::vector<char> bytes_;
  std::vector<std::string_view> views_;
};

}  // namespace offramp_python
