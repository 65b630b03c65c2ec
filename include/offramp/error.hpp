// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/version.hpp>

#include <stdexcept>
#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// What went wrong, for callers that react to it.
enum class error_kind {
  io,                ///< a file is missing, unreadable or shorter than it was a moment ago
  bad_model,         ///< a model file contradicts itself, another file, or the format
  bad_data,          ///< a file of labelled texts is not in its format, or lacks what was asked of it
  unsupported,       ///< well-formed, but not something this build of offramp can run
  invalid_argument,  ///< a value given by the caller is outside its documented range
};

/// The only exception type thrown by offramp on purpose (std::bad_alloc may pass through). `what()` names the file, the
/// tensor or field, what was found and what was expected.
class OFFRAMP_API error : public std::runtime_error {
 public:
  error(error_kind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}

  [[nodiscard]] error_kind kind() const noexcept { return kind_; }

 private:
  error_kind kind_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
