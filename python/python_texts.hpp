// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "module.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace offramp_python {

/// The UTF-8 of a str, which lives as long as it, or the bytes of a bytes.
[[nodiscard]] inline std::string_view text_of(nb::handle value) {
  if (PyUnicode_Check(value.ptr())) {
    Py_ssize_t size = 0;
    const char* const bytes = PyUnicode_AsUTF8AndSize(value.ptr(), &size);
    if (bytes == nullptr) {
      throw nb::python_error();  // half a surrogate pair
    }
    return {bytes, static_cast<std::size_t>(size)};
  }
  if (PyBytes_Check(value.ptr())) {
    const auto bytes = nb::borrow<nb::bytes>(value);
    return {bytes.c_str(), bytes.size()};
  }
  throw nb::type_error("a text is a str or bytes, a pair a tuple of two");
}

/// The two texts of a tuple, which live as long as it.
[[nodiscard]] inline offramp::sentence_pair pair_of(nb::handle value) {
  const auto pair = nb::borrow<nb::tuple>(value);
  if (nb::len(pair) != 2) {
    throw nb::type_error("a pair is a tuple of two texts");
  }
  return {.premise = text_of(pair[0]), .hypothesis = text_of(pair[1])};
}

/// Texts or pairs of them, with the Python objects that hold them: nobody can take these away while the interpreter
/// runs on. All are of one kind.
class python_texts {
 public:
  explicit python_texts(nb::handle sequence) : held_(nb::steal<nb::tuple>(PySequence_Tuple(sequence.ptr()))) {
    if (!held_.is_valid()) {
      throw nb::python_error();
    }
    const std::size_t count = nb::len(held_);
    texts_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      add(held_[i]);
    }
    if (!pairs_.empty() && !texts_.empty()) {
      throw nb::type_error("a batch holds texts or pairs, not both");
    }
  }

  /// `use` of the span of texts, or that of pairs.
  template <class Use>
  auto visit(const Use& use) const {
    return pairs_.empty() ? use(std::span(texts_)) : use(std::span(pairs_));
  }

 private:
  void add(nb::handle value) {
    if (PyTuple_Check(value.ptr())) {
      pairs_.push_back(pair_of(value));
    } else {
      texts_.push_back(text_of(value));
    }
  }

  nb::tuple held_;
  std::vector<std::string_view> texts_;
  std::vector<offramp::sentence_pair> pairs_;
};

}  // namespace offramp_python
