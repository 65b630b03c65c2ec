// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/certificate.hpp>
#include <offramp/error.hpp>
#include <offramp/load_options.hpp>
#include <offramp/prediction.hpp>
#include <offramp/version.hpp>

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

namespace detail {

/// What files call the values of an enumeration.
template <class Value, std::size_t N>
using name_table = std::array<std::pair<std::string_view, Value>, N>;

/// Empty where the table has no such value.
template <class Value, std::size_t N>
[[nodiscard]] constexpr std::string_view name_in(const name_table<Value, N>& names, Value value) noexcept {
  for (const auto& [name, named] : names) {
    if (named == value) {
      return name;
    }
  }
  return {};
}

template <class Value, std::size_t N>
[[nodiscard]] constexpr std::optional<Value> value_in(const name_table<Value, N>& names,
                                                      std::string_view wanted) noexcept {
  for (const auto& [name, named] : names) {
    if (name == wanted) {
      return named;
    }
  }
  return {};
}

inline constexpr name_table<error_kind, 5> error_kind_names{{{"io", error_kind::io},
                                                             {"bad_model", error_kind::bad_model},
                                                             {"bad_data", error_kind::bad_data},
                                                             {"unsupported", error_kind::unsupported},
                                                             {"invalid_argument", error_kind::invalid_argument}}};
inline constexpr name_table<numeric_format, 3> numeric_format_names{
    {{"float32", numeric_format::float32}, {"bfloat16", numeric_format::bfloat16}, {"int8", numeric_format::int8}}};
inline constexpr name_table<stop_reason, 5> stop_reason_names{{{"confident", stop_reason::confident},
                                                               {"last_exit", stop_reason::last_exit},
                                                               {"deadline", stop_reason::deadline},
                                                               {"layer_limit", stop_reason::layer_limit},
                                                               {"cancelled", stop_reason::cancelled}}};
inline constexpr name_table<certified_loss, 3> certified_loss_names{{{"disagreement", certified_loss::disagreement},
                                                                     {"accuracy-drop", certified_loss::accuracy_drop},
                                                                     {"error", certified_loss::error}}};
inline constexpr name_table<certified_scope, 2> certified_scope_names{
    {{"overall", certified_scope::overall}, {"every-exit", certified_scope::every_exit}}};

}  // namespace detail

/// What the command, the service and `exits.json` call a value; empty for a number that is none of the enumeration.
[[nodiscard]] constexpr std::string_view name_of(error_kind kind) noexcept {
  return detail::name_in(detail::error_kind_names, kind);
}
[[nodiscard]] constexpr std::string_view name_of(numeric_format format) noexcept {
  return detail::name_in(detail::numeric_format_names, format);
}
[[nodiscard]] constexpr std::string_view name_of(stop_reason reason) noexcept {
  return detail::name_in(detail::stop_reason_names, reason);
}
[[nodiscard]] constexpr std::string_view name_of(certified_loss loss) noexcept {
  return detail::name_in(detail::certified_loss_names, loss);
}
[[nodiscard]] constexpr std::string_view name_of(certified_scope scope) noexcept {
  return detail::name_in(detail::certified_scope_names, scope);
}

/// The value of that name, as name_of gives it; nothing where there is none.
[[nodiscard]] constexpr std::optional<numeric_format> numeric_format_named(std::string_view name) noexcept {
  return detail::value_in(detail::numeric_format_names, name);
}
[[nodiscard]] constexpr std::optional<certified_loss> certified_loss_named(std::string_view name) noexcept {
  return detail::value_in(detail::certified_loss_names, name);
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
