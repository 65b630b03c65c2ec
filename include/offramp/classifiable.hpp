// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/encoding.hpp>
#include <offramp/sentence_pair.hpp>
#include <offramp/version.hpp>

#include <concepts>
#include <cstddef>
#include <optional>
#include <ranges>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE {

/// Something that can be classified: a text (whatever converts to std::string_view), a sentence_pair, or token ids.
/// Braced lists are not: `classify({"a", "b"})` does not compile, because a list of two texts would read as one of
/// them.
template <class T>
concept classifiable = (std::convertible_to<const T&, std::string_view> && !std::same_as<T, std::nullptr_t>) ||
                       std::same_as<T, sentence_pair> || std::same_as<T, encoding>;

/// A batch: a forward range of such elements that is not itself a text, also one that makes its elements as it goes,
/// like `std::views::transform`.
template <class Range>
concept classifiable_range = std::ranges::forward_range<Range> && !classifiable<std::remove_cvref_t<Range>> &&
                             classifiable<std::remove_cvref_t<std::ranges::range_reference_t<Range>>>;

namespace detail {

/// One text, pair or encoding of the caller, borrowed for the length of a call.
struct input_view {
  std::string_view first;
  std::optional<std::string_view> second;
  const encoding* tokens = nullptr;
  bool is_null = false;  // a null pointer, which is refused where its index is known
};

template <classifiable Input>
[[nodiscard]] input_view view(const Input& input) {
  if constexpr (std::same_as<Input, sentence_pair>) {
    return {.first = input.premise, .second = input.hypothesis};
  } else if constexpr (std::same_as<Input, encoding>) {
    return {.first = {}, .second = {}, .tokens = &input};
  } else {
    if constexpr (std::is_pointer_v<Input>) {
      if (input == nullptr) {
        return {.first = {}, .second = {}, .is_null = true};
      }
    }
    return {.first = std::string_view(input), .second = {}};
  }
}

/// A batch of any supported element type, borrowed for the length of a call.
struct batch_view {
  const void* elements = nullptr;
  std::size_t size = 0;
  input_view (*at)(const void* elements, std::size_t index) = nullptr;
};

/// A range whose elements lie side by side, so that they need no list of views.
template <class Range>
concept side_by_side = std::ranges::contiguous_range<Range> && std::ranges::sized_range<Range>;

template <side_by_side Inputs>
[[nodiscard]] batch_view view_batch(Inputs& inputs) {
  using element = std::ranges::range_value_t<Inputs>;
  return {std::ranges::data(inputs), static_cast<std::size_t>(std::ranges::size(inputs)),
          [](const void* elements, std::size_t index) { return view(static_cast<const element*>(elements)[index]); }};
}

/// The views of any other range, and its elements where they exist only as long as someone holds them.
template <class Inputs>
class gathered_batch {
 public:
  explicit gathered_batch(Inputs& inputs) {
    if constexpr (std::is_lvalue_reference_v<reference>) {
      for (const element& input : inputs) {
        views_.push_back(detail::view(input));
      }
    } else {
      for (reference input : inputs) {
        kept_.push_back(std::move(input));
      }
      for (const element& input : kept_) {
        views_.push_back(detail::view(input));
      }
    }
  }

  [[nodiscard]] batch_view view() const {
    return {views_.data(), views_.size(),
            [](const void* views, std::size_t index) { return static_cast<const input_view*>(views)[index]; }};
  }

 private:
  using reference = std::ranges::range_reference_t<Inputs>;
  using element = std::remove_cvref_t<reference>;

  std::vector<element> kept_;
  std::vector<input_view> views_;
};

/// Calls `use` with the view of a batch, which ends with the call.
template <class Inputs, class Use>
auto with_view(Inputs& inputs, const Use& use) {
  if constexpr (side_by_side<Inputs>) {
    return use(view_batch(inputs));
  } else {
    const gathered_batch<Inputs> gathered(inputs);
    return use(gathered.view());
  }
}

}  // namespace detail

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE
