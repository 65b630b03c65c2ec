// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/version.hpp>

#include <string>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text {

/// Throws `unsupported` for a field whose value is well-formed and not offered.
[[noreturn]] inline void refuse_unsupported(const model::json_place& where, const std::string& supported) {
  const auto& value = where.value();
  const std::string found = value.is_string() || value.is_boolean() || value.is_number()
                                ? value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
                                : value.type_name();
  throw error(error_kind::unsupported, where.describe() + " is " + found + ", supported is " + supported);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::text
