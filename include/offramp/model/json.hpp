// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <set>
#include <string>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// How deep arrays and objects may be nested; the files of a model need about ten levels.
inline constexpr std::size_t json_depth_limit = 64;

/// Parses the whole of `content`, found in the file `name`. Throws `bad_model` on anything that is not exactly one JSON
/// value, on ill-formed UTF-8, on nesting deeper than json_depth_limit, and on an object with the same key twice.
[[nodiscard]] inline nlohmann::json parse_json(const std::string& content, const std::string& name) {
  using json = nlohmann::json;
  std::vector<std::set<std::string>> keys;  // of every open object; arrays have an empty set
  const auto inspect = [&](int, json::parse_event_t event, json& parsed) {
    switch (event) {
      case json::parse_event_t::object_start:
      case json::parse_event_t::array_start:
        if (keys.size() == json_depth_limit) {
          throw error(error_kind::bad_model,
                      name + ": is nested deeper than " + std::to_string(json_depth_limit) + " levels");
        }
        keys.emplace_back();
        break;
      case json::parse_event_t::object_end:
      case json::parse_event_t::array_end:
        keys.pop_back();
        break;
      case json::parse_event_t::key:
        if (const auto& key = parsed.get_ref<const std::string&>(); !keys.back().insert(key).second) {
          throw error(error_kind::bad_model, name + ": key \"" + key + "\" stands twice in one object");
        }
        break;
      case json::parse_event_t::value:
        break;
    }
    return true;
  };
  // The parser takes a NUL for the end of the text; no JSON text holds one.
  if (const std::size_t position = content.find('\0'); position != std::string::npos) {
    throw error(error_kind::bad_model, name + ": is not valid JSON: byte " + std::to_string(position) + " is NUL");
  }
  try {
    return json::parse(content, inspect);
  } catch (const json::exception& failure) {
    throw error(error_kind::bad_model, name + ": is not valid JSON: " + failure.what());
  }
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
