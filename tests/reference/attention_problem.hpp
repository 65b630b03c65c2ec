// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "naive.hpp"

#include <offramp/nn/kernels.hpp>

#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace naive {

/// What relative positions add to scores: numbers [places, size] for keys and queries, or none for either.
struct position_problem {
  offramp::nn::relative_places places;
  std::vector<float> keys;
  std::vector<float> queries;

  [[nodiscard]] std::size_t terms() const { return 1U + (keys.empty() ? 0U : 1U) + (queries.empty() ? 0U : 1U); }

  /// As kernels of that layout see it.
  [[nodiscard]] offramp::nn::head_positions pack(const offramp::nn::layout& layout, std::size_t size) const {
    offramp::nn::head_positions packed;
    const auto row = [&](const std::vector<float>& table, std::size_t place) {
      return std::span(table).subspan(place * size, size);
    };
    if (!keys.empty()) {
      packed.keys = {layout, places.size(), size};
    }
    if (!queries.empty()) {
      packed.queries = {places.size(), size};
    }
    for (std::size_t place = 0; place < places.size(); ++place) {
      if (!keys.empty()) {
        packed.keys.set_row(place, row(keys, place));
      }
      if (!queries.empty()) {
        packed.queries.set_row(place, row(queries, place));
      }
    }
    return packed;
  }

  /// What is added to the score of each key for each query of the head, on paper.
  [[nodiscard]] std::vector<double> added(const offramp::nn::attention_head& head) const {
    std::vector<double> sums(head.queries * head.tokens);
    const double scale = 1.0 / std::sqrt(static_cast<double>(head.size * terms()));
    const auto product = [&](const float* vector, const std::vector<float>& table, std::ptrdiff_t distance) {
      double sum = 0.0;
      for (std::size_t i = 0; i < head.size && !table.empty(); ++i) {
        sum += static_cast<double>(vector[i]) *
               static_cast<double>(table[places.of_distances()[distance] * head.size + i]);
      }
      return sum;
    };
    for (std::size_t q = 0; q < head.queries; ++q) {
      for (std::size_t k = 0; k < head.tokens; ++k) {
        const std::ptrdiff_t distance = static_cast<std::ptrdiff_t>(k) - static_cast<std::ptrdiff_t>(q);
        sums[q * head.tokens + k] = scale * product(head.query + q * head.query_stride, keys, distance) +
                                    product(head.key + k * head.key_value_stride, queries, -distance);
      }
    }
    return sums;
  }
};

/// One head among others: random queries, keys and values of `size`, whose rows lie `stride` apart.
struct attention_problem {
  std::size_t queries;
  std::size_t tokens;
  std::size_t size;
  std::size_t stride = size;
  std::vector<float> query = random_values(queries * stride, 1);
  std::vector<float> key = random_values(tokens * stride, 2);
  std::vector<float> value = random_values(tokens * stride, 3);
  std::vector<float> bias = {};  // [queries - 1 + tokens], by key - query; empty: none
  std::optional<position_problem> positions = {};

  /// The head as kernels see it, with its contexts at `context` [queries, stride].
  [[nodiscard]] offramp::nn::attention_head head(float* context) const {
    return {.query = query.data(),
            .queries = queries,
            .query_stride = stride,
            .key = key.data(),
            .value = value.data(),
            .tokens = tokens,
            .key_value_stride = stride,
            .size = size,
            .context = context,
            .context_stride = stride,
            .bias = bias.empty() ? nullptr : bias.data() + (queries - 1),
            .terms = positions ? positions->terms() : 1};
  }

  /// The contexts by `kernels`; `untouched` between them.
  [[nodiscard]] std::vector<float> run(const offramp::nn::kernels& kernels, float untouched = 0.0F) const {
    std::vector<float> context(queries * stride, untouched);
    offramp::nn::attention_scratch scratch;
    offramp::nn::attention_head seen = head(context.data());
    offramp::nn::head_positions packed;
    if (positions) {
      packed = positions->pack(kernels.position_layout, size);
      seen.places = &positions->places;
      seen.positions = &packed;
    }
    kernels.attend(seen, scratch);
    return context;
  }

  /// The contexts on paper, [queries, size].
  [[nodiscard]] std::vector<double> expected() const {
    const offramp::nn::attention_head seen = head(nullptr);
    return attend(seen, positions ? positions->added(seen) : std::vector<double>());
  }
};

/// The same with a random bias.
inline attention_problem with_bias(attention_problem problem) {
  problem.bias = random_values(problem.queries - 1 + problem.tokens, 4);
  return problem;
}

enum class position_terms { keys, queries, both };

/// The same with random relative positions, of which the texts may be longer by a few tokens.
inline attention_problem with_positions(attention_problem problem, const offramp::nn::relative_range& range,
                                        position_terms terms = position_terms::both) {
  position_problem positions{{range, problem.tokens + 3}, {}, {}};
  const std::size_t numbers = positions.places.size() * problem.size;
  positions.keys = random_values(terms == position_terms::queries ? 0 : numbers, 5);
  positions.queries = random_values(terms == position_terms::keys ? 0 : numbers, 6);
  for (float& number : positions.queries) {
    number /= std::sqrt(static_cast<float>(problem.size * positions.terms()));
  }
  problem.positions = std::move(positions);
  return problem;
}

}  // namespace naive
