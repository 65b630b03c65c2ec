// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/json.hpp>

#include <nlohmann/json.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// One JSON value and the place where it stands ("models/a/exits.json: exits[2].layer"), for error messages.
/// Refers to a document that must outlive it.
class json_place {
 public:
  json_place(const json_document& document, std::string file) : json_place(document.root(), std::move(file)) {}
  json_place(const nlohmann::json& value, std::string file) : value_(value), file_(std::move(file)) {}

  [[nodiscard]] const nlohmann::json& value() const noexcept { return value_; }

  /// The member `key` of this object.
  [[nodiscard]] json_place member(const std::string& key) const {
    return {value_.get().at(key), file_, path_.empty() ? key : path_ + "." + key};
  }

  /// The element `index` of this array.
  [[nodiscard]] json_place element(std::size_t index) const {
    return {value_.get().at(index), file_, path_ + "[" + std::to_string(index) + "]"};
  }

  /// "<file>: <path>", the start of an error message.
  [[nodiscard]] std::string describe() const { return path_.empty() ? file_ : file_ + ": " + path_; }

  [[noreturn]] void refuse(const std::string& expected) const {
    std::string found = value_.get().dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (found.size() > 60) {
      found = std::string("a longer ") + value_.get().type_name();
    }
    throw error(error_kind::bad_model, describe() + " is " + found + ", expected " + expected);
  }

  /// An integer (1.0 is none) within [lowest, highest].
  [[nodiscard]] std::int64_t integer(std::int64_t lowest, std::int64_t highest) const {
    const nlohmann::json& v = value_;
    const bool fits =
        v.is_number_integer() && !(v.is_number_unsigned() && v.get<std::uint64_t>() > std::uint64_t{INT64_MAX});
    if (!fits || v.get<std::int64_t>() < lowest || v.get<std::int64_t>() > highest) {
      refuse("an integer from " + std::to_string(lowest) + " to " + std::to_string(highest));
    }
    return v.get<std::int64_t>();
  }

  /// A number within [lowest, highest], which float32 must be able to hold.
  [[nodiscard]] float number(double lowest, double highest) const {
    const nlohmann::json& v = value_;
    const double found = v.is_number() ? v.get<double>() : std::numeric_limits<double>::quiet_NaN();
    if (!(found >= lowest && found <= highest)) {
      refuse("a number from " + nlohmann::json(lowest).dump() + " to " + nlohmann::json(highest).dump());
    }
    return static_cast<float>(found);
  }

  /// Any number that float32 can hold as a finite value.
  [[nodiscard]] float number() const {
    constexpr double largest = 3.4028235e38;  // the highest float in its shortest digits, which are a little more
    return number(-largest, largest);
  }

  [[nodiscard]] bool boolean() const {
    if (!value_.get().is_boolean()) {
      refuse("true or false");
    }
    return value_.get().get<bool>();
  }

  [[nodiscard]] const std::string& text() const {
    if (!value_.get().is_string()) {
      refuse("a string");
    }
    return value_.get().get_ref<const std::string&>();
  }

  /// The elements of an array with lowest..highest of them, each passed through `read(json_place)`.
  template <typename Read>
  [[nodiscard]] auto array(std::size_t lowest, std::size_t highest, const Read& read) const {
    const std::size_t count = value_.get().is_array() ? value_.get().size() : 0;
    if (!value_.get().is_array() || count < lowest || count > highest) {
      refuse("an array of " +
             (lowest == highest ? std::to_string(lowest) : std::to_string(lowest) + " to " + std::to_string(highest)) +
             " elements");
    }
    std::vector<decltype(read(*this))> elements;
    elements.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      elements.push_back(read(element(i)));
    }
    return elements;
  }

 private:
  json_place(const nlohmann::json& value, std::string file, std::string path)
      : value_(value), file_(std::move(file)), path_(std::move(path)) {}

  std::reference_wrapper<const nlohmann::json> value_;
  std::string file_;
  std::string path_;
};

/// A JSON object whose members are asked for by name; afterwards `refuse_unknown` finds the ones nobody asked for.
class json_object {
 public:
  /// Throws `bad_model` when the value is no object.
  explicit json_object(json_place place) : place_(std::move(place)) {
    if (!place_.value().is_object()) {
      place_.refuse("an object");
    }
  }

  [[nodiscard]] const json_place& place() const noexcept { return place_; }

  /// The member `key`, or nothing where it is missing or null.
  [[nodiscard]] std::optional<json_place> find(const std::string& key) {
    known_.insert(key);
    const auto found = place_.value().find(key);
    if (found == place_.value().end() || found->is_null()) {
      return std::nullopt;
    }
    return place_.member(key);
  }

  /// The member `key`. Throws `bad_model` where it is missing or null.
  [[nodiscard]] json_place require(const std::string& key) {
    std::optional<json_place> found = find(key);
    if (!found) {
      throw error(error_kind::bad_model, place_.describe() + ": field \"" + key + "\" is missing");
    }
    return *std::move(found);
  }

  /// Throws `bad_model` when the object has a member that was never asked for: a misspelt key would otherwise change
  /// behaviour silently.
  void refuse_unknown() const {
    for (const auto& [key, value] : place_.value().items()) {
      if (!known_.contains(key)) {
        throw error(error_kind::bad_model, place_.describe() + ": field \"" + key + "\" is not known");
      }
    }
  }

 private:
  json_place place_;
  std::set<std::string> known_;
};

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
