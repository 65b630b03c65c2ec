// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/detail/ascii.hpp>
#include <offramp/error.hpp>
#include <offramp/model/json_object.hpp>
#include <offramp/nn/relative_places.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model {

/// DeBERTa's attention as `config.json` describes it: scores are sums of products, some of them with one table of
/// relative embeddings that every layer projects for itself.
struct relative_attention {
  /// Whether queries meet projected positions as keys (c2p), and keys them as queries (p2c): each is a term of the
  /// scores' scale, also where the table is not used.
  bool has_keys = false;
  bool has_queries = false;
  bool is_used = false;
  bool shares_projections = false;  ///< those of the layer's own keys and queries; else it has some for positions
  bool normalizes_table = false;
  nn::relative_range range;

  [[nodiscard]] int terms() const noexcept { return 1 + (has_keys ? 1 : 0) + (has_queries ? 1 : 0); }
  [[nodiscard]] bool has_table() const noexcept { return is_used && (has_keys || has_queries); }
};

namespace detail {

/// The parts of "p2c|c2p", or of a list of such names.
[[nodiscard]] inline std::vector<std::string> read_names(const std::optional<json_place>& place) {
  if (!place) {
    return {};
  }
  if (place->value().is_array()) {
    return place->array(0, 16, [](const json_place& name) { return name.text(); });
  }
  std::vector<std::string> names{""};
  for (const char c : place->text()) {
    if (c == '|') {
      names.emplace_back();
    } else if (c != ' ') {
      names.back() += offramp::detail::ascii_lowercase(c);
    }
  }
  return names;
}

[[noreturn]] inline void refuse_setting(const json_place& place, const std::string& expected) {
  throw error(error_kind::unsupported, place.describe() + " is " + place.value().dump() + ", expected " + expected);
}

[[nodiscard]] inline bool read_flag(json_object& object, const char* key, bool otherwise) {
  const std::optional<json_place> place = object.find(key);
  return place ? place->boolean() : otherwise;
}

/// What of the file would change the forward pass in ways that are not offered.
inline void refuse_unsupported_attention(json_object& object, int hidden_size, int num_heads) {
  const auto expect = [&](const char* key, int expected, const std::string& why) {
    if (const auto size = object.find(key); size && size->integer(0, 1 << 20) != expected) {
      refuse_setting(*size, std::to_string(expected) + why);
    }
  };
  expect("conv_kernel_size", 0, ": convolutions are not supported");
  expect("attention_head_size", hidden_size / num_heads, ", hidden_size by num_attention_heads");
  expect("pooler_hidden_size", hidden_size, " as hidden_size");
}

/// `max_relative_positions` and `position_buckets`, neither of which need be there or positive.
[[nodiscard]] inline nn::relative_range read_relative_range(json_object& object, int max_positions) {
  constexpr std::int64_t lowest = INT32_MIN;
  constexpr std::int64_t highest = 1 << 20;
  const auto number = [&](const char* key) {
    const std::optional<json_place> place = object.find(key);
    return place ? place->integer(lowest, highest) : -1;
  };
  const std::int64_t longest = number("max_relative_positions");
  nn::relative_range range{
      .buckets = static_cast<std::ptrdiff_t>(std::max<std::int64_t>(number("position_buckets"), 0)),
      .longest = static_cast<std::ptrdiff_t>(longest < 1 ? max_positions : longest)};
  const bool has_no_logarithm = range.longest - 1 <= range.exact() && max_positions - 1 > range.exact();
  if (range.buckets == 1 || (range.buckets > 0 && has_no_logarithm)) {
    object.require("position_buckets")
        .refuse(range.buckets == 1
                    ? "another number than 1"
                    : "less than twice max_relative_positions - 1, " + std::to_string(2 * (range.longest - 1)));
  }
  return range;
}

}  // namespace detail

/// Throws `bad_model`, and `unsupported` by the name of the field for what is not offered.
[[nodiscard]] inline relative_attention read_relative_attention(json_object& object, int hidden_size, int num_heads,
                                                                int max_positions) {
  detail::refuse_unsupported_attention(object, hidden_size, num_heads);
  relative_attention result;
  for (const std::string& name : detail::read_names(object.find("pos_att_type"))) {
    if (name != "c2p" && name != "p2c" && name != "none" && !name.empty()) {
      detail::refuse_setting(object.require("pos_att_type"), "\"c2p\" and \"p2c\" in it");
    }
    result.has_keys = result.has_keys || name == "c2p";
    result.has_queries = result.has_queries || name == "p2c";
  }
  for (const std::string& name : detail::read_names(object.find("norm_rel_ebd"))) {
    if (name != "layer_norm" && name != "none" && !name.empty()) {
      detail::refuse_setting(object.require("norm_rel_ebd"), "\"layer_norm\" or \"none\"");
    }
    result.normalizes_table = result.normalizes_table || name == "layer_norm";
  }
  result.is_used = detail::read_flag(object, "relative_attention", false);
  result.shares_projections = detail::read_flag(object, "share_att_key", false);
  if (result.has_table()) {
    result.range = detail::read_relative_range(object, max_positions);
  }
  return result;
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::model
