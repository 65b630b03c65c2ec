// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <offramp/study/curve_study.hpp>
#include <offramp/study/dataset.hpp>
#include <offramp/study/replay.hpp>
#include <offramp/text/unicode/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail {

/// The beginning of a text, in whole characters.
[[nodiscard]] inline std::string cut_text(std::string_view whole) {
  constexpr std::size_t most_bytes = 240;
  std::size_t end = 0;
  while (end < whole.size() && end < most_bytes) {
    end += text::decode(whole, end).length;
  }
  return std::string(whole.substr(0, end)) + (end < whole.size() ? " \u2026" : "");
}

/// The labels that are given, or are right, of one text.
template <class IsOne>
[[nodiscard]] std::string labels_where(std::span<const std::string> labels, const IsOne& is_one) {
  std::string names;
  for (std::size_t label = 0; label < labels.size(); ++label) {
    if (is_one(label)) {
      names += (names.empty() ? "" : ", ") + labels[label];
    }
  }
  return names;
}

/// The `count` texts that are the least by `key`, of those that are `wanted`; of equals the first.
template <class Wanted, class Key>
[[nodiscard]] std::vector<std::size_t> least_texts(std::size_t num_texts, std::size_t count, const Wanted& wanted,
                                                   const Key& key) {
  std::vector<std::size_t> found;
  for (std::size_t text = 0; text < num_texts; ++text) {
    if (wanted(text)) {
      found.push_back(text);
    }
  }
  std::ranges::stable_sort(found, std::ranges::less(), key);
  found.resize(std::min(found.size(), count));
  return found;
}

/// Texts worth reading, under these answers.
[[nodiscard]] inline text_examples find_examples(const replay& texts, const dataset& data,
                                                 std::span<const std::string> labels,
                                                 std::span<const exit_answer> answers, std::size_t count) {
  const std::size_t last = texts.num_exits() - 1;
  const auto example_of = [&](std::size_t text) {
    const exit_answer& answer = answers[text];
    const labelled_text& given = data.texts[text];
    return text_example{
        .text = cut_text(given.second ? given.first + " / " + *given.second : given.first),
        .layer = texts.exits()[answer.exit].layer,
        .right = labels_where(labels, [&](std::size_t label) { return texts.is_right_label(text, label); }),
        .given = labels_where(labels, [&](std::size_t label) { return texts.gives(answer.exit, text, label); }),
        .confidence = answer.confidence};
  };
  const auto examples = [&](const std::vector<std::size_t>& chosen) {
    std::vector<text_example> made;
    for (const std::size_t text : chosen) {
      made.push_back(example_of(text));
    }
    return made;
  };
  const auto any = [](std::size_t) { return true; };
  const auto is_lost = [&](std::size_t text) {
    return texts.is_right(last, text) && !texts.is_right(answers[text].exit, text);
  };
  const std::size_t n = texts.num_texts();
  return {examples(least_texts(n, count, any, [&](std::size_t text) { return -texts.answer(0, text).confidence; })),
          examples(least_texts(n, count, any, [&](std::size_t text) { return texts.answer(last, text).confidence; })),
          examples(least_texts(n, count, is_lost, [&](std::size_t text) { return -answers[text].confidence; }))};
}

}  // namespace offramp::inline OFFRAMP_ABI_NAMESPACE::study::detail
