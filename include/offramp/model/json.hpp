// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/error.hpp>
#include <offramp/model/c_locale.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// How deep arrays and objects may be nested; the files of a model need about ten levels.
inline constexpr std::size_t json_depth_limit = 64;

/// A parsed JSON text. nlohmann's destructor of nested values allocates memory, and ends the process where there is
/// none; a document empties its values from the innermost outwards, which needs none.
class json_document {
 public:
  json_document() = default;
  json_document(json_document&& other) noexcept : root_(std::exchange(other.root_, nullptr)) {}
  json_document& operator=(json_document&& other) noexcept {
    std::swap(root_, other.root_);
    return *this;
  }
  ~json_document() { empty(root_); }

  [[nodiscard]] const nlohmann::json& root() const noexcept { return root_; }

 private:
  friend class json_builder;

  // Recursion no deeper than json_depth_limit.
  static void empty(nlohmann::json& value) noexcept {
    if (auto* array = value.get_ptr<nlohmann::json::array_t*>()) {
      for (nlohmann::json& element : *array) {
        empty(element);
      }
      array->clear();
    } else if (auto* object = value.get_ptr<nlohmann::json::object_t*>()) {
      for (auto& [key, member] : *object) {
        empty(member);
      }
      object->clear();
    }
  }

  nlohmann::json root_;
};

/// Makes a document of what nlohmann's parser finds; the members are those that it asks for.
class json_builder {
 public:
  using json = nlohmann::json;

  /// `name`: of the file, for error messages.
  explicit json_builder(const std::string& name) : name_(name) {}

  [[nodiscard]] json_document finish() && { return std::move(document_); }

  bool null() { return add(nullptr); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(json::number_integer_t value) { return add(value); }
  bool number_unsigned(json::number_unsigned_t value) { return add(value); }
  bool number_float(json::number_float_t value, const std::string& /*digits*/) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(json::binary_t& /*value*/) { return false; }  // JSON as text has none
  bool start_object(std::size_t /*size*/) { return open(json::value_t::object); }
  bool start_array(std::size_t /*size*/) { return open(json::value_t::array); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }

  bool key(std::string& key) {
    const auto [member, is_new] = open_.back()->get_ref<json::object_t&>().try_emplace(std::move(key));
    if (!is_new) {
      throw error(error_kind::bad_model, name_ + ": key \"" + member->first + "\" stands twice in one object");
    }
    member_ = &member->second;
    return true;
  }

  bool parse_error(std::size_t /*position*/, const std::string& /*token*/, const json::exception& problem) {
    throw error(error_kind::bad_model, name_ + ": is not valid JSON: " + problem.what());
  }

 private:
  /// The place of the next value: the whole document, an array's new last element, or the member that was named last.
  [[nodiscard]] json& next() {
    if (open_.empty()) {
      return document_.root_;
    }
    auto* array = open_.back()->get_ptr<json::array_t*>();
    return array != nullptr ? array->emplace_back() : *member_;
  }

  template <class Value>
  bool add(Value value) {
    next() = json(std::move(value));
    return true;
  }

  bool open(json::value_t kind) {
    if (open_.size() == json_depth_limit) {
      throw error(error_kind::bad_model,
                  name_ + ": is nested deeper than " + std::to_string(json_depth_limit) + " levels");
    }
    json& place = next();
    place = json(kind);
    open_.push_back(&place);
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  const std::string& name_;
  json_document document_;
  std::vector<json*> open_;  // objects and arrays that have not ended, the innermost last
  json* member_ = nullptr;
};

/// Parses the whole of `content`, found in the file `name`. Throws `bad_model` on anything that is not exactly one JSON
/// value, on ill-formed UTF-8, on nesting deeper than json_depth_limit, and on an object with the same key twice.
[[nodiscard]] inline json_document parse_json(const std::string& content, const std::string& name) {
  // The parser takes a NUL for the end of the text; no JSON text holds one.
  if (const std::size_t position = content.find('\0'); position != std::string::npos) {
    throw error(error_kind::bad_model, name + ": is not valid JSON: byte " + std::to_string(position) + " is NUL");
  }
  const c_locale numbers_as_in_json;
  json_builder builder(name);
  static_cast<void>(nlohmann::json::sax_parse(content, &builder));  // the builder throws
  return std::move(builder).finish();
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
